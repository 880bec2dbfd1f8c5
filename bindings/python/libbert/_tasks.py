# SPDX-License-Identifier: MIT
"""Tasks with a head: the methods that models and sessions share.

Each takes n texts, a lone str or bytes being one, and gives a Results list with a record for each.
errors="raise" raises what is wrong with the first text that has no answer; "keep" puts it into
Results.errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import byref
from typing import TYPE_CHECKING, Union

import numpy as np

from . import _options as o
from . import _read as read
from . import _structs as s
from . import results as r
from ._computes import Computes
from ._ffi import lib
from ._texts import Texts, encode, make_texts, text_of

if TYPE_CHECKING:
    from ._texts import TextsLike

    Several = Union[str, bytes, TextsLike]


def make_pairs(
    first: Several, second: Several, names: tuple[str, str] = ("texts", "pairs")
) -> tuple[Texts, Texts]:
    """Two lists of texts of one length."""
    a, b = make_texts(first, names[0]), make_texts(second, names[1])
    if a.n != b.n:
        raise ValueError(f"{a.n} {names[0]}, but {b.n} {names[1]}")
    return a, b


class TaskMethods(Computes):
    """Texts to labels, scores, entities, answers, tokens and choices."""

    def classify(
        self,
        texts: Several,
        pairs: Several | None = None,
        *,
        function: str = "auto",
        top: int = 0,
        max_length: int = 0,
        overlong: str = "cut_right",
        errors: str = "raise",
    ) -> r.Results[list[r.Label]]:
        """Labels of texts, or of pairs of texts, each the best first.

        Args:
            function: what is made of the logits: "auto" (as the model says), "softmax",
                "sigmoid" or "none".
            top: labels of a text; 0: all.
        """
        a = make_texts(texts)
        b = None
        if pairs is not None:
            a, b = make_pairs(texts, pairs)
        options = o.classify_options(function, top, max_length, overlong)
        keep = o.keeps_errors(errors)
        return self._results(
            a.n,
            lambda session, first, n, out, error: lib.bert_classify(
                session, a.at(first), b.at(first) if b else None, n, byref(options), out, error
            ),
            lib.bert_classifications_free,
            lambda address, first: read.read_classifications(address, keep, first),
        )

    def rerank(
        self,
        query: str | bytes,
        texts: Several,
        *,
        raw: bool = False,
        top: int = 0,
        max_length: int = 0,
        overlong: str = "cut_right",
        errors: str = "raise",
    ) -> r.Rankings:
        """Order texts by how well they answer a query.

        Args:
            raw: scores are the model's logits.
            top: texts in Rankings.best; 0: all.
        """
        view = text_of(encode(query, "query"))
        prepared = make_texts(texts)
        options = o.rerank_options(raw, top, max_length, overlong)
        keep = o.keeps_errors(errors)
        return self._result(
            lambda session, out, error: lib.bert_rerank(
                session, view, prepared.pointer, prepared.n, byref(options), out, error
            ),
            lib.bert_rankings_free,
            lambda address: read.read_rankings(address, keep),
        )

    def tag(
        self,
        texts: Several,
        *,
        aggregation: str = "simple",
        max_length: int = 0,
        stride: int | None = 0,
        errors: str = "raise",
    ) -> r.Results[list[r.Entity]]:
        """Entities of texts of any length, in the order of the text.

        Args:
            aggregation: "simple", "none", "first", "average" or "max".
            max_length: tokens of a window; 0: the model's limit.
            stride: tokens that windows share; 0: half a window, at most 128; None: they share none.
        """
        prepared = make_texts(texts)
        options = o.tag_options(aggregation, max_length, stride)
        keep = o.keeps_errors(errors)
        return self._results(
            prepared.n,
            lambda session, first, n, out, error: lib.bert_tag(
                session, prepared.at(first), n, byref(options), out, error
            ),
            lib.bert_entities_free,
            lambda address, first: read.read_entities(address, prepared, keep, first),
        )

    def answer(
        self,
        questions: Several,
        contexts: Several,
        *,
        top: int = 1,
        null: bool = True,
        max_answer: int = 0,
        max_length: int = 0,
        stride: int | None = 0,
        errors: str = "raise",
    ) -> r.Results[list[r.Answer]]:
        """Answers to questions, each out of its context of any length, the best first.

        Args:
            top: answers of a record at most.
            null: that the context holds no answer may be one.
            max_answer: tokens of an answer; 0: 15.
            max_length: tokens of a window, the question included; 0: 384.
            stride: tokens that windows share; 0: half a window, at most 128; None: they share none.
        """
        a, b = make_pairs(questions, contexts, ("questions", "contexts"))
        options = o.answer_options(top, null, max_answer, max_length, stride)
        keep = o.keeps_errors(errors)
        return self._results(
            a.n,
            lambda session, first, n, out, error: lib.bert_answer(
                session, a.at(first), b.at(first), n, byref(options), out, error
            ),
            lib.bert_answers_free,
            lambda address, first: read.read_answers(address, b, keep, first),
        )

    def next_sentence(
        self,
        texts: Several,
        pairs: Several,
        *,
        max_length: int = 0,
        overlong: str = "cut_right",
        errors: str = "raise",
    ) -> r.Results[r.Next]:
        """Whether each second text follows its first."""
        a, b = make_pairs(texts, pairs)
        options = o.next_options(max_length, overlong)
        keep = o.keeps_errors(errors)
        return self._results(
            a.n,
            lambda session, first, n, out, error: lib.bert_next_sentence(
                session, a.at(first), b.at(first), n, byref(options), out, error
            ),
            lib.bert_nexts_free,
            lambda address, first: read.read_nexts(address, keep, first),
        )

    def fill_mask(
        self,
        texts: Several,
        *,
        top: int = 5,
        targets: Iterable[str] | None = None,
        max_length: int = 0,
        overlong: str = "cut_right",
        errors: str = "raise",
    ) -> r.Results[list[list[r.Fill]]]:
        """What stands behind the masks of texts: of each text a list for each mask, the best first.

        Args:
            top: tokens for each mask.
            targets: only these tokens come.
        """
        prepared = make_texts(texts)
        options = o.fill_options(top, targets, max_length, overlong)
        keep = o.keeps_errors(errors)
        return self._results(
            prepared.n,
            lambda session, first, n, out, error: lib.bert_fill_mask(
                session, prepared.at(first), n, byref(options), out, error
            ),
            lib.bert_fills_free,
            lambda address, first: read.read_fills(address, keep, first),
        )

    def choose(
        self,
        prompts: Several,
        choices: Iterable[Iterable[str | bytes]],
        *,
        max_length: int = 0,
        overlong: str = "cut_right",
        errors: str = "raise",
    ) -> r.Results[r.Choices]:
        """Which of some texts goes best with a prompt; choices[i] are those of prompts[i]."""
        a = make_texts(prompts, "prompts")
        groups = [list(group) for group in choices]
        if len(groups) != a.n:
            raise ValueError(f"{a.n} prompts, but choices for {len(groups)}")
        b = make_texts([text for group in groups for text in group], "choices")
        offsets = np.zeros(a.n + 1, np.uintp)
        np.cumsum([len(group) for group in groups], out=offsets[1:])
        options = o.choose_options(max_length, overlong)
        keep = o.keeps_errors(errors)
        return self._result(
            lambda session, out, error: lib.bert_choose(
                session, a.pointer, a.n, b.pointer, offsets.ctypes.data, byref(options), out, error
            ),
            lib.bert_choices_free,
            lambda address: read.read_choices(address, keep),
        )

    def explain(
        self,
        text: str | bytes,
        pair: str | bytes | None = None,
        *,
        target: str = "auto",
        max_length: int = 0,
        overlong: str = "cut_right",
    ) -> r.Explanation:
        """Relevance of each token of a text, or of a pair, by attention rollout.

        Args:
            target: "auto", "first", "last" or "mean": the tokens that it is relevant for.
        """
        a = make_texts(text, "text")
        b = None if pair is None else make_texts(pair, "pair")
        options = o.explain_options(target, max_length, overlong)
        view = s.Text.from_address(a.pointer)
        return self._result(
            lambda session, out, error: lib.bert_explain(
                session, view, b.pointer if b else None, byref(options), out, error
            ),
            lib.bert_explanation_free,
            lambda address: read.read_explanation(address, a, b),
        )
