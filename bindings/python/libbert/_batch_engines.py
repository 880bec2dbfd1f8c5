# SPDX-License-Identifier: MIT
"""Batches in Dask, Ray Data and Spark: a worker process each loads the model once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .batch import Batch


def names(batch: Batch) -> list[str]:
    """Names of the columns that are added."""
    return [batch.output, f"{batch.output}_error"] if batch.keep else [batch.output]


def map_dask(batch: Batch, frame: Any) -> Any:
    """map_partitions() with a meta that needs no model."""
    plain = batch.fields is None and not batch.vectors
    dtypes = ["float32" if plain else "object", "object"]
    empty = frame._meta.iloc[:0]
    meta = empty.assign(
        **{
            name: empty.index.to_series().astype(object).astype(dtype)
            for name, dtype in zip(names(batch), dtypes)
        }
    )
    return frame.map_partitions(batch, meta=meta)


class RayActor:
    """An actor of Ray Data: loads its model when it is made, then answers batches."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        _ = batch.model

    def __call__(self, table: Any) -> Any:
        return self.batch(table)


def map_ray(
    batch: Batch, dataset: Any, workers: int, batch_size: int, options: dict[str, Any]
) -> Any:
    """map_batches() in a pool of actors, each with as many CPUs as a call has threads."""
    from ray.data import ActorPoolStrategy

    settings: dict[str, Any] = {
        "fn_constructor_args": (batch,),
        "batch_format": "pyarrow",
        "batch_size": batch_size,
        "compute": ActorPoolStrategy(size=workers),
        "num_cpus": batch.threads or 1,
        "zero_copy_batch": True,  # it is only read
    }
    return dataset.map_batches(RayActor, **{**settings, **options})


class SparkBatches:
    """The function of mapInArrow()."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        for one in batches:
            yield self.batch.added(one, variable=True)


def spark_type(batch: Batch) -> Any:
    """Spark's type of the column of answers."""
    from pyspark.sql import types as s

    if batch.fields is None:
        return s.ArrayType(s.FloatType(), False) if batch.vectors else s.FloatType()
    kinds = {
        "label": s.StringType(), "score": s.FloatType(), "start": s.LongType(),
        "end": s.LongType(), "text": s.StringType(), "id": s.IntegerType(),
    }  # fmt: skip
    return s.ArrayType(s.StructType([s.StructField(name, kinds[name]) for name in batch.fields]))


def map_spark(batch: Batch, frame: Any) -> Any:
    """mapInArrow() with the schema of frame and the columns that are added."""
    from pyspark.sql import types as s

    for name in names(batch):
        if name in frame.columns:
            raise ValueError(f"there is a column {name!r} already; `output` names another")
    fields = [*frame.schema.fields, s.StructField(batch.output, spark_type(batch), batch.keep)]
    if batch.keep:
        fields.append(s.StructField(f"{batch.output}_error", s.StringType()))
    return frame.mapInArrow(SparkBatches(batch), s.StructType(fields))
