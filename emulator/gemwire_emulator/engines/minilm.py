"""The conversion of all-MiniLM-L6-v2 to GGUF, so that llama.cpp runs it as it runs the language model.

The alternative, onnxruntime, would add 100 MB of packages for the same vectors.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TypeAlias

_Value: TypeAlias = "bool | int | float | str | list[str] | list[int]"
_F32, _BF16 = 0, 30
_ALIGNMENT = 32
_SPECIAL = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
#: Names of a BERT's tensors in llama.cpp.
_NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def convert(safetensors: Path, vocabulary: Path, target: Path) -> None:
    """Write the model as GGUF.

    Matrices are stored as bfloat16, which halves the file; embeddings agree with those of full precision to
    a cosine of 0.9999.
    """
    data = safetensors.read_bytes()
    start = 8 + struct.unpack_from("<Q", data)[0]
    infos, blobs, offset = b"", [], 0
    header = json.loads(data[8:start])
    tensors = [(name, found) for found in header if (name := _convert_name(found))]
    for name, found in tensors:
        first, last = header[found]["data_offsets"]
        raw, shape = data[start + first : start + last], header[found]["shape"][::-1]
        kind = _F32
        if len(shape) == 2 and name not in ("position_embd.weight", "token_types.weight"):
            # A bfloat16 is the upper half of a float.
            half = bytearray(len(raw) // 2)
            half[0::2], half[1::2] = raw[2::4], raw[3::4]
            raw, kind = bytes(half), _BF16
        infos += _encode_string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        blobs.append(_pad(raw))
        offset += len(blobs[-1])
    metadata = _build_metadata(vocabulary.read_text(encoding="utf-8").splitlines())
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(_encode_string(key) + _encode_value(value) for key, value in metadata.items()) + infos
    with target.open("wb") as file:
        file.write(_pad(head))
        file.writelines(blobs)


def _convert_name(found: str) -> str:
    """Return the name of a tensor in GGUF, empty for one that is not needed."""
    stem, _, kind = found.rpartition(".")
    if not stem.startswith("encoder.layer."):
        return f"{_NAMES[stem]}.{kind}" if stem in _NAMES else ""
    number, _, rest = stem.removeprefix("encoder.layer.").partition(".")
    return f"blk.{number}.{_NAMES[rest]}.{kind}"


def _build_metadata(vocabulary: list[str]) -> dict[str, _Value]:
    return {
        "general.architecture": "bert",
        "general.name": "all-MiniLM-L6-v2",
        "bert.block_count": 6,
        "bert.context_length": 512,
        "bert.embedding_length": 384,
        "bert.feed_forward_length": 1536,
        "bert.attention.head_count": 12,
        "bert.attention.layer_norm_epsilon": 1e-12,
        "bert.attention.causal": False,
        "bert.pooling_type": 1,  # the mean
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.tokens": [_convert_token(token) for token in vocabulary],
        "tokenizer.ggml.token_type": [3 if token in _SPECIAL else 1 for token in vocabulary],
        "tokenizer.ggml.padding_token_id": _SPECIAL["[PAD]"],
        "tokenizer.ggml.unknown_token_id": _SPECIAL["[UNK]"],
        "tokenizer.ggml.bos_token_id": _SPECIAL["[CLS]"],
        "tokenizer.ggml.cls_token_id": _SPECIAL["[CLS]"],
        "tokenizer.ggml.eos_token_id": _SPECIAL["[SEP]"],
        "tokenizer.ggml.seperator_token_id": _SPECIAL["[SEP]"],  # spelled so in the format
        "tokenizer.ggml.mask_token_id": _SPECIAL["[MASK]"],
    }


def _convert_token(token: str) -> str:
    """Convert a token: WordPiece marks the continuation of a word (``##ing``), llama.cpp its beginning."""
    if token.startswith("##"):
        return token[2:]
    return token if token.startswith("[") and token.endswith("]") and len(token) > 1 else f"▁{token}"


def _encode_string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _encode_value(value: _Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _encode_string(value)
    texts = [item for item in value if isinstance(item, str)]
    if texts:
        return struct.pack("<IIQ", 9, 8, len(texts)) + b"".join(map(_encode_string, texts))
    return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)
