# SPDX-License-Identifier: MIT
"""Tokens in the places of masks."""

from __future__ import annotations

import warnings
from typing import Any

from .. import _constants as c
from ..results import Fill
from ._base import Parameters, Pipeline, PipelineException, refuse, text_of, top_of


class FillMaskPipeline(Pipeline):
    """What stands behind the masks of a text, by a model for masked language modelling.

    A token is {"score": float, "token": int, "token_str": str, "sequence": str}.

    Parameters:
        top_k: tokens for each mask, the best first; 5.
        targets: only these tokens come: a str or several.
        tokenizer_kwargs: truncation and max_length.
    """

    task = "fill-mask"
    heads = ("fill-mask", "pretraining", "embedding")

    def _parameters(self, **given: Any) -> Parameters:
        found: dict[str, Any] = {}
        top_k = given.pop("top_k", None)
        if top_k is not None:
            found["top_k"] = top_of(top_k)
        targets = given.pop("targets", None)
        if targets is not None:
            found["targets"] = self._tokens(targets)
        options = given.pop("tokenizer_kwargs", None)
        if options is not None:
            found["options"] = self._cut(options)
        refuse(given, self.task)
        return found

    def _cut(self, given: dict[str, Any]) -> dict[str, Any]:
        options = self.runner.options(given)
        if not options["add_special"]:
            raise ValueError("add_special_tokens=False is not taken by the fill-mask pipeline")
        if "strategy" not in options:
            return {"overlong": "error"}
        overlong = "cut_left" if options.get("side") == "left" else "cut_right"
        return {"overlong": overlong, "max_length": options["max_length"]}

    def _tokens(self, targets: Any) -> list[str]:
        """The targets as the vocabulary spells them; the first token of one that it lacks."""
        if not hasattr(targets, "__iter__"):
            raise TypeError(f"targets is {targets!r}; it can be a str or a list of them")
        tokenizer = self.tokenizer
        ids: dict[int, None] = {}
        for target in [targets] if isinstance(targets, str) else targets:
            found = tokenizer.id(target)
            if found is None:
                pieces = tokenizer.encode_batch([target], add_special=False).ids
                if not len(pieces):
                    warnings.warn(f"the target {target!r} has no token: left out", stacklevel=5)
                    continue
                found = int(pieces[0])
                warnings.warn(
                    f"the target {target!r} is not in the vocabulary; its first token "
                    f"{tokenizer.token(found)!r} stands for it",
                    stacklevel=5,
                )
            ids[found] = None
        if not ids:
            raise ValueError("targets has no token")
        return [tokenizer.token(i) or "" for i in ids]

    def __call__(self, inputs: Any, *args: Any, **parameters: Any) -> Any:
        """Tokens for the masks of one text or several.

        Returns:
            of one text a list of tokens, or with several masks a list of such lists; of a list a
            list of these, but of a list of one text what that text alone gives.
        """
        result = super().__call__(inputs, *args, **parameters)
        return result[0] if isinstance(inputs, list) and len(inputs) == 1 else result

    def _run(self, items: list[Any], parameters: Parameters) -> list[Any]:
        targets = parameters.get("targets")
        top_k = parameters.get("top_k", 5)
        found = self.runner.session.fill_mask(
            [text_of(item) for item in items],
            top=min(top_k, len(targets)) if targets else top_k,
            targets=targets,
            errors="keep",
            **(parameters.get("options") or {"overlong": "error"}),
        )
        for error in found.errors.values():
            if error.code == c.BERT_EINVAL and "mask" in error.message:
                raise PipelineException(self.task, self.model.architecture, error.message)
            raise error
        return [_form(masks) for masks in found]


def _form(masks: list[list[Fill]]) -> Any:
    rows = [
        [
            {"score": fill.score, "token": fill.id, "token_str": fill.token, "sequence": fill.text}
            for fill in mask
        ]
        for mask in masks
    ]
    return rows[0] if len(rows) == 1 else rows
