# SPDX-License-Identifier: MIT
"""The engine for asyncio: requests are awaited, and no call has a thread of its own.

The loop watches the engine's descriptor, takes the jobs that have ended and wakes who awaits them.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Callable

from . import _options as o
from . import results as r
from .engine import Engine
from .errors import BusyError, CanceledError, DeadlineError, closed

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

    from ._jobs import Job
    from ._tasks import Several
    from ._texts import TextsLike
    from .errors import BertError
    from .model import Model, PathLike


class _Call:
    """A request that somebody awaits."""

    __slots__ = ("future", "job", "submit")

    def __init__(self, submit: Callable[[], Job], future: asyncio.Future[None]) -> None:
        self.submit: Callable[[], Job] | None = submit
        self.future = future  # done when the job has ended
        self.job: Job | None = None  # None: it waits for room

    def fail(self, error: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class AsyncEngine:
    """A queue in front of models, for the tasks of one event loop.

        async with AsyncEngine() as engine:
            await engine.load("default", "models/all-MiniLM-L6-v2")
            vector = await engine.embed("a cat on a mat")

    Args:
        busy: what becomes of a request for which the queue has no room.  "raise": BusyError.
            "wait": it is awaited in the order of the calls that ask for the same model, tenant and
            priority; BusyError only if none of this object's requests is in the engine, so that
            none can make room.
        options: those of Engine.

    It belongs to the loop in which it is first awaited, until that is closed: calls from another
    loop raise RuntimeError.  Canceling a task (so asyncio.wait_for() does, too) cancels its request
    in the engine: one that waits ends at once, one that runs within about a layer's time.
    """

    def __init__(self, *, busy: str = "raise", **options: Any) -> None:
        if busy not in ("raise", "wait"):
            raise ValueError(f"busy is {busy!r}; it can be raise, wait")
        self._engine = Engine(**options)
        self._waits = busy == "wait"
        self._lock = threading.Lock()  # of _loop alone: all else is the loop's own
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._calls: dict[Job, _Call | None] = {}  # in the engine; None: nobody awaits it
        self._lines: dict[Any, deque[_Call]] = {}  # wait for room
        self._ends: list[asyncio.Future[None]] = []  # of close(): done when jobs have ended
        self._loads = 0

    @property
    def engine(self) -> Engine:
        """The engine: for models, routes, metrics, and requests of threads.  Don't close it, and
        submit nothing with notify="queue" to it."""
        return self._engine

    # ---- The loop ----------------------------------------------------------------------

    def _enter(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            with self._lock:
                if self._loop is not None and not self._loop.is_closed():
                    raise RuntimeError(
                        "this AsyncEngine belongs to another event loop, which is still open; "
                        "make one AsyncEngine for each loop"
                    )
                self._loop = loop
            self._leave_calls(loop)
        return loop

    def _leave_calls(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nobody awaits any more what a closed loop left behind."""
        self._lines.clear()
        self._ends.clear()
        self._loads = 0
        for job in self._calls:
            job.cancel()
            self._calls[job] = None
        if self._calls:
            loop.add_reader(self._engine.fileno(), self._drain)

    def _start(self, call: _Call) -> None:
        """Submit; raises what the engine says to it."""
        assert call.submit is not None
        call.job = call.submit()
        call.submit = None  # the texts are the engine's now
        if not self._calls:
            assert self._loop is not None
            self._loop.add_reader(self._engine.fileno(), self._drain)
        self._calls[call.job] = call

    def _drain(self) -> None:
        """The descriptor is readable: jobs have ended."""
        while (job := self._engine.next()) is not None:
            call = self._calls.pop(job, None)
            if call is not None and not call.future.done():
                call.future.set_result(None)
        if not self._calls:
            # Without jobs the loop has nothing of ours.
            assert self._loop is not None
            self._loop.remove_reader(self._engine.fileno())
        if self._lines:
            self._let_in()
        if not self._calls:
            for end in self._ends:
                if not end.done():
                    end.set_result(None)
            self._ends.clear()

    # ---- Room in the queue -------------------------------------------------------------

    def _begin(self, call: _Call, key: Any) -> None:
        """Submit, or wait in line for room."""
        if not self._lines.get(key):
            try:
                self._start(call)
                return
            except BusyError:
                if not self._waits or not self._calls:
                    raise
        self._lines.setdefault(key, deque()).append(call)

    def _let_in(self) -> None:
        """Submit what waits, as far as there is room."""
        for key, line in list(self._lines.items()):
            while line:
                if not line[0].future.done():
                    try:
                        self._start(line[0])
                    except BusyError as error:
                        if self._calls:
                            break
                        line[0].fail(error)
                    except Exception as error:
                        line[0].fail(error)
                line.popleft()
            if not line:
                del self._lines[key]

    # ---- Requests ----------------------------------------------------------------------

    async def run(
        self,
        task: str,
        texts: str | bytes | TextsLike,
        pairs: str | bytes | TextsLike | None = None,
        *,
        model: str | None = None,
        priority: str = "interactive",
        timeout: float | None = None,
        tenant: str | None = None,
        **options: Any,
    ) -> Any:
        """A request of any task; arguments and options are those of Engine.submit().

        Args:
            timeout: seconds from now on, waiting for room and running included, else DeadlineError
                (a TimeoutError).

        Raises:
            BusyError: no room in the queue; see AsyncEngine.
            CanceledError: the engine was closed meanwhile.
        """
        loop = self._enter()
        if self._closing:
            raise closed("engine")
        start = loop.time()
        o.nanoseconds("timeout", timeout)
        if self._waits:  # it may be read more than once
            texts, pairs = _kept(texts), _kept(pairs)

        def submit() -> Job:
            left = None if timeout is None else timeout - (loop.time() - start)
            if left is not None and left <= 0:
                raise _late()
            return self._engine.submit(
                task, texts, pairs, model=model, priority=priority, tenant=tenant,
                timeout=left, notify="queue", **options,
            )  # fmt: skip

        call = _Call(submit, loop.create_future())
        self._begin(call, (model, tenant, priority))
        timer = None
        if timeout is not None and call.job is None:
            timer = loop.call_later(timeout, _expire, call)
        try:
            await call.future
        except BaseException:
            call.submit = None
            if call.job is not None:
                call.job.cancel()
            raise
        finally:
            if timer is not None:
                timer.cancel()
        assert call.job is not None
        return call.job.result()

    async def embed(self, texts: Several, **options: Any) -> NDArray[Any]:
        """Model.embed(), without out; options are also those of run()."""
        if "out" in options:
            raise TypeError("an engine has no out: it answers when the caller may be gone")
        vectors: NDArray[Any] = await self.run("embed", texts, **options)
        return vectors

    async def embed_all(self, texts: Several, kinds: Any = (), **options: Any) -> r.Embeddings:
        """Model.embed_all()."""
        found: r.Embeddings = await self.run("embed_all", texts, kinds=kinds, **options)
        return found

    async def embed_tokens(self, text: str | bytes, **options: Any) -> NDArray[Any]:
        """Model.embed_tokens()."""
        vectors: NDArray[Any] = await self.run("embed_tokens", text, **options)
        return vectors

    async def embed_chunks(
        self, text: str | bytes, spans: Any = None, **options: Any
    ) -> r.Chunks:
        """Model.embed_chunks()."""
        found: r.Chunks = await self.run("embed_chunks", text, spans=spans, **options)
        return found

    async def classify(
        self, texts: Several, pairs: Several | None = None, **options: Any
    ) -> r.Results[list[r.Label]]:
        """Model.classify()."""
        found: r.Results[list[r.Label]] = await self.run("classify", texts, pairs, **options)
        return found

    async def rerank(self, query: str | bytes, texts: Several, **options: Any) -> r.Rankings:
        """Model.rerank()."""
        found: r.Rankings = await self.run("rerank", texts, query=query, **options)
        return found

    async def tag(self, texts: Several, **options: Any) -> r.Results[list[r.Entity]]:
        """Model.tag()."""
        found: r.Results[list[r.Entity]] = await self.run("tag", texts, **options)
        return found

    async def answer(
        self, questions: Several, contexts: Several, **options: Any
    ) -> r.Results[list[r.Answer]]:
        """Model.answer()."""
        found: r.Results[list[r.Answer]] = await self.run("answer", questions, contexts, **options)
        return found

    async def next_sentence(
        self, texts: Several, pairs: Several, **options: Any
    ) -> r.Results[r.Next]:
        """Model.next_sentence()."""
        found: r.Results[r.Next] = await self.run("next", texts, pairs, **options)
        return found

    async def fill_mask(
        self, texts: Several, **options: Any
    ) -> r.Results[list[list[r.Fill]]]:
        """Model.fill_mask()."""
        found: r.Results[list[list[r.Fill]]] = await self.run("fill", texts, **options)
        return found

    async def choose(
        self, prompt: str | bytes, choices: Several, **options: Any
    ) -> r.Results[r.Choices]:
        """Model.choose() of one prompt: one record."""
        found: r.Results[r.Choices] = await self.run("choose", choices, query=prompt, **options)
        return found

    async def explain(
        self, text: str | bytes, pair: str | bytes | None = None, **options: Any
    ) -> r.Explanation:
        """Model.explain()."""
        found: r.Explanation = await self.run("explain", text, pair, **options)
        return found

    # ---- Models ------------------------------------------------------------------------

    def add_model(self, name: str, model: Model) -> None:
        """Engine.add_model(), which takes no time."""
        self._engine.add_model(name, model)

    async def load(self, name: str, path: PathLike, **options: Any) -> None:
        """Engine.load() by a thread of the engine's.  Canceling the task ends the waiting; the load
        goes on."""
        loop = self._enter()
        if self._closing:
            raise closed("engine")
        future: asyncio.Future[None] = loop.create_future()

        def settle(error: BertError | None) -> None:
            if self._loop is loop:
                self._loads -= 1
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        def done(_: str, error: BertError | None) -> None:
            try:
                loop.call_soon_threadsafe(settle, error)
            except RuntimeError:
                pass  # the loop was closed meanwhile

        self._loads += 1
        try:
            self._engine.load(name, path, background=True, done=done, **options)
        except BaseException:
            self._loads -= 1
            raise
        await future

    # ---- The end -----------------------------------------------------------------------

    async def close(self, how: str = "cancel") -> None:
        """Take no more requests, and free the engine when those that are there have ended: "cancel"
        ends them with CanceledError, "drain" answers them.  Twice is fine."""
        if how not in ("cancel", "drain"):
            raise ValueError(f"how is {how!r}; it can be cancel, drain")
        loop = self._enter()
        self._closing = True
        if how == "cancel":
            self._cancel_all()
        if self._calls:
            end = loop.create_future()
            self._ends.append(end)
            await end
        if self._loads:  # which this would wait for
            await loop.run_in_executor(None, self._engine.close)
        else:
            self._engine.close()

    def _cancel_all(self) -> None:
        for line in self._lines.values():
            for call in line:
                call.fail(CanceledError("the engine was closed while the request waited for room"))
        self._lines.clear()
        for job in self._calls:
            job.cancel()

    async def __aenter__(self) -> AsyncEngine:
        self._enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _kept(texts: Any) -> Any:
    """What can be read again: iterators become lists."""
    return list(texts) if hasattr(texts, "__next__") else texts


def _late() -> DeadlineError:
    return DeadlineError("the time for the request was over while it waited for room")


def _expire(call: _Call) -> None:
    if call.job is None:
        call.fail(_late())
