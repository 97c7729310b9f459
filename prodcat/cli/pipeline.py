"""``prodcat pipeline …``: run the jobs of the countries in a ``countries.toml``."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prodcat.cli.arrangement import MODEL_FOLDER
from prodcat.cli.classifiers import device_option
from prodcat.cli.destinations import check_demo_folder
from prodcat.cli.environment import cache_folder, named_keys
from prodcat.cli.output import note, print_data, say, show, write_file
from prodcat.cli.parser import add_command
from prodcat.errors import ConfigError, ProdcatError

if TYPE_CHECKING:
    from prodcat.pipeline.countries import Country
    from prodcat.pipeline.jobs import Pipeline

_CONFIG = "countries.toml"


def add_pipeline(commands: Any) -> None:
    """Add the command and its verbs to a parser's commands."""
    parser = commands.add_parser(
        "pipeline",
        help="run the jobs of countries: train, publish, compare, promote, score",
        summary="run the jobs of countries: train, publish, compare, promote, score",
        description="Run the jobs of countries: train, publish, compare, promote, score.",
        examples={
            "write generated catalogs and their countries.toml": (
                "pipeline demo countries --titles 200"
            ),
            "run all jobs of one country": "pipeline run nl --config countries/countries.toml",
        },
    )
    parser.set_defaults(run=run)
    verbs = parser.add_subparsers(
        dest="verb", required=True, metavar="COMMAND", help=argparse.SUPPRESS
    )
    for add in (_add_run, _add_render, _add_demo):
        add(verbs)


def run(options: argparse.Namespace) -> None:
    """Run the verb after ``pipeline``."""
    options.action(options)


def _add_run(verbs: Any) -> None:
    parser = add_command(
        verbs,
        "run",
        "run a step for one country, several or all",
        examples={
            "train for one country, and promote the model if it is better": (
                "pipeline run nl --step train --config countries/countries.toml"
            ),
            "answer the titles of one country": (
                "pipeline run nl --step score --config countries/countries.toml"
            ),
        },
    )
    parser.add_argument(
        "countries", metavar="COUNTRIES", help="names of countries: tr; tr,nl; or all"
    )
    parser.add_argument(
        "--step",
        default="all",
        choices=["train", "score", "all"],
        help="the step to run; default all",
    )
    parser.add_argument(
        "--config",
        default=_CONFIG,
        metavar="CONFIG",
        help="the countries.toml: a file or an fsspec URI; default countries.toml",
    )
    parser.add_argument(
        "--run", dest="name", metavar="NAME", help="name of the scoring job; today if not given"
    )
    parser.add_argument(
        "--shard", default="0/1", metavar="INDEX/COUNT", help="share of the scoring job"
    )
    parser.add_argument(
        "--accept-unsure",
        action="store_true",
        help="if a tree has changed, take also changes that are not sure, which nobody has checked",
    )
    device_option(parser)
    parser.set_defaults(action=_run)


def _run(options: argparse.Namespace) -> None:
    from prodcat.pipeline.countries import read_countries
    from prodcat.pipeline.jobs import Pipeline
    from prodcat.scoring.shards import parse_shard

    countries = read_countries(options.config)
    pipeline = Pipeline(
        countries,
        keys=named_keys(),
        cache=cache_folder(),
        device=options.device,
        progress=not options.quiet and sys.stderr.isatty(),
        accept_unsure=options.accept_unsure,
    )
    # If several processes share the scoring job of a country, none of them may train.
    shard = parse_shard(options.shard)
    if shard != (0, 1) and options.step != "score":
        raise ConfigError("--shard is for scoring jobs; expected --step score.")
    failed: dict[str, ProdcatError] = {}
    named = countries.named(options.countries)
    for country in named:
        facts = options.facts.setdefault("countries", {}).setdefault(country.name, {})
        try:
            _steps(pipeline, country, options, shard, facts)
        except ProdcatError as error:  # the other countries continue
            if len(named) == 1:
                raise
            facts["error"] = str(error)
            failed[country.name] = error
            say(f"{country.name}: FAILED. {error}")
    if failed:
        first = next(iter(failed.values()))
        raise type(first)(
            f"{len(failed)} of {len(named)} countries failed: {', '.join(failed)}. Run them again."
        ) from first


def _steps(
    pipeline: "Pipeline",
    country: "Country",
    options: argparse.Namespace,
    shard: tuple[int, int],
    facts: dict[str, Any],
) -> None:
    from prodcat.pipeline.jobs import facts_of

    if options.step != "score":
        report = pipeline.train(country)
        facts["train"] = facts_of(report)
        if report is None:
            show(f"{country.name}: nothing has changed since production was trained")
        else:
            verdict = "promoted" if report.passed else "published, NOT promoted"
            show(f"{report.candidate}: {verdict}. {' '.join(report.reasons)}")
    if options.step != "train":
        scored = pipeline.score(country, options.name, shard)
        facts["score"] = facts_of(scored)
        show(f"{country.name}: {scored}")


def _add_render(verbs: Any) -> None:
    parser = add_command(
        verbs,
        "render",
        "write the infrastructure as CloudFormation",
        examples={
            "write the template of all countries": (
                "pipeline render --config countries.toml --output template.json"
            )
        },
    )
    parser.add_argument(
        "--config",
        default=_CONFIG,
        metavar="CONFIG",
        help="the countries.toml: a file or an fsspec URI; default countries.toml",
    )
    parser.add_argument(
        "--config-uri",
        metavar="URI",
        help="URI from which the jobs read countries.toml; <work>/countries.toml if not given",
    )
    parser.add_argument(
        "--output", default="-", metavar="OUTPUT", help="output file; - for stdout (default)"
    )
    parser.set_defaults(action=_render)


def _render(options: argparse.Namespace) -> None:
    from prodcat.pipeline.countries import read_countries
    from prodcat.pipeline.infrastructure import render

    countries = read_countries(options.config)
    text = render(countries, options.config_uri or f"{countries.work}/{_CONFIG}")
    if options.output == "-":
        print_data(text)
    else:
        write_file(options.output, text.encode())
        jobs = ", ".join(countries.countries)
        note(f"written to {options.output}: a CloudFormation template with the jobs of {jobs}")


def _add_demo(verbs: Any) -> None:
    parser = add_command(
        verbs,
        "demo",
        "write a countries.toml with generated catalogs",
        examples={"write small catalogs of three countries": "pipeline demo small --titles 100"},
    )
    parser.add_argument("folder", metavar=MODEL_FOLDER, help="folder for the files")
    parser.add_argument(
        "--titles",
        type=int,
        default=1_500,
        metavar="NUMBER",
        help="titles for each country; default 1500",
    )
    parser.add_argument(
        "--encoder",
        default="none",
        metavar="ENCODER",
        help="encoder of the models; none (the default) for only n-grams",
    )
    parser.set_defaults(action=_demo)


def _demo(options: argparse.Namespace) -> None:
    from prodcat.demo.countries import write_demo

    check_demo_folder(options, MODEL_FOLDER, _CONFIG)
    show(f"{write_demo(Path(options.folder), options.titles, options.encoder)} is written; run it:")
    show(f"prodcat pipeline run all --config {options.folder}/{_CONFIG}")
