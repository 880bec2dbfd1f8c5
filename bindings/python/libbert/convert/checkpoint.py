# SPDX-License-Identifier: MIT
"""One file that torch.save() wrote: its tensors by name, and where their bytes are.

Two containers: the zip archive (since torch 1.6), and before that several pickles one after the
other, followed by the storages.  The tar of before 0.1.10 is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from . import archive
from .errors import ConvertError, Malformed, printable
from .pickles import Loaded, Storage, Tensor, load
from .streams import Input, Window

MAX_PICKLE = 64 * 2**20
MAX_NAME = 4096
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_PICKLE = b"\x80"


class Checkpoint:
    """A file and its tensors.  Keeps the file open, since data is read when it is wanted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = Input(path)
        try:
            self.tensors = _read(self.source)
        except Malformed as error:
            self.close()
            raise ConvertError(path, error.message, error.status) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """May be called twice."""
        self.source.close()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read(source: Input) -> dict[str, Tensor]:
    if source.size == 0:
        raise Malformed("the file is empty")
    start = source.read(0, min(source.size, 512))
    if archive.is_zip(source):
        loaded = _read_archive(source)
    elif start.startswith(_PICKLE):
        loaded = _read_legacy(source)
    else:
        raise _unknown(start)
    return _tensors(loaded.value)


def _unknown(start: bytes) -> Malformed:
    if start.startswith(b"version https://git-lfs"):
        return Malformed(
            "a pointer of git-lfs, not the file itself; get that with git lfs pull", "BERT_EIO"
        )
    if start[257:262] == b"ustar":
        return Malformed(
            "a tar archive of torch before 0.1.10; load and save it with a torch since then",
            "BERT_EUNSUPPORTED",
        )
    return Malformed(
        "not a file that torch.save() wrote (neither a zip archive nor torch's magic number)"
    )


# ---- the zip archive --------------------------------------------------------------------


def _read_archive(source: Input) -> Loaded:
    entries = archive.entries(source)
    pickles = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(pickles) != 1 or pickles[0].count("/") > 1:
        raise Malformed("a zip archive, but not one that torch.save() wrote: not one data.pkl")
    root = pickles[0][: -len("data.pkl")]
    if root + "constants.pkl" in entries:
        raise Malformed("a TorchScript program, not weights alone", "BERT_EUNSUPPORTED")
    order = entries.get(root + "byteorder")
    if order is not None and source.read(order.start, min(order.size, 16)) != b"little":
        raise Malformed(f"entry {printable(order.name)}: not little endian", "BERT_EUNSUPPORTED")
    pickle = entries[pickles[0]]
    if pickle.size > MAX_PICKLE:
        raise Malformed(f"entry {printable(pickle.name)} has {pickle.size} bytes", "BERT_ELIMIT")
    archive.check_sum(source, pickle)
    window = Window(source, pickle.start, pickle.size)
    loaded = load(cast(Any, window), f"entry {printable(pickle.name)}")
    for storage in loaded.storages.values():
        entry = entries.get(f"{root}data/{storage.key}")
        if entry is None:
            raise Malformed(f"storage {printable(storage.key)}: there is no such entry below data/")
        if entry.size != storage.size:
            raise Malformed(
                f"entry {printable(entry.name)} has {entry.size} bytes, its storage {storage.size}"
            )
        archive.check_sum(source, entry)
        storage.start = entry.start
    return loaded


# ---- pickles one after the other ------------------------------------------------------------


def _read_legacy(source: Input) -> Loaded:
    window = Window(source, 0, MAX_PICKLE)

    def part(name: str) -> Loaded:
        return load(cast(Any, window), f"pickle of the {name}")

    if part("magic number").value != MAGIC:
        raise Malformed("torch's magic number is another")
    version = part("protocol").value
    if version != PROTOCOL:
        raise Malformed("the protocol is not 1001", "BERT_EUNSUPPORTED")
    system = part("system").value
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Malformed("not little endian", "BERT_EUNSUPPORTED")
    loaded = part("tensors")
    keys = part("storages' keys").value
    _place(source, window.position, loaded.storages, keys)
    return loaded


def _place(source: Input, at: int, storages: dict[str, Storage], keys: Any) -> None:
    """Each storage is a count of 8 bytes and its elements, in the order of the keys."""
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise Malformed("the storages' keys are no list of strings")
    if len(keys) != len(storages) or set(keys) != set(storages):
        raise Malformed("the storages' keys are not those that the tensors name")
    for key in keys:
        storage = storages[key]
        count = int.from_bytes(source.read(at, 8), "little")
        if count != storage.count:
            raise Malformed(
                f"storage {printable(key)} has {count} elements; {storage.count} were named"
            )
        storage.start = at + 8
        at = storage.start + storage.size
        if at > source.size:
            raise Malformed(
                f"storage {printable(key)} ends at byte {at} of {source.size}; "
                "is the file complete?"
            )
    if at != source.size:
        raise Malformed(f"{source.size - at} bytes follow the last storage")


# ---- what it holds ------------------------------------------------------------------------


def _tensors(value: Any) -> dict[str, Tensor]:
    if not isinstance(value, dict):
        raise Malformed(
            f"it holds {_kind(value)}, not a dict of tensors by name", "BERT_EUNSUPPORTED"
        )
    for name, item in value.items():
        if type(item) is Tensor:
            _check_name(name)
            continue
        hint = "; a checkpoint of a training?" if isinstance(item, dict) else ""
        raise Malformed(
            f"entry {printable(str(name))} is {_kind(item)}, not a tensor{hint}",
            "BERT_EUNSUPPORTED",
        )
    return cast("dict[str, Tensor]", dict(value))


def _check_name(name: Any) -> None:
    if type(name) is not str:
        raise Malformed(f"tensor {printable(str(name))}: the name is no string")
    if name == "__metadata__" or "\0" in name or len(name) > MAX_NAME:
        raise Malformed(f"tensor {printable(name)}: safetensors can't have such a name")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Malformed(f"tensor {printable(name)}: the name is not Unicode") from None


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "a dict"
    return "a tensor" if type(value) is Tensor else f"a {type(value).__name__}"
