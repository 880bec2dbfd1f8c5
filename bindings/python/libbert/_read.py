# SPDX-License-Identifier: MIT
"""The library's results to Python's.  Each function takes the address of a result and frees
nothing, so that it serves sessions and jobs alike."""

from __future__ import annotations

from ctypes import byref, c_char, c_float, c_size_t, c_uint32, string_at
from struct import Struct
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from . import _structs as s
from . import results as r
from ._constants import BERT_EMBEDDING_DENSE, BERT_EMBEDDING_MULTI, BERT_EMBEDDING_SPARSE
from ._ffi import lib
from ._texts import Texts, chars_from_bytes
from .errors import BertError, make_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Lists that become arrays.
CHOICE = np.dtype([("score", np.float32), ("logit", np.float32)], align=True)
TERM = np.dtype([("id", np.int32), ("weight", np.float32)], align=True)
REPORT = np.dtype(
    [("status", np.int32), ("tokens", np.uint32), ("truncated", np.uint64)], align=True
)
CHUNK = np.dtype([("bytes", np.uintp, 2), ("vector", np.uintp), ("tokens", np.uint32)], align=True)
RELEVANCE = np.dtype(
    [("bytes", np.uintp, 2), ("score", np.float32), ("id", np.int32), ("sequence", np.int32)],
    align=True,
)
# Lists that become tuples.
LABEL = Struct("@PIf")
RANKED = Struct("@Nf0N")
ENTITY = Struct("@PIfNNNN")
ANSWER = Struct("@NNNNfI")
FILL = Struct("@ifPNPN")
# What they stand for; a test compares the sizes.
RECORDS: list[tuple[Any, int]] = [
    (s.Choice, CHOICE.itemsize), (s.Term, TERM.itemsize), (s.EmbedReport, REPORT.itemsize),
    (s.Chunk, CHUNK.itemsize), (s.Relevance, RELEVANCE.itemsize), (s.LabelScore, LABEL.size),
    (s.Ranked, RANKED.size), (s.Entity, ENTITY.size), (s.AnswerSpan, ANSWER.size),
    (s.Fill, FILL.size),
]  # fmt: skip


def array_at(address: int | None, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """A copy of an array of the library's."""
    dtype = np.dtype(dtype)
    if not address or 0 in shape:
        return np.empty(shape, dtype)
    size = dtype.itemsize
    for length in shape:
        size *= length
    view = (c_char * size).from_address(address)
    return np.frombuffer(view, dtype).reshape(shape).copy()


def records_at(address: int | None, n: int, form: Struct) -> Iterator[tuple[Any, ...]]:
    """n records of the library's as tuples."""
    return form.iter_unpack(string_at(address, n * form.size) if address else b"")


class Names:
    """Strings of the library's by their addresses, each decoded once."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def __getitem__(self, address: int) -> str:
        name = self._known.get(address)
        if name is None:
            name = self._known[address] = string_at(address).decode("utf-8", "replace")
        return name


def gather(
    kind: str, address: int, keep: bool, shift: int, read: Callable[[int], Any], empty: Any
) -> tuple[list[Any], dict[int, BertError]]:
    """The records of a result by read(record).  Raises the first that failed unless keep."""
    status = getattr(lib, f"bert_{kind}_status")
    records = []
    errors = {}
    for i in range(getattr(lib, f"bert_{kind}_size")(address)):
        code = status(address, i)
        if code:
            message = getattr(lib, f"bert_{kind}_message")(address, i)
            error = make_error(code, message.decode("utf-8", "replace"), index=i + shift)
            if not keep:
                raise error
            errors[i + shift] = error
            records.append(empty)
        else:
            records.append(read(i))
    return records, errors


def truncated(kind: str, address: int, n: int) -> NDArray[Any]:
    get = getattr(lib, f"bert_{kind}_truncated")
    return np.fromiter((get(address, i) for i in range(n)), np.uint64, n)


def read_classifications(address: int, keep: bool = False, shift: int = 0) -> r.Results[Any]:
    names = Names()

    def read(i: int) -> list[r.Label]:
        n = lib.bert_classifications_count(address, i)
        rows = records_at(lib.bert_classifications_labels(address, i), n, LABEL)
        return [r.Label(names[label], score, number) for label, number, score in rows]

    records, errors = gather("classifications", address, keep, shift, read, [])
    return r.Results(records, errors, truncated("classifications", address, len(records)))


def read_entities(
    address: int, texts: Texts, keep: bool = False, shift: int = 0
) -> r.Results[Any]:
    names = Names()

    def read(i: int) -> list[r.Entity]:
        n = lib.bert_entities_count(address, i)
        if not n:
            return []
        data = texts.data(i + shift)
        found = []
        for label, number, score, start, end, char_start, char_end in records_at(
            lib.bert_entities_list(address, i), n, ENTITY
        ):
            part = data[start:end].decode("utf-8", "replace")
            if texts.is_text:
                start, end = char_start, char_end
            found.append(r.Entity(names[label], score, start, end, part, number))
        return found

    return r.Results(*gather("entities", address, keep, shift, read, []))


def read_answers(
    address: int, contexts: Texts, keep: bool = False, shift: int = 0
) -> r.Results[Any]:
    def read(i: int) -> list[r.Answer]:
        n = lib.bert_answers_count(address, i)
        data = contexts.data(i + shift)
        found = []
        for start, end, char_start, char_end, score, null in records_at(
            lib.bert_answers_list(address, i), n, ANSWER
        ):
            part = data[start:end].decode("utf-8", "replace")
            if contexts.is_text:
                start, end = char_start, char_end
            found.append(r.Answer(part, score, start, end, bool(null)))
        return found

    return r.Results(*gather("answers", address, keep, shift, read, []))


def read_rankings(address: int, keep: bool = False) -> r.Rankings:
    def read(i: int) -> float:
        return float(lib.bert_rankings_score(address, i))

    scores, errors = gather("rankings", address, keep, 0, read, float("nan"))
    best = records_at(lib.bert_rankings_best(address), lib.bert_rankings_count(address), RANKED)
    return r.Rankings(
        [r.Ranked(position, score) for position, score in best],
        np.array(scores, np.float32),
        errors,
        truncated("rankings", address, len(scores)),
    )


def read_nexts(address: int, keep: bool = False, shift: int = 0) -> r.Results[Any]:
    def read(i: int) -> r.Next:
        found = s.Next.from_address(lib.bert_nexts_get(address, i))
        return r.Next(found.is_next, (found.logits[0], found.logits[1]))

    nan = float("nan")
    records, errors = gather("nexts", address, keep, shift, read, r.Next(nan, (nan, nan)))
    return r.Results(records, errors, truncated("nexts", address, len(records)))


def read_fills(address: int, keep: bool = False, shift: int = 0) -> r.Results[Any]:
    """Of each text a list for each mask."""
    def string(address: int, size: int) -> str:
        return string_at(address, size).decode("utf-8", "replace") if size else ""

    def read(i: int) -> list[list[r.Fill]]:
        masks = []
        for mask in range(lib.bert_fills_masks(address, i)):
            n = c_size_t()
            best = lib.bert_fills_best(address, i, mask, byref(n))
            masks.append(
                [
                    r.Fill(string(token, size), score, number, string(text, length))
                    for number, score, token, size, text, length in records_at(
                        best, n.value, FILL
                    )
                ]
            )
        return masks

    records, errors = gather("fills", address, keep, shift, read, [])
    return r.Results(records, errors, truncated("fills", address, len(records)))


def read_choices(address: int, keep: bool = False, shift: int = 0) -> r.Results[Any]:
    def read(i: int) -> r.Choices:
        n = lib.bert_choices_count(address, i)
        rows = array_at(lib.bert_choices_list(address, i), (n,), CHOICE)
        return r.Choices(
            rows["score"].copy(), rows["logit"].copy(), lib.bert_choices_best(address, i)
        )

    none = np.empty(0, np.float32)
    records, errors = gather("choices", address, keep, shift, read, r.Choices(none, none, -1))
    return r.Results(records, errors, truncated("choices", address, len(records)))


def read_embeddings(address: int, keep: bool = False) -> r.Embeddings:
    kinds = lib.bert_embeddings_outputs(address)
    _, errors = gather("embeddings", address, keep, 0, lambda _: None, None)
    n = lib.bert_embeddings_size(address)
    dense = sparse = multi = None
    count, size = c_size_t(), c_size_t()
    if kinds & BERT_EMBEDDING_DENSE:
        rows = []
        for i in range(n):
            vector = lib.bert_embeddings_dense(address, i, byref(size))
            rows.append(array_at(vector, (size.value,), np.float32))
        width = max((len(row) for row in rows), default=0)
        dense = np.zeros((n, width), np.float32)
        for i, row in enumerate(rows):
            dense[i, : len(row)] = row
    if kinds & BERT_EMBEDDING_SPARSE:
        sparse = []
        for i in range(n):
            terms = lib.bert_embeddings_terms(address, i, byref(count))
            found = array_at(terms, (count.value,), TERM)
            sparse.append((found["id"].copy(), found["weight"].copy()))
    if kinds & BERT_EMBEDDING_MULTI:
        multi = []
        for i in range(n):
            vectors = lib.bert_embeddings_vectors(address, i, byref(count), byref(size))
            multi.append(array_at(vectors, (count.value, size.value), np.float32))
    tokens = (lib.bert_embeddings_tokens(address, i) for i in range(n))
    return r.Embeddings(
        dense, sparse, multi, np.fromiter(tokens, np.uint32, n),
        truncated("embeddings", address, n), errors,
    )  # fmt: skip


def read_chunks(address: int, texts: Texts) -> r.Chunks:
    n = lib.bert_chunks_count(address)
    width = lib.bert_chunks_dimensions(address)
    rows = array_at(lib.bert_chunks_list(address), (n,), CHUNK)
    vectors = np.empty((n, width), np.float32)
    for i, vector in enumerate(rows["vector"].tolist()):
        vectors[i] = array_at(vector, (width,), np.float32)
    spans = rows["bytes"].astype(np.int64)
    if texts.is_text:
        spans = chars_from_bytes(texts.data(0), spans)
    return r.Chunks(vectors, spans, rows["tokens"].copy(), lib.bert_chunks_tokens(address))


def read_explanation(address: int, texts: Texts, pair: Texts | None) -> r.Explanation:
    n = lib.bert_explanation_count(address)
    rows = array_at(lib.bert_explanation_list(address), (n,), RELEVANCE)
    spans = rows["bytes"].astype(np.int64)
    for sequence, source in enumerate((texts, pair)):
        if source is not None and source.is_text:
            of = rows["sequence"] == sequence
            spans[of] = chars_from_bytes(source.data(0), spans[of])
    return r.Explanation(
        rows["score"].copy(), rows["id"].copy(), spans, rows["sequence"].copy(),
        lib.bert_explanation_truncated(address),
    )  # fmt: skip


def read_output(address: int, which: int, sequence: int) -> NDArray[np.float32]:
    """One output of one sequence."""
    shape, rank = (c_uint32 * 4)(), c_uint32()
    values = lib.bert_outputs_get(address, which, sequence, shape, byref(rank))
    if not values:
        raise LookupError(f"output {which} of sequence {sequence} is not there")
    return array_at(values, tuple(shape[: rank.value]), c_float)
