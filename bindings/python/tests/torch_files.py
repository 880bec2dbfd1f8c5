# SPDX-License-Identifier: MIT
"""Writes what torch.save() writes, and what it would never write, opcode by opcode.

Nothing here needs torch, so the tests of the converter don't either; that the files are as torch's
is what test_convert_torch.py compares where torch is installed.
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

STORAGES = {
    "<f4": "FloatStorage",
    "<f2": "HalfStorage",
    "<f8": "DoubleStorage",
    "<i8": "LongStorage",
    "<i4": "IntStorage",
    "<i2": "ShortStorage",
    "|i1": "CharStorage",
    "|u1": "ByteStorage",
    "|b1": "BoolStorage",
    "<u2": "BFloat16Storage",  # numpy has no bfloat16; its bits come as these
}
ORDERED = b"ccollections\nOrderedDict\n)R"
REBUILD = "torch._utils._rebuild_tensor_v2"


def name_global(name: str) -> bytes:
    """GLOBAL."""
    module, _, what = name.rpartition(".")
    return f"c{module}\n{what}\n".encode()


def text(value: str) -> bytes:
    """BINUNICODE."""
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<L", len(raw)) + raw


def number(value: int) -> bytes:
    """LONG1, which torch uses for what BININT can't hold; here for all."""
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def numbers(values: Sequence[int]) -> bytes:
    """A tuple of integers."""
    return b"(" + b"".join(number(value) for value in values) + b"t"


def storage(kind: str, key: str, count: int, more: bytes = b"N", where: str = "cpu") -> bytes:
    """A persistent id; `more` is the sixth member that the older format has."""
    return (
        b"("
        + text("storage")
        + name_global(f"torch.{kind}")
        + text(key)
        + text(where)
        + number(count)
        + more
        + b"tQ"
    )


def tensor(
    place: bytes,
    offset: int,
    shape: Sequence[int],
    strides: Sequence[int],
    call: str = REBUILD,
    tail: bytes = b"\x89" + ORDERED,
) -> bytes:
    """A call that makes a tensor; `place` is its storage."""
    arguments = place + number(offset) + numbers(shape) + numbers(strides) + tail
    return name_global(call) + b"(" + arguments + b"tR"


def parameter(value: bytes) -> bytes:
    """The same as a torch.nn.Parameter."""
    return name_global("torch._utils._rebuild_parameter") + b"(" + value + b"\x88" + ORDERED + b"tR"


def state_dict(items: Mapping[str, bytes], metadata: bool = True) -> bytes:
    """An OrderedDict with the versions of modules as its state, as Module.state_dict() has it."""
    body = b"".join(text(name) + value for name, value in items.items())
    state = b"}" + text("_metadata") + ORDERED + b"sb" if metadata else b""
    return ORDERED + b"(" + body + b"u" + state


def pickle_of(body: bytes, protocol: int = 2) -> bytes:
    """PROTO and STOP around it."""
    return b"\x80" + bytes([protocol]) + body + b"."


class File:
    """Tensors that become one file, in either format."""

    def __init__(self, more: bytes = b"") -> None:
        self.items: dict[str, bytes] = {}
        self.storages: dict[str, bytes] = {}
        self.counts: dict[str, int] = {}
        self.more = more

    def add(self, name: str, array: Array, kind: str | None = None) -> File:
        """A tensor with a storage of its own, in the order that its strides have."""
        flat = np.ascontiguousarray(array)
        key = self.store(flat, kind)
        strides = [step // flat.itemsize for step in flat.strides]
        return self.view(name, key, flat.dtype.str, flat.size, 0, flat.shape, strides, kind)

    def store(self, array: Array, kind: str | None = None) -> str:
        """Only the storage; its key."""
        key = str(len(self.storages))
        self.storages[key] = array.tobytes()
        self.counts[key] = array.size
        return key

    def view(
        self,
        name: str,
        key: str,
        code: str,
        count: int,
        offset: int,
        shape: Sequence[int],
        strides: Sequence[int],
        kind: str | None = None,
    ) -> File:
        """A tensor of a storage that is there."""
        place = storage(kind or STORAGES[code], key, count, self.more)
        self.items[name] = tensor(place, offset, shape, strides)
        return self

    def pickle(self) -> bytes:
        """The one that names the tensors."""
        return pickle_of(state_dict(self.items))

    def save(self, path: Path) -> Path:
        """As torch does since 1.6."""
        write_zip(path, zip_entries(self.pickle(), self.storages))
        return path

    def save_legacy(self, path: Path) -> Path:
        """As torch did before, and does with _use_new_zipfile_serialization=False."""
        path.write_bytes(legacy(self.pickle(), self.storages, self.counts))
        return path


def zip_entries(pickle: bytes, storages: Mapping[str, bytes]) -> dict[str, bytes]:
    """The entries of an archive, in torch's order."""
    entries = {"archive/data.pkl": pickle, "archive/byteorder": b"little"}
    entries.update({f"archive/data/{key}": data for key, data in storages.items()})
    entries["archive/version"] = b"3\n"
    return entries


def write_zip(path: Path, entries: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> None:
    """An archive of these."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in entries.items():
            file.writestr(name, data)


def legacy_head(
    magic: int = 0x1950A86A20F9469CFC6C, protocol: int = 1001, little: bytes = b"\x88"
) -> bytes:
    """The three pickles that come first."""
    system = b"}(" + text("protocol_version") + number(1001) + text("little_endian") + little + b"u"
    return pickle_of(number(magic)) + pickle_of(number(protocol)) + pickle_of(system)


def legacy(
    pickle: bytes, storages: Mapping[str, bytes], counts: Mapping[str, int], head: bytes = b""
) -> bytes:
    """A whole file of the older format."""
    keys = pickle_of(b"](" + b"".join(text(key) for key in storages) + b"e")
    data = b"".join(struct.pack("<Q", counts[key]) + storages[key] for key in storages)
    return (head or legacy_head()) + pickle + keys + data


def tiny_bert(
    seed: int = 0, hidden: int = 8, layers: int = 2, vocabulary: int = 12
) -> dict[str, Array]:
    """The tensors of a small BertModel, by the names in its state dict."""
    random = np.random.default_rng(seed)

    def weights(*shape: int) -> Array:
        return (random.standard_normal(shape) * 0.2).astype("<f4")

    result: dict[str, Array] = {
        "embeddings.word_embeddings.weight": weights(vocabulary, hidden),
        "embeddings.position_embeddings.weight": weights(16, hidden),
        "embeddings.token_type_embeddings.weight": weights(2, hidden),
        "embeddings.LayerNorm.weight": 1 + weights(hidden),
        "embeddings.LayerNorm.bias": weights(hidden),
    }
    for i in range(layers):
        at = f"encoder.layer.{i}."
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            result[f"{at}attention.{name}.weight"] = weights(hidden, hidden)
            result[f"{at}attention.{name}.bias"] = weights(hidden)
        result[f"{at}intermediate.dense.weight"] = weights(2 * hidden, hidden)
        result[f"{at}intermediate.dense.bias"] = weights(2 * hidden)
        result[f"{at}output.dense.weight"] = weights(hidden, 2 * hidden)
        result[f"{at}output.dense.bias"] = weights(hidden)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            result[f"{at}{name}.weight"] = 1 + weights(hidden)
            result[f"{at}{name}.bias"] = weights(hidden)
    return result


def tiny_config(hidden: int = 8, layers: int = 2, vocabulary: int = 12) -> dict[str, Any]:
    """The config of `tiny_bert()`."""
    return {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "intermediate_size": 2 * hidden,
        "max_position_embeddings": 16,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }


def file_of(tensors: Mapping[str, Array], more: bytes = b"") -> File:
    """All of them, each with its own storage."""
    file = File(more)
    for name, array in tensors.items():
        file.add(name, array)
    return file


def write_model(folder: Path, legacy_format: bool = False) -> dict[str, Array]:
    """A model directory with pytorch_model.bin; its tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = tiny_bert()
    (folder / "config.json").write_text(json.dumps(tiny_config()))
    path = folder / "pytorch_model.bin"
    if legacy_format:
        file_of(tensors, more=b"N").save_legacy(path)
    else:
        file_of(tensors).save(path)
    return tensors


def read_safetensors(path: Path) -> dict[str, tuple[str, list[int], bytes]]:
    """Type, shape and bytes of each tensor; the order and the metadata are asserted."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8 : 8 + length])
    assert head.pop("__metadata__") == {"format": "pt"}
    assert length % 8 == 0
    result: dict[str, tuple[str, list[int], bytes]] = {}
    at = 0
    for name, entry in head.items():
        begin, end = entry["data_offsets"]
        assert begin == at, name
        at = end
        result[name] = (entry["dtype"], entry["shape"], raw[8 + length + begin : 8 + length + end])
    assert 8 + length + at == len(raw)
    return result
