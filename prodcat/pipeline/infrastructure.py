"""Writes the jobs of all countries as a CloudFormation template for AWS Batch.

The template has the jobs, their schedules and permissions, and the buckets.  The entry point of the
container image is ``python -m prodcat.aws.batch``, as in ``examples/aws``.

There is one stack.  What differs between accounts (subnets, the image's address) is a parameter.
GPU machines are spot instances; an interrupted job is started again and resumes.  The file
``stack.yaml`` in this folder contains the parts that do not depend on ``countries.toml``.
"""

import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from prodcat.errors import ConfigError
from prodcat.pipeline.countries import Countries, Country
from prodcat.pipeline.s3_access import S3Access, access_of, bucket_of

# GPUs, vCPUs and MiB of memory for a job; the operating system needs the rest of the memory.
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
_NAME = re.compile(r"<([a-z ]+)>")


def render(countries: Countries, config: str) -> str:
    """The template as YAML.

    Args:
        countries: The content of ``countries.toml``.
        config: The ``s3://`` URI of the ``countries.toml`` that the jobs read.

    Raises:
        ConfigError: The store, the work folder, ``config`` or a source is not on S3, or an instance
            type is not supported.
    """
    import yaml

    text: str = yaml.safe_dump(template(countries, config), sort_keys=False, width=100)
    return "# Written by prodcat pipeline render; change countries.toml, not this.\n" + text


def template(countries: Countries, config: str) -> dict[str, Any]:
    """The template as values for YAML; arguments and errors are those of :func:`render`."""
    for place in (countries.store, countries.work, config):
        if not place.startswith("s3://"):
            raise ConfigError(f"{place!r} is not on S3; expected s3://bucket/… for jobs on AWS.")
    stack = _read_stack()
    resources: dict[str, Any] = {}
    for bucket in dict.fromkeys([bucket_of(countries.store), bucket_of(countries.work)]):
        names = {"bucket": _logical_id("bucket ", bucket), "bucket name": bucket}
        resources |= _filled(stack["bucket"], names)
    resources |= _filled(stack["compute"], {"instance types": _instance_types(countries)})
    for country in countries.countries.values():
        resources |= _country_resources(stack, countries, country, config)
    whole: dict[str, Any] = _filled(
        stack["template"], {"image": countries.image, "resources": resources}
    )
    return whole


def _read_stack() -> dict[str, Any]:
    import yaml

    text = files("prodcat.pipeline").joinpath("stack.yaml").read_text(encoding="utf-8")
    stack: dict[str, Any] = yaml.safe_load(text)
    return stack


def _filled(value: Any, names: Mapping[str, Any]) -> Any:
    """Replace names in angle brackets, such as ``<job>``, in a part of the stack.

    Args:
        value: The part: a text, or dicts and lists of texts.
        names: The value of each name.  A value that is not a text may only replace a whole text.
    """
    if isinstance(value, dict):
        return {_filled(key, names): _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    alone = _NAME.fullmatch(value)
    if alone is not None:
        return names[alone[1]]
    return _NAME.sub(lambda match: names[match[1]], value)


def _logical_id(*parts: str) -> str:
    """A logical id for CloudFormation, which consists of letters and digits."""
    words = "".join(parts).replace("-", " ").replace(".", " ").split()
    return "".join(word[:1].upper() + word[1:] for word in words)


def _instance_types(countries: Countries) -> list[str]:
    types = sorted({country.instance for country in countries.countries.values()})
    for name in types:
        if name not in _INSTANCES:
            raise ConfigError(
                f"instance={name!r} is not known; expected one of {', '.join(_INSTANCES)}."
            )
    return types


def _country_resources(
    stack: Mapping[str, Any], countries: Countries, country: Country, config: str
) -> dict[str, Any]:
    """The roles, jobs and schedules of one country."""
    resources: dict[str, Any] = {}
    schedules = {"train": country.train_schedule, "score": country.score_schedule}
    jobs = {step: _logical_id(country.name, " ", step) for step in schedules}
    scheduler = _logical_id(country.name, " scheduler")
    for step, schedule in schedules.items():
        command = _command(countries, country, step, config)
        resources |= _filled(
            stack["job"],
            {
                "job": jobs[step],
                "country": country.name,
                "step": step,
                "command": command,
                "statements": _statements(stack, access_of(countries, country, step, config)),
                **_machine_share(country),
            },
        )
        if schedule is not None:
            resources |= _filled(
                stack["schedule"],
                {
                    "job": jobs[step],
                    "schedule": schedule,
                    "timezone": country.timezone,
                    "scheduler": scheduler,
                    "submitted": _submitted(country, step, jobs[step], command),
                },
            )
    if any(schedule is not None for schedule in schedules.values()):
        allowed = [{"Ref": "JobQueue"}, *({"Ref": f"{job}Job"} for job in jobs.values())]
        resources |= _filled(
            stack["scheduler"], {"scheduler": scheduler, "queue and jobs": allowed}
        )
    return resources


def _statements(stack: Mapping[str, Any], access: S3Access) -> list[Any]:
    """The statements of the policy of a job's role."""
    listing = [
        _filled(stack["listing"], {"bucket name": bucket, "prefixes": prefixes})
        for bucket, prefixes in access.listed.items()
    ]
    places = {"read": _arns(access.read), "written": _arns(access.written)}
    return [*listing, *_filled(stack["rights"], places)]


def _arns(places: Sequence[str]) -> list[dict[str, str]]:
    return [{"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{place}"} for place in places]


def _machine_share(country: Country) -> dict[str, str]:
    """The GPUs, vCPUs and memory in MiB for a job, as texts by name."""
    gpus, cpus, memory = _INSTANCES[country.instance]
    return {"gpus": str(gpus), "cpus": str(cpus), "memory": str(memory)}


def _command(countries: Countries, country: Country, step: str, config: str) -> list[str]:
    return [
        "pipeline", "run", country.name, "--step", step, "--config", config, "--quiet",
        "--summary", f"{countries.work}/{country.name}/summary-{step}.json",
    ]  # fmt: skip


def _submitted(country: Country, step: str, job: str, command: list[str]) -> str:
    """The request by which a schedule submits a job, as JSON."""
    if step == "score":
        # So all attempts at a run have the same name, even if one of them starts on another day.
        command = [*command, "--run", "<aws.scheduler.scheduled-time>"]
    submit: dict[str, Any] = {
        "JobName": f"{country.name}-{step}",
        "JobQueue": "${JobQueue}",
        "JobDefinition": f"${{{job}Job}}",
        "ContainerOverrides": {"Command": command},
    }
    if step == "score" and country.array > 1:
        submit["ArrayProperties"] = {"Size": country.array}
    return json.dumps(submit)
