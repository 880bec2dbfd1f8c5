# SPDX-License-Identifier: MIT
"""Threads, forks, pickles, and handles that are closed."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
import weakref
from typing import Any, Callable

import numpy as np
import pytest
from conftest import MODELS, TEXTS

import libbert
from libbert._ffi import lib

BASE = MODELS / "embed" / "base"


def in_child(work: Callable[[], None], limit: float = 60) -> None:
    """Fork, and fail unless the child does the work and exits by itself."""
    child = os.fork()
    if child == 0:
        signal.alarm(int(limit))
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status), f"signal {os.WTERMSIG(status)}"
    assert os.WEXITSTATUS(status) == 0


def at_once(n: int, work: Callable[[int], None]) -> None:
    """n threads that begin together; the first exception of one is raised."""
    gate = threading.Barrier(n)
    wrong: list[BaseException] = []

    def run(i: int) -> None:
        gate.wait()
        try:
            work(i)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def test_eight_threads_give_equal_bits() -> None:
    with libbert.Model(BASE, sessions=3) as model:
        want = model.embed(TEXTS * 4)
        tagged = libbert.Model(MODELS / "task" / "tag")
        entities = tagged.tag(TEXTS)
        ids = model.tokenizer.encode_batch(TEXTS).ids

        def work(i: int) -> None:
            for _ in range(10):
                assert np.array_equal(model.embed(TEXTS * 4), want)
                assert np.array_equal(model.embed(TEXTS[i % 5]), want[i % 5])
                assert tagged.tag(TEXTS) == entities
                assert np.array_equal(model.tokenizer.encode_batch(TEXTS).ids, ids)

        at_once(8, work)
        assert model.session.pool.sessions <= 3


def test_the_gil_is_released() -> None:
    """While one thread computes, another gets on with Python."""
    with libbert.Model(BASE, threads=1) as model:
        texts = ["a cat on a mat and more of it " * 8] * 4000
        turns = 0
        done = threading.Event()

        def work() -> None:
            model.embed(texts)
            done.set()

        thread = threading.Thread(target=work)
        thread.start()
        while not done.is_set():
            turns += 1
            time.sleep(0.001)
        thread.join()
    assert turns > 20


def test_sessions_are_shared_out() -> None:
    with libbert.Model(BASE, sessions=1) as model:
        pool = model.session.pool
        held = pool.acquire()
        got: list[Any] = []
        thread = threading.Thread(target=lambda: got.append(model.embed("a")))
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        pool.release(held)
        thread.join(10)
        assert len(got) == 1
        assert pool.sessions == 1


def test_close() -> None:
    model = libbert.Model(BASE)
    session = libbert.Session(model, threads=1)
    tokenizer = model.tokenizer
    encodings = tokenizer.encode_batch(["a cat"])
    assert np.array_equal(session.embed("a"), model.embed("a"))
    assert session.estimate() > 0
    tokenizer.close()
    tokenizer.close()
    with pytest.raises(ValueError, match="tokenizer is closed"):
        tokenizer.encode_batch(["a"])
    with pytest.raises(ValueError, match="tokenizer is closed"):
        tokenizer.token(1)
    assert encodings.tokens(0)[0] == "[CLS]"
    model.close()
    model.close()
    assert model.closed
    assert "closed" in repr(model)
    calls: list[Callable[[], Any]] = [
        lambda: model.embed("a"), lambda: model.labels, lambda: model.tokenizer.vocab_size,
        lambda: model.encode([[1]]), lambda: model.embed_size(), lambda: model.session,
        lambda: libbert.Session(model),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ValueError, match="is closed"):
            call()
    # A session has a reference of its own to what it runs.
    assert session.embed("a").shape == (32,)
    session.close()
    session.close()
    with pytest.raises(ValueError, match="is closed"):
        session.embed("a")


def test_close_while_in_use() -> None:
    for _ in range(10):
        model = libbert.Model(BASE)
        want = model.embed("a cat")

        def work(i: int, model: libbert.Model = model, want: Any = want) -> None:
            if i == 0:
                time.sleep(0.002)
                model.close()
                return
            try:
                while True:
                    assert np.array_equal(model.embed("a cat"), want)
                    assert model.layers == 2
                    assert model.tokenizer.count("a cat") > 2
            except ValueError as error:
                assert "is closed" in str(error)

        at_once(4, work)


def test_collected() -> None:
    model = libbert.Model(BASE)
    model.embed("a")
    tokenizer = model.tokenizer
    found = tokenizer.encode_batch(["a"])
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert tokenizer.count("a") == 3
    del tokenizer
    gc.collect()
    assert found.tokens(0) == ["[CLS]", "a", "[SEP]"]


def test_pickle() -> None:
    model = libbert.Model(BASE, precision="bf16", threads=1, timeout=5.0, max_session_bytes=1 << 30)
    same = pickle.loads(pickle.dumps(model))
    assert same.path == str(BASE)
    assert same.precision == "bf16"
    assert same._running == model._running
    assert np.array_equal(same.embed(TEXTS), model.embed(TEXTS))
    assert copy.copy(model) is model
    assert copy.deepcopy({"m": model})["m"] is model
    tokenizer = pickle.loads(pickle.dumps(model.tokenizer))
    assert tokenizer.vocab_size == model.tokenizer.vocab_size
    made = libbert.Model.from_files(
        {p.name: p.read_bytes() for p in BASE.iterdir() if p.is_file()}
    )
    with pytest.raises(TypeError, match="path"):
        pickle.dumps(made)
    results = libbert.Model(MODELS / "task" / "classify").classify(["a", "b"])
    again = pickle.loads(pickle.dumps(results))
    assert again == results
    assert results.truncated is not None
    assert again.truncated.tolist() == results.truncated.tolist()


def test_sessions_are_pickled_with_their_settings() -> None:
    model = libbert.Model(BASE)
    session = libbert.Session(model, threads=1, max_tokens=70, sessions=2, timeout=50)
    again = pickle.loads(pickle.dumps(session))
    assert again.model is not model
    assert again.estimate() == session.estimate() != model.session.estimate()
    assert np.array_equal(again.embed(TEXTS), session.embed(TEXTS))
    ranked = libbert.pipeline("feature-extraction", model=session)
    assert pickle.loads(pickle.dumps(ranked))("a cat") == ranked("a cat")
    with libbert.Engine() as engine, pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(engine)


def test_relative_path_is_pickled_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MODELS)
    data = pickle.dumps(libbert.Model("embed/base"))
    tokenizer = libbert.AutoTokenizer.from_pretrained("embed/base")
    words = pickle.dumps(tokenizer)
    monkeypatch.chdir("/")
    assert pickle.loads(data).embed("a").shape == (32,)
    again = pickle.loads(words)
    assert again("a cat").input_ids == tokenizer("a cat").input_ids
    assert again.name_or_path == "embed/base"


def _square(job: tuple[Any, str]) -> Any:
    model, text = job
    return model.embed(text)


def test_processes() -> None:
    model = libbert.Model(BASE)
    want = model.embed(TEXTS)
    for method in ("spawn", "fork"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            found = pool.map(_square, [(model, text) for text in TEXTS])
        assert np.array_equal(found, want)


def test_fork_after_use() -> None:
    model = libbert.Model(BASE, threads=2)
    want = model.embed(TEXTS)

    def work() -> None:
        assert np.array_equal(model.embed(TEXTS), want)
        assert model.tokenizer.count("a") == 3
        model.close()

    in_child(work)
    assert np.array_equal(model.embed(TEXTS), want)
    with libbert.Model(BASE) as unused:
        in_child(lambda: np.testing.assert_array_equal(unused.embed(TEXTS), want))


def test_fork_while_in_use() -> None:
    """The child has sessions of its own in place of those that computed."""
    model = libbert.Model(BASE, sessions=2)
    want = model.embed(TEXTS)
    stop = threading.Event()

    def use() -> None:
        while not stop.is_set():
            model.embed(TEXTS * 20)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            in_child(lambda: np.testing.assert_array_equal(model.embed(TEXTS), want))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_fork_and_engine() -> None:
    with libbert.Engine() as engine, libbert.Model(BASE) as model:
        engine.add_model("default", model)
        want = model.embed(TEXTS)
        in_child(lambda: np.testing.assert_array_equal(engine.run("embed", TEXTS), want))
        assert np.array_equal(engine.run("embed", TEXTS), want)

        def work() -> None:
            with pytest.raises(ValueError, match="forked"):
                engine.submit("embed", TEXTS)
            engine.close()
            with libbert.Engine() as own:
                own.add_model("default", model)
                assert np.array_equal(own.run("embed", TEXTS), want)

        in_child(work)
        assert np.array_equal(engine.run("embed", TEXTS), want)


PROGRAM = """
import sys, threading
import libbert
model = libbert.Model(sys.argv[1])
engine = libbert.Engine()
engine.add_model("default", model)
print(model.embed("a").shape, engine.run("embed", "a").shape)
def use():
    while True:
        model.embed(["a cat on a mat"] * 50)
        engine.run("embed", "a cat")
for _ in range(3):
    threading.Thread(target=use, daemon=True).start()
import time
time.sleep(0.2)
"""


def run_python(program: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, timeout=120, check=False, **options,
    )  # fmt: skip


def test_exit_while_threads_compute() -> None:
    for _ in range(3):
        done = run_python(PROGRAM, str(BASE))
        assert done.returncode == 0, done.stderr
        assert done.stdout == "(32,) (32,)\n"


def test_import_is_light() -> None:
    """Neither numpy nor the library is loaded before it is needed, and never torch."""
    done = run_python(
        "import sys, libbert; print('numpy' in sys.modules, 'ctypes' in sys.modules);"
        "libbert.Model; print('numpy' in sys.modules, 'torch' in sys.modules);"
        "assert {*libbert.__all__, 'util'} <= set(dir(libbert));"
        "assert libbert.util.cos_sim([1], [1]) == libbert.batch.np.ones(1);"
        "print([n for n in libbert.__all__ if getattr(libbert, n) is None])"
    )
    assert done.stdout == "False False\nTrue False\n[]\n", done.stderr


@pytest.mark.parametrize("place", ["nowhere.so", "."])
def test_no_library(tmp_path: pathlib.Path, place: str) -> None:
    path = str(tmp_path / place)
    done = run_python(
        "import libbert\ntry: libbert.Model\nexcept ImportError as e: print(e)",
        env={**os.environ, "LIBBERT_LIBRARY": path},
    )
    assert path in done.stdout
    assert "LIBBERT_LIBRARY" in done.stdout


def test_wrong_library(tmp_path: pathlib.Path) -> None:
    (tmp_path / "libbert.so.0").write_bytes(b"no library")
    program = "import libbert\ntry: libbert.Model\nexcept ImportError as e: print(e)"
    done = run_python(program, env={**os.environ, "LIBBERT_LIBRARY": str(tmp_path)})
    assert str(tmp_path / "libbert.so.0") in done.stdout
    done = run_python(program, env={**os.environ, "LIBBERT_LIBRARY": "libm.so.6"})
    assert "libm.so.6 is not libbert" in done.stdout


def test_interrupt() -> None:
    """Ctrl-C ends a long call between two of its parts."""
    program = (
        "import os, signal, sys, threading, libbert\n"
        "model = libbert.Model(sys.argv[1])\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "try: model.embed(['a cat on a mat'] * 3000000)\n"
        "except KeyboardInterrupt: print('stopped', model.embed('a').shape)\n"
    )
    assert run_python(program, str(BASE)).stdout == "stopped (32,)\n"


def test_log() -> None:
    lines: list[tuple[str, str]] = []
    libbert.Model(BASE, log=lambda level, line: lines.append((level, line))).close()
    assert all(level in ("warning", "info", "debug") and line for level, line in lines)
    with libbert.Model(MODELS / "bert" / "odd35", log=lambda *line: lines.append(line)) as model:
        assert lines or not model.notes


@pytest.mark.skipif("BERT_TEST_SANITIZED" in os.environ, reason="freed memory is kept")
def test_no_leaks() -> None:
    """Opaque results are freed: memory settles."""
    import resource

    model = libbert.Model(MODELS / "task" / "tag")
    text = ["the quick brown fox " * 20] * 20

    def use(times: int) -> int:
        for _ in range(times):
            model.tag(text)
            model.tokenizer.encode_batch(text)
            model.forward([[1, 2, 3]] * 50, outputs=["hidden_states"])
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = use(30)
    assert use(150) < before + 2 * 1024
    assert lib.bert_version() is not None
