# SPDX-License-Identifier: MIT
"""Parquet in and out of the bulk job, where pyarrow is; and the message where it is not."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bulk_support import tree
from conftest import MODELS, TEXTS

import libbert
from libbert.bulk import main

MODEL = MODELS / "embed" / "base"


def load(name: str) -> Any:
    return pytest.importorskip(name)


def write(path: Path, columns: dict[str, Any], **options: Any) -> None:
    pa, pq = load("pyarrow"), load("pyarrow.parquet")
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)


def run(folder: Path, *options: object) -> int:
    begin = [folder / "in", folder / "out", "--model", MODEL, "--quiet"]
    return main([str(a) for a in (*begin, *options)])


def expected(texts: list[str]) -> Any:
    with libbert.Model(MODEL) as model:
        return model.embed(texts)


def read(path: Path) -> tuple[Any, list[str]]:
    """The vectors [rows, width] of a result, and its columns."""
    table = load("pyarrow.parquet").read_table(path)
    vectors = table.column("embedding").combine_chunks()
    width = table.schema.field("embedding").type.list_size
    return vectors.flatten().to_numpy().reshape(-1, width), table.column_names


def test_parquet_to_parquet(tmp_path: Path) -> None:
    pa = load("pyarrow")
    texts = TEXTS * 30
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        ids = pa.array([i * 3 for i in range(len(texts))], pa.int16())
        columns = {"doc": ids, "text": pa.array(texts).cast(kind)}
        write(tmp_path / "in" / "a.parquet", columns, row_group_size=40)
        options = ["--format", "parquet", "--id-column", "doc", "--rows-per-batch", 64]
        assert run(tmp_path, *options, "--restart") == 0
        vectors, names = read(tmp_path / "out" / "a.parquet")
        assert names == ["doc", "embedding"]
        assert vectors.tobytes() == expected(texts).tobytes()
        table = load("pyarrow.parquet").read_table(tmp_path / "out" / "a.parquet")
        assert table.schema.field("doc").type == pa.int16()
        assert table.column("doc").to_pylist() == ids.to_pylist()


def test_parquet_to_npy(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.parquet", {"id": ["x", None, "z"], "text": TEXTS[:3]})
    assert run(tmp_path, "--id-column", "id") == 0
    assert np.load(tmp_path / "out" / "a.npy").tobytes() == expected(TEXTS[:3]).tobytes()
    assert (tmp_path / "out" / "a.ids.ndjson").read_text() == '"x"\nnull\n"z"\n'


def test_ndjson_to_parquet(tmp_path: Path) -> None:
    """Ids are strings, so that all shards have one schema."""
    pq = load("pyarrow.parquet")
    (tmp_path / "in").mkdir()
    ids = [1, "b", None, {"c": 1}, "\ud800"]
    lines = [json.dumps({"id": i, "text": t}) for i, t in zip(ids, TEXTS)]
    (tmp_path / "in" / "a.ndjson").write_text("\n".join(lines))
    (tmp_path / "in" / "b.ndjson").write_text("")
    assert run(tmp_path, "--format", "parquet", "--id-column", "id") == 0
    vectors, _ = read(tmp_path / "out" / "a.parquet")
    assert vectors.tobytes() == expected(TEXTS).tobytes()
    table = pq.read_table(tmp_path / "out" / "a.parquet")
    assert table.column("id").to_pylist() == ["1", "b", None, '{"c":1}', "?"]
    empty = pq.read_table(tmp_path / "out" / "b.parquet")
    assert (empty.num_rows, empty.schema) == (0, table.schema)
    whole = load("pyarrow.dataset").dataset(tmp_path / "out", format="parquet").to_table()
    assert whole.num_rows == 5  # _job and _errors are no part of it


def test_empty_parquet(tmp_path: Path) -> None:
    pa = load("pyarrow")
    columns = {"id": pa.array([], pa.int64()), "text": pa.array([], pa.string())}
    write(tmp_path / "in" / "a.parquet", columns)
    for form in ("parquet", "npy"):
        assert run(tmp_path, "--format", form, "--id-column", "id", "--restart") == 0
    assert np.load(tmp_path / "out" / "a.npy").shape == (0, 32)
    assert (tmp_path / "out" / "a.ids.ndjson").read_bytes() == b""


def test_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq = load("pyarrow.parquet")
    monkeypatch.setattr("libbert.bulk.parquet.GROUP_BYTES", 32 * 4 * 10)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a cat\n" * 35)
    assert run(tmp_path, "--format", "parquet", "--rows-per-batch", 5) == 0
    meta = pq.ParquetFile(tmp_path / "out" / "a.parquet").metadata
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [10, 10, 10, 5]
    assert read(tmp_path / "out" / "a.parquet")[0].tobytes() == expected(["a cat"] * 35).tobytes()


def test_nulls(tmp_path: Path) -> None:
    path = tmp_path / "in" / "a.parquet"
    write(path, {"text": ["a cat", None, "b", None]})
    assert run(tmp_path, "--rows-per-batch", 3) == 1
    lines = (tmp_path / "out" / "_errors" / "a.ndjson").read_text().splitlines()
    assert [json.loads(line)["index"] for line in lines] == [1, 3]
    assert json.loads(lines[1])["error"] == {
        "code": "BERT_EINVAL", "message": f'{path}: row 3: "text" is null',
    }  # fmt: skip
    found = np.load(tmp_path / "out" / "a.npy")
    assert found[[0, 2]].tobytes() == expected(["a cat", "b"]).tobytes()
    assert not found[[1, 3]].any()


def test_no_text_at_all(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.parquet", {"text": [None, None]})
    assert run(tmp_path) == 1
    assert np.load(tmp_path / "out" / "a.npy").shape == (2, 32)


def test_files_that_are_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in" / "a.parquet"
    for columns, message in (
        ({"body": ["a"]}, 'a.parquet: no column "text" [BERT_EINVAL]'),
        ({"text": [1]}, 'a.parquet: column "text" is int64, not string [BERT_EINVAL]'),
        ({"text": ["a"]}, 'a.parquet: no column "id" [BERT_EINVAL]'),
    ):
        write(path, columns)
        assert run(tmp_path, "--id-column", "id" if message.count("id\"") else "text",
                   "--restart") == 3  # fmt: skip
        assert message in capsys.readouterr().err
    write(path, {"text": ["a"] * 100})
    data = path.read_bytes()
    for bad in (b"", b"PAR1", data[:-9], data[:50] + b"\xff" * 20 + data[70:]):
        path.write_bytes(bad)
        assert run(tmp_path, "--restart") == 3
        assert "a.parquet: malformed Parquet" in capsys.readouterr().err
    assert sorted(tree(tmp_path / "out")) == ["_job/done.ndjson", "_job/job.json"]


def test_without_pyarrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = importlib.import_module

    def absent(name: str, *rest: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(f"No module named '{name}'")
        return original(name, *rest)

    monkeypatch.setattr(importlib, "import_module", absent)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a cat\n")
    assert run(tmp_path, "--format", "parquet") == 3
    assert "--format parquet needs pyarrow" in capsys.readouterr().err
    (tmp_path / "in" / "b.parquet").write_bytes(b"PAR1")
    assert run(tmp_path) == 3
    assert "b.parquet needs pyarrow (No module named" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    (tmp_path / "in" / "b.parquet").unlink()
    assert run(tmp_path) == 0
