# SPDX-License-Identifier: MIT
"""Sessions: what computes.  Every method may be called by any number of threads at once."""

from __future__ import annotations

from ctypes import byref, c_uint64
from typing import TYPE_CHECKING, Any

from . import _options as o
from . import _structs as s
from ._embed import EmbedMethods
from ._ffi import lib
from ._forward import ForwardMethods
from ._life import Closing
from ._pool import Pool
from ._tasks import TaskMethods
from .errors import check

if TYPE_CHECKING:

    from .model import Model


class Session(EmbedMethods, TaskMethods, ForwardMethods, Closing):
    """Sessions of a model: as many as threads call at once, up to `sessions`.

    Args:
        model: the model.
        threads: threads of one call, the caller included; 0: as many as the process may use.
        max_tokens: tokens of one batch, 0: 2048, or the model's positions where those are more;
            memory grows with it.
        max_sequences: sequences of one batch; 0: no limit but max_tokens.
        sessions: how many threads may compute at once, others wait; 0: one for each CPU.
        timeout: seconds that one call may take, else TimeoutError; None: no limit.  A call with
            more than 4096 texts counts as several.
        max_bytes: memory of one session at most; 0: no limit.

    It is pickled by its model and settings, and made anew where it is unpickled.
    Rows and records are the same bits whatever else is in the call, in whatever thread.
    """

    def __init__(
        self,
        model: Model,
        *,
        threads: int = 0,
        max_tokens: int = 0,
        max_sequences: int = 0,
        sessions: int = 0,
        timeout: float | None = None,
        max_bytes: int = 0,
    ) -> None:
        options = o.make(
            s.SessionOptions,
            threads=o.count("threads", threads),
            max_tokens=o.count("max_tokens", max_tokens),
            max_sequences=o.count("max_sequences", max_sequences),
            timeout_ns=o.nanoseconds("timeout", timeout),
            max_bytes=o.size("max_bytes", max_bytes),
        )
        self.model = model
        self._options = options
        self._settings: dict[str, Any] = {
            "threads": threads, "max_tokens": max_tokens, "max_sequences": max_sequences,
            "sessions": sessions, "timeout": timeout, "max_bytes": max_bytes,
        }  # fmt: skip
        address = model.reference()
        try:
            self.pool = Pool(address, options, o.count("sessions", sessions))
        finally:
            lib.bert_model_unref(address)

    def _pool(self) -> Pool:
        return self.pool

    def close(self) -> None:
        """Free the sessions as soon as calls that are under way have ended.  Twice is fine."""
        self.pool.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.model, self._settings)

    def estimate(self) -> int:
        """Bytes that one session holds at its peak."""
        out, error = c_uint64(), s.Error()
        model = self.pool.model()
        try:
            code = lib.bert_session_estimate(
                model, byref(self._options), byref(out), byref(error)
            )
        finally:
            lib.bert_model_unref(model)
        check(code, error)
        return out.value


def _restore(model: Model, settings: dict[str, Any]) -> Session:
    return Session(model, **settings)
