"""Load, write and build encoders of ``transformers``.

No other module of prodcat imports ``transformers``, except the one that makes the demo's encoder.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from prodcat.errors import EncoderError
from prodcat.model.attention import short_attention, suits
from prodcat.model.bert_weights import BertConfig, BertWeights
from prodcat.model.config import Pooling
from prodcat.model.encoder import Encoder
from prodcat.model.hub import only_from_disk
from prodcat.model.tokenization import read_tokenizer
from prodcat.model.untrusted import check_kind, try_tokenizer
from prodcat.model.weightless import without_weights

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Prefixes of settings in a config that do not determine the shape of the model, but the type of its
# weights (always float32 in artifacts) or where code, kernels or weights come from.
_NOT_SHAPE = (
    "_", "dtype", "torch_dtype", "auto_map", "attn_implementation", "quantization_config",
    "use_kernels", "backbone", "use_pretrained", "use_timm", "trust_remote_code",
    "custom_pipelines",
)  # fmt: skip
_REVISION = re.compile(r"[\w.-]+(/[\w.-]+)?@[\w./-]+")  # NAME@REVISION of a model on the hub
_ATTENTION = "prodcat_short"  # the name of prodcat.model.attention in transformers
# The usual names of special tokens, by role.
_SPECIAL_TOKENS = {
    "pad_token": ("<pad>", "[PAD]"),
    "unk_token": ("<unk>", "[UNK]"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("<mask>", "[MASK]"),
}


def load_encoder(source: str, pooling: Pooling = "mean") -> tuple[Encoder, "Tokenizer"]:
    """Load a pretrained encoder and its tokenizer.

    Args:
        source: A name on the Hugging Face hub, a local folder, or an fsspec URI of a
            folder (``s3://…``).  A folder has ``config.json``, ``model.safetensors`` and
            a tokenizer.  ``NAME@REVISION`` is a commit, a tag or a branch of a model on the hub.
        pooling: See :class:`Encoder`.

    Returns:
        The encoder, with float32 weights on the CPU, and its tokenizer.

    Raises:
        EncoderError: There is no such encoder, it is incomplete or of a type that prodcat does not
            know, or its tokenizer has no fast (Rust) version or does not match the encoder.
    """
    if "://" in source:
        with tempfile.TemporaryDirectory() as folder:
            _download(source, folder)
            return _load_folder(folder, source, pooling)
    return _load_folder(source, source, pooling)


def write_encoder(encoder: Encoder, tokenizer: "Tokenizer", target: str) -> None:
    """Write an encoder and its tokenizer as a folder that :func:`load_encoder` can load.

    Args:
        encoder: The encoder.
        tokenizer: Its tokenizer.
        target: The folder, at any fsspec URI.
    """
    import fsspec
    from transformers import PreTrainedTokenizerFast

    names = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    special = {
        role: next(name for name in usual_names if name in names)
        for role, usual_names in _SPECIAL_TOKENS.items()
        if names & set(usual_names)
    }
    filesystem, root = fsspec.url_to_fs(target)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        encoder.model().save_pretrained(folder)  # type: ignore[operator]
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
        filesystem.makedirs(root, exist_ok=True)
        for path in sorted(Path(folder).iterdir()):
            filesystem.put_file(str(path), f"{root}/{path.name}")


def build_encoder(
    config: dict[str, Any],
    pooling: Pooling = "mean",
    *,
    empty: bool = False,
    most: int | None = None,
) -> Encoder:
    """Build an encoder from the JSON of its config, without network access.

    Args:
        config: The config as values of JSON; see :func:`config_of`.
        pooling: See :class:`Encoder`.
        empty: Whether to make weights that take no memory, for the caller to replace; otherwise
            they are random.
        most: Maximum number of weight tensors if ``empty``; see
            :class:`prodcat.model.weightless.without_weights`.

    Returns:
        The encoder.

    Raises:
        EncoderError: The installed ``transformers`` does not know the model's type, or the model
            would be larger than ``most`` allows.
    """
    shape = {name: value for name, value in config.items() if not name.startswith(_NOT_SHAPE)}
    usual = BertConfig.read(shape) if empty else None
    if usual is not None:
        with without_weights(most):
            return Encoder(BertWeights(usual, partial(_build, shape, None, empty=True)), pooling)
    if empty:
        shape.pop("sinusoidal_pos_embds", None)  # it would compute real weights
    return Encoder(_build(shape, most, empty=empty), pooling)


def _build(shape: dict[str, Any], most: int | None, *, empty: bool) -> Any:
    """Build a model of ``transformers`` from its settings; see :func:`build_encoder`."""
    from transformers import AutoConfig, AutoModel

    shape = dict(shape)
    kind = shape.pop("model_type", None)
    try:
        settings = AutoConfig.for_model(kind, **shape)
        with without_weights(most) if empty else nullcontext():
            body = _without_pooler(AutoModel.from_config, settings)
        return _with_short_attention(body)
    except EncoderError:
        raise
    except (ValueError, KeyError) as error:
        raise EncoderError(
            f"Cannot build an encoder of type {kind!r}: {error}. Install the version of "
            "transformers that the artifact was saved with."
        ) from error


def config_of(encoder: Encoder) -> dict[str, Any]:
    """The config, as values of JSON, to build an encoder of the same shape from."""
    settings: Any = encoder.model().config
    config: dict[str, Any] = settings.to_diff_dict()
    config["model_type"] = settings.model_type
    config["vocab_size"] = encoder.word_embeddings.num_embeddings
    for private in [name for name in config if name.startswith("_")]:
        del config[private]
    return config


def _download(uri: str, folder: str) -> None:
    """Copy all files of a folder at an fsspec URI into a local folder."""
    import fsspec

    filesystem, path = fsspec.url_to_fs(uri)
    names = list(filesystem.find(path)) if filesystem.exists(path) else []
    if not names:
        raise EncoderError(
            f"Found no files at {uri!r}; expected a folder with config.json, model.safetensors "
            "and tokenizer.json. Check the address and the access rights."
        )
    for name in names:
        target = Path(folder) / str(name)[len(str(path)) :].lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        filesystem.get_file(name, str(target))


def _load_folder(folder: str, source: str, pooling: Pooling) -> tuple[Encoder, "Tokenizer"]:
    """Load an encoder from a hub name or a local folder.

    Args:
        folder: The hub name or the local folder.
        source: The name or URI that the caller gave, for error messages.
        pooling: See :class:`Encoder`.
    """
    name, revision = folder, "main"
    if _REVISION.fullmatch(folder) and not Path(folder).exists():
        name, revision = folder.split("@")
    body, tokenizer = _from_pretrained(name, source, revision)
    check_kind(body.config.model_type)
    rows = body.get_input_embeddings().num_embeddings
    needed = max([*tokenizer.get_added_vocab().values(), len(tokenizer) - 1]) + 1
    if needed > rows:  # the tokenizer has further tokens, for example for images
        body.resize_token_embeddings(needed, mean_resizing=False)
    backend = read_tokenizer(tokenizer.backend_tokenizer.to_str(), source)
    try_tokenizer(backend, max(needed, rows), source)
    if tokenizer.pad_token_id is not None:
        body.config.pad_token_id = tokenizer.pad_token_id
    return Encoder(_with_short_attention(body.float()), pooling), backend


def _from_pretrained(folder: str, source: str, revision: str) -> tuple[Any, Any]:
    """The model and the fast tokenizer as ``transformers`` loads them.

    Code that comes with a model is never run, and pickled weights are never read.
    """
    from transformers import AutoModel, AutoTokenizer

    options: dict[str, Any] = {"revision": revision, "trust_remote_code": False}
    if not Path(folder).is_dir():
        options["local_files_only"] = only_from_disk(folder, revision, source)
    load = partial(AutoModel.from_pretrained, use_safetensors=True, **options)
    try:
        with _quiet():
            body = _without_pooler(load, folder)
            tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True, **options)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EncoderError(
            f"Cannot load an encoder from {source!r}: {str(error).splitlines()[0]} Expected a hub "
            "name, or a folder with config.json, model.safetensors and tokenizer.json. To use "
            "n-grams alone, set model=prodcat.ModelConfig(encoder=None)."
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise EncoderError(
            f"The tokenizer of {source!r} has no fast (Rust) version; expected a tokenizer.json. "
            "Convert it with transformers and save it in the folder of the weights."
        )
    return body, tokenizer


@contextmanager
def _quiet() -> Iterator[None]:
    """A context in which ``transformers`` shows no progress bars and logs no warnings."""
    from transformers.utils import logging

    bar = logging.is_progress_bar_enabled()
    level = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _without_pooler(make: Any, source: Any) -> Any:
    """Make a model with a function of ``AutoModel``, without a pooling layer."""
    try:
        return make(source, add_pooling_layer=False)
    except TypeError:  # models without a pooling layer do not know the option
        return make(source)


def _with_short_attention(body: Any) -> Any:
    """Make a model use :mod:`prodcat.model.attention`, if it can, and return the model."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    def attend(
        module: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        dropout: float = 0.0,
        scaling: float | None = None,
        **settings: Any,
    ) -> tuple[Tensor, None]:
        if suits(module, query, settings):
            out = short_attention(query, key, value, attention_mask, dropout, scaling)
        else:
            out = sdpa_attention_forward(
                module, query, key, value, attention_mask, dropout, scaling, **settings
            )[0]
        return out, None

    if getattr(body.config, "_attn_implementation", None) == "sdpa":
        AttentionInterface.register(_ATTENTION, attend)
        AttentionMaskInterface.register(_ATTENTION, sdpa_mask)
        body.set_attn_implementation(_ATTENTION)
    return body
