# SPDX-License-Identifier: MIT
"""Labels of texts, and of pairs of texts."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ._base import Parameters, Pipeline, text_of, top_of
from ._scores import scores_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

FUNCTIONS = ("softmax", "sigmoid", "none")


class TextClassificationPipeline(Pipeline):
    """Labels of texts by a model for sequence classification.

    A text is a str, or {"text": ..., "text_pair": ...}.  A label is {"label": str, "score":
    float}.

    Parameters:
        top_k: how many labels, the best first; None: all.  Where it is given a text has a list of
            labels, else the best one alone.
        function_to_apply: "softmax", "sigmoid", "none"; None: as the model says.
        truncation, max_length, add_special_tokens, truncation_side: of the tokenizer.
        return_all_scores: that of transformers 4: all labels, in the model's order.
    """

    task = "text-classification"
    outputs = ("logits",)
    heads = ("text-classification",)

    def _parameters(self, **given: Any) -> Parameters:
        found: dict[str, Any] = {}
        everything = given.pop("return_all_scores", None)
        if "top_k" in given:
            top_k = given.pop("top_k")
            found.update(top_k=None if top_k is None else top_of(top_k), legacy=False)
        elif everything is not None:
            warnings.warn("return_all_scores is old; top_k=None gives all, sorted", stacklevel=4)
            found["top_k"] = None if everything else 1
        function = given.pop("function_to_apply", None)
        if function is not None:
            found["function"] = _function(function)
        if given:
            found["options"] = self.runner.options(given)
        return found

    def __call__(self, inputs: Any, *args: Any, **parameters: Any) -> Any:
        """Labels of one text or several.

        Returns:
            [{"label", "score"}] of one str; {"label", "score"} of one dict; of a list a list of
            such.  With top_k of one text a list, of a list a list of lists.
        """
        result = super().__call__(inputs, *args, **parameters)
        # The reference's own odd form.
        lone = isinstance(inputs, str) and "top_k" not in parameters
        return [result] if lone else result

    @cached_property
    def _auto(self) -> str:
        """What the model does with its logits: that by which a word gets the scores that it gets
        if the model is asked to decide."""
        session = self.runner.session
        labels = len(self.model.labels)
        wanted = session.classify(["a"], errors="keep")
        for name in FUNCTIONS[1:] if labels == 1 else FUNCTIONS:
            if session.classify(["a"], function=name, errors="keep") == wanted:
                return name
        raise AssertionError("a model must make something of its logits")

    def _run(self, items: list[Any], parameters: Parameters) -> list[Any]:
        options = parameters.get("options") or self.runner.options({})
        ids, types = self.runner.encode([_pair(item) for item in items], options)
        function = parameters.get("function") or self._auto
        top_k, legacy = parameters.get("top_k", 1), parameters.get("legacy", True)
        labels = self.model.labels
        return [
            _form(labels, scores_of(logits, function), top_k, legacy)
            for (logits,) in self.runner.forward(ids, types, ("logits",))
        ]


def _form(
    labels: tuple[str, ...], scores: NDArray[np.float32], top_k: int | None, legacy: bool
) -> Any:
    """A text's result."""
    if legacy and top_k == 1:
        best = int(scores.argmax())
        return {"label": labels[best], "score": scores[best].item()}
    order = range(len(scores)) if legacy else np.argsort(-scores, kind="stable").tolist()
    return [{"label": labels[i], "score": scores[i].item()} for i in order[:top_k]]


def _function(value: Any) -> str:
    name = str(getattr(value, "value", value)).lower()
    if name not in FUNCTIONS:
        raise ValueError(f"function_to_apply is {value!r}; it can be {', '.join(FUNCTIONS)}")
    return name


def _pair(item: Any) -> tuple[str, str | None]:
    """A text and what goes with it."""
    if isinstance(item, Mapping):
        unknown = set(item) - {"text", "text_pair"}
        if unknown or "text" not in item:
            raise ValueError(f"a text is a dict with {sorted(item)}; it takes text and text_pair")
        pair = item.get("text_pair")
        return text_of(item["text"]), None if pair is None else text_of(pair)
    if isinstance(item, list):
        if len(item) == 1 and isinstance(item[0], list) and len(item[0]) == 2:  # an old form
            return text_of(item[0][0]), text_of(item[0][1])
        raise ValueError('a text is a list; pairs go as {"text": ..., "text_pair": ...}')
    return text_of(item), None
