"""Creates a small encoder with random weights, for use without a pretrained one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def write_scratch_encoder(
    texts: Sequence[str],
    folder: Path,
    *,
    vocabulary: int = 4_000,
    hidden: int = 128,
    layers: int = 2,
    seed: int = 0,
) -> Path:
    """Write a random encoder to a folder that ``AutoModel`` and ``AutoTokenizer`` load.

    Args:
        texts: The texts from which the tokenizer learns its word pieces.
        folder: The folder to write to; created if it does not exist.
        vocabulary: The greatest number of word pieces.
        hidden: The width of the encoder.
        layers: The number of layers.
        seed: The seed of the random weights.

    Returns:
        ``folder``.
    """
    from transformers import PreTrainedTokenizerFast

    tokenizer = _word_pieces(texts, vocabulary)
    body = _random_bert(tokenizer.get_vocab_size(), hidden, layers, seed)
    body.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    ).save_pretrained(folder)
    return folder


def _word_pieces(texts: Sequence[str], vocabulary: int) -> "Tokenizer":
    """A tokenizer like BERT's, whose word pieces are learned from the texts."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    normalizer = normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    words = pre_tokenizers.BertPreTokenizer()
    # The trainer would number letters inside words in the random order of a hash table, and chooses
    # between equally frequent pieces by number.  It numbers special tokens in the given order, so
    # with the letters among them, equal texts give equal tokenizers.
    lines = (words.pre_tokenize_str(normalizer.normalize_str(text)) for text in texts)
    letters = sorted({f"##{letter}" for line in lines for word, _ in line for letter in word[1:]})
    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    learner.normalizer, learner.pre_tokenizer = normalizer, words
    learner.train_from_iterator(
        texts, trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=[*special, *letters])
    )
    tokenizer = Tokenizer(models.WordPiece(learner.get_vocab(), unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, words
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def _random_bert(vocabulary: int, hidden: int, layers: int, seed: int) -> Any:
    """A BERT with random weights; torch's random state is the same before and after."""
    import torch
    from transformers import BertConfig, BertModel

    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    body = BertModel(
        BertConfig(
            vocab_size=vocabulary,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=max(hidden // 32, 1),
            intermediate_size=4 * hidden,
            max_position_embeddings=128,
            pad_token_id=0,
        ),
        add_pooling_layer=False,
    )
    torch.random.set_rng_state(state)
    return body
