# SPDX-License-Identifier: MIT
"""A run: what is left of a job, shard by shard."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from libbert._ffi import lib
from libbert._machine import version
from libbert._structs import Error
from libbert.errors import BertError, InvalidArgumentError, OutOfMemoryError, check
from libbert.model import Model

from .arguments import Arguments
from .errors import (
    EXIT_INPUT,
    EXIT_OUTPUT,
    EXIT_ROWS,
    EXIT_USAGE,
    BadRow,
    BulkError,
    ShardError,
    output_error,
)
from .errors import system as what_the_system_says
from .job import Done, Job, describe
from .lock import locked
from .parquet import require
from .progress import Progress
from .readers import Batch, read_shard
from .shards import Shard, check_folders, find_shards
from .writers import Results

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGEST_SIZE = 65


@dataclass(frozen=True)
class Summary:
    """Of the whole job, not of the last run alone."""

    shards: int
    rows: int
    bad: int
    unread: tuple[str, ...] = ()
    """Why shards could not be read; the next run tries again."""


def run(wanted: Arguments) -> Summary:
    """Do all shards that are not done yet."""
    check_folders(wanted.input, wanted.output)
    shards = find_shards(wanted.input, wanted.output)
    if wanted.format == "parquet":
        require("--format parquet")
    for shard in shards:
        if shard.kind == "parquet":
            require(str(shard.path))
            break
    job = Job(wanted.output)
    with locked(job.folder / "lock", wanted.output):
        return _Run(wanted, shards, job).go()


class _Run:
    def __init__(self, wanted: Arguments, shards: list[Shard], job: Job) -> None:
        self._wanted = wanted
        self._shards = shards
        self._job = job
        size = sum(shard.size for shard in shards)
        self._unread: list[str] = []
        self._progress = Progress(len(shards), size, wanted.progress, wanted.quiet)

    def go(self) -> Summary:
        model = _load(self._wanted)
        try:
            return self._go(model)
        finally:
            self._progress.clear()
            model.close()

    def _go(self, model: Model) -> Summary:
        self._width = _width(model, self._wanted)
        done = self._begin(model)
        before = [shard.size for shard in self._shards if shard.name in done]
        self._progress.begin(len(before), sum(before))
        for shard in self._shards:
            if shard.name not in done:
                self._try(model, shard, done)
                self._progress.end_shard(shard.size)
        rows, bad = sum(d.rows for d in done.values()), sum(d.bad for d in done.values())
        return Summary(len(done), rows, bad, tuple(self._unread))

    def _try(self, model: Model, shard: Shard, done: dict[str, Done]) -> None:
        """One that can't be read keeps the others waiting only if that was asked for."""
        try:
            done[shard.name] = self._shard(model, shard)
        except ShardError as error:
            if self._wanted.stop:
                raise
            self._unread.append(str(error))

    def _begin(self, model: Model) -> dict[str, Done]:
        """Find or begin the job; the shards that are done."""
        wanted, job = self._wanted, self._job
        outputs = [name for shard in self._shards for name in self._outputs(shard)]
        identity = _identity(model, wanted, self._width)
        new = describe(wanted.chosen, identity, self._shards, outputs)
        if wanted.restart:
            job.forget()
        old = None if wanted.restart else job.read()
        if old is not None:
            job.go_on(old, new, job.done())
        else:
            if not wanted.restart:
                job.check_free(outputs)
            job.begin(new)
        done = job.done()
        kept = {name for s in self._shards if s.name in done for name in self._outputs(s)}
        known = dict.fromkeys((old["outputs"] if old else []) + outputs)
        job.clean([name for name in known if name not in kept])
        return done

    def _outputs(self, shard: Shard) -> list[str]:
        return list(shard.outputs(self._wanted.format, self._wanted.id_column is not None).values())

    def _shard(self, model: Model, shard: Shard) -> Done:
        try:
            return self._write(model, shard)
        except OSError as error:  # readers have made theirs a BulkError
            target = self._wanted.output / self._outputs(shard)[-1]
            raise output_error(target, what_the_system_says(error)) from None

    def _write(self, model: Model, shard: Shard) -> Done:
        wanted = self._wanted
        shard.check_unchanged()
        results = Results(
            shard, wanted.output, self._job.temporary, wanted.format, self._width, wanted.id_column
        )
        try:
            for batch in read_shard(
                shard, wanted.column, wanted.id_column, wanted.rows_per_batch
            ):
                self._batch(model, shard, batch, results)
                shard.check_unchanged()  # each time: a file that grows has no end
            shard.check_unchanged()
            done = Done(shard.name, results.rows, results.bad, results.place())
        finally:
            results.discard()
        self._job.record(done)
        return done

    def _batch(self, model: Model, shard: Shard, batch: Batch, results: Results) -> None:
        vectors = _embed(model, batch, shard, results.rows, self._wanted.embed)
        if batch.bad and self._wanted.stop:
            bad = batch.bad[min(batch.bad)]
            raise BulkError(bad.message, bad.code, EXIT_ROWS)
        results.write(vectors, batch.ids, batch.bad)
        self._progress.update(len(vectors), len(batch.bad), batch.position)


def _load(wanted: Arguments) -> Model:
    try:
        return Model(wanted.model, precision=wanted.precision, threads=wanted.threads)
    except BertError as error:
        raise BulkError(str(error), error.status, EXIT_INPUT) from None


def _width(model: Model, wanted: Arguments) -> int:
    """Floats of a row; wrong options show here."""
    try:
        return model.embed_size(**wanted.embed)
    except InvalidArgumentError as error:
        raise BulkError(str(error), error.status, EXIT_USAGE) from None
    except BertError as error:
        raise BulkError(f"{wanted.model}: {error}", error.status, EXIT_INPUT) from None


def _identity(model: Model, wanted: Arguments, width: int) -> dict[str, Any]:
    """What the bits of the results depend on beside the options."""
    digest, error = ctypes.create_string_buffer(DIGEST_SIZE), Error()
    try:
        check(
            lib.bert_manifest_digest(os.fsencode(wanted.model), None, digest, ctypes.byref(error)),
            error,
        )
    except BertError as failure:
        raise BulkError(str(failure), failure.status, EXIT_INPUT) from None
    return {
        "path": model.path,
        "digest": digest.value.decode(),
        "precision": model.precision,
        "cpu": model.cpu,
        "libbert": version(),
        "width": width,
    }


def _embed(
    model: Model, batch: Batch, shard: Shard, start: int, options: dict[str, Any]
) -> NDArray[np.float32]:
    """Vectors [rows, width] of a batch that begins at row `start`: Model.embed()'s, or zeros."""
    good = [i for i in range(len(batch.texts)) if i not in batch.bad]
    texts = batch.texts if len(good) == len(batch.texts) else [batch.texts[i] for i in good]
    try:
        vectors, report = model.embed_with_report(texts, **options)
    except BertError as error:
        code = EXIT_OUTPUT if isinstance(error, OutOfMemoryError) else EXIT_INPUT
        raise BulkError(f"{shard.path}: {error}", error.status, code) from None
    for k in np.flatnonzero(report.status):
        where = f"{shard.path}: row {start + good[k]}"
        batch.bad[good[k]] = _why(model, texts[k], where, options)
    if len(good) == len(batch.texts):
        return vectors
    whole = np.zeros((len(batch.texts), vectors.shape[1]), np.float32)
    whole[good] = vectors
    return whole


def _why(model: Model, text: str | bytes, where: str, options: dict[str, Any]) -> BadRow:
    """The library's message for a text that has no vector."""
    try:
        model.embed(text, **options)
    except BertError as error:
        return BadRow(error.status, f"{where}: {error}")
    raise AssertionError(f"{where} failed once, and then not")
