# SPDX-License-Identifier: MIT
"""What all pipelines share: parameters, and the forms in which texts come and results go."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable

from .._life import Closing
from ..errors import BertError, UnsupportedError, make_error
from ._runner import Runner

if TYPE_CHECKING:
    from .._tokenizer import RawTokenizer
    from ..model import Model
    from ..session import Session

# Texts of a list that are tokenized and computed together.
SLICE = 256

Parameters = Mapping[str, Any]
Run = Callable[[list[Any]], list[Any]]


class PipelineException(ValueError):
    """A text that a pipeline can't take.

    Attributes:
        task, model, reason: as the reference's class of that name has them.
    """

    def __init__(self, task: str, model: str, reason: str) -> None:
        super().__init__(reason)
        self.task = task
        self.model = model

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (self.task, self.model, str(self))


class Stream:
    """Results of a generator or a dataset, each computed when it is asked for.

    `batch` texts are read ahead.  A dataset may be gone through more than once, from its start.
    """

    def __init__(self, source: Any, run: Run, batch: int) -> None:
        self._source = source
        self._run = run
        self._batch = batch
        self._current: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        self._current = self._results()
        return self._current

    def __next__(self) -> Any:
        if self._current is None:
            self._current = self._results()
        return next(self._current)

    def __len__(self) -> int:
        return len(self._source)

    def _results(self) -> Iterator[Any]:
        items = iter(_items(self._source))
        first = 0
        while part := list(islice(items, self._batch)):
            yield from located(self._run, part, first)
            first += len(part)


def _items(source: Any) -> Iterable[Any]:
    """A dataset of torch has no end by itself: its length is what counts."""
    if hasattr(source, "__len__") and hasattr(source, "__getitem__"):
        return (source[i] for i in range(len(source)))
    items: Iterable[Any] = source
    return items


def located(run: Run, part: list[Any], first: int) -> list[Any]:
    """Run a part of the texts; an error names its text by its index among all."""
    try:
        return run(part)
    except BertError as error:
        if not first or error.index is None:
            raise
        raise make_error(error.code, error.message, shift=first) from None


def is_stream(inputs: Any) -> bool:
    """Whether results come one by one: of generators, iterators and datasets."""
    if isinstance(inputs, (str, bytes, Mapping, list, tuple)):
        return False
    is_dataset = hasattr(inputs, "__getitem__") and hasattr(inputs, "__len__")
    return is_dataset or hasattr(inputs, "__iter__")


class KeyDataset:
    """One column of a dataset: item i is dataset[i][key]."""

    def __init__(self, dataset: Any, key: str) -> None:
        self.dataset = dataset
        self.key = key

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> Any:
        return self.dataset[i][self.key]


class KeyPairDataset:
    """Two columns of a dataset as pairs: item i is {"text": ..., "text_pair": ...}."""

    def __init__(self, dataset: Any, key1: str, key2: str) -> None:
        self.dataset = dataset
        self.key1 = key1
        self.key2 = key2

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> dict[str, Any]:
        item = self.dataset[i]
        return {"text": item[self.key1], "text_pair": item[self.key2]}


class Pipeline(Closing):
    """A task with a model, as the reference's pipelines have it.

    Called with one text it gives one result, with a list a list, with a generator or a dataset an
    iterator that computes as it goes.

    Args:
        model: a Model, or a Session where its settings are wanted.
        tokenizer: a tokenizer in place of the model's own.
        batch_size: texts that are read ahead from a generator or a dataset; 1.  It changes no
            result, and lists are always computed in batches.
        num_workers: taken, without effect: nothing is done by worker processes.
        parameters: of the task; a call may give others.

    Any number of threads may call it at once.  close() and `with` free the model that pipeline()
    loaded; one that was given to it stays.
    """

    owns = False  # the model
    task = ""
    version = 5  # of the transformers that is followed
    outputs: tuple[str, ...] = ()  # that the model must have
    heads: tuple[str, ...] = ()  # of what Model.task says; (): any

    def __init__(
        self,
        model: Model | Session,
        tokenizer: RawTokenizer | None = None,
        *,
        batch_size: int | None = None,
        num_workers: int | None = None,
        **parameters: Any,
    ) -> None:
        self.runner = Runner(model, tokenizer, self.version)
        self._check_head()
        self._batch_size = _batch(batch_size)
        self._given = dict(self._parameters(**parameters))

    def _check_head(self) -> None:
        model = self.model
        fits = not self.heads or model.task in self.heads
        if fits and set(self.outputs) <= set(model.outputs):
            return
        why = model.head_missing or f"it is a {model.architecture} for {model.task}"
        raise UnsupportedError(f"the model is not for the {self.task} pipeline: {why}")

    @property
    def model(self) -> Model:
        """The model."""
        return self.runner.model

    @property
    def tokenizer(self) -> RawTokenizer:
        """The tokenizer."""
        return self.runner.tokenizer

    @property
    def device(self) -> str:
        """Where it computes: "cpu"."""
        return "cpu"

    def close(self) -> None:
        """Free the model that pipeline() loaded.  Twice is fine."""
        if self.owns:
            self.model.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        own = self.runner.own_tokenizer
        source, size = self.runner.source, self._batch_size
        return _restore, (type(self), source, own, size, self._given, self.owns)

    def _parameters(self, **given: Any) -> Parameters:
        """Check what was given, and name it as _run() reads it."""
        raise NotImplementedError

    def _run(self, items: list[Any], parameters: Parameters) -> list[Any]:
        """One result for each item."""
        raise NotImplementedError

    def __call__(
        self,
        inputs: Any,
        *args: Any,
        num_workers: int | None = None,
        batch_size: int | None = None,
        **parameters: Any,
    ) -> Any:
        if args:
            warnings.warn(f"{len(args)} arguments after the inputs are ignored", stacklevel=2)
        merged = {**self._given, **self._parameters(**parameters)}
        return self._answer(inputs, merged, _batch(batch_size))

    def _answer(self, inputs: Any, parameters: Parameters, batch_size: int | None = None) -> Any:
        if isinstance(inputs, tuple):
            inputs = list(inputs)
        elif hasattr(inputs, "tolist"):  # an array, a column
            inputs = inputs.tolist()

        def run(items: list[Any]) -> list[Any]:
            return self._run(items, parameters)

        if isinstance(inputs, list):
            found: list[Any] = []
            for first in range(0, len(inputs), SLICE):
                found += located(run, inputs[first:first + SLICE], first)
            return found
        if is_stream(inputs):
            return Stream(inputs, run, batch_size or self._batch_size or 1)
        return run([inputs])[0]

    def predict(self, X: Any) -> Any:
        """The same as calling it."""
        return self(X)

    def transform(self, X: Any) -> Any:
        """The same as calling it."""
        return self(X)

    def save_pretrained(self, save_directory: Any, **_: Any) -> None:
        """Not there: this package writes no checkpoints."""
        raise NotImplementedError("save_pretrained: copy the model's folder instead")


def _restore(
    kind: type[Pipeline], source: Any, tokenizer: Any, batch_size: int | None,
    given: dict[str, Any], owns: bool = False,
) -> Pipeline:  # fmt: skip
    made = kind(source, tokenizer, batch_size=batch_size)
    made._given = given
    made.owns = owns
    return made


def _batch(size: int | None) -> int | None:
    if size is not None and size < 1:
        raise ValueError(f"batch_size is {size}; it must be at least 1")
    return size


def text_of(item: Any) -> str:
    """A text; TypeError if it is none."""
    if not isinstance(item, str):
        raise TypeError(f"a text is {type(item).__name__}, not str")
    return item


def refuse(given: Mapping[str, Any], task: str) -> None:
    """TypeError for the first argument that is not known."""
    for name in given:
        raise TypeError(f"{name}: the {task} pipeline has no such argument")


def top_of(top_k: Any) -> Any:
    """A number of results; ValueError unless it is one."""
    if isinstance(top_k, bool) or not hasattr(top_k, "__index__") or top_k < 1:
        raise ValueError(f"top_k is {top_k!r}; it must be at least 1")
    return int(top_k)
