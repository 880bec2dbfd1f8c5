# SPDX-License-Identifier: MIT
"""The engine: requests of many callers, put together into batches.  See bert/engine.h."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Mapping
from ctypes import addressof, byref, c_size_t, c_void_p, create_string_buffer
from typing import TYPE_CHECKING, Any, Callable

from . import _constants as c
from . import _options as o
from . import _structs as s
from ._embed import chunk_spans
from ._ffi import lib
from ._jobs import TASKS, Job
from ._life import Closing
from ._texts import encode, make_texts, text_of
from .errors import BertError, check, closed, read_error
from .model import Model, PathLike, model_options

if TYPE_CHECKING:

    from ._texts import TextsLike

Loaded = Callable[[str, "BertError | None"], None]


class _Use:
    """The engine's address, for as long as somebody uses it: destroying waits for them."""

    def __init__(self, address: int) -> None:
        self.address = address
        self.users = 0
        self.closed = False
        self.condition = threading.Condition()
        _uses.add(self)

    def __enter__(self) -> int:
        with self.condition:
            if self.closed:
                raise closed("engine")
            self.users += 1
        return self.address

    def __exit__(self, *_: object) -> None:
        with self.condition:
            self.users -= 1
            if self.closed:
                self.condition.notify_all()

    def shut(self) -> None:
        with self.condition:
            if self.closed:
                return
            self.closed = True
        lib.bert_engine_stop(self.address, c.BERT_STOP_CANCEL, None)
        with self.condition:
            while self.users:
                self.condition.wait()
        lib.bert_engine_destroy(self.address)


_uses: weakref.WeakSet[_Use] = weakref.WeakSet()


def _after_fork() -> None:
    for use in list(_uses):  # the other threads are the parent's
        use.condition = threading.Condition()
        use.users = 0


os.register_at_fork(after_in_child=_after_fork)


class Engine(Closing):
    """A queue in front of models, for any number of threads at once.

    Args:
        workers: batches that run at once; 0: 1.
        threads: threads of a batch; 0: those that the process may use, shared by the workers.
        queue_requests: requests that wait at most, else BusyError; 0: 1024.
        batch_tokens: tokens of a batch, about; 0: 2048, or the longest text where that is more.
        queue_bytes: texts that wait, in bytes, else BusyError; 0: 64 MiB.
        queue_time: seconds of work that waits, else BusyError; None: no limit.
        batch_wait: seconds that a free worker lets a batch wait for more; None: none.
        model_bytes: of all models that load() keeps; 0: no limit.
        cache_bytes: of answers that are kept; 0: none are.

    An engine that has taken a request can't be used in the child of a fork: calls there raise
    InvalidArgumentError, which says so.
    """

    def __init__(
        self,
        *,
        workers: int = 0,
        threads: int = 0,
        queue_requests: int = 0,
        batch_tokens: int = 0,
        queue_bytes: int = 0,
        queue_time: float | None = None,
        batch_wait: float | None = None,
        model_bytes: int = 0,
        cache_bytes: int = 0,
    ) -> None:
        options = o.make(
            s.EngineOptions,
            workers=o.count("workers", workers),
            threads=o.count("threads", threads),
            queue_requests=o.count("queue_requests", queue_requests),
            batch_tokens=o.count("batch_tokens", batch_tokens),
            queue_bytes=o.size("queue_bytes", queue_bytes),
            queue_ns=o.nanoseconds("queue_time", queue_time),
            batch_wait_ns=o.nanoseconds("batch_wait", batch_wait),
            model_bytes=o.size("model_bytes", model_bytes),
            cache_bytes=o.size("cache_bytes", cache_bytes),
        )
        out, error = c_void_p(), s.Error()
        check(lib.bert_engine_create(byref(out), byref(options), byref(error)), error)
        assert out.value
        self._ids = itertools.count(1)
        self._queued: dict[int, Job] = {}  # of notify="queue", until next() gives them
        self._callbacks: list[Any] = []  # of loads in the background
        self._use = _Use(out.value)
        self._finalizer = weakref.finalize(self, self._use.shut)

    def _call(self, function: Callable[..., int], *arguments: Any) -> None:
        error = s.Error()
        with self._use as address:
            code = function(address, *arguments, byref(error))
        check(code, error)

    def __reduce__(self) -> Any:
        raise TypeError("an engine can't be pickled: make one in each process")

    def stop(self, how: str = "drain") -> None:
        """Take no more requests, and return when those that are there have ended: "drain" answers
        them, "cancel" ends them with CanceledError."""
        self._call(lib.bert_engine_stop, o.number_of("BERT_STOP_", "how", how))

    def close(self) -> None:
        """Stop with "cancel", join the threads and free.  Jobs stay readable.  Twice is fine; not
        from a callback."""
        self._finalizer()

    # ---- Models ------------------------------------------------------------------------

    def add_model(self, name: str, model: Model) -> None:
        """Serve a model under a name; one that is there gets a new version."""
        address = model.reference()
        try:
            self._call(lib.bert_engine_add_model, o.optional(name), address)
        finally:
            lib.bert_model_unref(address)

    def load(
        self,
        name: str,
        path: PathLike,
        *,
        manifest: str = "if_there",
        golden: str = "if_there",
        background: bool = False,
        done: Loaded | None = None,
        **options: Any,
    ) -> None:
        """Load a model and serve it under a name once all is well.

        Args:
            manifest, golden: "if_there", "required" or "off": what is checked.
            background: return at once.
            done: called with the name and an exception or None when the load has ended, by the
                thread that did it.
            options: loading options of Model.
        """
        model = model_options(**options)
        made = o.make(
            s.LoadOptions,
            model=addressof(model),
            manifest=o.number_of("BERT_CHECK_", "manifest", manifest),
            golden=o.number_of("BERT_CHECK_", "golden", golden),
            background=int(background),
        )
        if done is not None:

            def call(_: int | None, loaded: bytes, error: int | None) -> None:
                done(loaded.decode("utf-8", "replace"), read_error(error or 0))

            made.done = s.LoadedFn(call)
        if background:
            self._callbacks += [model, made]
        self._call(lib.bert_engine_load, o.optional(name), o.path_bytes(path), byref(made))

    def remove_model(self, name: str) -> None:
        """Forget a name; requests that were submitted are answered still."""
        self._call(lib.bert_engine_remove_model, o.optional(name))

    def rollback(self, name: str) -> None:
        """The version before serves again."""
        self._call(lib.bert_engine_rollback, o.optional(name))

    def route(self, name: str, weights: Mapping[str, int]) -> None:
        """Part the requests for a name among models by weight; none: no routes any more."""
        routes = (s.Route * len(weights))()
        for entry, (model, weight) in zip(routes, weights.items()):
            entry.model = o.optional(model)
            entry.weight = o.count("weight", weight)
        self._call(
            lib.bert_engine_route, o.optional(name), routes if weights else None, len(weights)
        )

    def limit_tenant(self, tenant: str | None, requests: int) -> None:
        """Requests that a tenant may have in the engine at once; 0: no limit; None: of those
        without a limit of their own."""
        limit = o.count("requests", requests)
        self._call(lib.bert_engine_limit_tenant, o.optional(tenant), limit)

    def model(self, name: str = "default") -> Model:
        """The model that serves a name now."""
        out = c_void_p()
        self._call(lib.bert_engine_model, o.optional(name), byref(out), None)
        assert out.value
        return Model.from_address(out.value)

    def flush_cache(self) -> None:
        """Forget all answers that the cache holds."""
        self._call(lib.bert_engine_flush_cache)

    # ---- Requests ----------------------------------------------------------------------

    def submit(
        self,
        task: str,
        texts: str | bytes | TextsLike,
        pairs: str | bytes | TextsLike | None = None,
        *,
        query: str | bytes | None = None,
        spans: Any = None,
        model: str | None = None,
        priority: str = "interactive",
        notify: str = "wait",
        timeout: float | None = None,
        tenant: str | None = None,
        route_key: str | None = None,
        traceparent: str | None = None,
        errors: str = "raise",
        _wait: bool = False,
        **options: Any,
    ) -> Job:
        """Put a request into the queue.

        Args:
            task: "embed", "embed_all", "embed_tokens", "embed_chunks", "classify", "rerank",
                "tag", "answer", "next", "fill", "choose" or "explain".
            texts, pairs, query, spans: as the model's method of that task has them: of "answer"
                texts are questions and pairs contexts, of "choose" query is the one prompt.
            model: a name; None: "default".
            priority: "interactive" or "bulk".
            notify: "wait", or "queue": next() gives the job when it has ended.
            timeout: seconds from now on, running included, else TimeoutError.
            errors: "raise" or "keep" what is wrong with single texts.
            options: of the task.

        Raises:
            BusyError: the queue is full.
        """
        if task not in TASKS:
            raise ValueError(f"task is {task!r}; it can be {', '.join(TASKS)}")
        a = make_texts(texts)
        b = None if pairs is None else make_texts(pairs, "pairs")
        if b is not None and b.n != a.n:
            raise ValueError(f"{a.n} texts, but {b.n} pairs")
        number, build, _ = TASKS[task]
        made = build(**options)
        request = o.make(
            s.Request,
            model=o.optional(model),
            texts=a.pointer,
            pairs=b.pointer if b else None,
            n=a.n,
            options=addressof(made),
            task=number,
            priority=o.number_of("BERT_PRIORITY_", "priority", priority),
            notify=o.number_of("BERT_NOTIFY_", "notify", notify),
            timeout_ns=o.nanoseconds("timeout", timeout),
            tenant=o.optional(tenant),
            route_key=o.optional(route_key),
            traceparent=o.optional(traceparent),
        )
        if query is not None:
            request.query = text_of(encode(query, "query"))
        if spans is not None:
            places = chunk_spans(spans, a)
            request.spans = places.ctypes.data or a.pointer
            request.n_spans = len(places)
        job = Job(task, a, b, o.keeps_errors(errors))
        return self._submit(lib.bert_engine_run if _wait else lib.bert_engine_submit, request, job)

    def _submit(self, function: Callable[..., int], request: s.Request, job: Job) -> Job:
        queued = request.notify == c.BERT_NOTIFY_QUEUE
        request.id = next(self._ids)
        out = c_void_p()
        if queued:
            self._queued[request.id] = job  # it may end before the call returns
        try:
            self._call(function, byref(request), byref(out))
        except BaseException:
            self._queued.pop(request.id, None)
            raise
        job.adopt(out.value or 0)
        return job

    def run(self, task: str, texts: str | bytes | TextsLike, *arguments: Any, **more: Any) -> Any:
        """submit(), wait and give the result.  This thread does the work where a worker is free."""
        return self.submit(task, texts, *arguments, **more, _wait=True).result()

    def fileno(self) -> int:
        """A descriptor that is readable while next() has something to give; don't read it."""
        with self._use as address:
            return int(lib.bert_engine_fd(address))

    def next(self) -> Job | None:
        """The next job of notify="queue" that has ended; None if there is none now."""
        with self._use as engine:
            address = lib.bert_engine_next(engine)
        if not address:
            return None
        job = self._queued.pop(lib.bert_job_id(address))
        job.adopt(address)
        return job

    # ---- Metrics -----------------------------------------------------------------------

    def metrics(self) -> s.Metrics:
        """A snapshot: a bert_metrics struct, whose fields bert/metrics.h explains."""
        made = o.make(s.Metrics)
        self._call(lib.bert_engine_metrics, byref(made))
        return made

    def metrics_text(self, form: str = "prometheus") -> str:
        """A snapshot as "prometheus" text or as "json"."""
        if form not in ("prometheus", "json"):
            raise ValueError(f"form is {form!r}; it can be prometheus, json")
        write = getattr(lib, f"bert_metrics_{form}")
        metrics, size, error = self.metrics(), c_size_t(), s.Error()
        room = 1 << 16
        while True:
            buffer = create_string_buffer(room)
            code = write(byref(metrics), buffer, room, byref(size), byref(error))
            if code and size.value > room:
                room = size.value
                continue
            check(code, error)
            return buffer.raw[: size.value].decode()


