"""The infrastructure that runs countries' jobs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from country_jobs import edit

from prodcat import ConfigError
from prodcat.cli.command import main
from prodcat.pipeline.infrastructure import render, template


def test_the_template_passes_the_linter(on_aws, tmp_path):
    path = tmp_path / "stack.yaml"
    path.write_text(render(on_aws, "s3://shop-jobs/countries.toml"))
    linter = [str(Path(sys.executable).with_name("cfn-lint")), str(path)]
    done = subprocess.run(linter, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    # The linter would notice.
    broken = path.read_text().replace("Type: GPU", "Type: TPU", 1)
    path.write_text(broken)
    assert subprocess.run(linter, capture_output=True).returncode != 0


def test_jobs_are_tried_again_where_that_helps_and_run_where_it_is_night(on_aws):
    own = template(on_aws, "s3://shop-jobs/countries.toml")["Resources"]
    job = own["TrScoreJob"]["Properties"]
    assert job["RetryStrategy"]["EvaluateOnExit"] == [
        {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
        {"Action": "RETRY", "OnExitCode": "75"},
        {"Action": "EXIT", "OnReason": "*"},
    ]
    needs = {
        own["Type"]: own["Value"] for own in job["ContainerProperties"]["ResourceRequirements"]
    }
    assert needs == {"GPU": "1", "VCPU": "8", "MEMORY": "29000"}
    schedule = own["TrScoreSchedule"]["Properties"]
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Istanbul"
    submit = json.loads(schedule["Target"]["Input"]["Fn::Sub"])
    assert submit["ArrayProperties"] == {"Size": 4}
    command = submit["ContainerOverrides"]["Command"]
    assert command[:5] == ["pipeline", "run", "tr", "--step", "score"]
    assert command[-2:] == ["--run", "<aws.scheduler.scheduled-time>"]
    assert own["Compute"]["Properties"]["ComputeResources"]["Type"] == "SPOT"
    kinds = [value["Type"] for value in own.values()]
    assert kinds.count("AWS::Scheduler::Schedule") == 14 and kinds.count("AWS::S3::Bucket") == 2


def test_a_job_may_touch_its_own_country_alone(on_aws):
    own = template(on_aws, "s3://shop-jobs/countries.toml")["Resources"]

    def rights(role):
        [policy] = own[role]["Properties"]["Policies"]
        return {
            str(statement["Action"]): [
                arn["Fn::Sub"].split(":::")[1] for arn in statement["Resource"]
            ]
            for statement in policy["PolicyDocument"]["Statement"]
            if isinstance(statement.get("Resource"), list)
        }

    train, scores = rights("NlTrainRole"), rights("NlScoreRole")
    writes = "['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload']"
    assert scores[writes] == ["shop-jobs/nl/*"]
    assert train[writes] == ["shop-jobs/nl/*", "shop-models/all/nl/*", "shop-models/all/store.json"]
    assert "shop-data/nl/labelled.csv" in train["s3:GetObject"]
    assert not any("/tr/" in place for place in train["s3:GetObject"] + scores["s3:GetObject"])
    wild = [
        place for place in train[writes] + scores[writes] if not re.search("/nl|store.json", place)
    ]
    assert not wild
    text = yaml.safe_dump(own)
    assert "Action: '*'" not in text and "Resource: '*'" not in text


def listings(stack, role):
    """What a role may list: patterns of keys by bucket."""
    [policy] = stack[role]["Properties"]["Policies"]
    return {
        statement["Resource"]["Fn::Sub"].split(":::")[1]: statement["Condition"]["StringLike"][
            "s3:prefix"
        ]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement.get("Action") == "s3:ListBucket"
    }


def test_a_job_lists_what_it_reads_and_nothing_else(on_aws):
    stack = template(on_aws, "s3://shop-jobs/countries.toml")["Resources"]
    assert listings(stack, "NlScoreRole") == {
        "shop-jobs": ["countries.toml", "countries.toml/*", "nl", "nl/*"],
        "shop-data": ["nl/assortment", "nl/assortment/*"],
        "shop-models": ["all/store.json", "all/store.json/*", "all/nl", "all/nl/*"],
    }
    for role in ("NlTrainRole", "NlScoreRole"):
        for patterns in listings(stack, role).values():
            assert not any(pattern == "*" or "tr" in pattern.split("/") for pattern in patterns)


def test_roles_serve_this_account_and_containers_cannot_take_that_of_the_machine(on_aws):
    stack = template(on_aws, "s3://shop-jobs/countries.toml")["Resources"]
    for name, resource in stack.items():
        if resource["Type"] != "AWS::IAM::Role" or name == "InstanceRole":
            continue
        for statement in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            assert statement["Condition"] == {
                "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
            }
    launch = stack["Machine"]["Properties"]["LaunchTemplateData"]
    assert launch["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}


def test_a_key_and_a_secret_are_used_where_they_are_named(on_aws):
    whole = template(on_aws, "s3://shop-jobs/countries.toml")
    stack, no_value = whole["Resources"], {"Ref": "AWS::NoValue"}
    key = {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, no_value]}
    buckets = [value for value in stack.values() if value["Type"] == "AWS::S3::Bucket"]
    for bucket in buckets:
        [rule] = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == key
    assert len(buckets) == 2 and stack["Logs"]["Properties"]["KmsKeyId"] == key
    [disk] = stack["Machine"]["Properties"]["LaunchTemplateData"]["BlockDeviceMappings"]
    assert disk["Ebs"]["KmsKeyId"] == key
    [named] = stack["NlScoreJob"]["Properties"]["ContainerProperties"]["Environment"]
    variable = {"Name": "PRODCAT_KEYS_SECRET", "Value": {"Ref": "KeysSecretArn"}}
    assert named == {"Fn::If": ["HasKeysSecret", variable, no_value]}
    [policy] = stack["NlScoreRole"]["Properties"]["Policies"]
    rights = [s["Fn::If"] for s in policy["PolicyDocument"]["Statement"] if "Fn::If" in s]
    assert [(condition, right["Resource"]) for condition, right, _ in rights] == [
        ("HasKmsKey", {"Ref": "KmsKeyArn"}),
        ("HasKeysSecret", {"Ref": "KeysSecretArn"}),
    ]


def test_what_cannot_run_on_aws_is_named(home, on_aws, capsys):
    with pytest.raises(ConfigError, match="'/x/countries.toml' is not on S3"):
        render(on_aws, "/x/countries.toml")
    edit(home, 'instance = "g5.2xlarge"', 'instance = "t2.nano"')
    command = ["pipeline", "render", "--config", str(home / "countries.toml")]
    assert main(command) == 2
    assert "instance='t2.nano' is not known; expected one of g4dn" in capsys.readouterr().err
    edit(home, 'instance = "t2.nano"', "")
    assert main([*command, "--output", str(home / "stack.yaml")]) == 0
    assert "s3://shop-jobs/countries.toml" in (home / "stack.yaml").read_text()


def test_every_name_in_the_stack_is_filled_in(on_aws):
    text = render(on_aws, "s3://shop-jobs/countries.toml")
    assert not re.search("<[a-z ]+>", text) and "<aws.scheduler.scheduled-time>" in text
    assert "&id" not in text, "no value stands for another"
    resources = template(on_aws, "s3://shop-jobs/countries.toml")["Resources"]
    assert [name for name in resources if name.startswith("Tr")] == [
        "TrTrainRole", "TrTrainJob", "TrTrainSchedule", "TrScoreRole", "TrScoreJob",
        "TrScoreSchedule", "TrScheduler",
    ]  # fmt: skip
    for country in ("tr", "nl"):
        role = resources[f"{country.title()}Scheduler"]["Properties"]["Policies"][0]
        [statement] = role["PolicyDocument"]["Statement"]
        assert statement["Resource"] == [
            {"Ref": name}
            for name in ("JobQueue", f"{country.title()}TrainJob", f"{country.title()}ScoreJob")
        ]
