# SPDX-License-Identifier: MIT
"""A machine for the pickles that torch.save() writes of state dicts, which can run nothing.

It is no pickle.Unpickler: a subclass with a list of allowed globals still gives a hostile file
BUILD, which sets attributes of whatever is on the stack, a memo whose size the file chooses, and
keys whose hash recurses.  Here each opcode works on plain values and on the dataclasses below;
nothing that the file names is ever imported or called.  Decoding is the standard library's
pickletools, which only decodes.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from .dtypes import BY_NAME, TORCH_DTYPES, TORCH_STORAGES, UNTYPED_STORAGES, DType
from .errors import Malformed, printable

MAX_OPCODES = 4_000_000
"""A tensor takes about 40."""
MAX_RANK = 8
"""As libbert's reader of safetensors."""
MAX_ELEMENTS = 2**60

_UNSUPPORTED = "BERT_EUNSUPPORTED"
_CALLS = {
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter",
}
_NO_WEIGHTS = ("Complex", "QInt", "QUInt", "quint", "qint", "complex", "sparse", "qtensor")


@dataclass(frozen=True)
class Call:
    """One of the functions whose meaning is known here."""

    name: str


@dataclass(frozen=True)
class StorageType:
    """A class of storages; dtype is None for bytes without a type."""

    name: str
    dtype: DType | None


@dataclass
class Storage:
    """Memory that tensors are views of; its container says where in the file it is."""

    key: str
    dtype: DType | None
    count: int
    start: int = -1

    @property
    def size(self) -> int:
        """Bytes."""
        return self.count * (self.dtype.size if self.dtype else 1)


@dataclass(frozen=True)
class Tensor:
    """A view of a storage; offset and strides in elements.  It lies within the storage."""

    storage: Storage
    dtype: DType
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def count(self) -> int:
        """Elements."""
        n = 1
        for size in self.shape:
            n *= size
        return n

    @property
    def extent(self) -> int:
        """Elements of the storage from the first to the last that it has; 0 if it has none."""
        if not self.count:
            return 0
        return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.strides))


class OrderedDict(dict[Any, Any]):
    """Python's, as far as these files use it: the one object that may have a state."""

    __slots__ = ()


@dataclass
class Loaded:
    """What a pickle is, and all storages that it names."""

    value: Any
    storages: dict[str, Storage]


def load(stream: IO[bytes], where: str) -> Loaded:
    """Read one pickle; the stream is left behind its end.  Raises Malformed.

    `where` is the name of the entry, for messages.
    """
    return _Machine(where).run(stream)


class _Mark:
    pass


_MARK = _Mark()


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _sizes(value: Any) -> bool:
    return type(value) in (tuple, list) and all(_whole(n) for n in value)


class _Machine:
    def __init__(self, where: str) -> None:
        self.where = where
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}
        self.at = 0

    # ---- errors ------------------------------------------------------------------------

    def bad(self, what: str) -> Malformed:
        return Malformed(f"{self.where}, byte {self.at}: {what}")

    def refuse(self, what: str) -> Malformed:
        return Malformed(f"{self.where}, byte {self.at}: {what}", _UNSUPPORTED)

    # ---- running -----------------------------------------------------------------------

    def run(self, stream: IO[bytes]) -> Loaded:
        count = 0
        try:
            for opcode, argument, at in pickletools.genops(stream):
                self.at = at or 0
                count += 1
                if count > MAX_OPCODES:
                    raise Malformed(f"{self.where}: over {MAX_OPCODES} opcodes", "BERT_ELIMIT")
                if opcode.name == "STOP":
                    return Loaded(self.last(), self.storages)
                self.step(opcode.name, argument)
        except (ValueError, OverflowError, MemoryError) as error:
            raise self.bad(f"not a whole pickle ({str(error) or type(error).__name__})") from None
        raise self.bad("not a whole pickle (it has no end)")

    def step(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _HANDLERS:
            _HANDLERS[name](self, argument)
        else:
            raise self.refuse(f"opcode {name}, which no file of weights needs")

    # ---- the stack ---------------------------------------------------------------------

    def top(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise self.bad("the stack is empty")
        return self.stack[-1]

    def pop(self) -> Any:
        value = self.top()
        self.stack.pop()
        return value

    def last(self) -> Any:
        value = self.pop()
        if self.stack:
            raise self.bad(f"{len(self.stack)} values are left on the stack")
        return value

    def pop_mark(self) -> list[Any]:
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                values = self.stack[place + 1 :]
                del self.stack[place:]
                return values
        raise self.bad("no mark is on the stack")

    def discard(self, _: Any) -> None:
        if not self.stack:
            raise self.bad("the stack is empty")
        self.stack.pop()

    def put(self, index: Any) -> None:
        self.memo[len(self.memo) if index is None else index] = self.top()

    def get(self, index: Any) -> None:
        if index not in self.memo:
            raise self.bad(f"memo {index} was never set")
        self.stack.append(self.memo[index])

    # ---- containers --------------------------------------------------------------------

    def tuple_of(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(values)))

    def append(self, values: list[Any]) -> None:
        target = self.top()
        if type(target) is not list:
            raise self.bad("appends to what is no list")
        target.extend(values)

    def pairs(self, values: list[Any]) -> dict[Any, Any]:
        if len(values) % 2:
            raise self.bad("a key has no value")
        result: dict[Any, Any] = {}
        self.fill(result, values)
        return result

    def fill(self, target: dict[Any, Any], values: list[Any]) -> None:
        for key, value in zip(values[::2], values[1::2]):
            if type(key) not in (str, int):
                raise self.bad("a key is neither a string nor an integer")
            if key in target:
                raise self.bad(f"key {printable(str(key))} comes twice")
            target[key] = value

    def set_items(self, values: list[Any]) -> None:
        target = self.top()
        if not isinstance(target, dict):
            raise self.bad("sets an item of what is no dict")
        if len(values) % 2:
            raise self.bad("a key has no value")
        self.fill(target, values)

    def set_item(self, _: Any) -> None:
        value = self.pop()
        key = self.pop()
        self.set_items([key, value])

    # ---- globals and calls -------------------------------------------------------------

    def named(self, name: str) -> Any:
        if name in _CALLS:
            return Call(name)
        if name in TORCH_STORAGES:
            return StorageType(name, BY_NAME[TORCH_STORAGES[name]])
        if name in UNTYPED_STORAGES:
            return StorageType(name, None)
        if name in TORCH_DTYPES:
            return BY_NAME[TORCH_DTYPES[name]]
        if name.startswith("torch.") and any(word in name for word in _NO_WEIGHTS):
            raise self.refuse(f"{printable(name)}: tensors of this kind are not converted")
        raise self.refuse(
            f"it names {printable(name)}, which unpickling would import and could call; "
            "weights need only tensors, so it was not opened any further"
        )

    def global_name(self, argument: Any) -> None:
        self.stack.append(self.named(str(argument).replace(" ", ".", 1)))

    def stack_global(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        if type(name) is not str or type(module) is not str:
            raise self.bad("a global's name is no string")
        self.stack.append(self.named(f"{module}.{name}"))

    def call(self, _: Any) -> None:
        arguments, function = self.pop(), self.pop()
        if type(function) is not Call or type(arguments) is not tuple:
            raise self.refuse("it calls what is no function known here")
        name = function.name
        if name == "collections.OrderedDict":
            if arguments not in ((), ([],)):
                raise self.refuse("OrderedDict is called with contents")
            self.stack.append(OrderedDict())
        elif name == "torch._utils._rebuild_parameter":
            if len(arguments) != 3 or type(arguments[0]) is not Tensor:
                raise self.bad("a parameter is not made of a tensor and two more")
            self.stack.append(arguments[0])
        else:
            self.stack.append(self.tensor(name.rpartition(".")[2], arguments))

    def build(self, _: Any) -> None:
        """A state dict has the versions of its modules as an attribute, which is left out."""
        state, target = self.pop(), self.top()
        if type(target) is not OrderedDict or not isinstance(state, dict):
            raise self.refuse("it sets the state of what is no OrderedDict")

    def persistent(self, _: Any) -> None:
        pid = self.pop()
        if type(pid) is not tuple or len(pid) not in (5, 6) or pid[0] != "storage":
            raise self.refuse("a persistent id is not that of a storage")
        _, kind, key, location, count = pid[:5]
        if type(kind) is not StorageType:
            raise self.bad("a storage is of no class of storages")
        if type(key) is not str or type(location) is not str or not _whole(count):
            raise self.bad("a storage's key, place or size is none")
        if pid[5:] not in ((), (None,)):
            raise self.refuse(f"storage {printable(key)} is a view of another (torch before 0.4)")
        if count > MAX_ELEMENTS:
            raise self.bad(f"storage {printable(key)} has {count} elements")
        known = self.storages.setdefault(key, Storage(key, kind.dtype, count))
        if known.dtype != kind.dtype or known.count != count:
            raise self.bad(f"storage {printable(key)} is named with two types or sizes")
        self.stack.append(known)

    # ---- tensors -----------------------------------------------------------------------

    def tensor(self, call: str, arguments: tuple[Any, ...]) -> Tensor:
        least, most = {"_rebuild_tensor": (4, 4), "_rebuild_tensor_v2": (6, 7)}.get(call, (7, 8))
        if not least <= len(arguments) <= most:
            raise self.bad(f"{call} has {len(arguments)} arguments")
        storage, offset, shape, strides = arguments[:4]
        if type(storage) is not Storage:
            raise self.bad(f"{call}: the first argument is no storage")
        if not _whole(offset) or not _sizes(shape) or not _sizes(strides):
            raise self.bad(f"{call}: offset, sizes or strides are not whole numbers >= 0")
        if len(shape) != len(strides):
            raise self.bad(f"{call}: {len(shape)} sizes and {len(strides)} strides")
        if len(shape) > MAX_RANK:
            raise self.refuse(f"{call}: {len(shape)} dimensions; at most {MAX_RANK} are handled")
        if len(arguments) > 4 and (
            type(arguments[4]) is not bool or not (arguments[5] is None or arguments[5] == {})
        ):
            raise self.refuse(f"{call}: a tensor with hooks")
        if len(arguments) == most and most > 4 and arguments[-1] not in (None, {}):
            raise self.refuse(f"{call}: a tensor that is conjugated or negated when it is read")
        dtype = arguments[6] if call == "_rebuild_tensor_v3" else storage.dtype
        if type(dtype) is not DType:
            raise self.bad(f"{call}: it has no element type")
        return self.view(storage, dtype, offset, tuple(shape), tuple(strides))

    def view(
        self,
        storage: Storage,
        dtype: DType,
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
    ) -> Tensor:
        result = Tensor(storage, dtype, offset, shape, strides)
        held = storage.size // dtype.size
        if result.count > MAX_ELEMENTS or offset + result.extent > held:
            raise self.bad(
                f"a tensor {list(shape)} with strides {list(strides)} from element {offset} "
                f"reaches out of storage {printable(storage.key)}, which has {held} elements"
            )
        return result


_VALUES = {
    "INT",
    "BININT",
    "BININT1",
    "BININT2",
    "LONG",
    "LONG1",
    "LONG4",
    "FLOAT",
    "BINFLOAT",
    "STRING",
    "BINSTRING",
    "SHORT_BINSTRING",
    "UNICODE",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
    "BINBYTES",
    "SHORT_BINBYTES",
    "BINBYTES8",
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "MARK": lambda: _MARK,
}
_HANDLERS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda m, _: None,
    "FRAME": lambda m, _: None,
    "POP": _Machine.discard,
    "POP_MARK": lambda m, _: m.pop_mark().clear(),
    "DUP": lambda m, _: m.stack.append(m.top()),
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.put,
    "GET": _Machine.get,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "TUPLE": lambda m, _: m.stack.append(tuple(m.pop_mark())),
    "TUPLE1": lambda m, _: m.tuple_of(1),
    "TUPLE2": lambda m, _: m.tuple_of(2),
    "TUPLE3": lambda m, _: m.tuple_of(3),
    "LIST": lambda m, _: m.stack.append(m.pop_mark()),
    "APPEND": lambda m, _: m.append([m.pop()]),
    "APPENDS": lambda m, _: m.append(m.pop_mark()),
    "DICT": lambda m, _: m.stack.append(m.pairs(m.pop_mark())),
    "SETITEM": _Machine.set_item,
    "SETITEMS": lambda m, _: m.set_items(m.pop_mark()),
    "GLOBAL": _Machine.global_name,
    "STACK_GLOBAL": _Machine.stack_global,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}
