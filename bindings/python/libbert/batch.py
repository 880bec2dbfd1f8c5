# SPDX-License-Identifier: MIT
"""Models as functions over tables, for processes that share out the work: Dask, Ray Data, Spark.

    from libbert.batch import Embedder
    embed = Embedder("minilm.bert", column="text", output="vector")
    frame = embed(frame)              # pandas, Arrow, dict of arrays: with a column more
    frame = embed.map_dask(frame)     # also map_ray(), map_spark()

They are small when pickled: path and options.  A process loads a model at its first call, once,
whatever number of batches and threads share it; the path must be there on every machine.  A packed
file (`bert pack`) is mapped, so that the processes of a machine share its weights.

Answers are the same bits in whatever batch, process and order, so that what an engine computes
again after a worker died is what was lost.  That holds for one instruction set: where machines
differ, loading={"cpu": "avx2"} names one that all have.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from . import _batch_engines as engines
from . import _batch_tables as t
from . import _options as o
from ._batch_models import model_of, release
from .errors import STATUS_NAMES
from .results import Entity, Label

if TYPE_CHECKING:
    from .model import Model, PathLike
    from .results import Results

__all__ = ["Classifier", "Embedder", "Reranker", "Tagger", "release"]


class Batch:
    """What the classes of this module share.

    Args:
        path: directory or packed file of the model.
        column: of the texts, in tables.
        output: name of the column that is added.
        errors: "raise" what is wrong with the first text that has no answer, nulls included;
            "keep": its answer is null, and one more column, `output` + "_error", says why.
        threads: of a call; 1, since workers are many; 0: as many as the process may use.
        precision: of the model.
        loading: other options of Model.
        options: of the model's method.
    """

    # What the engines' adapters need to know of the column that is added.
    fields: tuple[str, ...] | None = None  # of a record; None: numbers
    vectors = False  # [n, d] numbers, not [n]
    _options: Callable[..., Any]
    other_column: str | None = None

    def __init__(
        self,
        path: PathLike,
        *,
        column: str = "text",
        output: str,
        errors: str = "raise",
        threads: int = 1,
        precision: str = "default",
        loading: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.path = os.path.abspath(os.fsdecode(path))
        self.column = column
        self.output = output
        self.keep = o.keeps_errors(errors)
        self.threads = o.count("threads", threads)
        self.loading = {"threads": threads, "precision": precision, **(loading or {})}
        type(self)._options(**options)  # says now what is wrong with them
        self.options = options

    @property
    def model(self) -> Model:
        """The model, which this process loads once."""
        return model_of(self.path, self.loading)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.path!r}: {self.column} to {self.output}>"

    def __call__(self, data: Any, others: Any = None) -> Any:
        """Answers for texts, or a table with a column of answers more.

        Args:
            data: texts (a list, a numpy array, a pandas Series, an Arrow array), or a table (a
                pandas DataFrame, an Arrow Table or RecordBatch, a dict of arrays).
            others: what goes with each of the texts, if that is no column of the table.

        Returns:
            What was given, of its kind.  Vectors are [n, d] float32 of lists, arrays and dicts,
            fixed_size_list of float in Arrow, an array [d] for each row in pandas.  Records are
            named tuples of lists, else dicts.
        """
        return self.added(data, others)

    def added(self, data: Any, others: Any = None, variable: bool = False) -> Any:
        """As a call; variable: vectors are list, not fixed_size_list, in Arrow."""
        kind = t.kind_of(data)
        if kind in ("dict", "frame", "table"):
            texts = t.texts_of(t.column_of(data, kind, self.column))
            if self.other_column is not None:
                others = t.column_of(data, kind, self.other_column)
        else:
            texts = data = t.texts_of(data) if kind == "list" else data
            texts = t.texts_of(texts)
        others = None if others is None else t.texts_of(others)
        return t.put(data, kind, self._answers(texts, others), self.output, variable)

    def _answers(self, texts: Any, others: Any) -> t.Made:
        if not self.keep:
            return self._compute(texts, others)
        valid = t.present(texts)
        if others is not None:
            beside = t.present(others)
            valid = beside if valid is None else valid if beside is None else valid & beside
        if valid is None:
            made = self._compute(texts, others)
            made.reasons = made.reasons or [None] * len(made.values)
            return made
        kept = None if others is None else t.select(others, valid)
        return self._compute(t.select(texts, valid), kept).spread(valid)

    def _compute(self, texts: Any, others: Any) -> t.Made:
        raise NotImplementedError

    # ---- Engines -----------------------------------------------------------------------

    def map_dask(self, frame: Any) -> Any:
        """A Dask DataFrame with the column of answers, by map_partitions()."""
        return engines.map_dask(self, frame)

    def map_ray(
        self, dataset: Any, *, workers: int = 2, batch_size: int = 1024, **options: Any
    ) -> Any:
        """A Ray Dataset with the column of answers, by map_batches() in a pool of actors.

        Args:
            workers: actors.
            batch_size: rows of a call.
            options: of map_batches().
        """
        return engines.map_ray(self, dataset, workers, batch_size, options)

    def map_spark(self, frame: Any) -> Any:
        """A Spark DataFrame with the column of answers, by mapInArrow()."""
        return engines.map_spark(self, frame)

    def __dask_tokenize__(self) -> Any:
        return type(self).__qualname__, sorted((k, repr(v)) for k, v in vars(self).items())


class Embedder(Batch):
    """Texts to vectors.  Options are those of Model.embed()."""

    vectors = True
    _options = o.embed_options

    def __init__(self, path: PathLike, *, output: str = "vector", **options: Any) -> None:
        super().__init__(path, output=output, **options)

    def _compute(self, texts: Any, others: Any) -> t.Made:
        if others is not None:
            raise TypeError("Embedder takes texts alone")
        texts = [texts] if isinstance(texts, (str, bytes)) else texts
        if not self.keep:
            return t.Made(self.model.embed(texts, **self.options))
        vectors, report = self.model.embed_with_report(texts, **self.options)
        return t.Made(
            vectors, None, [STATUS_NAMES[code] if code else None for code in report.status]
        )


class Classifier(Batch):
    """Texts, or pairs of texts, to labels.  Options are those of Model.classify().

    Args:
        pair_column: of the second texts, in tables.
    """

    fields = Label._fields
    _options = o.classify_options

    def __init__(
        self,
        path: PathLike,
        *,
        output: str = "labels",
        pair_column: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(path, output=output, **options)
        self.other_column = pair_column

    def _compute(self, texts: Any, others: Any) -> t.Made:
        errors = "keep" if self.keep else "raise"
        return _made(self.model.classify(texts, others, errors=errors, **self.options), self)


class Tagger(Batch):
    """Texts to entities.  Options are those of Model.tag()."""

    fields = Entity._fields
    _options = o.tag_options

    def __init__(self, path: PathLike, *, output: str = "entities", **options: Any) -> None:
        super().__init__(path, output=output, **options)

    def _compute(self, texts: Any, others: Any) -> t.Made:
        if others is not None:
            raise TypeError("Tagger takes texts alone")
        errors = "keep" if self.keep else "raise"
        return _made(self.model.tag(texts, errors=errors, **self.options), self)


class Reranker(Batch):
    """Texts to scores, of how well they answer a query.  Options are those of Model.rerank().

    Args:
        query: of all texts; or
        query_column: of the query of each, in tables.  Without both a call is given them as
            `others`.
    """

    _options = o.rerank_options

    def __init__(
        self,
        path: PathLike,
        *,
        output: str = "score",
        query: str | None = None,
        query_column: str | None = None,
        **options: Any,
    ) -> None:
        if query is not None and query_column is not None:
            raise ValueError("query and query_column can't both be given")
        super().__init__(path, output=output, **options)
        self.query = query
        self.other_column = query_column

    def _compute(self, texts: Any, others: Any) -> t.Made:
        texts = [texts] if isinstance(texts, (str, bytes)) else texts
        if self.query is not None:
            if others is not None:
                raise TypeError("this Reranker has a query of its own")
            return self._of_query(self.query, texts)
        if others is None:
            raise TypeError("Reranker needs query, query_column, or a query for each text")
        return self._of_queries(_listed(others), _listed(texts))

    def _of_query(self, query: str | bytes, texts: Any) -> t.Made:
        errors = "keep" if self.keep else "raise"
        found = self.model.rerank(query, texts, errors=errors, **self.options)
        reasons = _reasons(len(found.scores), found.errors) if self.keep else None
        return t.Made(found.scores, None, reasons)

    def _of_queries(self, queries: list[Any], texts: list[Any]) -> t.Made:
        if len(queries) != len(texts):
            raise ValueError(f"{len(texts)} texts, but {len(queries)} queries")
        groups: dict[Any, list[int]] = {}
        for i, query in enumerate(queries):
            groups.setdefault(query, []).append(i)
        scores = np.zeros(len(texts), np.float32)
        reasons: list[str | None] = [None] * len(texts)
        for query, rows in groups.items():
            made = self._of_query(query, [texts[i] for i in rows])
            scores[rows] = made.values
            for i, reason in zip(rows, made.reasons or ()):
                reasons[i] = reason
        return t.Made(scores, None, reasons if self.keep else None)


def _listed(texts: Any) -> list[Any]:
    if isinstance(texts, (str, bytes)):
        return [texts]
    return list(texts.to_pylist() if hasattr(texts, "to_pylist") else texts)


def _reasons(n: int, errors: dict[int, Any]) -> list[str | None]:
    reasons: list[str | None] = [None] * n
    for i, error in errors.items():
        reasons[i] = f"{error.status}: {error.message}"
    return reasons


def _made(found: Results[Any], batch: Batch) -> t.Made:
    reasons = _reasons(len(found), found.errors) if batch.keep else None
    return t.Made(list(found), batch.fields, reasons)
