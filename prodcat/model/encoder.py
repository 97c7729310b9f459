"""A Hugging Face encoder as one vector per title."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from prodcat.errors import EncoderError
from prodcat.model.attention import short_attention, suits
from prodcat.model.tokenization import read_tokenizer, try_tokenizer
from prodcat.model.vocabulary import (
    VocabularyReport,
    choose_pieces,
    trim_tokenizer,
    vocabulary_report,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Pooling = Literal["mean", "cls"]
# Kinds that are tested to come out of an artifact as they went in.  Others could make anything
# of a config from a stranger: tables of any size, computed before a weight is compared.
ENCODERS = (
    "albert", "bert", "camembert", "convbert", "deberta", "deberta-v2", "distilbert", "electra",
    "ernie", "esm", "eurobert", "gemma", "gemma2", "gemma3_text", "gpt2", "llama",
    "megatron-bert", "mistral", "modernbert", "mpnet", "nomic_bert", "phi3", "qwen2", "qwen3",
    "rembert", "roberta", "roberta-prelayernorm", "roformer", "xlm-roberta", "xlm-roberta-xl",
)  # fmt: skip
# Of positions: models that compute them make nothing of that size, others make tables, and some
# make tables that grow with the square.
_MOST_POSITIONS, _MOST_ROWS = 1_000_000, 8_192
_COMPUTED = (
    "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "llama", "mistral", "phi3",
    "modernbert", "eurobert", "nomic_bert", "esm",
)  # fmt: skip
# Numbers of a config that count modules, and those that count nothing.
_COUNTS = ("layer", "group", "network", "block", "experts")
_UNCOUNTED = ("_id", "seed", "theta", "window", "factor", "relative", "token_index")
_MOST_LAYERS = 128
_MOST_MADE = 96 << 20  # bytes of constants that a model computes when it is built
# What a config may say beside the shape: where code, kernels or weights are from.  All weights
# of an artifact are float32.
_NOT_SHAPE = (
    "_", "dtype", "torch_dtype", "auto_map", "attn_implementation", "quantization_config",
    "use_kernels", "backbone", "use_pretrained", "use_timm", "trust_remote_code",
    "custom_pipelines",
)  # fmt: skip
_FILLING = {
    "normal_", "uniform_", "trunc_normal_", "zeros_", "ones_", "constant_", "zero_", "fill_",
    "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_",
}  # fmt: skip
_ATTENTION = "prodcat_short"  # the name under which transformers knows prodcat.model.attention
# Models whose layers all let every token see all others: they can be given the mask as attention
# reads it, and none where nothing is padded.
_ALL_SEE_ALL = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert")


class Encoder(nn.Module):
    """A transformer body and its pooling.

    Args:
        body: Any encoder of ``transformers`` whose output has ``last_hidden_state``.
        pooling: ``"mean"`` over the title's own tokens, or ``"cls"``, its first.
    """

    def __init__(self, body: nn.Module, pooling: Pooling = "mean") -> None:
        super().__init__()
        self.body = body
        self.pooling = pooling

    @property
    def hidden(self) -> int:
        """Width of the pooled vector."""
        return int(self.body.config.hidden_size)  # type: ignore[union-attr,arg-type]

    @property
    def word_embeddings(self) -> nn.Embedding:
        """The table of word-piece vectors."""
        table = self.body.get_input_embeddings()  # type: ignore[operator]
        assert isinstance(table, nn.Embedding)
        return table

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Pool each title to one vector.

        Args:
            ids: int64 [batch, token].
            mask: bool [batch, token], true for real tokens; None where nothing is padded.

        Returns:
            float32 [batch, hidden].
        """
        states = self.states(ids, mask).float()
        if self.pooling == "cls":
            first: Tensor = states[:, 0]
            return first
        if mask is None:
            return states.mean(dim=1)
        weight = mask.unsqueeze(-1).to(states.dtype)
        pooled: Tensor = (states * weight).sum(1) / weight.sum(1).clamp(min=1)
        return pooled

    def states(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """The last layer's output for every token, float [batch, token, hidden]."""
        seen: Tensor | None
        config: Any = self.body.config
        if config.model_type not in _ALL_SEE_ALL:
            seen = torch.ones_like(ids) if mask is None else mask.long()
        else:
            # In the form that attention reads: a model that makes it itself looks at the mask's
            # values first, for which a GPU would have to be waited for.
            seen = None if mask is None else mask[:, None, None, :]
        states: Tensor = self.body(input_ids=ids, attention_mask=seen).last_hidden_state
        return states

    def set_word_embeddings(self, table: nn.Embedding) -> None:
        """Put another table in place, e.g. one with the rows of a corpus alone."""
        self.body.set_input_embeddings(table)  # type: ignore[operator]


def load_encoder(source: str, pooling: Pooling = "mean") -> tuple[Encoder, "Tokenizer"]:
    """Load pretrained weights and their tokenizer.

    Args:
        source: A name on the Hugging Face hub, a local folder, or an fsspec URI of a
            folder (``s3://…``).  A folder has ``config.json``, ``model.safetensors`` and
            a tokenizer.
        pooling: See :class:`Encoder`.

    Raises:
        EncoderError: There is no such encoder, it is incomplete, or its tokenizer has no
            fast (Rust) form.
    """
    if "://" in source:
        with tempfile.TemporaryDirectory() as folder:
            _download(source, folder)
            return _load_folder(folder, source, pooling)
    return _load_folder(source, source, pooling)


def _download(uri: str, folder: str) -> None:
    import fsspec

    filesystem, path = fsspec.url_to_fs(uri)
    names = [name for name in filesystem.find(path)] if filesystem.exists(path) else []
    if not names:
        raise EncoderError(
            f"Found no files at {uri!r}; expected a folder with config.json, model.safetensors "
            "and tokenizer.json. Check the address and the rights."
        )
    for name in names:
        target = Path(folder) / str(name)[len(str(path)) :].lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        filesystem.get_file(name, str(target))


def _load_folder(folder: str, source: str, pooling: Pooling) -> tuple[Encoder, "Tokenizer"]:
    from transformers import AutoModel, AutoTokenizer

    try:
        with _quiet():
            body = _without_pooler(AutoModel.from_pretrained, folder)
            tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EncoderError(
            f"Cannot load an encoder from {source!r}: {str(error).splitlines()[0]} Expected a hub "
            "name, or a folder with config.json, model.safetensors and tokenizer.json."
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise EncoderError(
            f"The tokenizer of {source!r} has no fast form; expected a tokenizer.json. Convert it "
            "with transformers and save it beside the weights."
        )
    check_kind(body.config.model_type)
    rows = body.get_input_embeddings().num_embeddings
    most = max([*tokenizer.get_added_vocab().values(), len(tokenizer) - 1]) + 1
    if most > rows:  # tokens of other uses, such as images, for which there are no vectors
        body.resize_token_embeddings(most, mean_resizing=False)
    backend = read_tokenizer(tokenizer.backend_tokenizer.to_str(), source)
    try_tokenizer(backend, max(most, rows), source)
    if tokenizer.pad_token_id is not None:
        body.config.pad_token_id = tokenizer.pad_token_id
    return Encoder(_with_short_attention(body.float()), pooling), backend


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and no advice from transformers, while it lasts."""
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
    try:
        return make(source, add_pooling_layer=False)
    except TypeError:  # models without a pooling layer do not know the option
        return make(source)


def _with_short_attention(body: Any) -> Any:
    """Let a model that can have its attention chosen use products where they are faster."""
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
        **rest: Any,
    ) -> tuple[Tensor, None]:
        if suits(module, query, rest):
            out = short_attention(query, key, value, attention_mask, dropout, scaling)
        else:
            out = sdpa_attention_forward(
                module, query, key, value, attention_mask, dropout, scaling, **rest
            )[0]
        return out, None

    if getattr(body.config, "_attn_implementation", None) == "sdpa":
        AttentionInterface.register(_ATTENTION, attend)
        AttentionMaskInterface.register(_ATTENTION, sdpa_mask)
        body.set_attn_implementation(_ATTENTION)
    return body


@torch.no_grad()
def keep_pieces(encoder: Encoder, kept: Tensor) -> None:
    """Cut the table of word vectors to these pieces, in place.

    Args:
        encoder: The encoder.
        kept: int64 [pieces]: their ids, ascending; the first becomes id 0, and so on.
    """
    whole = encoder.word_embeddings
    ids = kept.tolist()
    place = {old: new for new, old in enumerate(ids)}
    config: Any = encoder.body.config
    old_pad = whole.padding_idx
    small = nn.Embedding(
        len(ids),
        whole.embedding_dim,
        padding_idx=None if old_pad is None else place.get(old_pad),
        _weight=whole.weight[kept.to(whole.weight.device)].clone(),
    )
    encoder.set_word_embeddings(small)
    config.vocab_size = len(ids)
    for name in ("pad", "bos", "eos", "cls", "sep", "mask"):
        old = getattr(config, f"{name}_token_id", None)
        if isinstance(old, int):
            setattr(config, f"{name}_token_id", place.get(old))


def trim_encoder(
    source: str,
    target: str,
    *,
    texts: Sequence[str] | None = None,
    text_languages: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
    min_count: int = 1,
    max_pieces: int | None = None,
) -> VocabularyReport:
    """Write an encoder that has only the word pieces that are wanted.

    Args:
        source: A hub name, a local folder or an fsspec URI, as for ``ModelConfig.encoder``.
        target: A folder at any fsspec URI, to be named as ``ModelConfig.encoder``.
        texts: Keep the pieces that these are made of, such as all titles.
        text_languages: The language of each text, for the report alone.
        languages: Keep the pieces that the alphabets of these languages can write, such as
            ``["tr", "en"]``.
        min_count: Of the pieces of the texts, those that are there so often.
        max_pieces: Of these, at most so many, the most frequent ones.

    Returns:
        Sizes, tokens and unknown pieces before and after.

    Raises:
        ConfigError: Nothing tells which pieces to keep, or a language is not known.
        EncoderError: The encoder cannot be loaded, or its tokenizer cannot be trimmed.
    """
    encoder, tokenizer = load_encoder(source)
    kept = choose_pieces(
        tokenizer, texts=texts, languages=languages, min_count=min_count, max_pieces=max_pieces
    )
    small = trim_tokenizer(tokenizer, kept)
    keep_pieces(encoder, torch.from_numpy(kept))
    write_encoder(encoder, small, target)
    shown = list(texts) if texts is not None else []
    return vocabulary_report(
        tokenizer, small, encoder.word_embeddings.embedding_dim, shown, text_languages
    )


def write_encoder(encoder: Encoder, tokenizer: "Tokenizer", target: str) -> None:
    """Write a folder at any fsspec URI that :func:`load_encoder` reads."""
    import fsspec
    from transformers import PreTrainedTokenizerFast

    names = {own.content for own in tokenizer.get_added_tokens_decoder().values()}
    roles = {
        "pad_token": ("<pad>", "[PAD]"),
        "unk_token": ("<unk>", "[UNK]"),
        "cls_token": ("[CLS]", "<s>"),
        "sep_token": ("[SEP]", "</s>"),
        "mask_token": ("<mask>", "[MASK]"),
    }
    special = {
        role: next(name for name in usual if name in names)
        for role, usual in roles.items()
        if names & set(usual)
    }
    filesystem, root = fsspec.url_to_fs(target)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        encoder.body.save_pretrained(folder)  # type: ignore[operator]
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
    """Build an encoder from the JSON of its config; needs no network.

    Args:
        config: See :func:`config_of`.
        pooling: See :class:`Encoder`.
        empty: Whether to leave out the weights, which are then to be assigned.
        most: See :class:`without_weights`.

    Raises:
        EncoderError: The installed ``transformers`` does not know the model's type, or more
            is made than may be.
    """
    from transformers import AutoConfig, AutoModel

    rest = {name: value for name, value in config.items() if not name.startswith(_NOT_SHAPE)}
    if empty:
        rest.pop("sinusoidal_pos_embds", None)  # a way to make weights, which are to be assigned
    kind = rest.pop("model_type", None)
    try:
        settings = AutoConfig.for_model(kind, **rest)
        with without_weights(most) if empty else nullcontext():
            body = _without_pooler(AutoModel.from_config, settings)
        return Encoder(_with_short_attention(body), pooling)
    except EncoderError:
        raise
    except (ValueError, KeyError) as error:
        raise EncoderError(
            f"Cannot build an encoder of type {kind!r}: {error}. Install the version of "
            "transformers that the artifact was saved with."
        ) from error


class without_weights(TorchFunctionMode):  # noqa: N801, used as a function
    """Modules made within have weights without memory, in this thread alone.

    Constants that are computed, such as positions, are real.

    Args:
        most: How many weights may be made; any number if not given.

    Raises:
        EncoderError: More are made, or constants of more than 96 MB.
    """

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.most, self.weights, self.bytes = most, 0, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Weights begin as uninitialised or random numbers, and are then given values."""
        kwargs = dict(kwargs or {})
        target = args[0] if args else kwargs.get("tensor")
        if isinstance(target, Tensor) and target.is_meta and func.__name__ in _FILLING:
            return target
        if func in (torch.empty, torch.rand, torch.randn):
            kwargs["device"] = "meta"
            self.weights += 1
            if self.most is not None and self.weights > self.most:
                raise EncoderError(
                    f"The encoder's config asks for more than {self.most:,} weights, which those "
                    "that are there are not. It is not the config of these weights."
                )
        elif func in _MADE:
            planned = func(*args, **{**kwargs, "device": "meta"})
            if self.bytes + _bytes(planned) > _MOST_MADE:
                self._refuse()
        out = func(*args, **kwargs)
        if isinstance(out, Tensor) and not out.is_meta:
            self.bytes += _bytes(out)
            if self.bytes > _MOST_MADE:
                self._refuse()
        return out

    def _refuse(self) -> None:
        raise EncoderError(
            f"The encoder's config asks for constants of more than {_MOST_MADE >> 20} MB. It is "
            "not the config of these weights."
        )


_MADE = (torch.zeros, torch.ones, torch.full, torch.arange, torch.linspace, torch.eye)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def check_kind(kind: object) -> None:
    """Refuse a kind of encoder that would not come out of an artifact as it went in.

    Raises:
        EncoderError: It is none of :data:`ENCODERS`.
    """
    if kind not in ENCODERS:
        raise EncoderError(
            f"Found an encoder of type {str(kind)[:64]!r}, which prodcat does not know; expected "
            f"one of {', '.join(ENCODERS)}."
        )


def check_encoder(config: Any, shapes: Mapping[str, Sequence[int]]) -> int:
    """Refuse a config that no encoder with such weights can have.

    A config can ask for any amount of memory, for code or weights from elsewhere.

    Args:
        config: As an artifact has it.
        shapes: The shape of each of the artifact's weights by name.

    Returns:
        How many weights an encoder may make, for :class:`without_weights`.

    Raises:
        EncoderError: It does.
    """
    kind = config.get("model_type") if isinstance(config, dict) else None
    check_kind(kind)
    # All sizes of a model are axes of its weights, a product of two at most.
    widest = max((max(own, default=0) for own in shapes.values()), default=0)
    table = (max(own, default=0) for name, own in shapes.items() if _is_of_places(name))
    rows = max(_MOST_ROWS, *table, 0)
    for name, number in _numbers(config):
        most = max(widest, _MOST_ROWS)
        if "position" in name:
            most = _MOST_POSITIONS if kind in _COMPUTED else rows
        elif any(word in name for word in _UNCOUNTED):
            most = max(widest, 16 * _MOST_POSITIONS)
        elif any(word in name for word in _COUNTS):
            most = max(len(shapes), _MOST_LAYERS)  # layers may share their weights
        if abs(number) > most:
            raise EncoderError(
                f"The encoder's config asks for {name}={number:,}; expected at most {most:,} with "
                "these weights. It is not the config of these weights."
            )
    return 3 * len(shapes) + 64


def _is_of_places(name: str) -> bool:
    return "position" in name or name.endswith("wpe.weight")


def _numbers(config: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """All numbers of a config, by name."""
    if isinstance(config, dict):
        for key, value in config.items():
            yield from _numbers(value, str(key))
    elif isinstance(config, list):
        for value in config:
            yield from _numbers(value, name)
    elif isinstance(config, int) and not isinstance(config, bool):
        yield name, config


def config_of(encoder: Encoder) -> dict[str, Any]:
    """The JSON from which :func:`build_encoder` rebuilds the encoder's shape."""
    config: dict[str, Any] = encoder.body.config.to_diff_dict()  # type: ignore[union-attr,operator]
    config["model_type"] = encoder.body.config.model_type  # type: ignore[union-attr]
    config["vocab_size"] = encoder.word_embeddings.num_embeddings
    for private in [name for name in config if name.startswith("_")]:
        del config[private]
    return config


def pad_id_of(encoder: Encoder) -> int:
    """The id that fills up short rows; masked out, so any valid id would do."""
    pad = getattr(encoder.body.config, "pad_token_id", None)
    return int(pad) if pad is not None else 0


def autocast(device: torch.device, precision: str) -> Any:
    """bfloat16 autocast on the device, or nothing for ``"float32"``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
