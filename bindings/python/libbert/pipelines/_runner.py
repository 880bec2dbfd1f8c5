# SPDX-License-Identifier: MIT
"""Texts to tokens to the model's outputs, in batches that fit the session."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .. import _constants as c
from .._ffi import lib
from .._json_files import object_of_file
from ..errors import BertError, make_error
from ..session import Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .._encodings import Encodings
    from .._tokenizer import RawTokenizer
    from ..model import Model

    Rows = list[NDArray[np.int32]]

# Arguments of the reference's tokenizers that change nothing here: sequences are never padded, and
# what a padded sequence answers is what it answers without.
WITHOUT_EFFECT = {
    "padding", "pad_to_multiple_of", "padding_side", "return_tensors", "return_attention_mask",
    "return_token_type_ids", "verbose",
}  # fmt: skip


class Runner:
    """A model, a tokenizer, and how many tokens go into a batch.

    version: of the transformers that is followed.
    """

    def __init__(
        self, source: Model | Session, tokenizer: RawTokenizer | None = None, version: int = 5
    ) -> None:
        self.source = source
        self.own_tokenizer = tokenizer
        self.session = source if isinstance(source, Session) else source.session
        self.model = self.session.model
        self.tokenizer = tokenizer or self.model.tokenizer
        # A model of one type has no other, whatever the tokenizer's template says.
        self._types = self.model.type_vocab_size > 1 and self.tokenizer.gives_types(version)

    # ---- What the files say ----------------------------------------------------------

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.json; {} for a model that is no folder."""
        return self._file(self.model.path, "config.json")

    def file(self, name: str) -> dict[str, Any]:
        """A JSON file of the tokenizer's folder; {} where there is none."""
        return self._file(self.tokenizer.path or self.model.path, name)

    @staticmethod
    def _file(folder: str | None, name: str) -> dict[str, Any]:
        path = os.path.join(folder or "", name)
        if not folder or not os.path.isfile(path):
            return {}
        return object_of_file(path)

    # ---- Tokens ----------------------------------------------------------------------

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the reference's tokenizers as options of encode_batch()."""
        rest = {name: value for name, value in given.items() if name not in WITHOUT_EFFECT}
        truncation = rest.pop("truncation", None)
        length = rest.pop("max_length", None)
        options: dict[str, Any] = {"add_special": bool(rest.pop("add_special_tokens", True))}
        side = rest.pop("truncation_side", None)
        if side is not None:
            options["side"] = side
        for name in rest:
            raise TypeError(f"{name}: no such argument, or one of the tokenizer that is not taken")
        if truncation is None and length is not None and not given.get("padding"):
            truncation = True
        strategy = _strategy(truncation)
        if strategy:
            options["strategy"] = strategy
            options["max_length"] = self.tokenizer.model_max_length if length is None else length
        return options

    def encode(
        self, texts: Sequence[tuple[str, str | None]], options: Mapping[str, Any]
    ) -> tuple[Rows, Rows]:
        """Ids and type ids of texts and pairs, in their order."""
        ids: list[Any] = [None] * len(texts)
        types: list[Any] = [None] * len(texts)
        for paired in (False, True):
            places = [i for i, (_, pair) in enumerate(texts) if bool(pair) == paired]
            if not places:
                continue
            try:
                found = self.tokenizer.encode_batch(
                    [texts[i][0] for i in places],
                    [texts[i][1] or "" for i in places] if paired else None,
                    **options,
                )
            except BertError as error:
                raise _moved(error, places) from None
            for k, i in enumerate(places):
                ids[i] = found.row(found.ids, k)
                types[i] = found.row(found.type_ids, k)
        return ids, types

    # ---- The model -------------------------------------------------------------------

    @cached_property
    def _limits(self) -> tuple[int, int]:
        """Tokens and sequences of a batch."""
        pool = self.session.pool
        session = pool.acquire()
        try:
            tokens = int(lib.bert_session_max_tokens(session))
        finally:
            pool.release(session)
        return tokens, self.session._options.max_sequences or tokens

    def forward(
        self, ids: Rows, types: Rows, outputs: Sequence[str], owners: Sequence[int] | None = None
    ) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """The outputs of each sequence, in order.

        Args:
            owners: the text of each sequence, for errors; None: sequence i is of text i.
        """
        self._check(ids, owners)
        for first, last in self._batches([len(row) for row in ids]):
            try:
                part = types[first:last] if self._types else None
                found = self.session.forward(ids[first:last], part, outputs)
            except BertError as error:
                places = range(first, last) if owners is None else owners[first:last]
                raise _moved(error, places) from None
            yield from zip(*(found[name] for name in outputs))

    def forward_windows(
        self, encodings: Encodings, outputs: Sequence[str]
    ) -> Iterator[tuple[NDArray[np.float32], ...]]:
        """The outputs of each window, in order."""
        return self.forward(
            [encodings.row(encodings.ids, i) for i in range(len(encodings))],
            [encodings.row(encodings.type_ids, i) for i in range(len(encodings))],
            outputs,
            encodings.samples.tolist(),
        )

    def _check(self, ids: Rows, owners: Sequence[int] | None) -> None:
        """A text that is too long is an error before anything is computed."""
        limit = min(self.model.max_positions, self._limits[0])
        for i, row in enumerate(ids):
            if len(row) > limit:
                index = i if owners is None else owners[i]
                raise make_error(
                    c.BERT_ERANGE,
                    f"{len(row)} tokens are more than the {limit} that the model takes; the "
                    "tokenizer's truncation=True cuts them",
                    index,
                )

    def _batches(self, sizes: list[int]) -> Iterator[tuple[int, int]]:
        max_tokens, max_sequences = self._limits
        first = total = 0
        for i, size in enumerate(sizes):
            if i > first and (total + size > max_tokens or i - first == max_sequences):
                yield first, i
                first, total = i, 0
            total += size
        if sizes:
            yield first, len(sizes)


def _strategy(truncation: Any) -> str | None:
    """What is cut: None for nothing."""
    value = getattr(truncation, "value", truncation)  # an enum of the reference
    if value is True or value == "longest_first":
        return "longest_first"
    if value is None or value is False or value == "do_not_truncate":
        return None
    if value in ("only_first", "only_second"):
        return str(value)
    raise ValueError(
        f"truncation is {truncation!r}; it can be True, False, 'longest_first', 'only_first', "
        "'only_second', 'do_not_truncate'"
    )


def _moved(error: BertError, places: Sequence[int]) -> BertError:
    """The error with the index that its text has among all."""
    if error.index is None or error.index >= len(places):
        return error
    message = error.message.removeprefix(f"text {error.index}: ")
    return make_error(error.code, message, places[error.index])
