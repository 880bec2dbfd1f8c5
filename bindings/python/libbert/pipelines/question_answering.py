# SPDX-License-Identifier: MIT
"""Answers out of texts, as the pipeline of transformers 4 gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._base import Parameters, Pipeline, _batch, is_stream, refuse, text_of, top_of
from ._spans import Places, best_spans, probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._encodings import Encodings

TAKEN = ("question", "context", "X", "data")


class Example(NamedTuple):
    """A question, and the text that answers it."""

    question: str
    context: str


class Window(NamedTuple):
    """What a model says of a window: probabilities [tokens] of starts and ends, which tokens may
    be part of an answer [tokens], and where they are in the context."""

    starts: NDArray[np.float32]
    ends: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    places: Places


class QuestionAnsweringPipeline(Pipeline):
    """Answers to questions, each out of its context, by a model for extractive answers.

    An answer is {"score": float, "start": int, "end": int, "answer": str}; start and end are code
    points of the context.

    Parameters:
        top_k: answers at most; 1.  topk is its old name.
        doc_stride: tokens that the windows of a long context share; 128, or half a window.
        max_seq_len: tokens of a window, the question included; 384.
        max_answer_len: tokens of an answer at most; 15.
        handle_impossible_answer: that there is no answer may be one, with answer "".
        align_to_words: answers are whole words; True.
        padding, max_question_len: taken, without effect, as with the reference's fast tokenizers.
    """

    task = "question-answering"
    version = 4
    outputs = ("start_logits", "end_logits")

    def _parameters(self, **given: Any) -> Parameters:
        for name in ("padding", "max_question_len"):
            given.pop(name, None)
        topk = given.pop("topk", None)
        top_k = given.pop("top_k", None)
        found: dict[str, Any] = {"top_k": top_k if top_k is not None else topk}
        if found["top_k"] is not None:
            found["top_k"] = top_of(found["top_k"])
        longest = found["max_answer_len"] = given.pop("max_answer_len", None)
        if longest is not None and longest < 1:
            raise ValueError(f"max_answer_len is {longest}; it must be at least 1")
        for name in ("doc_stride", "max_seq_len", "handle_impossible_answer", "align_to_words"):
            found[name] = given.pop(name, None)
        refuse(given, self.task)
        return {name: value for name, value in found.items() if value is not None}

    def __call__(
        self,
        *args: Any,
        num_workers: int | None = None,
        batch_size: int | None = None,
        **parameters: Any,
    ) -> Any:
        """Answers to one question or several.

        Args:
            question, context: a str each, or lists; one context may serve several questions.
            args: or a dict {"question", "context"}, an object with question_text and
                context_text, a list of these, or a generator or dataset of them; or a question and
                its context.

        Returns:
            of one question an answer, or a list of them where there are several (or none); of a
            list of questions a list, but of a list of one what that one alone gives.
        """
        taken = {name: parameters.pop(name) for name in TAKEN if name in parameters}
        merged = {**self._given, **self._parameters(**parameters)}
        inputs = _inputs(args, taken)
        if isinstance(inputs, Sequence):
            inputs = [example_of(item) for item in inputs]
            if len(inputs) == 1:
                return self._run(inputs, merged)[0]
        return self._answer(inputs, merged, _batch(batch_size))

    def _run(self, items: list[Any], parameters: Parameters) -> list[Any]:
        examples = [example_of(item) for item in items]
        encodings = self._encode(examples, parameters)
        windows: list[list[Window]] = [[] for _ in examples]
        outputs = self.runner.forward_windows(encodings, ("start_logits", "end_logits"))
        for i, (starts, ends) in enumerate(outputs):
            window = self._window(encodings, i, starts, ends)
            windows[int(encodings.samples[i])].append(window)
        return [
            _answers(example.context, some, parameters)
            for example, some in zip(examples, windows)
        ]

    def _encode(self, examples: list[Example], parameters: Parameters) -> Encodings:
        limit = self.tokenizer.model_max_length or 384
        length = parameters.get("max_seq_len") or min(limit, 384)
        stride = parameters.get("doc_stride", min(length // 2, 128))
        if stride > length:
            raise ValueError(f"doc_stride {stride} is more than max_seq_len {length}")
        return self.tokenizer.encode_batch(
            [example.question for example in examples],
            [example.context for example in examples],
            max_length=length,
            stride=stride,
            overflow=True,
            strategy="only_second",
        )

    @cached_property
    def _cls_id(self) -> int | None:
        return self.tokenizer.special_id("cls")

    def _window(
        self,
        encodings: Encodings,
        i: int,
        starts: NDArray[np.float32],
        ends: NDArray[np.float32],
    ) -> Window:
        sequences = encodings.row(encodings.sequence_ids, i)
        # The cls token stays: some models say by it that there is no answer.
        allowed = (sequences == 1) | (encodings.row(encodings.ids, i) == self._cls_id)
        places = Places(
            encodings.row(encodings.offsets, i).astype(np.int64),
            np.where(sequences >= 0, encodings.row(encodings.word_ids, i), -1),
            sequences == 1,
        )
        return Window(
            probabilities(starts, allowed), probabilities(ends, allowed), allowed, places
        )


def _answers(context: str, windows: list[Window], parameters: Parameters) -> Any:
    """The best answers of all windows."""
    top_k = parameters.get("top_k", 1)
    align = parameters.get("align_to_words", True)
    # Some may become one when they are widened to words.
    wanted = 2 * top_k + 10 if align else top_k
    longest = parameters.get("max_answer_len", 15)
    found: dict[str, dict[str, Any]] = {}
    null = 1000000.0
    for window in windows:
        null = min(null, (window.starts[0] * window.ends[0]).item())
        window.starts[0] = window.ends[0] = 0.0
        for first, last, score in best_spans(
            window.starts, window.ends, wanted, longest, window.allowed
        ):
            start, end = window.places.span(first, last, align)
            answer = context[start:end]
            same = found.setdefault(
                answer.lower(), {"score": 0.0, "start": start, "end": end, "answer": answer}
            )
            same["score"] += score
    answers = list(found.values())
    if parameters.get("handle_impossible_answer", False):
        answers.append({"score": null, "start": 0, "end": 0, "answer": ""})
    answers = sorted(answers, key=lambda answer: answer["score"], reverse=True)[:top_k]
    return answers[0] if len(answers) == 1 else answers


def _inputs(args: tuple[Any, ...], taken: dict[str, Any]) -> Any:
    """A list of examples, or a stream of them."""
    if args:
        if len(args) == 2 and all(isinstance(arg, str) for arg in args):
            return [Example(*args)]
        given = args[0] if len(args) == 1 else list(args)
    elif "X" in taken or "data" in taken:
        given = taken["X"] if "X" in taken else taken["data"]
    elif "question" in taken and "context" in taken:
        return _pairs(taken["question"], taken["context"])
    else:
        raise ValueError("a question and its context are needed")
    if isinstance(given, (list, tuple)) and not isinstance(given, Example):
        return list(given)
    return given if is_stream(given) and not isinstance(given, Example) else [given]


def _pairs(question: Any, context: Any) -> list[dict[str, Any]]:
    if isinstance(question, str) and isinstance(context, str):
        return [{"question": question, "context": context}]
    if isinstance(question, list) and isinstance(context, str):
        context = [context] * len(question)
    if not isinstance(question, list) or not isinstance(context, list):
        raise ValueError(
            f"question is {type(question).__name__} and context {type(context).__name__}; they "
            "can be str and str, list and list, or list and str"
        )
    if len(question) != len(context):
        raise ValueError(f"{len(question)} questions, but {len(context)} contexts")
    return [{"question": q, "context": c} for q, c in zip(question, context)]


def example_of(item: Any) -> Example:
    """A question and its context out of the forms in which they come."""
    if isinstance(item, Example):
        return item
    if hasattr(item, "question_text") and hasattr(item, "context_text"):
        return Example(item.question_text, item.context_text)
    if not isinstance(item, Mapping):
        raise ValueError(
            f"a question is {type(item).__name__}; it can be a dict with question and context, or "
            "have question_text and context_text"
        )
    for name in ("question", "context"):
        if name not in item:
            raise KeyError(f"a question is a dict without {name!r}")
        if item[name] is None or item[name] == "":
            raise ValueError(f"{name} is {item[name]!r}")
    for name in set(item) - {"question", "context"}:
        raise TypeError(f"a question is a dict with {name!r}; it takes question and context")
    return Example(text_of(item["question"]), text_of(item["context"]))
