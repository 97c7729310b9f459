"""What trials of reports have in common."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Bench:
    """What a trial may use.

    Attributes:
        folder: An empty folder.
        model: A small classifier.
    """

    folder: Path
    model: Any

    def file(self, name: str, content: str | bytes) -> str:
        """Write a file, and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def scored(self, source: str, ending: str = "jsonl") -> list[dict[str, Any]]:
        """Score a file or folder, and return the rows of the output."""
        import prodcat

        output = self.folder / f"answers.{ending}"
        prodcat.score(self.model, source, str(output))
        if ending == "jsonl":
            return [json.loads(line) for line in output.read_bytes().decode().split("\n")[:-1]]
        with output.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


@dataclass(frozen=True)
class Report:
    """A public report of another library.

    Attributes:
        number: The repository and the number, such as "pola-rs/polars#2313".
        happened: What happened there.
        trial: Tries the same with prodcat, and returns what prodcat does; fails if that is wrong.
    """

    number: str
    happened: str
    trial: Callable[[Bench], str]
