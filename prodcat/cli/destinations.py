"""Checks of outputs before a command reads or computes anything.

One rule holds for all commands: what exists is replaced only with ``--overwrite``, and a file that
the command reads is never replaced.
"""

import argparse
import uuid
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from prodcat.cli.arrangement import OUTPUT, OVERWRITE, TABLES
from prodcat.cli.output import STDOUT, check_writable
from prodcat.errors import ConfigError, ProdcatError, did_you_mean

_DEVICES = ("/dev/", "/proc/")
_MOST_NAMES = 3  # of files in a folder that a message lists


def check_outputs_new(options: argparse.Namespace) -> None:
    """Refuse files that exist as outputs, without ``--overwrite``.

    The files are those of all arguments with the metavar ``OUTPUT``; a command that continues an
    output sets ``checks_output`` and checks it by itself.

    Args:
        options: The parsed options.

    Raises:
        ConfigError: Two outputs are one file, or one exists or is an input of the same command.
    """
    outputs: list[tuple[str, str]] = []
    for action in options.parser.actions:
        if action.metavar == OUTPUT:
            given = getattr(options, action.dest)
            option = max(action.option_strings, key=len, default=OUTPUT)
            outputs += [
                (option, uri) for uri in ([given] if isinstance(given, str) else given or [])
            ]
    for number, (option, uri) in enumerate(outputs):
        for other, earlier in outputs[:number]:
            # A link is replaced, not what it leads to, so two links to one file are two outputs.
            if uri != STDOUT and _address(uri) == _address(earlier):
                raise ConfigError(
                    f"{option} {uri} and {other} {earlier} are one file, of which only the last "
                    "that is written would be left. Give them different names."
                )
    if getattr(options, "checks_output", False):
        return
    for option, uri in outputs:
        check_new(options, option, uri)


def check_new(options: argparse.Namespace, option: str, uri: str) -> None:
    """Refuse a file that exists, without ``--overwrite``, and one that the command reads.

    Args:
        options: The parsed options.
        option: The option that names the file, for messages.
        uri: The file, at any fsspec URI; ``-``, devices and pipes are always allowed.

    Raises:
        ConfigError: The file exists, or is or would become an input of the same command.
    """
    if uri == STDOUT or uri.startswith(_DEVICES):
        return
    if not _is_file(uri):
        if any(_is_in_folder(uri, source) for source in _named_sources(options)):
            raise ConfigError(
                f"{option} is {uri!r}, among the input files, so that the same command would read "
                "it the next time. Name a file in another folder."
            )
        return
    if any(_is_same(uri, source) for source in _sources(options)):
        raise ConfigError(
            f"{option} is {uri!r}, which is an input file too and would be replaced. Name another "
            "file."
        )
    if not options.overwrite:
        raise ConfigError(
            f"{option} is {uri!r}, which exists. Add {OVERWRITE} to replace it, or name another "
            "file."
        )


def check_model_folder(
    options: argparse.Namespace, option: str, uri: str, *, updated: str | None = None
) -> None:
    """Refuse an output for a classifier that cannot be written, or that would be replaced or mixed.

    Args:
        options: The parsed options.
        option: The option that names the output, for messages.
        uri: A folder, at any fsspec URI, or an archive whose name ends with ``.tar.gz``.
        updated: The classifier that the command goes on with, which may be replaced; or None.

    Raises:
        ConfigError: Nothing can be written there; or, without ``--overwrite``, there is a
            classifier, or a folder with other files.
    """
    from prodcat.storage.archive import is_archive
    from prodcat.storage.table_files import address

    is_file = bool(uri.strip()) and is_archive(uri)
    if not is_file and not options.overwrite and uri.strip():
        if updated is None or address(uri) != address(updated):
            _check_free(option, uri)
    elif is_file:
        check_new(options, option, uri)
    (check_file if is_file else check_folder)(option, uri)


def check_demo_folder(options: argparse.Namespace, option: str, name: str) -> None:
    """Refuse a folder for generated files that others can write to, or that has them already.

    Args:
        options: The parsed options, with the folder as ``folder``.
        option: The option that names the folder, for messages.
        name: The name of the file that tells that the folder has such files.

    Raises:
        ConfigError: Others can write to the folder, or it has this file and there is no
            ``--overwrite``.
    """
    from prodcat.demo.folders import made_folder

    folder = Path(options.folder)
    if folder.exists():
        made_folder(folder)
    check_new(options, option, str(folder / name))


def _check_free(option: str, uri: str) -> None:
    """Refuse a folder with files; folders in it are no obstacle.

    Raises:
        ConfigError: It has files.
    """
    from prodcat.storage.manifest import MANIFEST

    names = _file_names(uri)
    if MANIFEST in names:
        raise ConfigError(
            f"{option} is {uri!r}, where a classifier is saved already. Add {OVERWRITE} to replace "
            "it, or name another folder."
        )
    if names:
        listed = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
        raise ConfigError(
            f"{option} is {uri!r}, a folder that has files already ({listed}); expected a new or "
            f"an empty folder. Name another one, or add {OVERWRITE} to save there all the same: "
            "files with the names of a classifier's are replaced."
        )


def _file_names(uri: str) -> list[str]:
    """The sorted names of the files in a folder; none if there is no such folder."""
    from prodcat.storage.table_files import connect

    # What is wrong with the address is told later, too.
    with suppress(OSError, ValueError, ImportError, NotImplementedError):
        filesystem, path = connect(uri)
        filesystem.invalidate_cache()
        if filesystem.isfile(path):  # which is told when it is checked whether it can be written
            return []
        entries = filesystem.ls(path, detail=True)
        names = [entry["name"].rsplit("/", 1)[-1] for entry in entries if entry["type"] == "file"]
        return sorted(name for name in names if name and not name.startswith("."))
    return []


def _is_file(uri: str) -> bool:
    """Whether there is a file, on this machine's disk or elsewhere."""
    from prodcat.storage.table_files import connect

    if "://" not in uri and "::" not in uri:
        return Path(uri).expanduser().is_file()
    with suppress(OSError, ValueError, ImportError, NotImplementedError):
        filesystem, path = connect(uri)
        return bool(filesystem.isfile(path))
    return False


def _is_same(uri: str, source: str) -> bool:
    """Whether two names are those of one file, links and other forms of an address included."""
    with suppress(OSError):
        if _path(uri).samefile(_path(source)):
            return True
    return _address(uri) == _address(source)


def _address(uri: str) -> str:
    """The normalised form of a URI; the URI itself where its place is not known."""
    from prodcat.storage.table_files import address

    with suppress(OSError, ValueError, ImportError, NotImplementedError):
        return address(uri)
    return uri


def _path(uri: str) -> Path:
    """The path of a file of this machine, which may be named as an address."""
    return Path(_address(uri).removeprefix("file://"))


def _sources(options: argparse.Namespace) -> list[str]:
    """The names of the tables that a command reads, those of folders and globs included."""
    from prodcat.storage.table_files import expand

    files: list[str] = []
    for name in _named_sources(options):
        files.append(name)
        with suppress(ProdcatError):
            files += expand(name)
    return files


def _named_sources(options: argparse.Namespace) -> list[str]:
    """The names of the tables that a command reads, as they are given."""
    from prodcat.storage.table_files import uris_of

    names: list[str] = []
    for action in options.parser.actions:
        if action.metavar in TABLES:
            given = getattr(options, action.dest)
            names += given if isinstance(given, list) else uris_of(given) if given else []
    return [name for name in names if name != STDOUT]


def _is_in_folder(uri: str, source: str) -> bool:
    """Whether a file would be in a folder of inputs, or a glob of inputs would match it."""
    file, place = _path(uri), _path(source)
    with suppress(OSError):
        if place.is_dir():
            return place.resolve() in file.resolve().parents
        is_glob = any(mark in source for mark in "*?[") and not place.exists()
        return is_glob and fnmatch(str(file), str(place))
    return False


def check_folder(option: str, uri: str) -> None:
    """Refuse a folder into which nothing can be written; on this machine nothing is made.

    Args:
        option: The option that names the folder, for messages.
        uri: The folder, at any fsspec URI.

    Raises:
        ConfigError: The folder cannot be written to.
    """
    if not uri.strip():
        raise ConfigError(f"{option} is empty; expected a folder or an fsspec URI to save to.")
    if (path := _local_path(option, uri)) is None:
        _check_remote(option, uri)
        return
    if path.exists() and not path.is_dir():
        raise ConfigError(
            f"{option} is {uri!r}: cannot write there, as it is a file; expected a folder. Name "
            "another one."
        )
    check_writable(option, str(path), is_folder=True)


def check_file(option: str, uri: str) -> None:
    """Refuse a file that cannot be written; on this machine nothing is made.

    Args:
        option: The option that names the file, for messages.
        uri: The file, at any fsspec URI; ``-`` and devices are always allowed.

    Raises:
        ConfigError: The file cannot be written.
    """
    if uri == STDOUT or uri.startswith(_DEVICES):
        return
    if not uri.strip() or uri.endswith("/"):
        raise ConfigError(f"{option} is {uri!r}; expected the name of a file.")
    if _local_path(option, uri) is None:
        _check_remote(option, uri.rpartition("/")[0])
    else:
        check_writable(option, uri)


def _local_path(option: str, uri: str) -> Path | None:
    """The path of a file or folder on this machine; None if it is elsewhere.

    Raises:
        ConfigError: There is no filesystem for such a URI.
    """
    from fsspec.registry import available_protocols

    from prodcat.storage.table_files import connect

    try:
        filesystem, path = connect(uri)
    except (ValueError, ImportError, OSError) as error:
        guess = did_you_mean(uri.partition("://")[0], available_protocols())
        raise ConfigError(
            f"{option} is {uri!r}: cannot write there: {error}{guess or '.'}"
        ) from error
    return Path(path) if "file" in filesystem.protocol else None


def _check_remote(option: str, uri: str) -> None:
    """Write a small object to a server, and remove it again."""
    from prodcat.storage.objects import Objects

    name = f".prodcat-{uuid.uuid4().hex}"
    try:
        objects = Objects(uri)
        objects.write(name, b"")
        objects.remove(name)
    except (ProdcatError, ValueError, ImportError, NotImplementedError) as error:
        raise ConfigError(f"{option} is {uri!r}: cannot write there: {error}") from error
