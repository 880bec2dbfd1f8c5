# SPDX-License-Identifier: MIT
"""The machine for pickles: what state dicts need, and everything that it must refuse."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import struct
import unittest
from typing import Any

import pytest
import torch_files as t

from libbert.convert import pickles
from libbert.convert.errors import Malformed
from libbert.convert.pickles import OrderedDict, Tensor, load


def read(raw: bytes) -> Any:
    return load(io.BytesIO(raw), "data.pkl").value


FLOATS = t.storage("FloatStorage", "0", 12, b"")
GOOD = t.pickle_of(
    t.state_dict(
        {"a": t.tensor(FLOATS, 2, (2, 3), (3, 1)), "b": t.parameter(t.tensor(FLOATS, 0, (), ()))}
    )
)


class Accepted(unittest.TestCase):
    def test_state_dict(self) -> None:
        value = read(GOOD)
        assert type(value) is OrderedDict
        assert list(value) == ["a", "b"]
        a, b = value["a"], value["b"]
        assert (a.offset, a.shape, a.strides, a.dtype.name) == (2, (2, 3), (3, 1), "F32")
        assert (b.shape, b.count, b.extent) == ((), 1, 1)
        assert a.storage is b.storage

    def test_untyped(self) -> None:
        place = t.storage("storage.UntypedStorage", "0", 12, b"")
        tail = b"\x89" + t.ORDERED + t.name_global("torch.uint16")
        value = read(
            t.pickle_of(t.tensor(place, 1, (5,), (1,), "torch._utils._rebuild_tensor_v3", tail))
        )
        assert (value.dtype.name, value.storage.size) == ("U16", 12)
        with pytest.raises(Malformed, match="reaches out of storage"):
            read(
                t.pickle_of(t.tensor(place, 2, (5,), (1,), "torch._utils._rebuild_tensor_v3", tail))
            )

    def test_first_rebuild(self) -> None:
        value = read(
            t.pickle_of(t.tensor(FLOATS, 0, (12,), (1,), "torch._utils._rebuild_tensor", b""))
        )
        assert value.shape == (12,)

    def test_protocol_4(self) -> None:
        name = b"\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94"
        body = name + b"\x8c\x01x" + b"h\x02" + b")Rs"
        assert read(b"\x80\x04\x95" + struct.pack("<Q", len(body) + 1) + body + b".") == {"x": {}}

    def test_plain_values_of_all_protocols(self) -> None:
        value = {
            "a": [1, 2**70, -5, 2.5, None, True, b"x", "\u20ac"],
            "b": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        }
        for protocol in range(2, 6):
            assert read(pickle.dumps({**value, "a": value["a"][:6]}, protocol)) == {
                **value,
                "a": value["a"][:6],
            }
        assert read(pickle.dumps(value, 4)) == value

    def test_empty_tensor_of_an_empty_storage(self) -> None:
        place = t.storage("FloatStorage", "0", 0, b"")
        assert read(t.pickle_of(t.tensor(place, 0, (0, 3), (3, 1)))).count == 0


class Canary:
    """What a hostile pickle would run."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("/nonexistent/canary",)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "GLOBAL": (b"cos\nsystem\n(" + t.text("id") + b"tR", '"os.system"'),
    "GLOBAL, never called": (b"cos\nsystem\n", '"os.system"'),
    "STACK_GLOBAL": (t.text("posix") + t.text("system") + b"\x93", '"posix.system"'),
    "builtins": (b"cbuiltins\neval\n(" + t.text("1") + b"tR", '"builtins.eval"'),
    "getattr": (b"cbuiltins\ngetattr\n", '"builtins.getattr"'),
    "a dotted name": (
        b"ccollections\nOrderedDict.fromkeys\n",
        '"collections.OrderedDict.fromkeys"',
    ),
    "a name of torch": (b"ctorch.hub\nload\n", '"torch.hub.load"'),
    "torch's loader": (b"ctorch\nload\n", '"torch.load"'),
    "numpy": (b"cnumpy.core.multiarray\n_reconstruct\n", "numpy.core.multiarray._reconstruct"),
    "INST": (b"(" + t.text("id") + b"ios\nsystem\n", "INST"),
    "OBJ": (b"(" + t.name_global("collections.OrderedDict") + b"o", "OBJ"),
    "NEWOBJ": (t.name_global("collections.OrderedDict") + b")\x81", "NEWOBJ"),
    "NEWOBJ_EX": (t.name_global("collections.OrderedDict") + b")}\x92", "NEWOBJ_EX"),
    "EXT1": (b"\x82\x01", "EXT1"),
    "PERSID": (b"Pstorage\n", "PERSID"),
    "NEXT_BUFFER": (b"\x97", "NEXT_BUFFER"),
    "sets": (b"\x8f", "EMPTY_SET"),
    "BYTEARRAY8": (b"\x96" + bytes(8), "BYTEARRAY8"),
    "BUILD of a function": (t.name_global(t.REBUILD) + b"}b", "state of what is no OrderedDict"),
    "BUILD of a dict": (b"}}b", "state of what is no OrderedDict"),
    "BUILD with slots": (t.ORDERED + b"N}\x86b", "state of what is no OrderedDict"),
    "a call of a string": (t.text("x") + b")R", "no function known"),
    "a call of a class of storages": (
        t.name_global("torch.FloatStorage") + b")R",
        "no function known",
    ),
    "a call with a list": (t.name_global("collections.OrderedDict") + b"]R", "no function known"),
    "OrderedDict of contents": (
        t.name_global("collections.OrderedDict") + b"](K\x01K\x02\x86e\x85R",
        "with contents",
    ),
    "a module as persistent id": (b"(" + t.text("module") + b"NNNNtQ", "not that of a storage"),
    "a string as persistent id": (t.text("0") + b"Q", "not that of a storage"),
    "a storage of no class": (
        b"("
        + t.text("storage")
        + t.text("torch.FloatStorage")
        + t.text("0")
        + t.text("cpu")
        + b"K\x01tQ",
        "no class of storages",
    ),
    "a storage of a function": (
        b"("
        + t.text("storage")
        + t.name_global(t.REBUILD)
        + t.text("0")
        + t.text("cpu")
        + b"K\x01tQ",
        "no class of storages",
    ),
    "a storage that is a view": (
        t.storage("FloatStorage", "0", 4, t.text("1")),
        "a view of another",
    ),
    "a storage of a negative size": (t.storage("FloatStorage", "0", -1, b""), "none"),
    "a storage of two sizes": (
        t.storage("FloatStorage", "0", 1, b"") + t.storage("FloatStorage", "0", 2, b""),
        "two types or sizes",
    ),
    "a storage of two types": (
        t.storage("FloatStorage", "0", 1, b"") + t.storage("IntStorage", "0", 1, b""),
        "two types or sizes",
    ),
    "a storage of 2^62": (t.storage("FloatStorage", "0", 2**62, b""), str(2**62)),
    "complex": (t.name_global("torch.ComplexFloatStorage"), "torch.ComplexFloatStorage"),
    "quantized": (t.name_global("torch._utils._rebuild_qtensor"), "_rebuild_qtensor"),
    "a quantized storage": (t.name_global("torch.QInt8Storage"), "torch.QInt8Storage"),
    "sparse": (t.name_global("torch._utils._rebuild_sparse_tensor"), "_rebuild_sparse_tensor"),
    "beyond the storage": (t.tensor(FLOATS, 0, (13,), (1,)), "reaches out of storage"),
    "offset beyond the storage": (t.tensor(FLOATS, 12, (1,), (1,)), "reaches out of storage"),
    "offset beyond, no element": (t.tensor(FLOATS, 13, (0,), (1,)), "reaches out of storage"),
    "strides beyond the storage": (t.tensor(FLOATS, 0, (3, 4), (5, 1)), "reaches out of storage"),
    "2^63 elements by a stride of 0": (
        t.tensor(FLOATS, 0, (2**31, 2**32), (0, 0)),
        "reaches out of storage",
    ),
    "a product that wraps to 0": (
        t.tensor(FLOATS, 0, (2**32, 2**32), (0, 0)),
        "reaches out of storage",
    ),
    "a negative offset": (t.tensor(FLOATS, -1, (1,), (1,)), "not whole numbers"),
    "a negative size": (t.tensor(FLOATS, 0, (-1,), (1,)), "not whole numbers"),
    "a negative stride": (t.tensor(FLOATS, 11, (2,), (-1,)), "not whole numbers"),
    "a size of 2^63": (t.tensor(FLOATS, 0, (2**63,), (0,)), "not whole numbers"),
    "sizes without strides": (t.tensor(FLOATS, 0, (2, 2), (1,)), "2 sizes and 1 strides"),
    "nine axes": (t.tensor(FLOATS, 0, (1,) * 9, (1,) * 9), "9 dimensions"),
    "no storage": (t.tensor(t.text("0"), 0, (1,), (1,)), "no storage"),
    "too few arguments": (t.name_global(t.REBUILD) + b")R", "0 arguments"),
    "hooks": (t.tensor(FLOATS, 0, (1,), (1,), tail=b"\x89" + t.ORDERED + b"K\x01K\x02s"), "hooks"),
    "conjugated": (
        t.tensor(FLOATS, 0, (1,), (1,), tail=b"\x89" + t.ORDERED + b"}" + t.text("neg") + b"\x88s"),
        "negated",
    ),
    "untyped without a type": (
        t.tensor(t.storage("storage.UntypedStorage", "0", 4, b""), 0, (1,), (1,)),
        "no element type",
    ),
    "a parameter of a string": (t.parameter(t.text("x")), "not made of a tensor"),
    "a name twice": (b"}(" + (t.text("x") + b"N") * 2 + b"u", '"x" comes twice'),
    "a tuple as key": (b"}(K\x01\x85Nu", "neither a string nor an integer"),
    "an unhashable key": (b"}(]Nu", "neither a string nor an integer"),
    "half a pair": (b"}(" + t.text("x") + b"u", "no value"),
    "half a pair in DICT": (b"(" + t.text("x") + b"d", "no value"),
    "items of a list": (b"](" + t.text("x") + b"Nu", "no dict"),
    "appends to a dict": (b"}Na", "no list"),
    "appends to a tuple": (b")(Ne", "no list"),
    "no mark": (b"NNt", "no mark"),
    "an empty stack": (b"0", "stack is empty"),
    "a mark as value": (b"(\x85", "stack is empty"),
    "a mark in the memo": (b"(q\x00h\x00", "stack is empty"),
    "memo never set": (b"h\x07", "memo 7"),
    "two results": (b"NN", "left on the stack"),
    "nothing": (b"", "stack is empty"),
    "2^62 bytes of text": (b"\x8d" + struct.pack("<Q", 2**62), "not a whole pickle"),
    "an unknown opcode": (b"\xff", "not a whole pickle"),
    "a line without an end": (b"c" + b"x" * 5000, "not a whole pickle"),
    "a number of many digits": (b"I" + b"9" * 5000 + b"\n", "not a whole pickle"),
}


class Refused(unittest.TestCase):
    def test_each(self) -> None:
        for name, (body, message) in HOSTILE.items():
            with self.subTest(name), pytest.raises(Malformed) as caught:
                read(t.pickle_of(body))
            assert message in caught.value.message, name
            assert caught.value.message.startswith("data.pkl"), name

    def test_what_pickle_makes(self) -> None:
        for protocol in range(6):
            with pytest.raises(Malformed, match=r"(posix|nt)\.mkdir"):
                read(pickle.dumps({"a": Canary()}, protocol))

    def test_the_same_pickles_would_have_run(self) -> None:
        """So that the list tests something: these are pickles, and Python's loader calls them."""
        with pytest.raises(FileNotFoundError):
            pickle.loads(pickle.dumps(Canary()))
        pickletools.dis(GOOD, io.StringIO())

    def test_every_prefix(self) -> None:
        for size in range(len(GOOD)):
            with pytest.raises(Malformed):
                read(GOOD[:size])

    def test_every_byte_changed(self) -> None:
        """Each is read, or refused by Malformed; no other exception, no tensor out of bounds."""
        refused = 0
        for place in range(len(GOOD)):
            for bits in (0x01, 0x80, 0xFF, 0x15):
                raw = bytearray(GOOD)
                raw[place] ^= bits
                try:
                    value = read(bytes(raw))
                except Malformed:
                    refused += 1
                    continue
                for item in value.values() if isinstance(value, dict) else ():
                    if type(item) is Tensor:
                        assert item.offset + item.extent <= item.storage.count
        assert refused > len(GOOD)

    def test_memo_index_costs_nothing(self) -> None:
        """C's unpickler makes a table of that many entries."""
        assert read(t.pickle_of(b"}r\xff\xff\xff\xff")) == {}

    def test_deep_and_cyclic_values(self) -> None:
        depth = 100_000
        deep = b"}" + t.text("x") + b")" + b"\x85" * depth + b"s"
        assert "x" in read(t.pickle_of(deep))
        assert len(read(t.pickle_of(b"]q\x00h\x00a"))) == 1
        with pytest.raises(Malformed):
            read(t.pickle_of(b"}(" + b")" + b"\x85" * depth + b"Nu"))

    def test_number_of_opcodes(self) -> None:
        before = pickles.MAX_OPCODES
        pickles.MAX_OPCODES = 100
        try:
            with pytest.raises(Malformed) as caught:
                read(t.pickle_of(b"N0" * 60 + b"N"))
        finally:
            pickles.MAX_OPCODES = before
        assert caught.value.status == "BERT_ELIMIT"

    def test_statuses(self) -> None:
        for name, status in (
            ("GLOBAL", "BERT_EUNSUPPORTED"),
            ("beyond the storage", "BERT_EFORMAT"),
        ):
            with pytest.raises(Malformed) as caught:
                read(t.pickle_of(HOSTILE[name][0]))
            assert caught.value.status == status


if __name__ == "__main__":
    unittest.main()
