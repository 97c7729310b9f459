"""The command line: the verbs of the library with the same words."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prodcat._version import __version__
from prodcat.cli.input import column_options, load_classifier, read_titles
from prodcat.cli.insight import add_insight
from prodcat.cli.models import add_models, key_paths
from prodcat.cli.pipeline import add_pipeline
from prodcat.cli.serve import add_serve
from prodcat.errors import ConfigError, Interrupted, ProdcatError, StoreError
from prodcat.scoring.config import ScoringConfig

if TYPE_CHECKING:
    from prodcat.catalog.catalog import Catalog
    from prodcat.classifier.classifier import Classifier
    from prodcat.evaluation.metrics import Evaluation
    from prodcat.scoring.jobs import ScoringReport

_OBJECTIVES = ("path", "hierarchical_f1", "tree_distance")
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h


def main(arguments: Sequence[str] | None = None, facts: dict[str, Any] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line's if not given.
        facts: Takes what was done, for programs.

    Returns:
        0 when all went well, 2 for a mistake that the user can mend, 75 where the same command
        may go well later: a training that was stopped and saved its state, a store that could
        not be reached.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options.facts = {} if facts is None else facts
    try:
        options.run(options)
    except ProdcatError as error:
        _say(f"prodcat {options.command}: {error}")
        options.facts["error"] = str(error)
        return TRY_AGAIN if _may_pass(error) else 2
    except Interrupted as interrupted:
        _say(f"prodcat {options.command}: {interrupted}")
        return TRY_AGAIN
    except BrokenPipeError:
        return 1
    return 0


def _say(text: str) -> None:
    """A message beside the output."""
    print(text, file=sys.stderr, flush=True)


def _may_pass(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, StoreError):
            return error.unreachable
        error = error.__cause__
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prodcat", description="Turn product titles into category paths."
    )
    parser.add_argument("--version", action="version", version=f"prodcat {__version__}")
    commands = parser.add_subparsers(
        dest="command",
        metavar="{train,predict,evaluate,calibrate,guarantee,trim,models,pipeline,serve,"
        "assortment,audit,drift,review,demo}",
    )

    train = commands.add_parser("train", help="train a classifier and save it")
    train.add_argument("catalog", help="titles with categories: a file, a glob or an fsspec URI")
    train.add_argument("--output", required=True, help="where to save: a folder or an fsspec URI")
    train.add_argument("--validation", help="titles to stop early by; held out if not given")
    train.add_argument(
        "--taxonomy", help="the tree (.json, .jsonl or .csv); made of the titles' paths"
    )
    column_options(train)
    _setting_options(train)
    train.add_argument(
        "--warm-start",
        metavar="URI",
        help="a saved classifier to begin from; nothing is trained if nothing changed since",
    )
    train.add_argument(
        "--checkpoints",
        metavar="URI",
        help="keep the state of the training here, at SIGTERM too; the same command goes on",
    )
    train.add_argument("--device", help="cpu, cuda, …; a GPU if there is one")
    train.add_argument("--history", help="also write the history here, one JSON line an epoch")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    train.set_defaults(run=_train)

    predict = commands.add_parser("predict", help="answer titles with category paths")
    predict.add_argument("input", help="titles: a file, a glob or an fsspec URI")
    predict.add_argument(
        "--model",
        required=True,
        help="a saved classifier: a folder, a URI, model.tar.gz or STORE/model@alias",
    )
    predict.add_argument(
        "--output",
        default="-",
        help="a folder or an fsspec URI of one, which is gone on with after an interruption; one "
        "file: .parquet, .jsonl, .csv, .tsv; - for CSV on stdout",
    )
    predict.add_argument(
        "--format",
        default="parquet",
        choices=["parquet", "jsonl", "csv", "tsv"],
        help="of the files in an output folder",
    )
    predict.add_argument(
        "--shard", default="0/1", metavar="INDEX/COUNT", help="which share of the parts to do"
    )
    predict.add_argument(
        "--overwrite", action="store_true", help="begin anew where the output is of another job"
    )
    predict.add_argument(
        "--precision", default="auto", choices=["auto", "float32", "bfloat16", "int8"]
    )
    predict.add_argument(
        "--part-rows",
        type=int,
        default=ScoringConfig.part_rows,
        help="about how many rows a part has",
    )
    predict.add_argument("--quiet", action="store_true", help="no progress bar")
    predict.add_argument(
        "--engine", default="local", choices=["local", "ray"], help="here, or on a Ray cluster"
    )
    predict.add_argument("--actors", type=int, help="of Ray; one for each GPU if not given")
    predict.add_argument("--title", default="title", help="column with the title")
    predict.add_argument("--text", nargs="*", help="further text columns, as in training")
    predict.add_argument("--top-k", type=int, default=1, help="paths for each title")
    predict.add_argument("--language", help="of the names in the answers, where the tree has it")
    _decision_options(predict)
    predict.add_argument("--device", help="cpu, cuda, …; a GPU if there is one")
    predict.set_defaults(run=_predict)

    evaluate = commands.add_parser("evaluate", help="judge a classifier on labelled titles")
    evaluate.add_argument("catalog", help="titles with categories")
    evaluate.add_argument(
        "--model",
        required=True,
        help="a saved classifier: a folder, a URI, model.tar.gz or STORE/model@alias",
    )
    evaluate.add_argument("--json", help="also write the metrics here")
    evaluate.add_argument("--plot", help="also draw reliability and risk here, a .png or .svg")
    evaluate.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="FILE",
        help="also show it to people: .html or .md, more than once",
    )
    evaluate.add_argument(
        "--known", help="for the report: labelled titles to show beside mistakes they are most like"
    )
    evaluate.add_argument("--production", help="for the report: a classifier to compare with")
    evaluate.add_argument("--device", help="cpu, cuda, …; a GPU if there is one")
    evaluate.add_argument("--precision", default="float32", choices=["float32", "bfloat16", "int8"])
    _decision_options(evaluate)
    column_options(evaluate)
    evaluate.set_defaults(run=_evaluate)

    calibrate = commands.add_parser("calibrate", help="fit the calibration anew, on new titles")
    calibrate.add_argument("catalog", help="labelled titles that training did not see")
    calibrate.add_argument(
        "--model",
        required=True,
        help="a saved classifier: a folder, a URI, model.tar.gz or STORE/model@alias",
    )
    calibrate.add_argument("--output", required=True, help="where to save the new one")
    calibrate.add_argument(
        "--method", default="adaptive", choices=["temperature", "levels", "adaptive"]
    )
    calibrate.add_argument("--device", help="cpu, cuda, …; a GPU if there is one")
    column_options(calibrate)
    calibrate.set_defaults(run=_calibrate)

    guarantee = commands.add_parser(
        "guarantee", help="measure what can be promised, on new titles, and save it along"
    )
    guarantee.add_argument("catalog", help="labelled titles that training did not see")
    guarantee.add_argument(
        "--model",
        required=True,
        help="a saved classifier: a folder, a URI, model.tar.gz or STORE/model@alias",
    )
    guarantee.add_argument(
        "--output", required=True, help="where to save it with what was measured"
    )
    grouping = guarantee.add_mutually_exclusive_group()
    grouping.add_argument("--group", help="column: one promise for each value, e.g. country")
    grouping.add_argument(
        "--by-department", action="store_true", help="one promise for each top-level category"
    )
    guarantee.add_argument(
        "--pool-below", type=int, default=0, help="groups with fewer titles share one promise"
    )
    guarantee.add_argument("--objective", default="path", choices=list(_OBJECTIVES))
    guarantee.add_argument("--device", help="cpu, cuda, …; a GPU if there is one")
    column_options(guarantee)
    guarantee.set_defaults(run=_guarantee)

    trim = commands.add_parser(
        "trim", help="cut an encoder's or a classifier's vocabulary to what is needed"
    )
    trim.add_argument("source", help="an encoder (hub name, folder, URI) or a saved classifier")
    trim.add_argument("--output", required=True, help="where to write the smaller one")
    trim.add_argument("--titles", help="keep the pieces of these titles: a file, a glob, a URI")
    trim.add_argument("--title", default="title", help="column with the title")
    trim.add_argument("--text", nargs="*", default=[], help="further text columns")
    trim.add_argument("--language", help="column with the language, for the report")
    trim.add_argument(
        "--languages", nargs="+", help="keep what these languages' alphabets can write: tr en …"
    )
    trim.add_argument("--min-count", type=int, default=1, help="pieces seen so often")
    trim.add_argument("--max-pieces", type=int, help="at most so many, the most frequent")
    trim.set_defaults(run=_trim)

    add_models(commands)
    add_pipeline(commands)
    add_serve(commands)
    add_insight(commands)

    demo = commands.add_parser("demo", help="the whole job on a generated catalog")
    demo.add_argument("--folder", default="demo", help="where to keep its files")
    demo.add_argument("--country", default="tr", help="tr, en, nl, de, fr, es, it or pt")
    demo.add_argument("--titles", type=int, default=3_000, help="titles to generate")
    demo.set_defaults(run=_demo)
    return parser


def _decision_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--objective", choices=list(_OBJECTIVES), help="what the answer is best for; default path"
    )
    parser.add_argument(
        "--guarantee",
        type=float,
        metavar="SHARE",
        help="answer coarser where needed: with this probability the truth or an ancestor of it",
    )
    parser.add_argument(
        "--max-error",
        type=float,
        metavar="SHARE",
        help="answer only where, among the answered, no larger share is wrong",
    )
    parser.add_argument(
        "--certainty", type=float, default=0.95, metavar="SHARE", help="of --max-error"
    )


def _decision(options: argparse.Namespace) -> dict[str, Any]:
    names = ("objective", "guarantee", "max_error", "certainty")
    return {name: getattr(options, name) for name in names}


def _setting_options(parser: argparse.ArgumentParser) -> None:
    from dataclasses import fields

    from prodcat.model.config import ModelConfig, TrainingConfig

    for config in (ModelConfig, TrainingConfig):
        group = parser.add_argument_group(f"{config.__name__} settings")
        for field in fields(config):
            if field.name == "validation":  # the share; --validation is the file
                name = "--validation-share"
            else:
                name = "--" + field.name.replace("_", "-")
            group.add_argument(
                name,
                dest=f"setting_{config.__name__}_{field.name}",
                type=_reader(field.default),
                default=argparse.SUPPRESS,
                metavar="VALUE",
                help=f"default {field.default}".replace("%", "%%"),
            )


def _reader(default: object) -> Any:
    if isinstance(default, bool):
        return _yes_or_no
    if isinstance(default, tuple):
        return _pair
    if isinstance(default, (int, float)):
        return type(default)
    return _text_or_none


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("yes", "no", "true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")
    return text.lower() in ("yes", "true")


def _pair(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _text_or_none(text: str) -> str | None:
    return None if text.lower() == "none" else text


def _settings(options: argparse.Namespace, config: Any, default: Any = None) -> Any:
    prefix = f"setting_{config.__name__}_"
    given = {
        name[len(prefix) :]: value
        for name, value in vars(options).items()
        if name.startswith(prefix)
    }
    return config(**given) if default is None else replace(default, **given)


def _train(options: argparse.Namespace) -> None:
    with _processes(options) as writes:
        _train_here(options, writes)


@contextmanager
def _processes(options: argparse.Namespace) -> Iterator[bool]:
    """Connect the processes that torchrun started; whether this one writes."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    import torch
    import torch.distributed as dist

    cuda = torch.cuda.is_available() and not str(options.device or "cuda").startswith("cpu")
    if cuda:
        options.device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(options.device)
    else:
        options.device = "cpu"
    # The first process may solve n-grams for long while the others wait for it.
    dist.init_process_group("nccl" if cuda else "gloo", timeout=timedelta(hours=6))
    try:
        yield dist.get_rank() == 0
    finally:
        dist.destroy_process_group()


def _train_here(options: argparse.Namespace, writes: bool) -> None:
    from prodcat.model.config import ModelConfig, TrainingConfig
    from prodcat.taxonomy.tree import read_taxonomy
    from prodcat.training.checkpoint import CheckpointFolder
    from prodcat.training.fitting import fit

    taxonomy = None
    if options.taxonomy:
        taxonomy = read_taxonomy(options.taxonomy, separator=options.separator, inner=options.inner)
    catalog = read_titles(options, options.catalog, taxonomy=taxonomy)
    validation = None
    if options.validation:
        validation = read_titles(options, options.validation, taxonomy=catalog.taxonomy)
    if writes:
        _say(repr(catalog))
    warm = None
    if options.warm_start:
        warm = load_classifier(options, options.warm_start)
    model = _settings(options, ModelConfig, None if warm is None else warm.model)
    checkpoints = CheckpointFolder(options.checkpoints) if options.checkpoints else None
    classifier = fit(
        catalog,
        validation=validation,
        model=model,
        training=_settings(options, TrainingConfig),
        warm_start=warm,
        checkpoints=checkpoints,
        device=options.device,
        progress=not options.quiet,
    )
    if not writes:
        return
    if classifier is warm:
        from prodcat.storage.tables import address

        print(f"Titles, tree and settings are those of {options.warm_start}: nothing was trained.")
        if address(options.output) == address(options.warm_start):
            return
    classifier.save(options.output)
    if checkpoints is not None:
        checkpoints.clear()
    options.facts.update(
        output=options.output,
        fingerprint=classifier.fingerprint,
        path_accuracy=None
        if classifier.validation is None
        else classifier.validation.path_accuracy,
    )
    if options.history:
        import fsspec

        with fsspec.open(options.history, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(own.to_dict()) + "\n" for own in classifier.history)
    print(classifier.validation)
    print(f"\nsaved to {options.output}")


def _trim(options: argparse.Namespace) -> None:
    from prodcat.catalog.catalog import read_catalog
    from prodcat.model.encoder import trim_encoder

    titles = None
    if options.titles:
        titles = read_catalog(
            options.titles,
            title=options.title,
            path=None,
            text=options.text,
            language=options.language,
            on_error="accept",
        )
    asked = {name: getattr(options, name) for name in ("languages", "min_count", "max_pieces")}
    if _is_classifier(options.source):
        if titles is None:
            raise ConfigError("A classifier is trimmed to titles; expected --titles. Name a file.")
        small, report = load_classifier(options, options.source).trimmed(titles, **asked)
        small.save(options.output)
    else:
        report = trim_encoder(
            options.source,
            options.output,
            texts=None if titles is None else titles.inputs,
            text_languages=None if titles is None else titles.languages,
            **asked,
        )
    print(report)
    print(f"\nsaved to {options.output}")


def _is_classifier(source: str) -> bool:
    """Whether something is a saved classifier, not an encoder."""
    import fsspec

    from prodcat.classifier.loading import is_reference

    filesystem, path = fsspec.url_to_fs(source)
    if filesystem.exists(path):
        return filesystem.isfile(path) or bool(filesystem.exists(f"{path}/manifest.json"))
    return is_reference(source)


def _evaluate(options: argparse.Namespace) -> None:
    if options.plot and not options.plot.lower().endswith((".png", ".svg", ".pdf")):
        raise ConfigError(f"--plot {options.plot!r} ends with none of .png, .svg, .pdf.")
    for own in options.report:
        if not own.lower().endswith((".html", ".htm", ".md")):
            raise ConfigError(f"--report {own!r} ends with none of .html, .md.")
    if (options.known or options.production) and not options.report:
        raise ConfigError("--known and --production are for a report; add --report FILE.")
    classifier = load_classifier(options, options.model)
    promised = options.guarantee is not None or options.max_error is not None
    group = classifier.group_column(promised)
    catalog = read_titles(
        options,
        options.catalog,
        taxonomy=classifier.taxonomy,
        keep=[] if group is None else [group],
    )
    evaluation = classifier.evaluate(catalog, precision=options.precision, **_decision(options))
    import fsspec

    if options.json:
        with fsspec.open(options.json, "w", encoding="utf-8") as file:
            file.write(evaluation.to_json())
    print(evaluation)
    if options.plot:
        with fsspec.open(options.plot, "wb") as file:
            evaluation.plot().savefig(file, format=options.plot.lower().rsplit(".", 1)[-1])
    if options.report:
        _report(options, classifier, catalog, evaluation)


def _report(
    options: argparse.Namespace, classifier: "Classifier", catalog: "Catalog", found: "Evaluation"
) -> None:
    from prodcat.insight.report import report_evaluation

    production = None
    if options.production:
        other = load_classifier(options, options.production)
        again = read_titles(options, options.catalog, taxonomy=other.taxonomy)
        production = other.evaluate(again, precision=options.precision, **_decision(options))
    known = None if options.known is None else read_titles(options, options.known)
    report = report_evaluation(
        found,
        classifier.taxonomy,
        titles=catalog.take(catalog.labelled).titles,
        known=known,
        production=production,
        name=options.model,
    )
    for own in options.report:
        report.save(own)


def _calibrate(options: argparse.Namespace) -> None:
    classifier = load_classifier(options, options.model)
    catalog = read_titles(options, options.catalog, taxonomy=classifier.taxonomy)
    before = classifier.evaluate(catalog)
    calibrated = classifier.calibrate(catalog, options.method)
    calibrated.save(options.output)
    after = calibrated.evaluate(catalog)
    print(
        f"ECE on these titles, which it was fitted on: {before.ece:.4f} before, {after.ece:.4f} "
        f"after; saved {options.output}"
    )
    if classifier.guarantee is not None:
        print(f"The old guarantee does not hold any more: {classifier.guarantee!r}; measure anew")


def _guarantee(options: argparse.Namespace) -> None:
    classifier = load_classifier(options, options.model)
    keep = [] if options.group is None else [options.group]
    catalog = read_titles(options, options.catalog, taxonomy=classifier.taxonomy, keep=keep)
    measured = classifier.with_guarantee(
        catalog,
        group=options.group,
        by_department=options.by_department,
        pool_below=options.pool_below,
        objective=options.objective,
    )
    measured.save(options.output)
    print(f"{measured.guarantee!r}; saved {options.output}")


def _predict(options: argparse.Namespace) -> None:
    from prodcat.scoring.jobs import parse_shard, score, stream

    decision = _decision(options)
    scoring = ScoringConfig(
        title=options.title,
        text=None if options.text is None else tuple(options.text),
        top_k=options.top_k,
        language=options.language,
        precision=options.precision,
        format=options.format,
        part_rows=options.part_rows,
        **decision,
    )
    if options.engine == "ray":
        _tell(options, _on_ray(options, scoring))
        return
    classifier = load_classifier(options, options.model)
    if options.output == "-" and (options.shard != "0/1" or options.overwrite):
        raise ConfigError("--shard and --overwrite are for an output folder; expected one, not -.")
    if options.output == "-":
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        rows = 0
        for piece, size in stream(classifier, options.input, scoring=scoring):
            sys.stdout.write(piece.decode())
            rows += size
        _say(f"{rows:,} titles answered")
        return
    report = score(
        classifier,
        options.input,
        options.output,
        scoring=scoring,
        shard=parse_shard(options.shard),
        overwrite=options.overwrite,
        progress=not options.quiet and sys.stderr.isatty(),
    )
    _tell(options, report)


def _on_ray(options: argparse.Namespace, scoring: ScoringConfig) -> "ScoringReport":
    from prodcat.scoring.ray_engine import score_on_ray

    if options.shard != "0/1":
        raise ConfigError("--shard and --engine ray are two ways to share; expected one of them.")
    return score_on_ray(
        options.model,
        options.input,
        options.output,
        scoring=scoring,
        actors=options.actors,
        overwrite=options.overwrite,
        device=options.device,
        cache=os.environ.get("PRODCAT_CACHE"),
        keys=key_paths(),
    )


def _tell(options: argparse.Namespace, report: "ScoringReport") -> None:
    options.facts.update(
        output=report.output,
        rows=report.rows,
        errors=report.errors,
        parts=report.parts,
        skipped=report.skipped,
        complete=report.complete,
        summary=report.summary,
    )
    _say(str(report))


def _demo(options: argparse.Namespace) -> None:
    from prodcat.demo.run import run_demo

    run_demo(options.folder, options.country, options.titles, sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
