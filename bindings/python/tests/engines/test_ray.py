# SPDX-License-Identifier: MIT
"""Batches in Ray Data."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import watched
from conftest import MODELS, TEXTS

from libbert import batch

watched.wanted()
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
ray = pytest.importorskip("ray")
data = pytest.importorskip("ray.data")
pa = pytest.importorskip("pyarrow")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=3, include_dashboard=False, object_store_memory=200 << 20,
             logging_level="ERROR", log_to_driver=False)
    data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def test_a_worker_is_killed(tmp_path: pathlib.Path) -> None:
    path = watched.packed(tmp_path)
    want = watched.alone(path)
    rows = [{"i": i, "text": text} for i, text in enumerate(watched.texts())]
    embed = watched.Watched(path, tmp_path)

    def job() -> Any:
        made = embed.map_ray(
            data.from_items(rows, override_num_blocks=watched.ROWS // watched.PART),
            workers=2, batch_size=watched.PART,
        )  # fmt: skip
        table = pa.concat_tables(ray.get(made.to_arrow_refs())).sort_by("i")
        assert table["text"].to_pylist() == watched.texts()
        vectors = table["vector"].combine_chunks()
        return vectors.flatten().to_numpy().reshape(len(vectors), -1)

    watched.check("Ray Data", tmp_path, job, want)


def test_every_task() -> None:
    rows = [{"i": i, "text": text, "q": "who?"} for i, text in enumerate([*TEXTS, None])]
    dataset = data.from_items(rows)
    task = MODELS / "task"
    for function in (
        batch.Embedder(MODELS / "embed" / "base", errors="keep"),
        batch.Classifier(task / "classify", errors="keep", pair_column="q"),
        batch.Tagger(task / "tag", errors="keep"),
        batch.Reranker(task / "rerank_st", errors="keep", query_column="q"),
    ):
        want = function({"text": [*TEXTS, None], "q": ["who?"] * 6})
        made = function.map_ray(dataset, workers=1).take_all()
        made.sort(key=lambda row: row["i"])
        for row, wanted in zip(made[:5], want[function.output]):
            got = row[function.output]
            assert np.array_equal(got, wanted) if function.fields is None else list(got) == wanted
        assert [row[f"{function.output}_error"] for row in made] == [None] * 5 + ["null"]
    with pytest.raises(Exception, match=r"null, not a text"):
        batch.Embedder(MODELS / "embed" / "base").map_ray(dataset, workers=1).take_all()
