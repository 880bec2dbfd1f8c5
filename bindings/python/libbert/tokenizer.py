# SPDX-License-Identifier: MIT
"""A tokenizer in the shape of tokenizers.Tokenizer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from . import _windows as w
from ._life import Closing
from ._pool import cpus
from ._structs import TokenizeOptions
from ._tokenizer import RawTokenizer, tokenize_options
from ._tokenizer_files import AddedToken, Files
from .encoding import Encoding, check_direction
from .errors import UnsupportedError

if TYPE_CHECKING:
    from .model import PathLike

# Fewer characters than these for each thread are done sooner without it.
PARALLEL = 1 << 16


def refuse(what: str) -> NoReturn:
    raise UnsupportedError(what)


def local_path(path: PathLike) -> str:
    """A path that is there; FileNotFoundError for names of the hub."""
    name = os.fsdecode(path)
    if not os.path.exists(name):
        raise FileNotFoundError(
            f"{name} is no file or folder; libbert loads from folders only: get the model with "
            "huggingface_hub.snapshot_download()"
        )
    return name


def threads_for(wanted: int, items: Sequence[Any]) -> int:
    """Threads for a batch: `wanted`, 0: as many as there are CPUs and work for."""
    if wanted or len(items) < 64:
        return wanted
    sizes = sum(len(item) for item in items if isinstance(item, (str, bytes)))
    return min(cpus(), sizes // PARALLEL)


class Vocabulary:
    """Tokens and ids; what the two shapes of tokenizer share."""

    def __init__(self, raw: RawTokenizer, files: Files | None) -> None:
        self.raw = raw
        self.files = files
        self._all: dict[str, int] | None = None
        self._base: dict[str, int] | None = None

    def all(self) -> dict[str, int]:
        """All tokens and their ids."""
        if self._all is None:
            base = self._known()
            if base is None:
                raw = self.raw
                tokens = ((raw.token(id), id) for id in range(raw.vocab_size))
                self._all = {token: id for token, id in tokens if token is not None}
            else:
                self._all = {**self.added_ids(), **base}
        return self._all

    def base(self) -> dict[str, int]:
        """The same without added tokens."""
        base = self._known()
        if base is not None:
            return base
        added = {str(token) for token in self.files.added_tokens.values()} if self.files else set()
        return {token: id for token, id in self.all().items() if token not in added}

    def _known(self) -> dict[str, int] | None:
        if self._base is None and self.files is not None:
            self._base = self.files.base_vocabulary()
        return self._base

    def added(self) -> dict[int, AddedToken]:
        """Added tokens by their ids."""
        files = self.files
        if files is None:
            return {}
        found = dict(files.added_tokens)
        if not files.head:
            # Without a tokenizer.json the special tokens are added as the reference's classes do.
            special = files.special_tokens(self.raw.id)
            for token in [*special.values(), *files.extra_special_tokens()]:
                id = self.raw.id(token)
                if id is not None:
                    found.setdefault(id, AddedToken(token, normalized=False, special=True))
        return dict(sorted(found.items()))

    def added_ids(self) -> dict[str, int]:
        """Ids of added tokens."""
        return {str(token): id for id, token in self.added().items()}


class Tokenizer(Closing):
    """Texts to encodings, as tokenizers.Tokenizer gives them.

    Args:
        path: a tokenizer.json, or a model directory.
        threads: of encode_batch(); 0: as many as there are CPUs, where the batch is large.

    Any number of threads may encode at once; settings of padding and truncation are for all.
    """

    def __init__(self, path: PathLike, *, threads: int = 0) -> None:
        name = local_path(path)
        self._setup(RawTokenizer(name), Files(name), threads)

    def _setup(self, raw: RawTokenizer, files: Files | None, threads: int) -> None:
        self.raw = raw
        self.threads = threads
        self.vocabulary = Vocabulary(raw, files)
        self._padding: dict[str, Any] | None = None
        self._truncation: dict[str, Any] | None = None
        self._asked: dict[bool, TokenizeOptions] = {}
        if files is not None:
            self._from_file(files.head)

    def _from_file(self, head: dict[str, Any]) -> None:
        """The settings of a tokenizer.json."""
        cut, pad = head.get("truncation"), head.get("padding")
        if cut:
            strategy = {"OnlyFirst": "only_first", "OnlySecond": "only_second"}
            self.enable_truncation(
                cut["max_length"], cut.get("stride", 0),
                strategy.get(cut.get("strategy"), "longest_first"),
                str(cut.get("direction", "Right")).lower(),
            )  # fmt: skip
        if pad:
            length = pad.get("strategy")
            self.enable_padding(
                direction=str(pad.get("direction", "Right")).lower(),
                pad_id=pad.get("pad_id", 0),
                pad_type_id=pad.get("pad_type_id", 0),
                pad_token=pad.get("pad_token", "[PAD]"),
                length=length.get("Fixed") if isinstance(length, dict) else None,
                pad_to_multiple_of=pad.get("pad_to_multiple_of"),
            )

    @classmethod
    def _made(cls, raw: RawTokenizer, files: Files | None) -> Tokenizer:
        made = cls.__new__(cls)
        made._setup(raw, files, 0)
        return made

    @staticmethod
    def from_file(path: PathLike) -> Tokenizer:
        """The tokenizer of a tokenizer.json."""
        return Tokenizer(path)

    @staticmethod
    def from_pretrained(
        identifier: PathLike, revision: str = "main", token: str | None = None
    ) -> Tokenizer:
        """The tokenizer of a model directory.  revision and token are those of the hub, which this
        library doesn't ask."""
        return Tokenizer(identifier)

    @staticmethod
    def from_str(json: str) -> Tokenizer:
        """The tokenizer of the text of a tokenizer.json."""
        return Tokenizer.from_buffer(json.encode())

    @staticmethod
    def from_buffer(buffer: bytes) -> Tokenizer:
        """The tokenizer of the bytes of a tokenizer.json."""
        from ._tokenizer_files import MemoryFiles

        raw = RawTokenizer.from_files({"tokenizer.json": buffer})
        return Tokenizer._made(raw, MemoryFiles(buffer))

    def close(self) -> None:
        """Free it when the calls that are under way have ended; encodings stay readable.  Twice is
        fine."""
        self.raw.close()

    # ---- Settings --------------------------------------------------------------------------

    @property
    def padding(self) -> dict[str, Any] | None:
        """The padding in force."""
        return None if self._padding is None else dict(self._padding)

    @property
    def truncation(self) -> dict[str, Any] | None:
        """The truncation in force."""
        return None if self._truncation is None else dict(self._truncation)

    def enable_padding(
        self,
        direction: str = "right",
        pad_id: int = 0,
        pad_type_id: int = 0,
        pad_token: str = "[PAD]",
        length: int | None = None,
        pad_to_multiple_of: int | None = None,
    ) -> None:
        """Pad the encodings of a batch to `length`, None: to the longest of them; then up to a
        multiple."""
        check_direction(direction)
        self._padding = {
            "length": length, "pad_to_multiple_of": pad_to_multiple_of, "pad_id": pad_id,
            "pad_token": pad_token, "pad_type_id": pad_type_id, "direction": direction,
        }  # fmt: skip

    def no_padding(self) -> None:
        """Pad no more."""
        self._padding = None

    def enable_truncation(
        self,
        max_length: int,
        stride: int = 0,
        strategy: str = "longest_first",
        direction: str = "right",
    ) -> None:
        """Cut encodings to max_length tokens, special ones included; windows of what is cut, which
        share `stride` tokens, are in Encoding.overflowing."""
        check_direction(direction)
        if strategy not in ("longest_first", "only_first", "only_second"):
            raise ValueError(
                f"Unknown `strategy`: `{strategy}`. Use one of `longest_first`, `only_first`, or "
                "`only_second`"
            )
        if max_length < 1:
            raise ValueError(f"max_length is {max_length}; it must be above 0")
        self._truncation = {
            "max_length": max_length, "stride": stride, "strategy": strategy,
            "direction": direction,
        }  # fmt: skip
        self._asked = {}

    def no_truncation(self) -> None:
        """Cut no more."""
        self._truncation = None
        self._asked = {}

    def _options(self, add_special: bool, threads: int = 0) -> TokenizeOptions:
        cut = self._truncation or {"max_length": 0, "stride": 0}
        return tokenize_options(
            add_special=add_special,
            max_length=cut["max_length"],
            stride=cut["stride"],
            overflow=bool(cut["max_length"]),
            strategy=cut.get("strategy", "longest_first"),
            side=cut.get("direction", "right"),
            threads=threads,
        )

    # ---- Encoding ----------------------------------------------------------------------------

    def encode(
        self,
        sequence: str | Sequence[str],
        pair: str | Sequence[str] | None = None,
        is_pretokenized: bool = False,
        add_special_tokens: bool = True,
    ) -> Encoding:
        """The encoding of a text or a pair; of lists of words if is_pretokenized."""
        if type(sequence) is str and pair is None and not is_pretokenized:
            return self._quick(sequence, bool(add_special_tokens))
        make = w.windows_of_words if is_pretokenized else w.windows_of_texts
        if not is_pretokenized and not isinstance(sequence, (str, bytes)):
            raise TypeError(f"sequence is {type(sequence).__name__}, not str")
        pairs = None if pair is None else [pair]
        windows = make(self.raw, [sequence], pairs, self._options(add_special_tokens))
        return self._encodings(windows, 1)[0]

    def _quick(self, text: str, add_special: bool) -> Encoding:
        """One text, without the arrays of a batch."""
        made = self._asked  # of the settings now
        options = made.get(add_special)
        if options is None:
            options = made[add_special] = self._options(add_special)
        windows = w.window_of(w.one(self.raw, text, options), options.overflow != 0)
        self._pad(windows)
        return Encoding(windows, 0)

    def encode_batch(
        self,
        input: Sequence[Any],
        is_pretokenized: bool = False,
        add_special_tokens: bool = True,
    ) -> list[Encoding]:
        """The encodings of a batch, of which an item is a text or a tuple of a text and its pair;
        lists of words in the place of texts if is_pretokenized."""
        make = w.windows_of_words if is_pretokenized else w.windows_of_texts
        items = input if isinstance(input, (list, tuple)) else list(input)
        options = self._options(add_special_tokens, threads_for(self.threads, items))
        return self._encodings(make(self.raw, items, None, options), len(items))

    encode_batch_fast = encode_batch

    def _encodings(self, windows: w.Windows, n: int) -> list[Encoding]:
        self._pad(windows)
        samples = windows.encodings.samples
        if len(samples) == n:
            return [Encoding(windows, i) for i in range(n)]
        return [Encoding(windows, i) for i in samples.searchsorted(range(n)).tolist()]

    def _pad(self, windows: w.Windows) -> None:
        pad = self._padding
        if pad is not None:
            windows.pad(
                pad["length"] or 0, pad["pad_to_multiple_of"] or 0, pad["direction"] == "left",
                pad["pad_id"], pad["pad_type_id"], pad["pad_token"],
            )  # fmt: skip

    async def async_encode(self, *arguments: Any, **options: Any) -> Encoding:
        """encode() in another thread."""
        import asyncio

        return await asyncio.to_thread(self.encode, *arguments, **options)

    async def async_encode_batch(self, *arguments: Any, **options: Any) -> list[Encoding]:
        """encode_batch() in another thread."""
        import asyncio

        return await asyncio.to_thread(self.encode_batch, *arguments, **options)

    async_encode_batch_fast = async_encode_batch

    # ---- Decoding ----------------------------------------------------------------------------

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        """Ids back to text; unknown ids are skipped."""
        return w.decode(self.raw, list(ids), not skip_special_tokens)

    def decode_batch(
        self, sequences: Sequence[Sequence[int]], skip_special_tokens: bool = True
    ) -> list[str]:
        """decode() of each."""
        return [w.decode(self.raw, list(ids), not skip_special_tokens) for ids in sequences]

    async def async_decode_batch(self, *arguments: Any, **options: Any) -> list[str]:
        """decode_batch() in another thread."""
        import asyncio

        return await asyncio.to_thread(self.decode_batch, *arguments, **options)

    # ---- Vocabulary ----------------------------------------------------------------------------

    def token_to_id(self, token: str) -> int | None:
        """The id of a token; None if there is none."""
        return self.raw.id(token)

    def id_to_token(self, id: int) -> str | None:
        """The token of an id; None if there is none."""
        return self.raw.token(id)

    def get_vocab(self, with_added_tokens: bool = True) -> dict[str, int]:
        """Tokens and their ids."""
        return dict(self.vocabulary.all() if with_added_tokens else self.vocabulary.base())

    def get_vocab_size(self, with_added_tokens: bool = True) -> int:
        """How many tokens there are."""
        return len(self.vocabulary.all() if with_added_tokens else self.vocabulary.base())

    def get_added_tokens_decoder(self) -> dict[int, AddedToken]:
        """Added tokens by their ids."""
        return self.vocabulary.added()

    def num_special_tokens_to_add(self, is_pair: bool) -> int:
        """Special tokens that the template adds."""
        return self.raw.special_count(is_pair)

    @property
    def encode_special_tokens(self) -> bool:
        """Always False: special tokens in a text are special tokens."""
        return False

    # ---- Not there -------------------------------------------------------------------------

    def add_tokens(self, tokens: Any) -> NoReturn:
        """Refused: tokenizers are immutable here."""
        refuse("libbert.Tokenizer can't be changed: add tokens with tokenizers, save, load again")

    add_special_tokens = add_tokens

    def train(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        refuse("libbert.Tokenizer doesn't train: train with tokenizers, save, load the file")

    train_from_iterator = train

    def save(self, path: str, pretty: bool = True) -> NoReturn:
        """Refused: nothing can have changed."""
        refuse("libbert.Tokenizer doesn't write tokenizer.json: copy the one it was loaded from")

    def to_str(self, pretty: bool = False) -> NoReturn:
        """Refused, as save()."""
        refuse("libbert.Tokenizer doesn't write tokenizer.json: read the one it was loaded from")

    def post_process(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        refuse("libbert.Tokenizer has no stages of its own: encode() does all of them")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.raw, self.threads, self._padding, self._truncation)

    def __repr__(self) -> str:
        return f"Tokenizer({self.raw.path or 'from memory'}, {self.raw.algorithm})"


def _restore(
    raw: RawTokenizer, threads: int, padding: dict[str, Any] | None,
    truncation: dict[str, Any] | None,
) -> Tokenizer:  # fmt: skip
    made = Tokenizer.__new__(Tokenizer)
    made._setup(raw, Files(raw.path) if raw.path else None, threads)
    made._padding, made._truncation = padding, truncation
    return made
