"""What is deployed on AWS: images, what they install, and the rights of endpoints."""

import json
import re
from pathlib import Path

import pytest
import yaml

AWS = Path(__file__).parents[2] / "examples/aws"
KINDS = ("cpu", "gpu")


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms, such as ``!Ref X``, as lists of name and value."""


def short_form(loader, name, node):
    kinds = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: lambda node: loader.construct_sequence(node, deep=True),
        yaml.MappingNode: lambda node: loader.construct_mapping(node, deep=True),
    }
    return [name, kinds[type(node)](node)]


Loader.add_multi_constructor("!", short_form)


def statements(name):
    template = yaml.load((AWS / name).read_text(), Loader)
    role = template["Resources"]["Role"]["Properties"]
    [policy] = role["Policies"]
    plain = []
    for statement in policy["PolicyDocument"]["Statement"]:
        plain.append(statement[1][1] if isinstance(statement, list) else statement)
    return role["AssumeRolePolicyDocument"]["Statement"], plain


@pytest.mark.parametrize("kind", KINDS)
def test_images_start_from_bytes_that_are_known(kind):
    lines = (AWS / f"Dockerfile.{kind}").read_text().splitlines()
    [base] = [line for line in lines if line.startswith("FROM ")]
    assert re.fullmatch(r"FROM [\w./:-]+@sha256:[0-9a-f]{64}", base)


@pytest.mark.parametrize("kind", (*KINDS, "endpoint"))
def test_no_image_runs_as_root(kind):
    text = (AWS / f"Dockerfile.{kind}").read_text()
    users = re.findall(r"^USER (.+)$", text, re.MULTILINE)
    assert users == ([] if kind == "endpoint" else ["prodcat"])


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_an_image_needs_gets_into_its_build(kind):
    lines = (AWS / f"Dockerfile.{kind}.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "all that is not named stays out"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert let_in == {
        "LICENSE", "README.md", "pyproject.toml", "prodcat", "examples/aws/install.sh",
        "examples/aws/requirements.txt",
    }  # fmt: skip
    last = max(number for number, rule in enumerate(rules) if rule.startswith("!"))
    for secret in ("**/*.pem", "**/*.key", "**/.*"):
        assert rules.index(secret) > last, "the last rule that matches counts"


def test_every_package_of_an_image_has_its_hash():
    text = (AWS / "requirements.txt").read_text()
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(packages) > 60
    for package in packages:
        assert re.match(r"[\w.-]+==[\w.+!]+", package), package
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package
    names = {package.split("==")[0] for package in packages}
    assert {"torch", "transformers", "s3fs", "starlette", "cryptography", "hatchling"} <= names
    assert "--require-hashes" in (AWS / "install.sh").read_text()


@pytest.mark.parametrize("name", ["endpoint.yaml", "multi-model-endpoint.yaml"])
def test_an_endpoint_reads_what_is_its(name):
    trust, rights = statements(name)
    account = {"StringEquals": {"aws:SourceAccount": ["Ref", "AWS::AccountId"]}}
    assert [statement["Condition"] for statement in trust] == [account]
    for statement in rights:
        actions, text = statement["Action"], json.dumps(statement["Resource"])
        if "s3:ListBucket" in actions and "FilesBucket" not in text:
            assert "s3:prefix" in statement["Condition"]["StringLike"]
        if "s3:GetObject" in actions:
            assert "${Bucket}/*" not in text
        if "ecr:BatchGetImage" in actions:
            assert "repository/${Repository}" in text
        if '"*"' in text:
            assert set(actions if isinstance(actions, list) else [actions]) <= {
                "ecr:GetAuthorizationToken", "cloudwatch:PutMetricData",
                *(action for action in actions if action.startswith("ec2:")),
            }  # fmt: skip


def test_the_endpoint_of_a_country_reads_no_other_country():
    _, rights = statements("endpoint.yaml")
    [reads] = [right["Resource"] for right in rights if right["Action"] == "s3:GetObject"]
    in_store = [arn[1] for arn in reads if arn[0] == "Sub"]
    assert in_store == [
        "arn:${AWS::Partition}:s3:::${Bucket}/${StorePrefix}${Country}/*",
        "arn:${AWS::Partition}:s3:::${Bucket}/${StorePrefix}store.json",
    ]
