# SPDX-License-Identifier: MIT
"""The conversion of one model directory, from the plan to the names of the new files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from . import linears, outputs, safetensors
from .checkpoint import Checkpoint
from .dtypes import BY_NAME, Array, DType
from .errors import EXIT_OUTPUT, ConvertError, os_error, printable
from .model import Job, plan
from .place import Draft, exists
from .tensors import Item, check_total

REFERENCES = ("auto", "require", "off")
DTYPES = ("f32", "f16", "bf16")

Log = Callable[[int, str], None]
"""Takes a level (0 always, 1 with -v) and a line."""


def _silent(level: int, line: str) -> None:
    pass


@dataclass(frozen=True)
class Options:
    """`dtype`: one of DTYPES for all floating tensors, None keeps each one's."""

    force: bool = False
    dtype: str | None = None
    reference: str = "auto"
    dry_run: bool = False
    log: Log = field(default=_silent)

    @property
    def target(self) -> DType | None:
        """The element type that was asked for."""
        return BY_NAME[self.dtype.upper()] if self.dtype else None


def convert(directory: Path, options: Options | None = None) -> list[Path]:
    """Convert all pickled weights of a model directory; the files that are there then.

    Nothing is changed before everything was written, read back and run.  ConvertError says what
    is wrong; then no new file is left.
    """
    options = options or Options()
    try:
        with ExitStack() as stack:
            return _convert(directory, options, stack)
    except OSError as error:  # of folders; files have their own
        raise os_error(error.filename or directory, error) from None


def _convert(directory: Path, options: Options, stack: ExitStack) -> list[Path]:
    jobs = _wanted(plan(directory), options)
    drafts = []
    matrices: dict[str, tuple[Array, Array]] = {}
    for job in jobs:
        draft, items = _write(job, options, stack)
        drafts.append((job, draft))
        if job.target.stem in linears.KINDS:
            matrices[linears.KINDS[job.target.stem]] = linears.matrix(items)
    _run(directory, drafts, matrices, options)
    if options.dry_run:
        return []
    for job, draft in drafts:
        draft.place(options.force)
        options.log(0, f"{job.target}: in place")
    return [job.target for job in jobs]


def _wanted(jobs: list[Job], options: Options) -> list[Job]:
    if options.force:
        return jobs
    wanted = [job for job in jobs if job.existing is None]
    if not wanted:
        raise exists(jobs[-1].existing or jobs[-1].target)
    for job in jobs:
        if job.existing is not None:
            options.log(0, f"{job.existing}: is there already, left as it is")
    return wanted


def _items(job: Job, options: Options, stack: ExitStack) -> list[Item]:
    checkpoints = [stack.enter_context(Checkpoint(path)) for path in job.sources]
    target = options.target
    items = [
        Item(name, file, tensor, target if target and tensor.dtype.floating else tensor.dtype)
        for name, (file, tensor) in job.tensors(checkpoints).items()
    ]
    check_total(items)
    _tell_tied(items, options.log)
    return items


def _tell_tied(items: list[Item], log: Log) -> None:
    first: dict[tuple[int, int], Item] = {}
    for item in items:
        place = (id(item.tensor.storage), item.tensor.offset)
        known = first.setdefault(place, item)
        if known is not item and item.size:
            log(
                1,
                f"{item.checkpoint.path}: {printable(item.name)} and {printable(known.name)} "
                "share memory; both are written",
            )


def _write(job: Job, options: Options, stack: ExitStack) -> tuple[Draft, list[Item]]:
    items = _items(job, options, stack)
    head, ordered = safetensors.header(items)
    if len(head) > safetensors.MAX_HEADER:
        raise ConvertError(job.target, f"its header would take {len(head)} bytes", "BERT_ELIMIT")
    draft = Draft(job.target)
    stack.callback(draft.close)
    size = len(head) + sum(item.size for item in items)
    draft.reserve(size)
    try:
        safetensors.write(draft.file, head, ordered)
        draft.flush()
        safetensors.compare(draft.file, draft.path, items)
    except OSError as error:
        raise draft.failed(error, size) from None
    options.log(0, f"{job.target}: {len(items)} tensors, {size} bytes, read back and equal")
    return draft, items


def _run(
    directory: Path,
    drafts: list[tuple[Job, Draft]],
    matrices: linears.Matrices,
    options: Options,
) -> None:
    """Load the model with the new files and compare what it answers."""
    encoder = next((job.folder for job, _ in drafts if job.is_encoder), None)
    ids = outputs.make_ids(outputs.config_of(encoder or directory))
    files = {job.target: draft.path for job, draft in drafts}
    try:
        with outputs.staged(directory, files) as stage:
            ours = outputs.run_libbert(stage, ids, directory)
            _run_matrices(directory, stage, matrices, options)
        outputs.check_finite(ours, directory)
        options.log(0, f"{directory}: {ours.by} runs it")
        if options.reference != "off" and encoder is not None:
            theirs = outputs.run_transformers(encoder, ids, options.target)
            largest = outputs.difference(ours, theirs, directory)
            options.log(0, f"{directory}: {theirs.by} differs by {largest:.2g} at most")
    except outputs.Unavailable as error:
        if options.reference == "require":
            raise ConvertError(
                directory, f"outputs can't be compared: {error}", "BERT_EUNSUPPORTED", EXIT_OUTPUT
            ) from None
        options.log(0, f"{directory}: outputs were not compared: {error}")


def _run_matrices(
    directory: Path, stage: Path, matrices: linears.Matrices, options: Options
) -> None:
    """What bge-m3's answer; a model without a tokenizer can't be asked."""
    if not matrices:
        return
    try:
        largest = linears.compare(stage, matrices, directory)
        kinds = " and ".join(matrices)
        options.log(0, f"{directory}: {kinds} answers differ by {largest:.2g} at most")
    except outputs.Unavailable as error:
        options.log(0, f"{directory}: matrices' answers were not compared: {error}")
