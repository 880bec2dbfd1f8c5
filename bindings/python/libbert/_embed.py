# SPDX-License-Identifier: MIT
"""Embedding: the methods that models and sessions share."""

from __future__ import annotations

from ctypes import byref, c_size_t, c_void_p
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _constants as c
from . import _options as o
from . import _read as read
from . import _structs as s
from . import results as r
from ._computes import SLICE, Computes
from ._ffi import lib
from ._texts import (
    VIEW_SIZE,
    Texts,
    address_of_array,
    bytes_from_chars,
    encode,
    make_texts,
    text_of,
)
from .errors import check, fail, make_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ._texts import TextsLike


def chunk_spans(spans: Any, text: Texts) -> NDArray[np.uintp]:
    """[parts, 2] offsets in bytes of offsets in the text's own unit."""
    places = np.asarray(spans)
    if places.size == 0:
        places = np.empty((0, 2), np.int64)
    if places.ndim != 2 or places.shape[1] != 2 or places.dtype.kind not in "iu":
        raise ValueError(f"spans must be integers of shape [parts, 2], not {places.shape}")
    if places.size and places.min() < 0:
        raise ValueError("spans must not be negative")
    if text.is_text:
        places = bytes_from_chars(text.data(0), places)
    return np.ascontiguousarray(places, np.uintp)


class EmbedMethods(Computes):
    """Texts to vectors."""

    def embed(
        self,
        texts: str | bytes | TextsLike,
        *,
        pooling: str = "model",
        normalize: bool | None = None,
        dimensions: int = 0,
        overlong: str = "cut_right",
        max_length: int = 0,
        stride: int = 0,
        prompt: str | None = None,
        prompt_name: str | None = None,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Embed texts.

        Args:
            texts: n texts, or one.
            pooling: "model", "mean", "cls", "max", "mean_sqrt_len", "weighted" or "last".
            normalize: None: as the model's modules say; True: to unit length; False: not.
            dimensions: keep the first so many (Matryoshka); 0: all.
            overlong: "cut_right", "cut_left", "error" or "windows".
            max_length: tokens at most; 0: the model's limit.
            stride: tokens that windows share.
            prompt: put before every text; prompt_name: one of the model's.
            out: C-contiguous [n, dimensions] float32 to write into.

        Returns:
            [n, dimensions] float32; [dimensions] for a single str or bytes.

        Raises:
            LengthError, InvalidArgumentError (ValueErrors): what is wrong with the first text
            that has no vector; its `index` says which.
        """
        options = o.embed_options(
            pooling, normalize, dimensions, overlong, max_length, stride, prompt, prompt_name
        )
        prepared = make_texts(texts)
        vectors = self._embed(prepared, options, out, None)
        return vectors[0] if prepared.single else vectors

    def embed_with_report(
        self, texts: TextsLike, **options: Any
    ) -> tuple[NDArray[np.float32], r.EmbedReport]:
        """As embed(); a text that fails has a row of zeros and its status in the report."""
        prepared = make_texts(texts)
        reports = np.zeros(prepared.n, read.REPORT)
        vectors = self._embed(prepared, o.embed_options(**options), None, reports)
        report = r.EmbedReport(
            reports["status"].copy(), reports["tokens"].copy(), reports["truncated"].copy()
        )
        return vectors, report

    def _embed(
        self,
        texts: Texts,
        options: s.EmbedOptions,
        out: NDArray[np.float32] | None,
        reports: NDArray[Any] | None,
    ) -> NDArray[np.float32]:
        error, size, where, n = s.Error(), c_size_t(), byref(options), texts.n
        report = 0 if reports is None else reports.ctypes.data
        pool = self._pool()
        session = pool.acquire()
        try:
            # The session's model, which lives whoever closes it meanwhile.
            model = lib.bert_session_model(session)
            check(lib.bert_embed_size(model, where, byref(size), byref(error)), error)
            width = size.value
            if out is None:
                out = np.empty((n, width), np.float32)
            elif out.shape != (n, width) or out.dtype != np.float32 or not out.flags.carray:
                raise ValueError(f"out must be C-contiguous float32 of shape ({n}, {width})")
            place = address_of_array(out)
            for first in range(0, n, SLICE):
                count = min(SLICE, n - first)
                code = lib.bert_embed(
                    session, texts.pointer + VIEW_SIZE * first, count, where,
                    place + 4 * width * first, count * width,
                    report + read.REPORT.itemsize * first if report else None, byref(error),
                )  # fmt: skip
                if code:
                    if n == 1:
                        raise make_error(code, error.message.decode("utf-8", "replace"), None)
                    fail(code, error, first)
        finally:
            pool.release(session)
        return out

    def embed_size(self, **options: Any) -> int:
        """Floats in a row of embed() with these options."""
        error, size = s.Error(), c_size_t()
        made = o.embed_options(**options)
        model = self._pool().model()
        try:
            code = lib.bert_embed_size(model, byref(made), byref(size), byref(error))
        finally:
            lib.bert_model_unref(model)
        check(code, error)
        return size.value

    def embed_tokens(self, text: str | bytes, **options: Any) -> NDArray[np.float32]:
        """Vectors of the tokens of one text, [tokens, hidden_size] float32.  Options are those of
        embed() but for pooling; normalize and dimensions are of each row."""
        made = o.embed_options(**options)
        view, out, error = text_of(encode(text)), c_void_p(), s.Error()
        pool = self._pool()
        session = pool.acquire()
        try:
            code = lib.bert_embed_tokens(
                session, view, byref(made), byref(out), None, byref(error)
            )
        finally:
            pool.release(session)
        check(code, error)
        try:
            return read.read_output(out.value or 0, c.BERT_OUTPUT_LAST_HIDDEN_STATE, 0)
        finally:
            lib.bert_outputs_free(out)

    def embed_all(
        self,
        texts: str | bytes | TextsLike,
        kinds: Iterable[str] = (),
        *,
        role: str = "none",
        pooling: str = "model",
        normalize: bool | None = None,
        dimensions: int = 0,
        max_active: int = 0,
        max_length: int = 0,
        overlong: str = "cut_right",
        prompt: str | None = None,
        prompt_name: str | None = None,
        errors: str = "raise",
    ) -> r.Embeddings:
        """Embeddings of several kinds by one pass of the encoder.

        Args:
            texts: n texts.
            kinds: of "dense", "sparse", "multi"; none: what the model was saved for.
            role: "none", "query" or "document", which chooses prompt and length.
            max_active: the largest weights of "sparse"; 0: the model's number, else all.
            errors: "raise" the first, or "keep" them in the result.
            The others are those of embed().
        """
        options = o.embed_all_options(
            kinds, role, pooling, normalize, dimensions, max_active, max_length, overlong,
            prompt, prompt_name,
        )  # fmt: skip
        keep = o.keeps_errors(errors)
        prepared = make_texts(texts)
        return self._result(
            lambda session, out, error: lib.bert_embed_all(
                session, prepared.pointer, prepared.n, byref(options), out, error
            ),
            lib.bert_embeddings_free,
            lambda address: read.read_embeddings(address, keep),
        )

    def embed_chunks(
        self,
        text: str | bytes,
        spans: Any = None,
        *,
        chunk_tokens: int = 0,
        pooling: str = "model",
        normalize: bool | None = None,
        dimensions: int = 0,
        max_length: int = 0,
        windows: bool = False,
        stride: int = 0,
        prompt: str | None = None,
        prompt_name: str | None = None,
    ) -> r.Chunks:
        """Vectors of parts of a text by one pass over the whole of it (late chunking).

        Args:
            text: the text.
            spans: [parts, 2] offsets, in code points of a str, in bytes of bytes; None: parts of
                chunk_tokens tokens.
            windows: read a text that is longer than the model takes in windows that share
                `stride` tokens; False: LengthError.
            The others are those of embed().
        """
        options = o.chunk_options(
            chunk_tokens, pooling, normalize, dimensions, max_length, windows, stride, prompt,
            prompt_name,
        )  # fmt: skip
        prepared = make_texts(encode(text))
        prepared.is_text = isinstance(text, str)
        view = s.Text.from_address(prepared.pointer)
        places = None if spans is None else chunk_spans(spans, prepared)
        n = 0 if places is None else len(places)
        # An array without rows has an address, so that it isn't taken for None.
        place = None if places is None else places.ctypes.data or prepared.pointer
        return self._result(
            lambda session, out, error: lib.bert_embed_chunks(
                session, view, place, n, byref(options), out, error
            ),
            lib.bert_chunks_free,
            lambda address: read.read_chunks(address, prepared),
        )
