# SPDX-License-Identifier: MIT
"""The last hidden states of texts."""

from __future__ import annotations

from typing import Any

from ._base import Parameters, Pipeline, refuse, text_of


class FeatureExtractionPipeline(Pipeline):
    """The vectors of a text's tokens, special ones included, by any model.

    Parameters:
        tokenize_kwargs: truncation, max_length, add_special_tokens, truncation_side.
        truncation: the first of them, by itself.
        return_tensors: arrays [1, tokens, hidden_size] float32 in place of lists.
    """

    task = "feature-extraction"

    def _parameters(self, **given: Any) -> Parameters:
        found: dict[str, Any] = {}
        options = dict(given.pop("tokenize_kwargs", None) or {})
        truncation = given.pop("truncation", None)
        if truncation is not None:
            if "truncation" in options:
                raise ValueError("truncation is given twice, by itself and in tokenize_kwargs")
            options["truncation"] = truncation
        if options:
            found["options"] = self.runner.options(options)
        arrays = given.pop("return_tensors", None)
        if arrays is not None:
            found["arrays"] = bool(arrays)
        refuse(given, self.task)
        return found

    def __call__(self, inputs: Any, *args: Any, **parameters: Any) -> Any:
        """Vectors of one text or several.

        Returns:
            of one text [1][tokens][hidden_size] float, of a list a list of such.
        """
        return super().__call__(inputs, *args, **parameters)

    def _run(self, items: list[Any], parameters: Parameters) -> list[Any]:
        options = parameters.get("options") or self.runner.options({})
        ids, types = self.runner.encode([(text_of(item), None) for item in items], options)
        states = self.runner.forward(ids, types, ("last_hidden_state",))
        if parameters.get("arrays"):
            return [state[None] for (state,) in states]
        return [state[None].tolist() for (state,) in states]
