# SPDX-License-Identifier: MIT
"""AsyncEngine: every task, a thousand at once, cancel, deadlines, room, loops and the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import pathlib
import threading
import time
import weakref
from collections.abc import Coroutine
from typing import Any, Callable

import numpy as np
import pytest
from conftest import MODELS, TEXTS
from test_engine import same

import libbert

BASE = MODELS / "embed" / "base"
SLOW = ["a cat on a mat " * 20] * 3000  # a few seconds of work

Work = Callable[[libbert.AsyncEngine], Coroutine[Any, Any, Any]]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """asyncio.run() that fails after 60 s, and on whatever the loop has to complain of."""
    complaints: list[dict[str, Any]] = []

    async def whole() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        return await asyncio.wait_for(work, 60)

    result = asyncio.run(whole())
    gc.collect()
    assert not complaints
    return result


def with_engine(model: libbert.Model, work: Work, **options: Any) -> Any:
    async def whole() -> Any:
        async with libbert.AsyncEngine(**options) as engine:
            engine.add_model("default", model)
            result = await work(engine)
            assert not asyncio.get_running_loop()._selector.get_map().get(  # type: ignore[attr-defined]
                engine.engine.fileno()
            ), "the loop still watches the engine"
            return result

    return run(whole())


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


def test_every_task(base: libbert.Model) -> None:
    short = TEXTS[:3]
    names = {
        "classify": "classify", "rerank": "rerank_st", "tag": "tag", "answer": "answer",
        "next": "next", "fill": "fill", "choose": "choose",
    }  # fmt: skip
    models = {name: libbert.Model(MODELS / "task" / folder) for name, folder in names.items()}
    cases: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
        ("embed", "", (short,), {"normalize": True}),
        ("embed", "", (short[2],), {}),
        ("embed_all", "", (short, ["dense"]), {}),
        ("embed_tokens", "", (short[2],), {}),
        ("embed_chunks", "", (short[2], [[0, 4], [5, 9]]), {}),
        ("embed_chunks", "", (short[2],), {"chunk_tokens": 2}),
        ("classify", "classify", (short, short), {"top": 2}),
        ("rerank", "rerank", ("who?", short), {"raw": True}),
        ("tag", "tag", (short,), {}),
        ("answer", "answer", (["who?"] * 3, short), {"top": 2}),
        ("next_sentence", "next", (short, short), {}),
        ("fill_mask", "fill", (["a [MASK]"],), {"targets": ["on"]}),
        ("explain", "", ("a", "b c"), {}),
    ]

    async def work(engine: libbert.AsyncEngine) -> None:
        for name, model in models.items():
            engine.add_model(name, model)
        for method, name, arguments, options in cases:
            want = getattr(models.get(name, base), method)(*arguments, **options)
            got = await getattr(engine, method)(*arguments, model=name or None, **options)
            assert same(got, want), method
        got = await engine.choose("a cat", short, model="choose")
        assert same(got, models["choose"].choose("a cat", [short]))

    with_engine(base, work)


@pytest.mark.parametrize("busy", ["raise", "wait"])
def test_a_thousand(base: libbert.Model, busy: str) -> None:
    """No thread is made for a call, and each answer is its own caller's."""
    texts = [f"{text} {i}" for i in range(200) for text in TEXTS]
    want = base.embed(texts)
    queue = 1024 if busy == "raise" else 16

    async def work(engine: libbert.AsyncEngine) -> None:
        await engine.embed("a")
        threads = len(os.listdir("/proc/self/task"))
        calls = asyncio.gather(*map(engine.embed, texts))
        await asyncio.sleep(0)
        # The engine makes threads for its first large batch, as many as there are CPUs.
        assert len(os.listdir("/proc/self/task")) <= threads + (os.cpu_count() or 1)
        assert np.array_equal(np.stack(await calls), want)
        assert threading.active_count() == 1
        assert engine.engine.metrics().requests_answered == len(texts) + 1
        assert engine.engine._queued == {}

    with_engine(base, work, busy=busy, queue_requests=queue)


def test_cancel_reaches_the_engine(base: libbert.Model) -> None:
    async def work(engine: libbert.AsyncEngine) -> None:
        running = asyncio.ensure_future(engine.embed(SLOW))
        await until(lambda: engine.engine.metrics().requests_running > 0)
        waiting = [asyncio.ensure_future(engine.embed(SLOW)) for _ in range(3)]
        await asyncio.sleep(0)
        before = time.monotonic()
        for task in [running, *waiting]:
            task.cancel()
        for task in [running, *waiting]:
            with pytest.raises(asyncio.CancelledError):
                await task
        assert np.array_equal(await engine.embed("a"), base.embed("a"))
        assert time.monotonic() - before < 3
        assert engine.engine.metrics().requests_canceled == 4
        await until(lambda: not engine._calls)
        assert engine.engine._queued == {}
        # A task that ended can't be canceled any more, nor can its job.
        done = asyncio.ensure_future(engine.embed("a"))
        await done
        assert not done.cancel()
        # The job has ended, the task was not resumed yet.
        late = asyncio.ensure_future(engine.embed("b"))
        await asyncio.sleep(0)
        time.sleep(0.1)
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late
        await until(lambda: not engine._calls)

    with_engine(base, work)


def test_deadlines(base: libbert.Model) -> None:
    async def work(engine: libbert.AsyncEngine) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(engine.embed(SLOW), 0.01)
        with pytest.raises(libbert.DeadlineError) as caught:
            await engine.embed(SLOW, timeout=0.01)
        assert isinstance(caught.value, TimeoutError)
        for wrong in (0, -1, float("nan")):
            with pytest.raises(ValueError, match="timeout is"):
                await engine.embed("a", timeout=wrong)
        assert np.array_equal(await engine.embed("a", timeout=30), base.embed("a"))
        await until(lambda: not engine._calls)
        metrics = engine.engine.metrics()
        assert (metrics.requests_canceled, metrics.requests_timed_out) == (1, 1)

    with_engine(base, work)


def test_errors_are_those_of_the_library(base: libbert.Model) -> None:
    async def work(engine: libbert.AsyncEngine) -> None:
        with pytest.raises(ValueError, match="nobody"):
            await engine.embed("a", model="nobody")
        with pytest.raises(ValueError, match="pooling is 'meen'"):
            await engine.embed("a", pooling="meen")
        with pytest.raises(TypeError):
            await engine.embed([1])  # type: ignore[list-item]
        with pytest.raises(ValueError, match="task is 'embedd'"):
            await engine.run("embedd", "a")
        with pytest.raises(libbert.UnsupportedError):
            await engine.classify("a")
        with pytest.raises(libbert.LengthError) as caught:
            await engine.embed(["a", "a " * 400], overlong="error")
        assert caught.value.index == 1
        kept = await engine.embed(["a", "a " * 400], overlong="error", errors="keep")
        assert kept[0].any()
        assert not kept[1].any()
        with pytest.raises(FileNotFoundError):
            await engine.load("other", BASE / "nowhere")
        with pytest.raises(TypeError):
            await engine.load("other", BASE, colour="red")
        await engine.load("other", BASE, precision="bf16")
        assert engine.engine.model("other").precision == "bf16"
        assert (await engine.embed("a", model="other")).shape == (32,)

    with_engine(base, work)
    with pytest.raises(ValueError, match="busy is 'maybe'"):
        libbert.AsyncEngine(busy="maybe")
    with pytest.raises(RuntimeError):  # no loop
        libbert.AsyncEngine().embed("a").send(None)


def test_arguments_that_an_engine_does_not_take(base: libbert.Model) -> None:
    async def ask() -> None:
        async with libbert.AsyncEngine() as engine:
            engine.add_model("default", base)
            for name in ("out", "notify", "no_such"):
                with pytest.raises(TypeError, match=f"no out|{name}"):
                    await engine.embed(TEXTS, **{name: 1})

    asyncio.run(ask())


def test_a_full_queue(base: libbert.Model) -> None:
    async def raises(engine: libbert.AsyncEngine) -> None:
        calls = [asyncio.ensure_future(engine.embed(SLOW[:50])) for _ in range(40)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        busy = [error for error in found if isinstance(error, libbert.BusyError)]
        assert busy
        assert all(isinstance(one, (np.ndarray, libbert.BusyError)) for one in found)
        await engine.embed("a")

    with_engine(base, raises, queue_requests=4)

    async def waits(engine: libbert.AsyncEngine) -> None:
        order: list[int] = []

        async def one(i: int) -> None:
            # A generator can be read once only.
            found = await engine.embed(text for text in [f"a {i}", "cat"])
            assert np.array_equal(found, base.embed([f"a {i}", "cat"]))
            order.append(i)

        first = asyncio.ensure_future(engine.embed(SLOW[:500]))
        await until(lambda: engine.engine.metrics().requests_running > 0)
        tasks = [asyncio.ensure_future(one(i)) for i in range(100)]
        await asyncio.sleep(0)
        assert len(engine._lines) == 1
        for i in range(50, 60):
            tasks[i].cancel()
        before = time.monotonic()
        with pytest.raises(libbert.DeadlineError, match="waited for room"):
            await engine.embed("a", timeout=0.001)
        assert time.monotonic() - before < 0.2
        await asyncio.gather(*tasks, first, return_exceptions=True)
        assert sorted(order) == [*range(50), *range(60, 100)]
        # In line they keep their order; the engine's own hangs on what it reckons each will take.
        assert all(abs(i - k) < 10 for i, k in zip(order, sorted(order)))
        assert all(task.cancelled() for task in tasks[50:60])
        assert engine._lines == {}
        # What is wrong with one that waited is its own matter.
        slow = [asyncio.ensure_future(engine.embed(SLOW[:300])) for _ in range(6)]
        wrong = asyncio.ensure_future(engine.embed(["a", 1]))  # type: ignore[list-item]
        after = asyncio.ensure_future(engine.embed("a"))
        await asyncio.gather(*slow, after)
        with pytest.raises(TypeError, match=r"texts\[1\] is int"):
            await wrong

    with_engine(base, waits, busy="wait", queue_requests=4)

    async def alone(engine: libbert.AsyncEngine) -> None:
        """A limit that waiting can't lift."""
        engine.engine.limit_tenant("me", 1)
        held = engine.engine.submit("embed", SLOW, tenant="me")
        with pytest.raises(libbert.BusyError):
            await engine.embed("a", tenant="me")
        held.cancel()

    with_engine(base, alone, busy="wait")


def test_lines_of_tenants(base: libbert.Model) -> None:
    """Who waits for a tenant's room keeps nobody else from the queue."""

    async def work(engine: libbert.AsyncEngine) -> None:
        engine.engine.limit_tenant("much", 1)
        much = [asyncio.ensure_future(engine.embed(SLOW, tenant="much")) for _ in range(3)]
        await asyncio.sleep(0)
        assert [len(line) for line in engine._lines.values()] == [2]
        assert np.array_equal(await engine.embed("a", tenant="little"), base.embed("a"))
        assert not any(task.done() for task in much[1:])
        for task in much[1:]:
            task.cancel()
        await asyncio.wait(much[1:])
        # The time for who waits for room passes while nothing ends.
        with pytest.raises(libbert.DeadlineError, match="waited for room"):
            await engine.embed("a", tenant="much", timeout=0.02)
        assert not much[0].done()
        much[0].cancel()
        await asyncio.wait(much)
        await until(lambda: not engine._calls)

    with_engine(base, work, busy="wait")


def test_the_end(base: libbert.Model) -> None:
    async def work(how: str, busy: str) -> None:
        engine = libbert.AsyncEngine(busy=busy, queue_requests=8)
        engine.add_model("default", base)
        calls = [
            asyncio.ensure_future(engine.embed(SLOW[:200]))
            for _ in range(20 if busy == "wait" else 5)
        ]
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="how is"):
            await engine.close("soon")
        closing = asyncio.ensure_future(engine.close(how))
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="engine is closed"):
            await engine.embed("a")
        with pytest.raises(ValueError, match="engine is closed"):
            await engine.load("default", BASE)
        await closing
        await engine.close()
        found = await asyncio.gather(*calls, return_exceptions=True)
        kind = np.ndarray if how == "drain" else libbert.CanceledError
        assert all(isinstance(one, kind) for one in found), found

    for how in ("cancel", "drain"):
        for busy in ("raise", "wait"):
            run(work(how, busy))

    async def while_loading() -> None:
        engine = libbert.AsyncEngine()
        loading = asyncio.ensure_future(engine.load("default", BASE))
        await asyncio.sleep(0)
        await engine.close()
        with contextlib.suppress(libbert.CanceledError):
            await loading

    run(while_loading())


def test_one_loop_at_a_time(base: libbert.Model) -> None:
    engine = libbert.AsyncEngine()
    engine.add_model("default", base)
    there, over = threading.Event(), threading.Event()
    wrong: list[BaseException] = []

    async def hold() -> None:
        try:
            await engine.embed("a")
            there.set()
            while not over.is_set():
                await asyncio.sleep(0.01)
            assert np.array_equal(await engine.embed("b"), base.embed("b"))
        except BaseException as error:
            wrong.append(error)
            there.set()

    async def intrude() -> None:
        for call in (engine.embed("a"), engine.load("x", BASE), engine.close()):
            with pytest.raises(RuntimeError, match="belongs to another event loop"):
                await call

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    assert there.wait(20)
    run(intrude())
    over.set()
    thread.join(20)
    assert not wrong

    # A loop that was closed in the middle of all leaves the engine to the next one.
    loop = asyncio.new_event_loop()
    left = loop.create_task(engine.embed(SLOW))
    loop.run_until_complete(asyncio.sleep(0.02))
    assert len(engine._calls) == 1
    left._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()

    async def again() -> None:
        before = time.monotonic()
        assert np.array_equal(await engine.embed("a"), base.embed("a"))
        await until(lambda: not engine._calls)
        assert time.monotonic() - before < 3
        assert engine.engine.metrics().requests_canceled == 1

    run(again())

    # One that is collected with its loop and its coroutine.
    loop = asyncio.new_event_loop()
    other = libbert.AsyncEngine()
    other.add_model("default", base)
    left = loop.create_task(other.embed(SLOW))
    left._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    del other, loop, left
    gc.collect()

    async def leave() -> None:
        asyncio.ensure_future(engine.embed(SLOW))  # noqa: RUF006
        await asyncio.sleep(0.02)

    run(leave())  # asyncio.run() cancels what is left
    run(again_after(engine, base))
    run(engine.close())


async def again_after(engine: libbert.AsyncEngine, base: libbert.Model) -> None:
    assert np.array_equal(await engine.embed("a"), base.embed("a"))
    await until(lambda: not engine._calls)
    assert engine.engine.metrics().requests_canceled == 2


def test_nothing_is_kept(base: libbert.Model) -> None:
    """An engine that nobody holds goes, while its loop lives on."""

    async def work() -> None:
        engine = libbert.AsyncEngine()
        engine.add_model("default", base)
        await engine.embed("a")
        task = asyncio.ensure_future(engine.embed(SLOW))
        await asyncio.sleep(0.01)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        calls = engine._calls
        await until(lambda: not calls)
        gone = weakref.ref(engine)
        descriptors = len(os.listdir("/proc/self/fd"))
        del engine, task
        gc.collect()
        assert gone() is None
        assert len(os.listdir("/proc/self/fd")) == descriptors - 1

    run(work())


def test_the_loop_stays_free(base: libbert.Model) -> None:
    """While the engine computes, other tasks of the loop run."""

    async def work(engine: libbert.AsyncEngine) -> None:
        task = asyncio.ensure_future(engine.embed(SLOW[:1500]))
        turns = 0
        while not task.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert turns > 20
        await task

    with_engine(base, work, threads=1)


@pytest.mark.skipif("BERT_TEST_SANITIZED" in os.environ, reason="freed memory is kept")
def test_memory_does_not_grow(base: libbert.Model) -> None:
    def resident() -> int:
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096

    async def work(engine: libbert.AsyncEngine) -> None:
        async def some() -> None:
            for _ in range(10):
                tasks = [asyncio.ensure_future(engine.embed(TEXTS)) for _ in range(100)]
                await asyncio.sleep(0)
                for task in tasks[::2]:
                    task.cancel()
                await asyncio.wait(tasks)
            await until(lambda: not engine._calls)

        await some()
        gc.collect()
        before = resident()
        await some()
        await some()
        gc.collect()
        assert resident() - before < 8 << 20

    with_engine(base, work)
