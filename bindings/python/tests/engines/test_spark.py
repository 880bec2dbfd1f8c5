# SPDX-License-Identifier: MIT
"""Batches in Spark."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import watched
from conftest import MODELS, TEXTS

from libbert import batch

watched.wanted()
sql = pytest.importorskip("pyspark.sql")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    made = (
        sql.SparkSession.builder.master("local[2,4]")  # two tasks at once, each tried four times
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", str(watched.PART))
        .getOrCreate()
    )
    made.sparkContext.setLogLevel("FATAL")
    yield made
    made.stop()


def test_a_worker_is_killed(spark: Any, tmp_path: pathlib.Path) -> None:
    path = watched.packed(tmp_path)
    want = watched.alone(path)
    rows = list(enumerate(watched.texts()))
    embed = watched.Watched(path, tmp_path)

    def job() -> Any:
        frame = spark.createDataFrame(rows, "i int, text string").repartition(6)
        made = sorted(embed.map_spark(frame).collect(), key=lambda row: row["i"])
        assert [row["text"] for row in made] == watched.texts()
        return np.array([row["vector"] for row in made], np.float32)

    watched.check("Spark", tmp_path, job, want)


def test_every_task(spark: Any) -> None:
    rows = [(i, text, "who?") for i, text in enumerate([*TEXTS, None])]
    frame = spark.createDataFrame(rows, "i int, text string, q string")
    task = MODELS / "task"
    for function in (
        batch.Embedder(MODELS / "embed" / "base", errors="keep"),
        batch.Classifier(task / "classify", errors="keep", pair_column="q"),
        batch.Tagger(task / "tag", errors="keep"),
        batch.Reranker(task / "rerank_st", errors="keep", query_column="q"),
    ):
        want = function({"text": [*TEXTS, None], "q": ["who?"] * 6})
        made = sorted(function.map_spark(frame).collect(), key=lambda row: row["i"])
        for row, wanted in zip(made[:5], want[function.output]):
            got = row[function.output]
            if function.fields is None:
                assert np.array_equal(np.float32(got), wanted)
            else:
                assert [record.asDict() for record in got] == wanted
        assert [row[function.output] for row in made][5] is None
        assert [row[f"{function.output}_error"] for row in made] == [None] * 5 + ["null"]
    with pytest.raises(Exception, match=r"null, not a text"):
        batch.Embedder(MODELS / "embed" / "base").map_spark(frame).collect()
    with pytest.raises(ValueError, match="a column 'q' already"):
        batch.Embedder(MODELS / "embed" / "base", output="q").map_spark(frame)
