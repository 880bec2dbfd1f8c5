# SPDX-License-Identifier: MIT
"""Labels of tokens, words and names."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ._base import Parameters, Pipeline, refuse, text_of
from ._entities import Grouper, Window, merged
from ._scores import softmax

if TYPE_CHECKING:
    from .._encodings import Encodings

STRATEGIES = ("none", "simple", "first", "average", "max")


class TokenClassificationPipeline(Pipeline):
    """Labels of a text's tokens, or its entities, by a model for token classification.

    A token is {"entity": str, "score": np.float32, "index": int, "word": str, "start": int, "end":
    int}, an entity {"entity_group", "score", "word", "start", "end"}; start and end are code
    points.  A text that is longer than the tokenizer's limit is cut, unless stride is given.

    Parameters:
        aggregation_strategy: "none", "simple", "first", "average" or "max".
        ignore_labels: labels that don't come; ["O"].
        stride: tokens that the windows of a long text share, with an aggregation_strategy.
        is_split_into_words: a text is a list of words.
        delimiter: what stands between words; " ".
        grouped_entities, ignore_subwords: those of transformers 4.
    """

    task = "token-classification"
    outputs = ("logits",)
    heads = ("token-classification",)

    def _parameters(self, **given: Any) -> Parameters:
        found: dict[str, Any] = {}
        strategy = _old_strategy(given)
        strategy = given.pop("aggregation_strategy", None) if strategy is None else strategy
        if strategy is not None:
            found["strategy"] = _strategy(strategy)
        ignored = given.pop("ignore_labels", None)
        if ignored is not None:
            found["ignored"] = set(ignored)
        stride = given.pop("stride", None)
        if stride is not None:
            found["stride"] = self._stride(stride, found.get("strategy"))
        if "is_split_into_words" in given:
            found["words"] = bool(given.pop("is_split_into_words"))
        delimiter = given.pop("delimiter", None)
        if delimiter is not None:
            found["delimiter"] = delimiter
        if given.pop("offset_mapping", None) is not None:
            raise TypeError("offset_mapping is not taken: offsets are those of the tokenizer")
        refuse(given, self.task)
        return found

    def _stride(self, stride: int, strategy: str | None) -> int:
        limit = self.tokenizer.model_max_length
        if stride < 0 or (limit and stride >= limit):
            raise ValueError(f"stride is {stride}; it must be less than the {limit} of a window")
        if strategy == "none":
            raise ValueError('stride goes with an aggregation_strategy other than "none"')
        return stride

    @cached_property
    def _grouper(self) -> Grouper:
        return Grouper(self.runner)

    def __call__(self, inputs: Any, *args: Any, **parameters: Any) -> Any:
        """Labels of one text or several.

        Returns:
            of one text a list of tokens or entities; of a list, and of one list of words, a list
            of such lists.
        """
        if isinstance(inputs, (list, tuple)):
            if not inputs:
                raise ValueError("at least one text is needed")
            words = parameters.get("is_split_into_words", self._given.get("words", False))
            if words and not all(isinstance(item, list) for item in inputs):
                inputs = [list(inputs)]
        return super().__call__(inputs, *args, **parameters)

    def _run(self, items: list[Any], parameters: Parameters) -> list[Any]:
        words = parameters.get("words", False)
        delimiter = parameters.get("delimiter", " ")
        texts = [delimiter.join(_words(item)) for item in items] if words else items
        windows = self._windows(items, parameters)
        outputs = self.runner.forward(
            [encodings.row(encodings.ids, i) for _, encodings, i in windows],
            [encodings.row(encodings.type_ids, i) for _, encodings, i in windows],
            ("logits",),
            [owner for owner, _, _ in windows],
        )
        found: list[list[dict[str, Any]]] = [[] for _ in items]
        counts = [0] * len(items)
        for (owner, encodings, i), (logits,) in zip(windows, outputs):
            starts = _word_starts(items[owner], delimiter) if words else None
            window = _window(encodings, i, logits, starts)
            found[owner] += self._entities(texts[owner], window, parameters)
            counts[owner] += 1
        return [merged(some) if n > 1 else some for some, n in zip(found, counts)]

    def _windows(
        self, items: list[Any], parameters: Parameters
    ) -> list[tuple[int, Encodings, int]]:
        """The windows of texts: which text, and where its tokens are."""
        stride = parameters.get("stride")
        limit = self.tokenizer.model_max_length
        options: dict[str, Any] = {
            "max_length": limit, "overflow": stride is not None, "stride": stride or 0
        }  # fmt: skip
        if not parameters.get("words", False):
            found = self.tokenizer.encode_batch([text_of(item) for item in items], **options)
            return [(owner, found, i) for i, owner in enumerate(found.samples.tolist())]
        each = [self.tokenizer.encode_words(item, **options) for item in items]
        return [(owner, part, i) for owner, part in enumerate(each) for i in range(len(part))]

    def _entities(
        self, text: str, window: Window, parameters: Parameters
    ) -> list[dict[str, Any]]:
        if not window.ids:
            return []
        strategy = parameters.get("strategy", "none")
        ignored = parameters.get("ignored", {"O"})
        if strategy == "none":
            return self._grouper.tokens(text, window, ignored)
        return self._grouper.entities(text, window, strategy, ignored)


def _window(
    encodings: Encodings, i: int, logits: Any, word_starts: list[int] | None
) -> Window:
    """The tokens of window i that are no special ones; logits [tokens, labels]."""
    kept = np.flatnonzero(encodings.row(encodings.special_mask, i) == 0)
    offsets = encodings.row(encodings.offsets, i)[kept].astype(np.int64)
    if word_starts:  # offsets count from the starts of words
        words = encodings.row(encodings.word_ids, i)[kept]
        offsets += np.where(words >= 0, np.array(word_starts)[words], 0)[:, None]
    return Window(
        kept.tolist(),
        encodings.row(encodings.ids, i)[kept].tolist(),
        offsets[:, 0].tolist(),
        offsets[:, 1].tolist(),
        softmax(logits[kept]) if len(kept) else logits[:0],
    )


def _words(item: Any) -> list[str]:
    if not isinstance(item, list):
        raise TypeError(f"a text is {type(item).__name__}, not a list of words")
    return [text_of(word) for word in item]


def _word_starts(words: list[str], delimiter: str) -> list[int]:
    """Where words start in the text that they make."""
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + len(delimiter)
    return starts


def _strategy(value: Any) -> str:
    name = str(getattr(value, "value", value)).lower()
    if name not in STRATEGIES:
        raise ValueError(
            f"aggregation_strategy is {value!r}; it can be {', '.join(STRATEGIES)}"
        )
    return name


def _old_strategy(given: dict[str, Any]) -> str | None:
    """What grouped_entities and ignore_subwords stand for; None where neither is given."""
    grouped = given.pop("grouped_entities", None)
    subwords = given.pop("ignore_subwords", None)
    if grouped is None and subwords is None:
        return None
    strategy = ("first" if subwords else "simple") if grouped else "none"
    warnings.warn(
        f"grouped_entities and ignore_subwords are old; aggregation_strategy={strategy!r}",
        stacklevel=5,
    )
    return strategy
