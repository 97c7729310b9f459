"""The small encoder with random weights."""

import subprocess
import sys

from prodcat.demo.quick_commerce import generate
from prodcat.demo.scratch import write_scratch_encoder

PROGRAM = """
import sys
from pathlib import Path
from prodcat.demo.quick_commerce import generate
from prodcat.demo.scratch import write_scratch_encoder
titles = [row.title for row in generate(700, "tr")]
write_scratch_encoder(titles, Path(sys.argv[1]), vocabulary=1_500, hidden=32)
"""
FILES = ("tokenizer.json", "model.safetensors")


def test_equal_texts_give_an_equal_encoder_in_every_process(tmp_path):
    """Hash tables have another order in each process."""
    for name in ("first", "second", "third"):
        subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / name)], check=True)
    for file in FILES:
        assert len({path.read_bytes() for path in tmp_path.glob(f"*/{file}")}) == 1, file


def test_its_tokenizer_takes_words_apart(tmp_path):
    from tokenizers import Tokenizer

    titles = [row.title for row in generate(300, "tr")]
    write_scratch_encoder(titles, tmp_path, vocabulary=200, hidden=32)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == 200
    tokens = tokenizer.encode("ELMA Zzz").tokens
    assert tokens[0] == "[CLS]" and tokens[-1] == "[SEP]" and "[UNK]" not in tokens[:2]
    # Pieces inside of words are no special tokens: a title may have their marks.
    assert "##a" in tokenizer.get_vocab() and tokenizer.encode("##a").tokens[1] != "##a"
