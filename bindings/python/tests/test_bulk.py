# SPDX-License-Identifier: MIT
"""The bulk job: rows, refusals, messages and exit codes."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pty
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bulk_bench import MODEL, Bench, expected, refused
from bulk_support import tree
from conftest import TEXTS

import libbert
from libbert.bulk import main
from libbert.bulk.lock import locked
from libbert.bulk.progress import Progress, duration
from libbert.bulk.writers import npy_header


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


# ---- What comes out ---------------------------------------------------------------------


def test_rows_and_order(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    bench.texts("deep/er/b.jsonl", TEXTS[::-1])
    (bench.shards / "c.txt").write_bytes(b"a cat\r\n\nlast \xff line")
    (bench.shards / "empty.ndjson").write_bytes(b"")
    with gzip.open(bench.shards / "d.ndjson.gz", "wt") as packed:
        packed.write('\ufeff{"text": "prices rose"}\n{"text": "a \\ud800 b"}')
    (bench.shards / "README.md").write_text("no shard")
    (bench.shards / "_SUCCESS.txt").write_text("no shard")
    for rows in (1, 2, 1000):
        code, err = bench.run("--restart", "--rows-per-batch", rows)
        assert (code, err) == (0, f"libbert.bulk: {bench.output}: 5 shards, 15 rows\n")
        assert bench.vectors("a.npy").tobytes() == expected(TEXTS).tobytes()
        assert bench.vectors("deep/er/b.npy").tobytes() == expected(TEXTS[::-1]).tobytes()
        lines = [b"a cat", b"", b"last \xff line"]
        assert bench.vectors("c.npy").tobytes() == expected(lines).tobytes()
        assert bench.vectors("empty.npy").shape == (0, 32)
        assert bench.vectors("empty.npy").dtype == np.float32
        packed_texts = ["prices rose", "a \ufffd b"]
        assert bench.vectors("d.npy").tobytes() == expected(packed_texts).tobytes()
    assert {name for name in tree(bench.output) if name[0] != "_"} == {
        "a.npy", "deep/er/b.npy", "c.npy", "d.npy", "empty.npy",
    }  # fmt: skip


def test_options_are_those_of_embed(bench: Bench, tmp_path: Path) -> None:
    bench.texts("a.ndjson", TEXTS)
    for flags, options in (
        (["--normalize"], {"normalize": True}),
        (["--no-normalize", "--dimensions", 7], {"normalize": False, "dimensions": 7}),
        (["--pooling", "cls", "--max-length", 9], {"pooling": "cls", "max_length": 9}),
        (["--truncation", "left", "--max-length", 9], {"overlong": "cut_left", "max_length": 9}),
        (["--prompt", "a cat "], {"prompt": "a cat "}),
    ):
        assert bench.run("--restart", *flags)[0] == 0
        assert bench.vectors("a.npy").tobytes() == expected(TEXTS, **options).tobytes()
    prompts = tmp_path / "prompts"  # files that lie over those of the base model
    for part in ("base", "prompts"):
        shutil.copytree(MODEL.with_name(part), prompts, dirs_exist_ok=True)
    with libbert.Model(prompts) as model:
        names = list(model.prompts)
    for name in names:
        assert bench.run("--restart", "--prompt-name", name, model=prompts)[0] == 0
        wanted = expected(TEXTS, prompts, prompt_name=name)
        assert bench.vectors("a.npy").tobytes() == wanted.tobytes()
    assert names


def test_precision(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    assert bench.run("--precision", "int8")[0] == 0
    with libbert.Model(MODEL, precision="int8") as model:
        assert bench.vectors("a.npy").tobytes() == model.embed(TEXTS).tobytes()
    job = json.loads((bench.output / "_job" / "job.json").read_bytes())
    assert job["model"]["precision"] == "int8"


def test_ids_beside_npy(bench: Bench) -> None:
    ids = ["x", 7, 1.5, None, ["a"], "\ud800"]
    bench.write("a.ndjson", [{"key": i, "body": "a cat"} for i in ids] + [{"body": "b"}])
    assert bench.run("--column", "body", "--id-column", "key")[0] == 0
    lines = (bench.output / "a.ids.ndjson").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [*ids, None]
    (bench.shards / "b.txt").write_text("a cat\n")
    code, err = bench.run("--column", "body", "--id-column", "key", "--restart")
    assert code == 3
    assert "b.txt: lines of text have no ids" in err


def test_header_is_numpys() -> None:
    for rows in (0, 1, 10**15):
        header = npy_header(rows, 384)
        assert len(header) == 128
    assert header[:6] == np.lib.format.MAGIC_PREFIX


# ---- Bad rows -----------------------------------------------------------------------------


BAD = [
    (b'{"text": "a cat"}', None, ""),
    (b'{"text": "a cat"', "BERT_EFORMAT", "not JSON: Expecting ',' delimiter, column 17"),
    (b"", "BERT_EFORMAT", "not JSON: an empty line"),
    (b"[1]", "BERT_EINVAL", "an array, not an object"),
    (b'{"txt": "secret"}', "BERT_EINVAL", 'no key "text"'),
    (b'{"text": null}', "BERT_EINVAL", '"text" is null, not a string'),
    (b'{"text": 3}', "BERT_EINVAL", '"text" is a number, not a string'),
    (b'{"text": ["secret"]}', "BERT_EINVAL", '"text" is an array, not a string'),
    (b"[" * 100_000, "BERT_EFORMAT", "JSON with nested too deep"),
    (b'{"text": ' + b"9" * 5000 + b"}", "BERT_EFORMAT", ""),
    (b'{"text": "on the mat"}', None, ""),
]


def test_bad_rows_are_zeros(bench: Bench) -> None:
    path = bench.shards / "a.ndjson"
    path.write_bytes(b"\n".join(line for line, _, _ in BAD))
    with_digits = sys.version_info >= (3, 10, 7)  # older ones read the long number: a number, too
    for rows in (2, 100):
        code, err = bench.run("--restart", "--rows-per-batch", rows)
        assert code == 1
        assert "9 of 11 rows have no vector" in err
        errors = bench.errors("a.ndjson")
        assert [e["index"] for e in errors] == list(range(1, 10))
        for found in errors:
            _, status, message = BAD[found["index"]]
            if found["index"] != 9 or with_digits:
                assert found["error"]["code"] == status
            assert found["error"]["message"].startswith(f"{path}:{found['index'] + 1}: {message}")
            assert "secret" not in found["error"]["message"]
        wanted = np.zeros((11, 32), np.float32)
        wanted[[0, 10]] = expected(["a cat", "on the mat"])
        assert bench.vectors("a.npy").tobytes() == wanted.tobytes()
    assert bench.run("--quiet")[0] == 1  # nothing to do, but the rows are bad still


def test_bad_row_stops(bench: Bench) -> None:
    bench.texts("a.ndjson", ["a cat"])
    path = bench.shards / "b.ndjson"
    path.write_bytes(b'{"text": "a"}\n{"text": \n')
    code, err = bench.run("--errors", "stop")
    assert code == 1
    assert err == (
        f"libbert.bulk: {path}:2: not JSON: Expecting value, column 10 [BERT_EFORMAT]\n"
    )
    assert sorted(tree(bench.output)) == ["_job/done.ndjson", "_job/job.json", "a.npy"]
    assert bench.run("--errors", "skip")[0] == 1  # goes on
    assert len(bench.vectors("b.npy")) == 2


def test_rows_that_the_library_refuses(bench: Bench) -> None:
    path = bench.texts("a.ndjson", ["a cat", "a " * 99, "b", "b " * 99])
    assert bench.run("--truncation", "none", "--rows-per-batch", 3)[0] == 1
    first, second = bench.errors("a.ndjson")
    assert (first["index"], second["index"]) == (1, 3)
    assert first["error"]["code"] == "BERT_ERANGE"
    assert first["error"]["message"].startswith(f"{path}: row 1: the text has 101 tokens")
    wanted = expected(["a cat", "b"])
    assert bench.vectors("a.npy")[[0, 2]].tobytes() == wanted.tobytes()
    assert not bench.vectors("a.npy")[[1, 3]].any()


def test_errors_go_when_the_rows_are_good(bench: Bench) -> None:
    bench.write("a.ndjson", [{"text": None}])
    assert bench.run()[0] == 1
    bench.texts("a.ndjson", ["a"])
    assert bench.run("--restart")[0] == 0
    assert sorted(tree(bench.output)) == ["_job/done.ndjson", "_job/job.json", "a.npy"]


# ---- Going on -----------------------------------------------------------------------------


def test_other_options(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    assert bench.run()[0] == 0
    for flags, message in (
        (["--normalize"], "--normalize is true, was not given"),
        (["--dimensions", 3], "--dimensions is 3, was 0"),
        (["--column", "body"], '--column is "body", was "text"'),
        (["--id-column", "id"], '--id-column is "id", was not given'),
        (["--precision", "bf16"], '--precision is "bf16", was "fp32"'),
        (["--truncation", "none"], '--truncation is "none", was "right"'),
        (["--prompt", "x"], '--prompt is "x", was not given'),
    ):
        err = refused(bench, *flags)
        assert f"{bench.output}: not what the job began with: " in err
        assert message in err
        assert err.endswith("; --restart begins anew [BERT_EINVAL]\n")
    # These change no bits.
    assert bench.run("--threads", 1, "--rows-per-batch", 1, "--errors", "stop", "--resume")[0] == 0


def test_changed_model(bench: Bench, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(MODEL, model)
    bench.texts("a.ndjson", TEXTS)
    assert bench.run(model=model)[0] == 0
    moved = tmp_path / "moved"
    model.rename(moved)
    assert bench.run(model=moved)[0] == 0
    config = moved / "config.json"
    config.write_text(config.read_text() + " ")
    assert "the model's files differ" in refused(bench, model=moved)


def test_files_of_nobody(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    bench.output.mkdir()
    (bench.output / "a.npy").write_bytes(b"precious")
    code, err = bench.run()
    assert code == 1
    assert f"{bench.output / 'a.npy'}: is there already and of no job" in err
    assert (bench.output / "a.npy").read_bytes() == b"precious"
    # From then on what lies there is the job's, done or not there.
    bench.write("b.ndjson", [{}])
    (bench.output / "_errors").mkdir()
    for name in ("b.npy", "_errors/a.ndjson", "c.npy"):
        (bench.output / name).write_bytes(b"precious")
    assert bench.run("--restart", "--errors", "stop")[0] == 1
    assert len(bench.vectors("a.npy")) == len(TEXTS)
    names = ["_job/done.ndjson", "_job/job.json", "a.npy", "c.npy"]
    assert sorted(tree(bench.output)) == names


def test_malformed_job(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    assert bench.run()[0] == 0
    job = bench.output / "_job" / "job.json"
    good = json.loads(job.read_bytes())
    for bad in (b"{", b"[]", b"{}", json.dumps({**good, "version": 2}).encode(),
                json.dumps({**good, "shards": [{}]}).encode(),
                json.dumps({**good, "outputs": ["../in/a.ndjson"]}).encode()):  # fmt: skip
        job.write_bytes(bad)
        for options in ([], ["--restart"]):
            code, err = bench.run(*options)
            assert code == 1
            assert f"{job}: not a job of this release" in err
    assert (bench.shards / "a.ndjson").exists()
    job.unlink()
    assert bench.run("--restart")[0] == 0


def test_two_runs_at_once(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    with locked(bench.output / "_job" / "lock", bench.output):
        for options in ([], ["--restart"]):
            code, err = bench.run(*options)
            assert code == 1
            assert f"another run (process {os.getpid()}) is at work here" in err
            assert err.endswith("[BERT_EBUSY]\n")
    assert bench.run()[0] == 0


# ---- Failures -----------------------------------------------------------------------------


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_disk_full(bench: Bench, form: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    bench.texts("a.ndjson", TEXTS)
    bench.texts("b.ndjson", [" ".join(TEXTS[0][i % 13:] for i in (k, k // 13)) for k in range(169)])
    bench.texts("c.ndjson", TEXTS)
    with file_size_limit(8_000):
        code, err = bench.run("--format", form)
    assert code == 1
    assert f"{bench.output / f'b.{form}'}: File too large [BERT_EIO]" in err
    assert sorted(tree(bench.output)) == ["_job/done.ndjson", "_job/job.json", f"a.{form}"]
    with file_size_limit(100):
        assert bench.run("--format", form, "--restart")[0] == 1
    assert bench.run("--format", form)[0] == 0
    assert len(tree(bench.output)) == 5


def test_folder_that_is_read_only(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    bench.output.write_text("a file")
    code, err = bench.run()
    assert code == 1
    assert "[BERT_EIO]" in err


def test_input_that_is_not_there(bench: Bench) -> None:
    code, err = bench.run()
    assert code == 3
    assert f"{bench.shards}: no shards (.ndjson, " in err
    bench.texts("a.ndjson", TEXTS)
    code, err = bench.run(model=bench.shards / "nowhere")
    assert code == 3
    assert "nowhere" in err
    assert err.endswith("[BERT_EIO]\n")
    assert not bench.output.exists() or list(tree(bench.output)) == []
    bench.shards.rename(bench.shards.with_name("gone"))
    code, err = bench.run()
    assert code == 3
    assert f"{bench.shards}: no such folder" in err


def test_usage(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    for options, message in (
        (["--dimensions", 33], "dimensions is 33; the embedding has 32 [BERT_EINVAL]"),
        (["--dimensions", 0], "0 is under 1"),
        (["--prompt-name", "nobody"], 'no prompt named "nobody" [BERT_EINVAL]'),
        (["--rows-per-batch", 0], "0 is under 1"),
        (["--threads", "x"], "invalid number value"),
        (["--precision", "fp8"], "fp8"),
        (["--restart", "--resume"], "not allowed with"),
        (["--id-column", "embedding", "--format", "parquet"], "own column [BERT_EINVAL]"),
    ):
        code, err = bench.run(*options)
        assert code == 2
        assert message in err
    bench.texts("a.txt", TEXTS)
    code, err = bench.run()
    assert code == 2
    assert "its results would have the names of" in err
    for output in (bench.shards, bench.shards / "out", bench.shards.parent):
        assert main([str(bench.shards), str(output), "-m", str(MODEL)]) == 2
    assert not bench.output.exists() or list(tree(bench.output)) == []


def test_no_model(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.texts("a.ndjson", TEXTS)
    begin = [str(bench.shards), str(bench.output)]
    monkeypatch.delenv("BERT_MODEL", raising=False)
    assert main(begin) == 2
    monkeypatch.setenv("BERT_MODEL", str(MODEL))
    assert main(begin) == 0


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "INPUT_DIR OUTPUT_DIR" in capsys.readouterr().out


# ---- Progress -----------------------------------------------------------------------------


def test_progress(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.texts("a.ndjson", TEXTS)
    assert "#" not in bench.run()[1]
    assert "] 100%  shard 1/1  5 rows, " in bench.run("--restart", "--progress")[1]
    assert bench.run("--restart", "--progress", "--quiet") == (0, "")
    assert [duration(s) for s in (0, 59.6, 3723)] == ["0:00", "1:00", "1:02:03"]
    now = [100.0]
    monkeypatch.setattr("libbert.bulk.progress.time.monotonic", lambda: now[0])
    progress = Progress(4, 1000, False, False)
    progress.begin(1, 400)  # a run before this one did these
    now[0] += 10
    progress.update(50, 2, 100)
    assert progress.line() == (
        "[############............]  50%  shard 2/4  50 rows, 2 bad, 5 rows/s, 0:50 left"
    )


def test_progress_on_a_terminal(bench: Bench) -> None:
    bench.texts("a.ndjson", TEXTS)
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "libbert.bulk", str(bench.shards), str(bench.output)]
    environment = {**os.environ, "PYTHONPATH": str(Path(libbert.__file__).parents[1])}
    done = subprocess.run(
        [*command, "-m", str(MODEL)], stderr=slave, env=environment, check=False, timeout=120
    )
    os.close(slave)
    shown = os.read(master, 4096).decode()
    os.close(master)
    assert done.returncode == 0
    assert "\r\x1b[K[########################] 100%  shard 1/1  5 rows" in shown
    assert shown.endswith(f"\r\x1b[Klibbert.bulk: {bench.output}: 1 shards, 5 rows\r\n")
