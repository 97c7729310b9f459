"""What the jobs of a country ask S3 for, beside what their roles allow."""

import os
import subprocess
import sys
from fnmatch import fnmatchcase
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest

from prodcat.pipeline.countries import read_countries
from prodcat.pipeline.s3_access import access_of


def run(home, step, proxy):
    config = "s3://shop-jobs/countries.toml"
    environment = os.environ | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}",
        "AWS_ACCESS_KEY_ID": proxy.server.key,
        "AWS_SECRET_ACCESS_KEY": proxy.server.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "PRODCAT_CACHE": str(home / "cache"),
    }
    command = [sys.executable, "-m", "prodcat.aws.batch", "pipeline", "run", "nl", "--step", step]
    command += ["--config", config, "--run", "one", "--summary", f"s3://shop-jobs/nl/{step}.json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def buckets(on_aws, home, proxy):
    client = boto3.client(
        "s3",
        endpoint_url=proxy.server.options["endpoint_url"],
        aws_access_key_id=proxy.server.key,
        aws_secret_access_key=proxy.server.secret,
        region_name="us-east-1",
    )
    for name in ("shop-jobs", "shop-data", "shop-models"):
        client.create_bucket(Bucket=name)
    for path in (home / "data/nl").rglob("*.csv"):
        client.upload_file(str(path), "shop-data", path.relative_to(home / "data").as_posix())
    client.upload_file(str(home / "countries.toml"), "shop-jobs", "countries.toml")
    proxy.reset_counts()
    yield
    for name in ("shop-jobs", "shop-data", "shop-models"):
        for entry in client.list_objects_v2(Bucket=name).get("Contents", []):
            client.delete_object(Bucket=name, Key=entry["Key"])
        client.delete_bucket(Bucket=name)


def test_the_jobs_ask_for_what_their_roles_allow(buckets, home, proxy):
    countries = read_countries(str(home / "countries.toml"))
    [country] = countries.named("nl")
    for step in ("train", "score"):
        proxy.reset_counts()
        run(home, step, proxy)
        access = access_of(countries, country, step, "s3://shop-jobs/countries.toml")
        refused = [
            (method, path)
            for method, path, _ in proxy.requests
            if not allowed(access, method, path)
        ]
        assert not refused
        assert len(proxy.requests) > 10
        assert not allowed(access, "GET", "/shop-data/tr/labelled.csv")
        assert not allowed(access, "GET", "/shop-models?list-type=2&prefix=all%2Ftr%2F")
        assert not allowed(access, "GET", "/shop-jobs?list-type=2&prefix=")


def allowed(access, method, path):
    """Whether the role allows a request, as S3 would judge it."""
    parts = urlsplit(path)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    query = parse_qs(parts.query, keep_blank_values=True)
    if not key and method == "POST" and "delete" in query:
        return True  # the keys are in the body; s3:DeleteObject is asked for each
    if not key:  # a listing
        [prefix] = query.get("prefix", [""])
        return any(fnmatchcase(prefix, pattern) for pattern in access.listed.get(bucket, ()))
    places = access.read if method in ("GET", "HEAD") else access.written
    return any(fnmatchcase(f"{bucket}/{key}", place) for place in places)
