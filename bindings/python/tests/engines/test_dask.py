# SPDX-License-Identifier: MIT
"""Batches in Dask."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import watched
from conftest import MODELS, TEXTS

import libbert
from libbert import batch

watched.wanted()
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
pd = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster, distributed.Client(cluster) as made:
        yield made


def test_a_worker_is_killed(client: Any, tmp_path: pathlib.Path) -> None:
    path = watched.packed(tmp_path)
    want = watched.alone(path)
    frame = dd.from_pandas(
        pd.DataFrame({"text": watched.texts()}), npartitions=watched.ROWS // watched.PART
    )
    embed = watched.Watched(path, tmp_path)
    watched.check(
        "Dask", tmp_path, lambda: np.stack(embed.map_dask(frame)["vector"].compute()), want
    )


def test_vectors_are_written(client: Any, tmp_path: pathlib.Path) -> None:
    frame = dd.from_pandas(pd.DataFrame({"text": TEXTS}), npartitions=2)
    embed = batch.Embedder(MODELS / "embed" / "base")
    embed.map_dask(frame).to_parquet(tmp_path, schema=None)
    found = dd.read_parquet(tmp_path)["vector"].compute()
    assert np.array_equal(np.stack(found), embed(TEXTS))


def test_every_task(client: Any) -> None:
    frame = pd.DataFrame({"text": [*TEXTS, None], "q": ["who?"] * 6})
    lazy = dd.from_pandas(frame, npartitions=3)
    task = MODELS / "task"
    for function in (
        batch.Embedder(MODELS / "embed" / "base", errors="keep"),
        batch.Classifier(task / "classify", errors="keep", pair_column="q"),
        batch.Tagger(task / "tag", errors="keep"),
        batch.Reranker(task / "rerank_st", errors="keep", query_column="q"),
    ):
        want, mapped = function(frame), function.map_dask(lazy)
        made = mapped.compute()
        assert list(made.columns) == list(want.columns) == list(mapped.columns)
        assert (mapped.dtypes == made.dtypes)[function.output]
        got, wanted = list(made[function.output]), list(want[function.output])
        assert all(map(np.array_equal, got[:5], wanted[:5]))
        assert got[5] is None or np.isnan(got[5])
        assert made[f"{function.output}_error"].tolist()[-1] == "null"
    with pytest.raises(TypeError, match=r"texts\[1\] is"):
        batch.Embedder(MODELS / "embed" / "base").map_dask(lazy).compute()
    with pytest.raises(libbert.UnsupportedError):
        batch.Tagger(MODELS / "embed" / "base").map_dask(lazy.dropna()).compute()
