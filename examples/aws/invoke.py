"""Ask an endpoint: python invoke.py ENDPOINT [--target tr.tar.gz] TITLE..."""

import argparse
import json

import boto3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("titles", nargs="+")
    parser.add_argument("--target", help="the model of an endpoint with many")
    parser.add_argument("--top-k", type=int, default=1)
    parser.add_argument("--endpoint-url", help="of another server than SageMaker's")
    options = parser.parse_args()
    client = boto3.client("sagemaker-runtime", endpoint_url=options.endpoint_url)
    answer = client.invoke_endpoint(
        EndpointName=options.endpoint,
        ContentType="application/json",
        Accept="application/json",
        Body=json.dumps({"instances": options.titles, "top_k": options.top_k}),
        **({"TargetModel": options.target} if options.target else {}),
    )
    for title, own in zip(
        options.titles, json.loads(answer["Body"].read())["predictions"], strict=True
    ):
        print(f"{own['confidence']:.2f}  {' > '.join(own['path'])}  <- {title}")


if __name__ == "__main__":
    main()
