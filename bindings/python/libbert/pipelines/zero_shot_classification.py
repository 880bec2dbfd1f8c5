# SPDX-License-Identifier: MIT
"""Labels that the caller thinks up, by a model that knows what follows from what."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BertError
from ._base import Parameters, Pipeline, refuse, text_of
from ._scores import softmax

if TYPE_CHECKING:
    from ._runner import Rows

TEMPLATE = "This example is {}."


class ZeroShotClassificationPipeline(Pipeline):
    """How well labels fit a text, by a sequence classifier for natural language inference.

    Each label makes a hypothesis, and the text is its premise.  Texts that are too long are cut.

    Parameters:
        candidate_labels: a list, or a str with commas between labels.
        hypothesis_template: the hypothesis, with {} for the label.
        multi_label: True: each label by itself, entailment against contradiction; False: the
            scores of all labels add up to 1.
    """

    task = "zero-shot-classification"
    outputs = ("logits",)
    heads = ("text-classification",)

    def __init__(self, *args: Any, **parameters: Any) -> None:
        super().__init__(*args, **parameters)
        if self.entailment_id == -1:
            warnings.warn(
                f"no label of the model begins with 'entail': {', '.join(self.model.labels)}; "
                "the last one is taken for it",
                stacklevel=3,
            )

    @cached_property
    def entailment_id(self) -> int:
        """Id of the label that begins with "entail"; -1 if there is none."""
        ids = self.runner.config.get("label2id")
        if not isinstance(ids, dict):
            ids = {label: i for i, label in enumerate(self.model.labels)}
        for label, i in ids.items():
            if label.lower().startswith("entail"):
                return int(i)
        return -1

    def _parameters(self, **given: Any) -> Parameters:
        found: dict[str, Any] = {}
        if "candidate_labels" in given:
            found["labels"] = _labels(given.pop("candidate_labels"))
        if "hypothesis_template" in given:
            found["template"] = given.pop("hypothesis_template")
        if "multi_label" in given:
            found["multi"] = bool(given.pop("multi_label"))
        refuse(given, self.task)
        return found

    def __call__(  # type: ignore[override]  # the reference's name
        self, sequences: Any, *args: Any, **parameters: Any
    ) -> Any:
        """How well labels fit one text or several; labels may come after the texts.

        Returns:
            {"sequence": str, "labels": [str], "scores": [float]} of one text, the best label
            first; of a list a list of such.
        """
        if args:
            if len(args) > 1 or "candidate_labels" in parameters:
                raise ValueError("only candidate_labels may come after the texts")
            parameters["candidate_labels"] = args[0]
        return super().__call__(sequences, **parameters)

    def _run(self, items: list[Any], parameters: Parameters) -> list[Any]:
        labels = parameters.get("labels")
        template = parameters.get("template", TEMPLATE)
        if not labels:
            raise ValueError("candidate_labels has no label")
        hypotheses = [template.format(label) for label in labels]
        if hypotheses[0] == template:
            raise ValueError(f"hypothesis_template {template!r} has no {{}} for the label")
        premises = [text_of(item) for item in items]
        if not all(premises):
            raise ValueError("a sequence is empty")
        ids, types = self._encode([(p, h) for p in premises for h in hypotheses])
        owners = [i for i in range(len(premises)) for _ in hypotheses]
        logits = [row for (row,) in self.runner.forward(ids, types, ("logits",), owners)]
        grouped = np.stack(logits).reshape(len(premises), len(labels), -1)
        multi = parameters.get("multi", False) or len(labels) == 1
        return [
            self._form(premise, labels, rows, multi) for premise, rows in zip(premises, grouped)
        ]

    def _encode(self, pairs: list[tuple[str, str | None]]) -> tuple[Rows, Rows]:
        """Tokens; of the premise what the hypothesis leaves room for."""
        options = self.runner.options({"truncation": "only_first"})
        try:
            return self.runner.encode(pairs, options)
        except BertError:  # of some pair, whose hypothesis leaves no room
            ids: Rows = []
            types: Rows = []
            for pair in pairs:
                one = self._encode_one(pair, options)
                ids += one[0]
                types += one[1]
            return ids, types

    def _encode_one(
        self, pair: tuple[str, str | None], options: dict[str, Any]
    ) -> tuple[Rows, Rows]:
        try:
            return self.runner.encode([pair], options)
        except BertError:  # like the reference: uncut
            return self.runner.encode([pair], self.runner.options({}))

    def _form(self, premise: str, labels: list[str], logits: Any, multi: bool) -> dict[str, Any]:
        """A text's result; logits [labels, the model's labels]."""
        entailment = self.entailment_id
        if multi:
            contradiction = -1 if entailment == 0 else 0
            scores = softmax(logits[:, [contradiction, entailment]])[:, 1]
        else:
            scores = softmax(logits[:, entailment])
        order = scores.argsort()[::-1].tolist()
        return {
            "sequence": premise,
            "labels": [labels[i] for i in order],
            "scores": scores[order].tolist(),
        }


def _labels(given: Any) -> list[str]:
    if isinstance(given, str):
        return [label.strip() for label in given.split(",") if label.strip()]
    if not hasattr(given, "__iter__"):
        raise TypeError(f"candidate_labels is {given!r}; it can be a str or a list of them")
    return list(given)
