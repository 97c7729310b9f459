"""Ask a SageMaker endpoint for the paths of titles.

python invoke.py ENDPOINT [--target tr.tar.gz] TITLE...
"""

import argparse
import json

import boto3


def main() -> None:
    """Print the confidence and the path of each title."""
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("titles", nargs="+")
    parser.add_argument("--target", help="the archive to ask, at an endpoint of many models")
    parser.add_argument("--top-k", type=int, default=1)
    parser.add_argument("--endpoint-url", help="the address of a server other than SageMaker's")
    options = parser.parse_args()
    client = boto3.client("sagemaker-runtime", endpoint_url=options.endpoint_url)
    answer = client.invoke_endpoint(
        EndpointName=options.endpoint,
        ContentType="application/json",
        Accept="application/json",
        Body=json.dumps({"instances": options.titles, "top_k": options.top_k}),
        **({"TargetModel": options.target} if options.target else {}),
    )
    predictions = json.loads(answer["Body"].read())["predictions"]
    for title, prediction in zip(options.titles, predictions, strict=True):
        path = " > ".join(prediction["path"])
        print(f"{prediction['confidence']:.2f}  {path}  <- {title}")


if __name__ == "__main__":
    main()
