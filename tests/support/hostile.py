"""Artifacts that were made to do harm, each a change of a good one that its manifest vouches for."""

import base64
import gzip
import hashlib
import io
import json
import struct
import tarfile

from prodcat.storage.manifest import to_bytes


def vouch(folder):
    """Make the manifest say what the files are, as an attacker would."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {
        path.name: {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.iterdir())
        if path.name != "manifest.json"
    }
    (folder / "manifest.json").write_bytes(to_bytes(manifest))


def _json(folder, name, change):
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))


def _encoder(**values):
    def harm(folder):
        _json(folder, "config.json", lambda own: own["encoder"].update(values))

    return harm


def _tokenizer(**values):
    def harm(folder):
        _json(folder, "tokenizer.json", lambda own: own.update(values))

    return harm


def _charsmap(folder):
    """Letters that each become a megabyte, in the form that SentencePiece compiles them to."""
    units = [0] * 1024
    units[0] = 256 << 10
    for code in b"prodcatkgs":
        units[256 ^ code] = code | (((256 ^ code) ^ 512) << 10) | (1 << 8)
    units[512] = 0
    content = struct.pack("<I", 4096) + struct.pack("<1024I", *units) + b"x" * 1_000_000 + b"\0"
    text = base64.b64encode(content).decode()
    _tokenizer(normalizer={"type": "Precompiled", "precompiled_charsmap": text})(folder)


def _many_tensors(folder):
    def change(header, data):
        for number in range(20_000):
            place = len(data) + 4 * number
            header[f"j{number}"] = {
                "dtype": "F32", "shape": [1], "data_offsets": [place, place + 4]
            }  # fmt: skip
        return data + b"\0" * 80_000

    _weights(change)(folder)
    _encoder(num_hidden_layers=5_000)(folder)


def _model(**values):
    def harm(folder):
        _json(folder, "config.json", lambda own: own["model"].update(values))

    return harm


def _replace(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def split_weights(content):
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def join_weights(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _weights(change):
    def harm(folder):
        path = folder / "model.safetensors"
        header, data = split_weights(path.read_bytes())
        data = change(header, data) or data
        path.write_bytes(join_weights(header, data))

    return harm


def _first(header):
    return next(name for name in sorted(header) if name.startswith("encoder."))


def _shape(name, shape):
    return _weights(lambda header, data: header[name].update(shape=shape) if name in header else
                    header[_first(header)].update(shape=shape))  # fmt: skip


def _big_counts(header, data):
    """Columns of the n-grams beyond the last outcome: read blindly, another's memory."""
    begin, end = header["lexical.columns"]["data_offsets"]
    return data[:begin] + b"\xff\x7f" * ((end - begin) // 2) + data[end:]


def _offsets(header, data):
    begin, end = header["lexical.offsets"]["data_offsets"]
    return data[:begin] + struct.pack("<q", 1 << 60) * ((end - begin) // 8) + data[end:]


HARM = {
    "a billion layers": _encoder(num_hidden_layers=10**9),
    "a thousand layers": _encoder(num_hidden_layers=1_000),
    "a trillion pieces": _encoder(vocab_size=10**12),
    "ten million pieces": _encoder(vocab_size=9_999_999),
    "a wide encoder": _encoder(hidden_size=9_999_936, num_attention_heads=2),
    "long positions": _encoder(max_position_embeddings=10**11),
    "positions of which the square is stored": _encoder(
        model_type="gpt_neo", max_position_embeddings=14_000
    ),
    "positions without end": _encoder(max_position_embeddings=9_000_000),
    "no heads": _encoder(num_attention_heads=0),
    "negative width": _encoder(intermediate_size=-5),
    "a text as a width": _encoder(hidden_size="x" * 100),
    "many groups of layers": _encoder(model_type="albert", num_hidden_groups=1_000_000),
    "many networks in a layer": _encoder(
        model_type="mobilebert", num_feedforward_networks=1_000_000
    ),
    "many inner groups": _encoder(model_type="albert", inner_group_num=100_000),
    "positions of waves": _encoder(
        model_type="distilbert", sinusoidal_pos_embds=True, max_position_embeddings=8_000
    ),
    "waves as a table": _encoder(model_type="roformer", max_position_embeddings=8_192),
    "squares for each layer": _encoder(model_type="gpt2", n_positions=8_192),
    "a Fourier matrix": _encoder(
        model_type="fnet", use_tpu_fourier_optimizations=True, tpu_short_seq_length=8_192
    ),
    "letters that become more and more": _tokenizer(
        normalizer={
            "type": "Sequence",
            "normalizers": [
                {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100}
            ] * 6,
        }
    ),
    "a thousand times a thousand tokens around": _tokenizer(
        post_processor={
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "x", "type_id": 0}}] * 5_000
            + [{"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"x": {"id": "x", "ids": [0] * 5_000, "tokens": ["x"] * 5_000}},
        }
    ),
    "a title 49,000 times": _tokenizer(
        pre_tokenizer={
            "type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False
        },
        post_processor={
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}] * 49_000,
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {},
        },
    ),
    "letters that become a megabyte each": _charsmap,
    "many tensors and many layers": _many_tensors,
    "a tokenizer of many lists": _tokenizer(junk=[[]] * 600_000),
    "a chain of 30,000 nodes": _replace(
        "taxonomy.json",
        json.dumps(
            {
                "nodes": [
                    {"id": str(n), "parent": str(n - 1) if n else None, "name": "x"}
                    for n in range(30_000)
                ]
            }
        ).encode(),
    ),
    "another type": _encoder(model_type="timm_backbone", backbone="x/y"),
    "no type": _encoder(model_type=None),
    "an unknown type": _encoder(model_type="nonesuch"),
    "another text encoder": _encoder(model_type="albert"),
    "an encoder that is a list": lambda folder: _json(
        folder, "config.json", lambda own: own.update(encoder=[1])
    ),
    "wide beliefs": _model(belief_width=10**9),
    "no structure": _model(structure="x"),
    "a model that is text": lambda folder: _json(
        folder, "config.json", lambda own: own.update(model="x")
    ),
    "deep config": _replace("config.json", b"[" * 200_000 + b"]" * 200_000),
    "deep taxonomy": _replace("taxonomy.json", b'{"nodes":' + b"[" * 90_000 + b"]" * 90_000 + b"}"),
    "many empty lists": _replace("taxonomy.json", b"[" + b"[]," * 3_000_000 + b"[]]"),
    "a taxonomy of one text": _replace("taxonomy.json", b'"' + b"x" * 1_000_000 + b'"'),
    "a taxonomy that is none": _replace("taxonomy.json", b'{"nodes": [{"id": "a"}]}'),
    "a circle": _replace(
        "taxonomy.json",
        b'{"nodes": [{"id": "a", "parent": "b", "name": "a"}, '
        b'{"id": "b", "parent": "a", "name": "b"}]}',
    ),
    "huge numbers": _replace("config.json", b'{"model": ' + b"9" * 100_000 + b"}"),
    "no UTF-8": _replace("taxonomy.json", b"\xff\xfe" * 1_000),
    "a tokenizer that is none": _replace("tokenizer.json", b'{"a": 1}'),
    "a tokenizer of nothing": _replace("tokenizer.json", b""),
    "a deep tokenizer": _replace("tokenizer.json", b'{"model":' * 10_000 + b"}" * 10_000),
    "a tokenizer with many pieces": _replace(
        "tokenizer.json",
        json.dumps(
            {
                "version": "1.0",
                "model": {
                    "type": "WordPiece",
                    "unk_token": "[UNK]",
                    "continuing_subword_prefix": "##",
                    "max_input_chars_per_word": 100,
                    "vocab": {"[UNK]": 0, **{f"w{n}": n for n in range(1, 20_000)}},
                },
            }
        ).encode(),
    ),
    "a unigram without its unknown piece": _replace(
        "tokenizer.json",
        json.dumps(
            {"version": "1.0", "model": {"type": "Unigram", "unk_id": 99, "vocab": [["a", -1.0]]}}
        ).encode(),
    ),
    "a header longer than the file": _replace(
        "model.safetensors", struct.pack("<Q", 1 << 40) + b"{}" * 50
    ),
    "a header of the largest length": _replace("model.safetensors", b"\xff" * 8 + b"{}"),
    "weights of eight bytes": _replace("model.safetensors", b"\x02" + b"\x00" * 7),
    "weights of nothing": _replace("model.safetensors", b""),
    "a header that is a list": _replace("model.safetensors", struct.pack("<Q", 2) + b"[]"),
    "a deep header": _replace(
        "model.safetensors", struct.pack("<Q", 20_000) + b"[" * 10_000 + b"]" * 10_000
    ),
    "a header of 20 MB": _replace(
        "model.safetensors", struct.pack("<Q", 20 << 20) + b" " * (20 << 20)
    ),
    "a shape of a trillion": _shape("encoder.body.embeddings.word_embeddings.weight", [10**6, 10**6]),
    "a negative shape": _shape("encoder.body.embeddings.word_embeddings.weight", [-1, 32]),
    "a shape of text": _shape("encoder.body.embeddings.word_embeddings.weight", ["x"]),
    "offsets beyond the end": _weights(
        lambda header, data: header[_first(header)].update(data_offsets=[0, 1 << 50])
    ),
    "offsets the wrong way": _weights(
        lambda header, data: header[_first(header)].update(data_offsets=[64, 0])
    ),
    "a type that is none": _weights(lambda header, data: header[_first(header)].update(dtype="X9")),
    "another type of number": _weights(
        lambda header, data: header[_first(header)].update(
            dtype="BF16", shape=[2, *header[_first(header)]["shape"]]
        )
    ),
    "a weight too few": _weights(lambda header, data: header.pop(_first(header)) and None),
    "a weight that nobody knows": _weights(
        lambda header, data: header.update(
            {"zzz": {"dtype": "U8", "shape": [0], "data_offsets": [len(data), len(data)]}}
        )
    ),
    "n-grams beyond the last outcome": _weights(_big_counts),
    "n-grams without end": _weights(_offsets),
    "no calibration": _weights(lambda header, data: header.pop("calibration.levels") and None),
    "no n-grams": _weights(lambda header, data: header.pop("ngrams.hashes") and None),
    "history of text": _replace("history.json", b'"x"'),
    "history of unknown names": _replace("history.json", b'[{"x": 1}]'),
    "an evaluation that is none": _replace("evaluation.json", b"[1]"),
    "a guarantee that is none": _replace("guarantee.json", b"{}"),
}  # fmt: skip


# Of no consequence: no title is ever padded as the tokenizer says.
PADDED = _tokenizer(
    padding={
        "strategy": {"Fixed": 10_000_000},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
)


def _manifest(change):
    def harm(folder):
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_bytes(to_bytes(manifest))

    return harm


def _name(name):
    def change(own):
        own["files"][name] = {"bytes": 1, "sha256": "0" * 64}

    return _manifest(change)


# These change the manifest itself, so it does not vouch for them.
MANIFEST_HARM = {
    **{
        f"a file named {name[:20]!r}": _name(name)
        for name in (
            "../evil", "/etc/passwd", "a/b", "a\\b", "..", ".", "", "C:evil", "x" * 300, "a\x00b",
            "manifest.json", "\u202egpj.exe", "con\n",
        )
    },
    "a file of a petabyte": _manifest(
        lambda own: own["files"]["model.safetensors"].update(bytes=10**15)
    ),
    "a file of less than nothing": _manifest(
        lambda own: own["files"]["model.safetensors"].update(bytes=-1)
    ),
    "a file that no artifact has": _manifest(
        lambda own: own["files"].update({"junk.bin": {"bytes": 1, "sha256": "0" * 64}})
    ),
    "a taxonomy of a gigabyte": _manifest(
        lambda own: own["files"]["taxonomy.json"].update(bytes=1 << 30)
    ),
    "a size of text": _manifest(lambda own: own["files"]["model.safetensors"].update(bytes="9")),
    "a size that is true": _manifest(
        lambda own: own["files"]["model.safetensors"].update(bytes=True)
    ),
    "a hash of text": _manifest(
        lambda own: own["files"]["model.safetensors"].update(sha256="../../x")
    ),
    "a thousand files": _manifest(
        lambda own: own["files"].update(
            {f"f{n}": {"bytes": 0, "sha256": "0" * 64} for n in range(1_000)}
        )
    ),
    "files that are a list": _manifest(lambda own: own.update(files=["config.json"])),
    "a version of text": _manifest(lambda own: own.update(format_version="x" * 10_000)),
    "a version of lists": _manifest(lambda own: own.update(format_version=[[1]])),
    "a deep manifest": _replace("manifest.json", b"[" * 300_000),
    "a manifest of 20 MB": _replace("manifest.json", b" " * (20 << 20)),
    "a manifest of many lists": _replace("manifest.json", b"[" + b"[]," * 200_000 + b"[]]"),
    "a manifest that is a number": _replace("manifest.json", b"1"),
    "a manifest that is nothing": _replace("manifest.json", b""),
}  # fmt: skip


def _tar(members, fmt=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=fmt) as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _member(name, kind=tarfile.REGTYPE, link=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def archives(files):
    """Hostile archives around good files.

    Args:
        files: A good artifact's contents by name, the manifest too.
    """
    good = [(_member(name), content) for name, content in files.items()]
    huge = tarfile.TarInfo("x")
    huge.type, huge.size = tarfile.XHDTYPE, 1 << 32
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 1 << 32
    bomb = _sized("model.safetensors", 12 << 30)
    return {
        **{
            f"a member {name!r}": _tar([*good, (_member(name), b"evil")])
            for name in ("../evil", "/tmp/evil", "a/../../evil", "a\\..\\evil", "./../evil")
        },
        "a link": _tar([*good[1:], (_member("config.json", tarfile.SYMTYPE, "/etc/passwd"), b"")]),
        "a hard link": _tar(
            [*good, (_member("code", tarfile.LNKTYPE, "../../etc/passwd"), b"")]
        ),
        "a link to a folder": _tar([(_member("code", tarfile.SYMTYPE, "/tmp"), b""), *good]),
        "a device": _tar([*good, (_member("dev", tarfile.CHRTYPE), b"")]),
        "a pipe": _tar([*good, (_member("pipe", tarfile.FIFOTYPE), b"")]),
        "a member twice": _tar([*good, good[-1]]),
        "many members": _tar(good + [(_member(f"f{n}"), b"") for n in range(2_000)]),
        "no manifest": _tar([(member, own) for member, own in good if member.name != "manifest.json"]),
        "no members": _tar([]),
        "a pax header of 4 GB": gzip.compress(huge.tobuf(tarfile.PAX_FORMAT) + b"\0" * 4096),
        "a long name of 4 GB": gzip.compress(long_name.tobuf(tarfile.GNU_FORMAT) + b"\0" * 4096),
        "a file of holes": _sparse(),
        "a file of 12 GB": gzip.compress(bomb.tobuf(tarfile.GNU_FORMAT) + b"\0" * 4096),
        "zeros": gzip.compress(b"\0" * (200 << 20), 9),
        "a bomb": gzip.compress(
            _sized("x", 190 << 20).tobuf(tarfile.GNU_FORMAT)
            + b"\0" * (200 << 20),
            9,
        ),
        "zeros that are listed": _zeros(files),
        "no gzip": b"PK\x03\x04" + b"x" * 1_000,
        "nothing": b"",
        "half": _tar(good)[: len(_tar(good)) // 2],
        "another file's content": _tar(
            [(m, b"x" * len(c) if m.name == "taxonomy.json" else c) for m, c in good]
        ),
    }  # fmt: skip


def _zeros(files):
    """A manifest that vouches for weights of zeros, a hundredth of their size in the archive."""
    weights = bytes(190 << 20)
    own = {name: content for name, content in files.items() if name != "manifest.json"}
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["model.safetensors"] = {
        "bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()
    }  # fmt: skip
    own["model.safetensors"] = weights
    members = {"manifest.json": to_bytes(manifest), **own}
    return _tar([(_member(name), content) for name, content in members.items()])


def _sparse():
    member = tarfile.TarInfo("model.safetensors")
    member.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(8 << 30)}
    return _tar([(member, b"x")])


def _sized(name, size):
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def let_tokenizer_panic(folder):
    """Let the tokenizer panic at "ş", whose first byte is after the end of a table."""
    units = "ş".encode()[0]
    table = base64.b64encode(struct.pack("<I", 4 * units) + bytes(4 * units)).decode()
    _tokenizer(normalizer={"type": "Precompiled", "precompiled_charsmap": table})(folder)
    vouch(folder)
