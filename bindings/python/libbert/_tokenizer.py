# SPDX-License-Identifier: MIT
"""The tokenizer as the library has it: texts to arrays of ids, offsets and masks."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from ctypes import addressof, byref, c_size_t, c_void_p, create_string_buffer
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from . import _options as o
from ._encodings import Encodings
from ._ffi import lib
from ._life import Closing, free_with
from ._structs import Error, File, TokenizeOptions, TokenizerOptions
from ._texts import address_of, encode, make_texts, text_bytes, text_of
from .errors import check, closed, fail

if TYPE_CHECKING:

    from numpy.typing import NDArray

    from ._texts import TextsLike
    from .model import PathLike


def tokenize_options(
    add_special: bool = True,
    max_length: int = 0,
    stride: int = 0,
    overflow: bool = False,
    strategy: str = "longest_first",
    side: str = "right",
    unit: str = "chars",
    pad_length: int = 0,
    stop_early: bool = False,
    threads: int = 0,
) -> TokenizeOptions:
    """bert_tokenize_options; see RawTokenizer.encode_batch()."""
    strategies = {"longest_first": 0, "only_first": 1, "only_second": 2}
    if strategy not in strategies:
        raise ValueError(f"strategy is {strategy!r}; it can be {', '.join(strategies)}")
    return o.make(
        TokenizeOptions,
        no_special=int(not add_special),
        max_length=o.count("max_length", max_length),
        stride=o.count("stride", stride),
        overflow=int(overflow),
        strategy=strategies[strategy],
        side=o.number_of("BERT_TRUNCATE_", "side", side),
        offset_unit=o.number_of("BERT_OFFSET_", "unit", unit),
        pad_length=o.count("pad_length", pad_length),
        stop_early=int(stop_early),
        threads=o.count("threads", threads),
    )


class RawTokenizer(Closing):
    """A tokenizer; immutable, for any number of threads at once.

    Args:
        path: a model directory, a tokenizer.json or a vocab.txt.
        max_file_bytes: larger files are a LimitError; 0: 1 GiB.

    It is pickled by its path.
    """

    def __init__(self, path: PathLike, *, max_file_bytes: int = 0) -> None:
        options = o.make(TokenizerOptions, max_file_bytes=o.size("max_file_bytes", max_file_bytes))
        out, error = c_void_p(), Error()
        check(
            lib.bert_tokenizer_load(byref(out), o.path_bytes(path), byref(options), byref(error)),
            error,
        )
        self.path: str | None = os.path.abspath(os.fsdecode(path))
        self._adopt(out.value)

    def _adopt(self, address: int | None) -> None:
        assert address
        self._address = address
        self._lock = threading.Lock()
        self._finalizer = free_with(self, lib.bert_tokenizer_unref, address)

    @classmethod
    def from_address(cls, address: int, path: str | None = None) -> RawTokenizer:
        """The tokenizer at the address of a bert_tokenizer, of which this takes over one
        reference."""
        made = cls.__new__(cls)
        made.path = path
        made._adopt(address)
        return made

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> RawTokenizer:
        """A tokenizer out of memory: contents of files by their names."""
        array = (File * len(files))()
        for entry, (name, data) in zip(array, files.items()):
            if not isinstance(data, bytes):
                raise TypeError(f"files[{name!r}] is {type(data).__name__}, not bytes")
            entry.name = o.path_bytes(name)
            entry.data = address_of(data)
            entry.size = len(data)
        out, error = c_void_p(), Error()
        check(
            lib.bert_tokenizer_load_memory(byref(out), array, len(files), None, byref(error)),
            error,
        )
        assert out.value
        return cls.from_address(out.value)

    def reference(self) -> int:
        """Address of the bert_tokenizer with a reference of the caller's, who gives it back with
        bert_tokenizer_unref().  ValueError once closed."""
        return int(self._get(lib.bert_tokenizer_ref))

    def _get(self, getter: Callable[..., Any], *arguments: Any) -> Any:
        with self._lock:  # so that nobody closes it meanwhile
            if not self._finalizer.alive:
                raise closed("tokenizer")
            return getter(self._address, *arguments)

    def _call(self, function: Callable[..., int], *arguments: Any) -> int:
        """A call that lets other threads run; its status."""
        address = self.reference()
        try:
            return function(address, *arguments)
        finally:
            lib.bert_tokenizer_unref(address)

    def close(self) -> None:
        """Free it when the calls that are under way have ended; encodings stay readable.  Twice is
        fine."""
        with self._lock:
            self._finalizer()

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        if self.path is None:
            raise TypeError("a tokenizer that was not loaded from a path can't be pickled")
        return type(self), (self.path,)

    # ---- What was loaded --------------------------------------------------------------------

    @property
    def vocab_size(self) -> int:
        """One more than the largest id, added tokens included."""
        return int(self._get(lib.bert_tokenizer_vocab_size))

    @property
    def algorithm(self) -> str:
        """Such as "WordPiece"."""
        return str(self._get(lib.bert_tokenizer_algorithm).decode())

    @property
    def model_max_length(self) -> int:
        """`model_max_length` of tokenizer_config.json; 0 where absent or without limit."""
        return int(self._get(lib.bert_tokenizer_model_max_length))

    def special_count(self, pair: bool = False) -> int:
        """Special tokens that are added to a text, or to a pair."""
        return int(self._get(lib.bert_tokenizer_special_count, int(pair)))

    def special_id(self, which: str) -> int | None:
        """Id of the "bos", "eos", "unk", "sep", "pad", "cls" or "mask" token; None if there is
        none."""
        number = o.number_of("BERT_SPECIAL_", "which", which)
        found = int(self._get(lib.bert_tokenizer_special_id, number))
        return None if found < 0 else found

    def gives_types(self, version: int = 5) -> bool:
        """Whether the reference (of that version) gives a model this tokenizer's type ids; else
        they are all 0."""
        return bool(self._get(lib.bert_tokenizer_gives_types, version))

    def token(self, id: int) -> str | None:
        """A token as the vocabulary spells it; None for an unknown id."""
        if not 0 <= id < 2**31:
            return None
        data = text_bytes(self._get(lib.bert_tokenizer_token, id))
        return None if data is None else data.decode("utf-8", "replace")

    def id(self, token: str) -> int | None:
        """Id of a token as the vocabulary spells it; None if it is none."""
        found = self._get(lib.bert_tokenizer_id, text_of(encode(token)))
        return None if found < 0 else int(found)

    # ---- Encoding ------------------------------------------------------------------------

    def encode_batch(
        self,
        texts: str | bytes | TextsLike,
        pairs: str | bytes | TextsLike | None = None,
        **options: Any,
    ) -> Encodings:
        """Tokenize n texts, or pairs of texts.

        Args:
            add_special: whether the template's special tokens are added [True].
            max_length: tokens at most, special ones included; 0: no limit.
            stride: tokens that an overflow window shares with the next.
            overflow: keep what was cut as further windows [False].
            strategy: "longest_first", "only_first" or "only_second" of a pair is cut.
            side: "right" or "left" is cut.
            unit: offsets are in "chars" (code points) or "bytes" of the text.
            pad_length: pad every window to so many tokens; 0: not.
            stop_early: don't read what max_length drops.
            threads: the caller included; 0 and 1: no other.

        Raises:
            InvalidArgumentError, LengthError (ValueErrors) with the `index` of the first text.
        """
        a = make_texts(texts)
        b = None
        if pairs is not None:
            b = make_texts(pairs, "pairs")
            if a.n != b.n:
                raise ValueError(f"{a.n} texts, but {b.n} pairs")
        made = tokenize_options(**options)
        handles = np.zeros(a.n, np.uintp)
        error = Error()
        code = self._call(
                lib.bert_tokenize_batch, a.pointer, b.pointer if b else None, a.n, byref(made),
            handles.ctypes.data, byref(error),
        )  # fmt: skip
        encodings = Encodings(handles, made.overflow != 0)
        if code:
            fail(code, error)
        return encodings

    def encode_words(
        self, words: TextsLike, pair: TextsLike | None = None, **options: Any
    ) -> Encodings:
        """Tokenize one text that is split into words, or a pair of such; offsets count from the
        start of their word.  Options are those of encode_batch()."""
        a = make_texts(list(words) if isinstance(words, (str, bytes)) else words, "words")
        b = None if pair is None else make_texts(pair, "pair")
        made, out, error = tokenize_options(**options), c_void_p(), Error()
        check(
            self._call(
                lib.bert_tokenize_words, a.pointer, a.n, b.pointer if b else None, b.n if b else 0,
                byref(made), byref(out), byref(error),
            ),
            error,
        )  # fmt: skip
        return Encodings(np.array([out.value], np.uintp), made.overflow != 0)

    def count(self, text: str | bytes, pair: str | bytes | None = None, **options: Any) -> int:
        """Tokens that a text has, special ones included."""
        second = None if pair is None else text_of(encode(pair))
        made, out, error = tokenize_options(**options), c_size_t(), Error()
        check(
            self._call(
                lib.bert_count_tokens, text_of(encode(text)), addressof(second) if second else None,
                byref(made), byref(out), byref(error),
            ),
            error,
        )  # fmt: skip
        return out.value

    def cut(self, text: str | bytes, n_tokens: int, side: str = "right") -> int:
        """Where to cut a text so that it has at most n_tokens tokens, special ones not counted:
        an offset in code points of a str, in bytes of bytes."""
        data = encode(text)
        number = o.number_of("BERT_TRUNCATE_", "side", side)
        out, error = c_size_t(), Error()
        if n_tokens < 0:
            raise ValueError(f"n_tokens is {n_tokens}")
        check(
            self._call(
                lib.bert_cut_text, text_of(data), n_tokens, number, byref(out), byref(error)
            ),
            error,
        )
        return len(data[: out.value].decode()) if isinstance(text, str) else out.value

    def decode(self, ids: Sequence[int] | NDArray[Any], keep_special: bool = False) -> str:
        """Ids back to text; unknown ids are skipped."""
        wide = np.asarray(ids)
        if wide.ndim != 1 or (wide.size and wide.dtype.kind not in "iu"):
            raise TypeError("ids must be a sequence of integers")
        wide = wide[(wide >= 0) & (wide < 2**31)] if wide.size else wide
        numbers = np.ascontiguousarray(wide, np.int32)
        size, error = c_size_t(), Error()
        room = 8 * len(numbers) + 64
        while True:
            buffer = create_string_buffer(room)
            code = self._call(
                lib.bert_decode, numbers.ctypes.data, len(numbers), int(keep_special), buffer, room,
                byref(size), byref(error),
            )  # fmt: skip
            if code and size.value > room:
                room = size.value
                continue
            check(code, error)
            return buffer.raw[: size.value].decode("utf-8", "replace")
