# SPDX-License-Identifier: MIT
"""The engine: every task as the model's own method answers it, and the life of jobs."""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, TEXTS, overlay

import libbert
from libbert._jobs import TASKS


@pytest.fixture
def engine(base: libbert.Model) -> Iterator[libbert.Engine]:
    with libbert.Engine() as made:
        made.add_model("default", base)
        yield made


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return bool(np.array_equal(a, b))
    if hasattr(a, "__dataclass_fields__"):
        return all(same(vars(a)[name], vars(b)[name]) for name in a.__dataclass_fields__)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def test_every_task(engine: libbert.Engine, base: libbert.Model) -> None:
    tried = set()

    def check(task: str, folder: str | None, method: str, run: Any, call: Any) -> None:
        model = libbert.Model(MODELS / "task" / folder) if folder else base
        engine.add_model(task, model)
        want = getattr(model, method)(*call[0], **call[1])
        assert same(engine.run(task, *run[0], model=task, **run[1]), want), task
        tried.add(task)

    short = TEXTS[:3]
    one: Any = ((short[2],), {})
    check("embed", None, "embed", ((short,), {"normalize": True}), ((short,), {"normalize": True}))
    check("embed", None, "embed", one, one)
    check("embed_tokens", None, "embed_tokens", one, one)
    check("embed_all", None, "embed_all", ((short,), {}), ((short,), {}))
    check("explain", None, "explain", (("a", "b c"), {}), (("a", "b c"), {}))
    check("classify", "classify", "classify", ((short, short), {"top": 2}),
          ((short, short), {"top": 2}))
    check("rerank", "rerank_st", "rerank", ((short,), {"query": "who?"}), (("who?", short), {}))
    check("tag", "tag", "tag", ((short,), {}), ((short,), {}))
    check("answer", "answer", "answer", ((["who?"] * 3, short), {}), ((["who?"] * 3, short), {}))
    check("next", "next", "next_sentence", ((short, short), {}), ((short, short), {}))
    check("fill", "fill", "fill_mask", ((["a [MASK]"],), {"targets": ["on"]}),
          ((["a [MASK]"],), {"targets": ["on"]}))
    check("choose", "choose", "choose", ((short,), {"query": "a cat"}), (("a cat", [short]), {}))
    for spans, options in (([[0, 4], [5, 9]], {}), (None, {"chunk_tokens": 2})):
        check("embed_chunks", None, "embed_chunks", ((short[2],), {"spans": spans, **options}),
              ((short[2], spans), options))
    assert tried == set(TASKS)


def test_wrong_requests(engine: libbert.Engine) -> None:
    with pytest.raises(ValueError, match="task is 'embedd'"):
        engine.run("embedd", "a")
    with pytest.raises(ValueError, match="nobody"):
        engine.run("embed", "a", model="nobody")
    with pytest.raises(TypeError):
        engine.run("embed", "a", colour="red")
    with pytest.raises(libbert.UnsupportedError):
        engine.run("classify", "a")
    with pytest.raises(ValueError, match="pairs"):
        engine.run("embed", ["a"], ["b", "c"])
    with pytest.raises(libbert.LengthError) as caught:
        engine.run("embed", ["a", "a " * 400], overlong="error")
    assert caught.value.index == 1
    kept = engine.run("embed", ["a", "a " * 400], overlong="error", errors="keep")
    assert kept[0].any()
    assert not kept[1].any()


def test_sizes(base: libbert.Model) -> None:
    for make in (
        lambda n: libbert.Engine(queue_bytes=n), lambda n: libbert.Engine(cache_bytes=n),
        lambda n: libbert.Engine(model_bytes=n), lambda n: libbert.Session(base, max_bytes=n),
        lambda n: libbert.Model(base.path or "", max_bytes=n),
        lambda n: libbert.Model(base.path or "", max_file_bytes=n),
        lambda n: libbert.RawTokenizer(base.path or "", max_file_bytes=n),
    ):  # fmt: skip
        for wrong in (-1, 2**64):
            with pytest.raises(ValueError, match=rf"_?bytes is {wrong}; it must be from 0"):
                make(wrong)


def test_jobs(engine: libbert.Engine, base: libbert.Model) -> None:
    job = engine.submit("embed", TEXTS)
    assert np.array_equal(job.result(10), base.embed(TEXTS))
    assert job.done()
    assert job.info().version == 1
    assert job.info().batch_tokens > 0
    assert job.model_name == "default"
    job.cancel()
    assert np.array_equal(job.result(), base.embed(TEXTS))
    slow = engine.submit("embed", ["a cat on a mat " * 20] * 3000)
    with pytest.raises(TimeoutError):
        slow.wait(0.001)
    assert not slow.done()
    slow.cancel()
    with pytest.raises(libbert.CanceledError):
        slow.result(10)
    long = engine.submit("embed", ["a cat on a mat " * 20] * 10000)
    with pytest.raises(TimeoutError, match="not ended"):
        long.wait(0.3)  # longer than one part of the wait
    assert not long.done()
    long.cancel()
    late = engine.submit("embed", ["a cat on a mat " * 20] * 3000, timeout=0.002)
    with pytest.raises(libbert.DeadlineError):
        late.result(10)
    with pytest.raises(libbert.DeadlineError):
        engine.run("embed", ["a cat on a mat " * 20] * 3000, timeout=0.002)
    with pytest.raises(ValueError, match="notify"):
        engine.run("embed", "a", notify="queue")
    assert engine._queued == {}


def test_queue(engine: libbert.Engine, base: libbert.Model) -> None:
    assert engine.next() is None
    jobs = [engine.submit("embed", text, notify="queue") for text in TEXTS]
    got: list[Any] = []
    while len(got) < len(jobs):
        assert select.select([engine], [], [], 10)[0]
        while (job := engine.next()) is not None:
            got.append(job)
    assert set(map(id, got)) == set(map(id, jobs))
    for job, text in zip(jobs, TEXTS):
        assert np.array_equal(job.result(), base.embed(text))
    assert engine._queued == {}


def test_many_callers(engine: libbert.Engine, base: libbert.Model) -> None:
    want = base.embed(TEXTS)
    wrong: list[BaseException] = []

    def use() -> None:
        try:
            for _ in range(20):
                assert np.array_equal(engine.run("embed", TEXTS), want)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert engine.metrics().requests_answered == 160


def test_models(engine: libbert.Engine, base: libbert.Model) -> None:
    other = overlay("embed/base", "embed/cls")
    engine.add_model("other", other)
    assert np.array_equal(engine.model("other").embed("a"), other.embed("a"))
    engine.route("default", {"other": 1})
    job = engine.submit("embed", "a")
    assert np.array_equal(job.result(), other.embed("a"))
    assert job.model_name == "other"
    engine.route("default", {})
    assert np.array_equal(engine.run("embed", "a"), base.embed("a"))
    engine.add_model("default", other)
    assert np.array_equal(engine.run("embed", "a"), other.embed("a"))
    engine.rollback("default")
    assert np.array_equal(engine.run("embed", "a"), base.embed("a"))
    engine.remove_model("other")
    with pytest.raises(ValueError, match="other"):
        engine.model("other")
    engine.limit_tenant("me", 1)
    engine.flush_cache()


def test_loading() -> None:
    path = MODELS / "embed" / "base"
    with libbert.Engine(cache_bytes=1 << 20) as engine:
        engine.load("default", path, manifest="off", golden="off", precision="bf16")
        assert engine.model().precision == "bf16"
        ended: list[Any] = []
        there = threading.Event()

        def done(name: str, error: libbert.BertError | None) -> None:
            ended.append((name, error))
            there.set()

        engine.load("second", path, background=True, done=done)
        assert there.wait(10)
        assert ended == [("second", None)]
        there.clear()
        engine.load("third", path / "nowhere", background=True, done=done)
        assert there.wait(10)
        assert isinstance(ended[1][1], FileNotFoundError)
        with pytest.raises(FileNotFoundError):
            engine.load("third", path / "nowhere")
        with pytest.raises(libbert.FormatError):
            engine.load("third", path, manifest="required")
        engine.run("embed", "a")
        engine.run("embed", "a")
        assert engine.metrics().cache_hits == 1


def test_metrics(engine: libbert.Engine) -> None:
    engine.run("embed", TEXTS)
    assert engine.metrics().texts == len(TEXTS)
    assert "bert_texts_total 5\n" in engine.metrics_text()
    assert json.loads(engine.metrics_text("json"))["counters"]["texts"] == len(TEXTS)
    with pytest.raises(ValueError, match="form"):
        engine.metrics_text("xml")


def test_close(base: libbert.Model) -> None:
    engine = libbert.Engine()
    engine.add_model("default", base)
    ended = engine.submit("embed", "a")
    ended.wait()
    waiting = [engine.submit("embed", ["a cat on a mat " * 20] * 500) for _ in range(20)]
    results: list[BaseException] = []

    def wait() -> None:
        try:
            waiting[-1].result()
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    engine.close()
    thread.join(10)
    assert not thread.is_alive()
    engine.close()
    with pytest.raises(ValueError, match="engine is closed"):
        engine.submit("embed", "a")
    assert np.array_equal(ended.result(), base.embed("a"))
    with pytest.raises(libbert.CanceledError):
        waiting[-1].result()
    assert all(isinstance(error, libbert.CanceledError) for error in results)


def test_stop(base: libbert.Model) -> None:
    engine = libbert.Engine(queue_requests=4)
    engine.add_model("default", base)
    jobs = []
    with pytest.raises(libbert.BusyError):
        for _ in range(100):
            jobs.append(engine.submit("embed", ["a cat on a mat " * 20] * 200))
    engine.stop("drain")
    assert all(job.done() for job in jobs)
    assert jobs[0].result().shape == (200, 32)
    with pytest.raises(libbert.CanceledError):
        engine.submit("embed", "a")
    engine.close()
