"""The countries' jobs as a CloudFormation template: Batch, schedules, buckets, rights.

The image's entry point is ``python -m prodcat.aws.batch``, as in ``examples/aws``.

Everything is in one stack.  What differs from account to account (subnets, the images' address)
is a parameter.  GPU machines are spot instances, and an interrupted job is tried again: it goes
on where it ended.
"""

from collections.abc import Mapping
from typing import Any

from prodcat.errors import ConfigError
from prodcat.pipeline.countries import Countries, Country

_TRY_AGAIN = 75
_ATTEMPTS = 5
# GPUs, vCPUs and MiB that a job may have, a little being left to the machine itself.
_INSTANCES = {
    "g4dn.xlarge": (1, 4, 14_000),
    "g4dn.2xlarge": (1, 8, 29_000),
    "g5.xlarge": (1, 4, 14_000),
    "g5.2xlarge": (1, 8, 29_000),
    "g5.4xlarge": (1, 16, 60_000),
    "g6.xlarge": (1, 4, 14_000),
    "g6.2xlarge": (1, 8, 29_000),
    "p3.2xlarge": (1, 8, 58_000),
}


def render(countries: Countries, config: str) -> str:
    """The template, as YAML.

    Args:
        countries: See :mod:`prodcat.pipeline.countries`.
        config: Where the jobs read ``countries.toml``, an ``s3://`` URI.

    Raises:
        ConfigError: A store or a source is not on S3, or an instance type is not known.
    """
    import yaml

    text: str = yaml.safe_dump(template(countries, config), sort_keys=False, width=100)
    return "# Written by prodcat pipeline render; change countries.toml, not this.\n" + text


def template(countries: Countries, config: str) -> dict[str, Any]:
    """The template as plain values; see :func:`render`."""
    for place in (countries.store, countries.work, config):
        if not place.startswith("s3://"):
            raise ConfigError(f"{place!r} is not on S3; expected s3://bucket/… for jobs on AWS.")
    resources: dict[str, Any] = {}
    for bucket in dict.fromkeys([_bucket(countries.store), _bucket(countries.work)]):
        resources |= _bucket_resources(bucket)
    resources |= _compute(countries)
    for country in countries.countries.values():
        resources |= _country(countries, country, config)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "prodcat: training and scoring jobs of every country",
        "Parameters": {
            "Image": {"Type": "String", "Default": countries.image},
            "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
            "SecurityGroups": {"Type": "List<AWS::EC2::SecurityGroup::Id>"},
            "MaxvCpus": {"Type": "Number", "Default": 64, "MinValue": 4},
        },
        "Resources": resources,
        "Outputs": {"JobQueue": {"Value": {"Ref": "JobQueue"}}},
    }


def _bucket(uri: str) -> str:
    return uri.removeprefix("s3://").split("/")[0]


def _id(*parts: str) -> str:
    """A logical id: letters and digits alone."""
    words = "".join(parts).replace("-", " ").replace(".", " ").split()
    return "".join(word[:1].upper() + word[1:] for word in words)


def _bucket_resources(name: str) -> dict[str, Any]:
    own = _id("bucket ", name)
    arn = {"Fn::GetAtt": [own, "Arn"]}
    return {
        own: {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketName": name,
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"},
                        }
                    ]
                },
                "VersioningConfiguration": {"Status": "Enabled"},
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
                "LifecycleConfiguration": {
                    "Rules": [
                        {
                            "Id": "unfinished-uploads",
                            "Status": "Enabled",
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        },
                        {
                            "Id": "old-versions",
                            "Status": "Enabled",
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                        },
                    ]
                },
            },
        },
        f"{own}Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": own},
                "PolicyDocument": _policy(
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [arn, {"Fn::Sub": f"${{{own}.Arn}}/*"}],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ),
            },
        },
    }


def _policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [dict(own) for own in statements]}


def _role(service: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": _policy(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "sts:AssumeRole",
                }
            ),
            **properties,
        },
    }


def _compute(countries: Countries) -> dict[str, Any]:
    managed = "arn:${AWS::Partition}:iam::aws:policy/service-role/"
    types = sorted({own.instance for own in countries.countries.values()})
    for own in types:
        if own not in _INSTANCES:
            raise ConfigError(
                f"instance={own!r} is not known; expected one of {', '.join(_INSTANCES)}."
            )
    return {
        "InstanceRole": _role(
            "ec2.amazonaws.com",
            ManagedPolicyArns=[{"Fn::Sub": f"{managed}AmazonEC2ContainerServiceforEC2Role"}],
        ),
        "InstanceProfile": {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"Roles": [{"Ref": "InstanceRole"}]},
        },
        "Machine": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {
                "LaunchTemplateData": {
                    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
                    "BlockDeviceMappings": [
                        {
                            "DeviceName": "/dev/xvda",
                            "Ebs": {"VolumeSize": 100, "VolumeType": "gp3", "Encrypted": True},
                        }
                    ],
                }
            },
        },
        "Compute": {
            "Type": "AWS::Batch::ComputeEnvironment",
            "Properties": {
                "Type": "MANAGED",
                "State": "ENABLED",
                "ComputeResources": {
                    "Type": "SPOT",
                    "AllocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
                    "MinvCpus": 0,
                    "MaxvCpus": {"Ref": "MaxvCpus"},
                    "InstanceTypes": types,
                    "Subnets": {"Ref": "Subnets"},
                    "SecurityGroupIds": {"Ref": "SecurityGroups"},
                    "InstanceRole": {"Fn::GetAtt": ["InstanceProfile", "Arn"]},
                    "LaunchTemplate": {
                        "LaunchTemplateId": {"Ref": "Machine"},
                        "Version": {"Fn::GetAtt": ["Machine", "LatestVersionNumber"]},
                    },
                    "Ec2Configuration": [{"ImageType": "ECS_AL2023_NVIDIA"}],
                },
            },
        },
        "JobQueue": {
            "Type": "AWS::Batch::JobQueue",
            "Properties": {
                "Priority": 1,
                "State": "ENABLED",
                "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": {"Ref": "Compute"}}],
            },
        },
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {"RetentionInDays": 90},
        },
    }


def _country(countries: Countries, country: Country, config: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    schedules = {"train": country.train_schedule, "score": country.score_schedule}
    jobs = []
    for step, schedule in schedules.items():
        role, job = _id(country.name, " ", step, " role"), _id(country.name, " ", step, " job")
        rights = _rights(countries, country, step, config)
        command = _command(countries, country, step, config)
        found[role] = _role("ecs-tasks.amazonaws.com", Policies=[rights])
        found[job] = _job(country, step, command, role)
        jobs.append(job)
        if schedule is not None:
            found[_id(country.name, " ", step, " schedule")] = _schedule(
                country, step, schedule, job, command
            )
    if any(own is not None for own in schedules.values()):
        found[_id(country.name, " scheduler")] = _role(
            "scheduler.amazonaws.com",
            Policies=[
                {
                    "PolicyName": "submit",
                    "PolicyDocument": _policy(
                        {
                            "Effect": "Allow",
                            "Action": "batch:SubmitJob",
                            "Resource": [{"Ref": "JobQueue"}, *({"Ref": job} for job in jobs)],
                        }
                    ),
                }
            ],
        )
    return found


def _rights(countries: Countries, country: Country, step: str, config: str) -> dict[str, Any]:
    """What one job of one country may do, and nothing else."""
    sources: list[str | None] = [config]
    if step == "train":
        sources += [country.labelled, country.validation, country.taxonomy, country.calibration]
        if "://" in country.encoder:
            sources.append(country.encoder)
    else:
        sources.append(country.assortment)
    own = [f"{countries.work}/{country.name}"]
    model = f"{countries.store}/{country.name}"
    reads = [own for place in sources if place is not None for own in _readable(place)]
    reads += [f"{_prefix(countries.store)}/store.json", f"{_prefix(model)}/*"]
    writes = [f"{_prefix(place)}/*" for place in own]
    if step == "train":
        writes += [f"{_prefix(model)}/*", f"{_prefix(countries.store)}/store.json"]
    places = [*(place for place in sources if place is not None), countries.store, *own]
    buckets = sorted({_bucket(place) for place in places})
    return {
        "PolicyName": "data",
        "PolicyDocument": _policy(
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": [_arn(bucket) for bucket in buckets],
            },
            {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": [_arn(own) for own in dict.fromkeys([*reads, *writes])],
            },
            {
                "Effect": "Allow",
                "Action": ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
                "Resource": [_arn(own) for own in writes],
            },
        ),
    }


def _prefix(uri: str) -> str:
    """Bucket and key of a place; a glob's up to its first mark, and all below."""
    key = uri.removeprefix("s3://")
    if not uri.startswith("s3://"):
        raise ConfigError(f"{uri!r} is not on S3; expected s3://bucket/… for jobs on AWS.")
    for place, letter in enumerate(key):
        if letter in "*?[":
            return key[:place] + "*"
    return key


def _readable(uri: str) -> list[str]:
    """What is read of a place: the file, or where it may be a folder all below it."""
    key = _prefix(uri)
    if key.endswith("*"):
        return [key]
    name = key.rstrip("/").rpartition("/")[2]
    return [key] if "." in name else [key.rstrip("/"), f"{key.rstrip('/')}/*"]


def _arn(place: str) -> dict[str, str]:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{place}"}


def _command(countries: Countries, country: Country, step: str, config: str) -> list[str]:
    return [
        "pipeline", "run", country.name, "--step", step, "--config", config, "--quiet",
        "--summary", f"{countries.work}/{country.name}/summary-{step}.json",
    ]  # fmt: skip


def _job(country: Country, step: str, command: list[str], role: str) -> dict[str, Any]:
    gpus, cpus, memory = _INSTANCES[country.instance]
    needs = {"GPU": gpus, "VCPU": cpus, "MEMORY": memory}
    return {
        "Type": "AWS::Batch::JobDefinition",
        "Properties": {
            "Type": "container",
            "PlatformCapabilities": ["EC2"],
            "PropagateTags": True,
            "Tags": {"country": country.name, "step": step},
            "ContainerProperties": {
                "Image": {"Ref": "Image"},
                "Command": command,
                "JobRoleArn": {"Fn::GetAtt": [role, "Arn"]},
                "ResourceRequirements": [
                    {"Type": kind, "Value": str(value)} for kind, value in needs.items()
                ],
                "LogConfiguration": {
                    "LogDriver": "awslogs",
                    "Options": {
                        "awslogs-group": {"Ref": "Logs"},
                        "awslogs-stream-prefix": f"{country.name}-{step}",
                    },
                },
            },
            "Timeout": {"AttemptDurationSeconds": 6 * 3600},
            "RetryStrategy": {
                "Attempts": _ATTEMPTS,
                "EvaluateOnExit": [
                    {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
                    {"Action": "RETRY", "OnExitCode": str(_TRY_AGAIN)},
                    {"Action": "EXIT", "OnReason": "*"},
                ],
            },
        },
    }


def _schedule(
    country: Country, step: str, schedule: str, job: str, command: list[str]
) -> dict[str, Any]:
    import json

    if step == "score":
        # All attempts of one run have one name, whatever day it is by then.
        command = [*command, "--run", "<aws.scheduler.scheduled-time>"]
    submit: dict[str, Any] = {
        "JobName": f"{country.name}-{step}",
        "JobQueue": "${JobQueue}",
        "JobDefinition": f"${{{job}}}",
        "ContainerOverrides": {"Command": command},
    }
    if step == "score" and country.array > 1:
        submit["ArrayProperties"] = {"Size": country.array}
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "ScheduleExpression": schedule,
            "ScheduleExpressionTimezone": country.timezone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": {"Fn::Sub": "arn:${AWS::Partition}:scheduler:::aws-sdk:batch:submitJob"},
                "RoleArn": {"Fn::GetAtt": [_id(country.name, " scheduler"), "Arn"]},
                "Input": {"Fn::Sub": json.dumps(submit)},
                "RetryPolicy": {"MaximumRetryAttempts": 3},
            },
        },
    }
