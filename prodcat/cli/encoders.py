"""``prodcat encoders``: list encoders that suit product titles, and how fast they are here."""

import argparse
import time
from typing import TYPE_CHECKING, Any

from prodcat.cli.classifiers import device_option
from prodcat.cli.output import note, show
from prodcat.cli.parser import add_command
from prodcat.cli.version_tables import aligned, size_text
from prodcat.errors import EncoderError

if TYPE_CHECKING:
    from prodcat.model.encoder import Encoder
    from prodcat.model.hub import HubEncoder

_TITLES = 512  # that are read to measure the speed
_BATCH = 64  # titles that are read together
_TOKENS = 64


def add_encoders(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = add_command(
        commands,
        "encoders",
        "list encoders that suit product titles, and how fast they are on this machine",
        description="List encoders that suit product titles, with the size of their weights, their "
        "languages and their licence; those that are on this machine with the titles that they "
        "read in a second. What an encoder is worth on your rows: prodcat train --compare.",
        examples={
            "list them": "encoders",
            "also measure an encoder in a folder": "encoders encoder",
        },
    )
    parser.add_argument(
        "folders",
        nargs="*",
        metavar="ENCODER",
        help="further encoders to measure: folders, or names on the hub",
    )
    device_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the encoders.

    Raises:
        EncoderError: An encoder that is named cannot be loaded.
    """
    from prodcat.model.hub import HUB_ENCODERS, is_on_disk

    lines = [_line("none", "", "all", "", "the fastest: n-grams alone")]
    for encoder in HUB_ENCODERS:
        size = size_text(1_000_000 * encoder.megabytes)
        speed = _speed_on_disk(encoder, options) if is_on_disk(encoder.name) else "not on disk"
        lines.append(_line(encoder.name, size, encoder.languages, encoder.licence, speed))
    for folder in options.folders:
        speed, megabytes = _measured(folder, options.device)
        lines.append(_line(folder, size_text(megabytes), "", "", speed))
    show(aligned(lines))


def _line(name: str, size: str, languages: str, licence: str, speed: str) -> dict[str, str]:
    return {
        "ENCODER": name,
        "SIZE": size,
        "LANGUAGES": languages,
        "LICENCE": licence,
        "TITLES PER SECOND HERE": speed,
    }


def _speed_on_disk(encoder: "HubEncoder", options: argparse.Namespace) -> str:
    """The speed of an encoder in the cache; what is wrong with it if it cannot be loaded."""
    try:
        return _measured(encoder.name, options.device)[0]
    except EncoderError as error:
        note(f"{encoder.name}: {error}")
        return "cannot be loaded"


def _measured(source: str, device: str | None) -> tuple[str, int]:
    """How many titles an encoder reads in a second, in float32, and the bytes of its weights."""
    from prodcat.classifier.device import pick_device
    from prodcat.demo.quick_commerce import generate
    from prodcat.model.pretrained import load_encoder

    note(f"measuring {source}")
    encoder, tokenizer = load_encoder(source)
    encoder = encoder.to(pick_device(device)).eval()
    tokenizer.enable_truncation(_TOKENS)
    tokenizer.enable_padding()
    titles = [row.title for row in generate(_TITLES, "de")]
    _read(encoder, tokenizer, titles[:_BATCH])
    began = time.perf_counter()
    _read(encoder, tokenizer, titles)
    speed = len(titles) / (time.perf_counter() - began)
    weights = sum(weight.numel() * weight.element_size() for weight in encoder.parameters())
    return f"{speed:,.0f}", weights


def _read(encoder: "Encoder", tokenizer: Any, titles: list[str]) -> None:
    """Compute the vectors of titles, the short ones first, so that little is padded."""
    import torch

    device = next(encoder.parameters()).device
    ordered = sorted(titles, key=len)
    with torch.inference_mode():
        for start in range(0, len(ordered), _BATCH):
            rows = tokenizer.encode_batch(ordered[start : start + _BATCH])
            ids = torch.tensor([row.ids for row in rows], device=device)
            mask = torch.tensor([row.attention_mask for row in rows], device=device).bool()
            encoder(ids, mask).sum().item()
