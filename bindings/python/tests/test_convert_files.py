# SPDX-License-Identifier: MIT
"""The two containers of torch.save(), whole and damaged; strides; element types."""

from __future__ import annotations

import os
import struct
import tempfile
import unittest
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch_files as t

from libbert.convert import archive, dtypes
from libbert.convert.checkpoint import Checkpoint
from libbert.convert.errors import ConvertError, Malformed
from libbert.convert.streams import Input, Window
from libbert.convert.tensors import Item, check_total

F32 = dtypes.BY_NAME["F32"]
NUMBERS = np.arange(24, dtype="<f4")


def small() -> t.File:
    return t.File().add("a", NUMBERS.reshape(4, 6)).add("b", np.array([1, 2, 3], "<i8"))


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "pytorch_model.bin"

    def values(self) -> dict[str, t.Array]:
        with Checkpoint(self.path) as file:
            return {
                name: np.concatenate(
                    [
                        *Item(name, file, tensor, tensor.dtype).pieces(),
                        np.array([], tensor.dtype.code),
                    ]
                ).reshape(tensor.shape)
                for name, tensor in file.tensors.items()
            }

    def refused(self, message: str, status: str = "BERT_EFORMAT") -> None:
        with pytest.raises(ConvertError) as caught:
            self.values()
        error = str(caught.value)
        assert error.startswith(f"{self.path}: "), error
        assert message in error
        assert error.endswith(f"[{status}]"), error
        assert caught.value.exit_code == 3


class Whole(Folder):
    def check(self) -> None:
        values = self.values()
        np.testing.assert_array_equal(values["a"], NUMBERS.reshape(4, 6))
        np.testing.assert_array_equal(values["b"], [1, 2, 3])

    def test_archive(self) -> None:
        small().save(self.path)
        self.check()

    def test_legacy(self) -> None:
        file = (
            t.File(more=b"N").add("a", NUMBERS.reshape(4, 6)).add("b", np.array([1, 2, 3], "<i8"))
        )
        file.save_legacy(self.path)
        self.check()

    def test_archive_without_sums(self) -> None:
        """As of torch.serialization.set_crc32_options(False)."""
        small().save(self.path)
        raw = bytearray(self.path.read_bytes())
        with zipfile.ZipFile(self.path) as file:
            for info in file.infolist():
                sum_bytes = struct.pack("<L", info.CRC)
                at = raw.rfind(sum_bytes)
                raw[at : at + 4] = bytes(4)
        self.path.write_bytes(raw)
        self.check()

    def test_zip64(self) -> None:
        """As torch always writes: sizes and places in the fields of zip64."""
        file = small()
        with zipfile.ZipFile(self.path, "w") as out:
            for name, data in t.zip_entries(file.pickle(), file.storages).items():
                with out.open(name, "w", force_zip64=True) as entry:
                    entry.write(data)
        self.check()
        raw = self.path.read_bytes()
        end = raw.rfind(b"PK\x05\x06")
        count, size, start = struct.unpack_from("<H2L", raw, end + 10)
        record = struct.pack(
            "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start
        )
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
        tail = b"PK\x05\x06" + b"\xff" * 16 + bytes(2)
        self.path.write_bytes(raw[:end] + record + locator + tail)
        self.check()

    def test_views(self) -> None:
        file = t.File()
        key = file.store(NUMBERS)
        wanted = {
            "transposed": (0, (6, 4), (1, 6), NUMBERS.reshape(4, 6).T),
            "every other": (1, (4, 3), (6, 2), NUMBERS.reshape(4, 6)[:, 1::2]),
            "diagonal": (0, (4,), (7,), NUMBERS.reshape(4, 6).diagonal()),
            "repeated": (3, (2, 3), (0, 1), np.tile(NUMBERS[3:6], (2, 1))),
            "one axis of 1": (5, (1, 4, 1), (999, 1, 77), NUMBERS[5:9].reshape(1, 4, 1)),
            "scalar": (23, (), (), NUMBERS[23]),
            "nothing": (24, (0, 5), (5, 1), np.zeros((0, 5))),
        }
        for name, (offset, shape, strides, _) in wanted.items():
            file.view(name, key, "<f4", 24, offset, shape, strides)
        file.save(self.path)
        values = self.values()
        for name, (*_, expected) in wanted.items():
            np.testing.assert_array_equal(values[name], expected, name)

    def test_all_types(self) -> None:
        file = t.File()
        codes = ("<f4", "<f2", "<f8", "<i8", "<i4", "<i2", "|i1", "|u1", "|b1", "<u2")
        for code in codes:
            file.add(code, np.array([0, 1, 1], code))
        file.save(self.path)
        with Checkpoint(self.path) as opened:
            names = [tensor.dtype.name for tensor in opened.tensors.values()]
        assert names == ["F32", "F16", "F64", "I64", "I32", "I16", "I8", "U8", "BOOL", "BF16"]
        assert len(self.values()) == len(codes)

    def test_large_tensors_come_in_pieces(self) -> None:
        large = np.arange(5 * 2**20, dtype="<i4")
        t.File().add("x", large).save(self.path)
        with Checkpoint(self.path) as file:
            sizes = [piece.size for piece in Item("x", file, file.tensors["x"], F32).pieces()]
        assert sizes == [4 * 2**20, 2**20]


class DamagedArchive(Folder):
    def entries(self) -> dict[str, bytes]:
        file = small()
        return t.zip_entries(file.pickle(), file.storages)

    def write(self, entries: dict[str, bytes]) -> None:
        t.write_zip(self.path, entries)

    def test_every_prefix(self) -> None:
        self.write(self.entries())
        raw = self.path.read_bytes()
        for size in range(len(raw)):
            self.path.write_bytes(raw[:size])
            with pytest.raises(ConvertError):
                self.values()

    def test_every_byte_changed(self) -> None:
        """Refused, or (where nothing reads the byte) the same values as before."""
        self.write(self.entries())
        raw = self.path.read_bytes()
        before = self.values()
        refused = 0
        for place in range(len(raw)):
            changed = bytearray(raw)
            changed[place] ^= 0x41
            self.path.write_bytes(changed)
            try:
                values = self.values()
            except ConvertError:
                refused += 1
                continue
            for name, value in before.items():
                np.testing.assert_array_equal(values[name], value, str(place))
        assert refused > len(raw) // 2

    def test_compressed(self) -> None:
        t.write_zip(self.path, self.entries(), zipfile.ZIP_DEFLATED)
        self.refused("compressed or encrypted", "BERT_EUNSUPPORTED")

    def test_no_such_entry(self) -> None:
        entries = self.entries()
        del entries["archive/data/1"]
        self.write(entries)
        self.refused('storage "1": there is no such entry')

    def test_key_that_leaves_data(self) -> None:
        place = t.storage("FloatStorage", "../version", 1, b"")
        entries = self.entries()
        entries["archive/data.pkl"] = t.pickle_of(
            t.state_dict({"a": t.tensor(place, 0, (1,), (1,))})
        )
        self.write(entries)
        self.refused('storage "../version": there is no such entry')

    def test_entry_of_another_size(self) -> None:
        self.write({**self.entries(), "archive/data/0": bytes(95)})
        self.refused('entry "archive/data/0" has 95 bytes, its storage 96')

    def test_big_endian(self) -> None:
        self.write({**self.entries(), "archive/byteorder": b"big"})
        self.refused("not little endian", "BERT_EUNSUPPORTED")

    def test_torchscript(self) -> None:
        self.write({**self.entries(), "archive/constants.pkl": b"", "archive/code/m.py": b""})
        self.refused("TorchScript", "BERT_EUNSUPPORTED")

    def test_no_or_two_pickles(self) -> None:
        self.write({"archive/version": b"3\n"})
        self.refused("not one data.pkl")
        self.write({**self.entries(), "other/data.pkl": b""})
        self.refused("not one data.pkl")

    def test_hostile_pickle_names_file_entry_and_global(self) -> None:
        self.write({**self.entries(), "archive/data.pkl": t.pickle_of(b"cos\nsystem\n")})
        self.refused('entry "archive/data.pkl", byte 2: it names "os.system"', "BERT_EUNSUPPORTED")

    def test_names_twice(self) -> None:
        with zipfile.ZipFile(self.path, "w") as file:
            file.writestr("archive/data.pkl", b"")
            file.writestr("archive/data.pk_", b"")
        self.path.write_bytes(self.path.read_bytes().replace(b"data.pk_", b"data.pkl"))
        self.refused("comes twice")

    def test_entries_that_overlap(self) -> None:
        """The bomb that is not compressed: one range of the file under many names."""
        self.write(self.entries())
        raw = bytearray(self.path.read_bytes())
        first = raw.find(b"PK\x01\x02")
        fields = struct.unpack_from("<6H3L5H2L", raw, first + 4)
        packed = struct.pack("<2L", fields[7] + 40, fields[8] + 40)
        raw[first + 20 : first + 28] = packed
        assert fields[7] == fields[8]
        self.path.write_bytes(raw)
        self.refused("overlap")

    def test_entry_under_another_name(self) -> None:
        self.write(self.entries())
        raw = self.path.read_bytes()
        self.path.write_bytes(raw.replace(b"archive/data/1", b"archive/data/7", 1))
        self.refused('entry "archive/data/1" is not where')

    def test_pickle_that_goes_on_behind_its_entry(self) -> None:
        pickle = self.entries()["archive/data.pkl"]
        self.write({**self.entries(), "archive/data.pkl": pickle[:-1]})
        self.refused("exhausted before seeing STOP")

    def test_index_over_the_limit(self) -> None:
        self.write(self.entries())
        before = archive.MAX_INDEX
        archive.MAX_INDEX = 100
        self.addCleanup(setattr, archive, "MAX_INDEX", before)
        self.refused("index takes", "BERT_ELIMIT")

    def test_damaged_storage(self) -> None:
        self.write(self.entries())
        raw = self.path.read_bytes()
        at = raw.find(NUMBERS.tobytes())
        self.path.write_bytes(raw[: at + 5] + b"\x7f" + raw[at + 6 :])
        self.refused('entry "archive/data/0" is damaged')


class DamagedLegacy(Folder):
    def parts(self) -> tuple[bytes, dict[str, bytes], dict[str, int]]:
        file = t.File(more=b"N").add("a", NUMBERS).add("b", np.array([1, 2, 3], "<i8"))
        return file.pickle(), file.storages, file.counts

    def test_every_prefix(self) -> None:
        raw = t.legacy(*self.parts())
        for size in range(len(raw)):
            self.path.write_bytes(raw[:size])
            with pytest.raises(ConvertError):
                self.values()

    def test_head(self) -> None:
        for head, message in (
            (t.legacy_head(magic=5), "magic number"),
            (t.legacy_head(protocol=1002), "protocol is not 1001"),
            (t.legacy_head(little=b"\x89"), "not little endian"),
        ):
            self.path.write_bytes(t.legacy(*self.parts(), head=head))
            with pytest.raises(ConvertError, match=message):
                self.values()

    def test_plain_pickle(self) -> None:
        self.path.write_bytes(t.pickle_of(b"cposix\nsystem\n(" + t.text("id") + b"tR"))
        self.refused('it names "posix.system"', "BERT_EUNSUPPORTED")

    def test_bytes_behind(self) -> None:
        self.path.write_bytes(t.legacy(*self.parts()) + b"x")
        self.refused("1 bytes follow")

    def test_counts_and_keys(self) -> None:
        pickle, storages, counts = self.parts()
        self.path.write_bytes(t.legacy(pickle, storages, {**counts, "1": 4}))
        self.refused('storage "1" has 4 elements; 3 were named')
        self.path.write_bytes(t.legacy(pickle, {**storages, "2": b""}, {**counts, "2": 0}))
        self.refused("keys are not those")


class NotTorch(Folder):
    def test_each(self) -> None:
        tar = bytes(257) + b"ustar" + bytes(250)
        for raw, message, status in (
            (b"", "the file is empty", "BERT_EFORMAT"),
            (b"x", "not a file that torch.save() wrote", "BERT_EFORMAT"),
            (b"\x89HDF\r\n\x1a\n" + bytes(100), "not a file that torch.save()", "BERT_EFORMAT"),
            (b"version https://git-lfs.github.com/spec/v1\n", "git-lfs", "BERT_EIO"),
            (tar, "tar archive", "BERT_EUNSUPPORTED"),
        ):
            self.path.write_bytes(raw)
            self.refused(message, status)

    def test_no_regular_file(self) -> None:
        os.mkfifo(self.path)
        self.refused("not a regular file", "BERT_EIO")
        self.path.unlink()
        self.path.mkdir()
        self.refused("not a regular file", "BERT_EIO")
        self.path.rmdir()
        self.refused("No such file", "BERT_EIO")

    def test_what_is_no_state_dict(self) -> None:
        one = t.tensor(t.storage("FloatStorage", "0", 1, b""), 0, (), ())
        for body, message in (
            (b"]", "it holds a list"),
            (one, "it holds a tensor"),
            (b"}" + t.text("epoch") + b"K\x03s", 'entry "epoch" is a int, not a tensor'),
            (b"}" + t.text("state_dict") + b"}s", "a checkpoint of a training?"),
            (b"}K\x01" + one + b"s", "the name is no string"),
            (b"}" + t.text("a\0") + one + b"s", "can't have such a name"),
            (b"}" + t.text("__metadata__") + one + b"s", "can't have such a name"),
            (b"}" + t.text("x" * 5000) + one + b"s", "can't have such a name"),
            (b"}" + t.text("\ud800") + one + b"s", "not Unicode"),
        ):
            t.write_zip(self.path, t.zip_entries(t.pickle_of(body), {"0": bytes(4)}))
            with pytest.raises(ConvertError) as caught:
                self.values()
            assert message in str(caught.value)
            str(caught.value).encode()


class Streams(Folder):
    def test_window(self) -> None:
        self.path.write_bytes(b"0123\n56789" + b"x" * 10_000)
        source = Input(self.path)
        self.addCleanup(source.close)
        window = Window(source, 2, 6)
        assert (window.read(1), window.readline(), window.read(99)) == (b"2", b"3\n", b"567")
        assert (window.read(1), window.readline(), window.tell()) == (b"", b"", 6)
        assert len(Window(source, 10, 2**62).readline()) == 4096
        with pytest.raises(Malformed, match="is the file complete"):
            source.read(10_000, 11)


class Views(Folder):
    def test_bombs(self) -> None:
        file = t.File()
        key = file.store(NUMBERS)
        for i in range(3):
            file.view(f"x{i}", key, "<f4", 24, 0, (1000, 1000, 3), (0, 0, 1))
        file.save(self.path)
        with Checkpoint(self.path) as opened, pytest.raises(ConvertError) as caught:
            check_total(Item(name, opened, x, F32) for name, x in opened.tensors.items())
        assert caught.value.status == "BERT_ELIMIT"
        assert '"x1"' in str(caught.value)


class Conversions(unittest.TestCase):
    def test_bf16_rounds_to_even(self) -> None:
        bits = np.array(
            [
                0x3F800000,
                0x3F808000,
                0x3F818000,
                0x3F808001,
                0x80000000,
                0x7F800000,
                0xFF800000,
                0x7FC00000,
                0x7F800001,
                0x00000001,
            ],
            "<u4",
        )
        expected = [0x3F80, 0x3F80, 0x3F82, 0x3F81, 0x8000, 0x7F80, 0xFF80, 0x7FC0, 0x7FC0, 0]
        result = dtypes.convert(bits.view("<f4"), F32, dtypes.BY_NAME["BF16"])
        assert [hex(v) for v in result] == [hex(v) for v in expected]

    def test_bf16_to_f32_is_exact(self) -> None:
        bits = np.arange(65536, dtype="<u2")
        wide = dtypes.convert(bits, dtypes.BY_NAME["BF16"], F32)
        np.testing.assert_array_equal(wide.view("<u4"), bits.astype("<u4") << 16)

    def test_f16_through_all(self) -> None:
        values = np.array([1.5, -0.1, 65504, 6e-8], "<f2")
        for name in ("F32", "F64"):
            there = dtypes.convert(values, dtypes.BY_NAME["F16"], dtypes.BY_NAME[name])
            back = dtypes.convert(there, dtypes.BY_NAME[name], dtypes.BY_NAME["F16"])
            np.testing.assert_array_equal(back, values)

    def test_what_no_longer_is_finite(self) -> None:
        for value, source, target in (
            (np.array([1, 70000], "<f4"), "F32", "F16"),
            (np.array([3.4e38], "<f4"), "F32", "BF16"),
            (np.array([1e300], "<f8"), "F64", "F32"),
            (np.array([0x7F7F], "<u2"), "BF16", "F16"),
        ):
            with pytest.raises(Malformed) as caught:
                dtypes.convert(value, dtypes.BY_NAME[source], dtypes.BY_NAME[target])
            assert caught.value.status == "BERT_ERANGE"
            assert "too large for " + target in caught.value.message

    def test_infinity_stays(self) -> None:
        result = dtypes.convert(np.array([np.inf, -np.inf], "<f4"), F32, dtypes.BY_NAME["F16"])
        assert list(result) == [np.inf, -np.inf]

    def test_integers_are_left(self) -> None:
        values = np.array([70000], "<i8")
        assert dtypes.convert(values, dtypes.BY_NAME["I64"], dtypes.BY_NAME["F16"]) is values


if __name__ == "__main__":
    unittest.main()
