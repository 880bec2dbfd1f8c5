# SPDX-License-Identifier: MIT
"""Requests of an engine that were submitted, and their results."""

from __future__ import annotations

import threading
import weakref
from ctypes import byref, c_size_t
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from . import _constants as c
from . import _options as o
from . import _read as read
from . import _structs as s
from ._ffi import lib
from ._life import free_with
from .errors import check, make_error

if TYPE_CHECKING:
    from ._texts import Texts

PART = 200_000_000  # nanoseconds of one wait
NEVER = 1 << 63


def _embed(job: Job) -> Any:
    n, width = c_size_t(), c_size_t()
    vectors = lib.bert_job_vectors(job.address, byref(n), byref(width))
    found = read.array_at(vectors, (n.value, width.value), np.float32)
    reports = read.array_at(lib.bert_job_reports(job.address), (n.value,), read.REPORT)
    failed = np.flatnonzero(reports["status"])
    if failed.size and not job.keep:
        i = int(failed[0])
        raise make_error(int(reports["status"][i]), "this text has no vector", index=i)
    return found[0] if job.texts.single else found


def _explain(job: Job) -> Any:
    address = lib.bert_job_explanation(job.address)
    return read.read_explanation(address, job.texts, job.pairs)


class Job:
    """A request that was submitted.  Any thread may wait, cancel and read.

    A job that nobody holds any more goes on.
    """

    task: str
    texts: Texts
    pairs: Texts | None
    keep: bool

    def __init__(self, task: str, texts: Texts, pairs: Texts | None, keep: bool) -> None:
        self.task = task
        self.texts = texts
        self.pairs = pairs
        self.keep = keep
        self._address = 0
        self._reference: weakref.finalize[..., Any] | None = None
        self._lock = threading.Lock()

    def adopt(self, address: int) -> None:
        """Take over one reference of the bert_job at an address."""
        with self._lock:
            if self._address:
                lib.bert_job_unref(address)
                return
            self._address = address
            self._reference = free_with(self, lib.bert_job_unref, address)

    @property
    def address(self) -> int:
        """Address of the bert_job."""
        return self._address

    def wait(self, timeout: float | None = None) -> None:
        """Wait for the end.  TimeoutError if that takes longer than `timeout` seconds (the job
        goes on); else what the job itself failed with."""
        error = s.Error()
        left = o.nanoseconds("timeout", timeout) or NEVER
        while True:
            # In parts, between which Ctrl-C is seen.
            code = lib.bert_job_wait(self._address, min(left, PART), byref(error))
            left -= PART
            if code == c.BERT_ETIMEDOUT and self.done():  # its own deadline, or just now
                code = lib.bert_job_status(self._address, byref(error))
                break
            if code != c.BERT_ETIMEDOUT or left <= 0:
                break
        check(code, error)

    def done(self) -> bool:
        """Whether it has ended."""
        return bool(lib.bert_job_done(self._address))

    def cancel(self) -> None:
        """End it with CanceledError unless it has ended."""
        # What is collected together with a coroutine may be canceled by that after it is gone.
        if self._reference is not None and self._reference.alive:
            lib.bert_job_cancel(self._address)

    def result(self, timeout: float | None = None) -> Any:
        """Wait, and give what the model's method of that task returns."""
        self.wait(timeout)
        return TASKS[self.task][2](self)

    def info(self) -> s.JobInfo:
        """A bert_job_info: version of the model, times in nanoseconds, size of the batch."""
        made, error = o.make(s.JobInfo), s.Error()
        check(lib.bert_job_describe(self._address, byref(made), byref(error)), error)
        return made

    @property
    def model_name(self) -> str:
        """Name of the model that the request went to."""
        return str(lib.bert_job_model_name(self._address).decode("utf-8", "replace"))


# task: (number, options, reader of the job)
TASKS: dict[str, tuple[int, Callable[..., Any], Callable[[Job], Any]]] = {
    "embed": (c.BERT_TASK_EMBED, o.embed_options, _embed),
    "embed_all": (
        c.BERT_TASK_EMBED_ALL,
        o.embed_all_options,
        lambda job: read.read_embeddings(lib.bert_job_embeddings(job.address), job.keep),
    ),
    "embed_tokens": (
        c.BERT_TASK_EMBED_TOKENS,
        o.embed_options,
        lambda job: read.read_output(
            lib.bert_job_outputs(job.address), c.BERT_OUTPUT_LAST_HIDDEN_STATE, 0
        ),
    ),
    "embed_chunks": (
        c.BERT_TASK_EMBED_CHUNKS,
        o.chunk_options,
        lambda job: read.read_chunks(lib.bert_job_chunks(job.address), job.texts),
    ),
    "classify": (
        c.BERT_TASK_CLASSIFY,
        o.classify_options,
        lambda job: read.read_classifications(
            lib.bert_job_classifications(job.address), job.keep
        ),
    ),
    "rerank": (
        c.BERT_TASK_RERANK,
        o.rerank_options,
        lambda job: read.read_rankings(lib.bert_job_rankings(job.address), job.keep),
    ),
    "tag": (
        c.BERT_TASK_TAG,
        o.tag_options,
        lambda job: read.read_entities(lib.bert_job_entities(job.address), job.texts, job.keep),
    ),
    "answer": (
        c.BERT_TASK_ANSWER,
        o.answer_options,
        lambda job: read.read_answers(
            lib.bert_job_answers(job.address), job.pairs or job.texts, job.keep
        ),
    ),
    "next": (
        c.BERT_TASK_NEXT,
        o.next_options,
        lambda job: read.read_nexts(lib.bert_job_nexts(job.address), job.keep),
    ),
    "fill": (
        c.BERT_TASK_FILL,
        o.fill_options,
        lambda job: read.read_fills(lib.bert_job_fills(job.address), job.keep),
    ),
    "choose": (
        c.BERT_TASK_CHOOSE,
        o.choose_options,
        lambda job: read.read_choices(lib.bert_job_choices(job.address), job.keep),
    ),
    "explain": (c.BERT_TASK_EXPLAIN, o.explain_options, _explain),
}
