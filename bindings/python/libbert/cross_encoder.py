# SPDX-License-Identifier: MIT
"""CrossEncoder: pairs of texts to scores, in the shape of sentence-transformers."""

from __future__ import annotations

import os
from ctypes import byref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _options as o
from . import _read as read
from . import _tensors as t
from ._activations import apply, saved_activation
from ._constants import BERT_EFORMAT
from ._ffi import lib
from ._sbert import Base, check_batch_size, check_device, refuse, settings, slices, split_pairs
from ._texts import make_texts
from .errors import UnsupportedError, make_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._texts import Texts

POSITIONAL = ("num_labels", "max_length", "activation_fn", "device")
RENAMED = {
    "model_name": "model_name_or_path",
    "automodel_args": "model_kwargs",
    "tokenizer_args": "processor_kwargs",
    "tokenizer_kwargs": "processor_kwargs",
    "config_args": "config_kwargs",
    "cache_dir": "cache_folder",
    "default_activation_function": "activation_fn",
}


def read_logits(address: int, labels: int) -> NDArray[np.float32]:
    """[n, labels] of a bert_classifications without function.  The first that failed is raised."""
    n = lib.bert_classifications_size(address)
    out = np.empty((n, labels), np.float32)
    get, count = lib.bert_classifications_labels, lib.bert_classifications_count
    for i in range(n):
        row = out[i]
        if count(address, i) != labels:
            read.gather("classifications", address, False, 0, lambda _: None, None)
        for _, number, score in read.records_at(get(address, i), labels, read.LABEL):
            row[number] = score
    return out


def is_pair(inputs: Any) -> bool:
    """Whether it is one pair, and not several."""
    if isinstance(inputs, np.ndarray) and inputs.dtype.kind in "UO":
        return inputs.size > 0 and inputs.ndim < 2
    if isinstance(inputs, (list, tuple)):
        return len(inputs) > 0 and isinstance(inputs[0], (str, bytes))
    return False


class CrossEncoder(Base):
    """Pairs of texts to scores, with the arguments of sentence_transformers.CrossEncoder.

    Args:
        model_name_or_path: folder or packed file of a model, a name of the hub whose model was
            fetched before, or a Model.
        max_length: tokens of a pair; None: the model's limit.
        activation_fn: what becomes of the logits: None, as the model says; a name such as
            "sigmoid" or "identity"; a module or function of torch, called with a tensor; or a
            function of your own, called with an array [n, labels].
        num_labels: of the model; another is refused.
        prompts, default_prompt_name: instead of the model's.
        model_kwargs, compute, threads: as of SentenceTransformer.
    """

    organization = "cross-encoder"
    default_prompts: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, *arguments: Any, **options: Any) -> None:
        for name, value in zip(POSITIONAL, arguments[1:]):
            options.setdefault(name, value)
        for old, new in RENAMED.items():
            if old in options:
                options.setdefault(new, options.pop(old))
        self._load(*arguments[:1], **options)

    def _load(
        self,
        model_name_or_path: Any = None,
        *,
        num_labels: int | None = None,
        max_length: int | None = None,
        activation_fn: Any = None,
        keep_in_fp32_modules: Any = None,
        **options: Any,
    ) -> None:
        if keep_in_fp32_modules:
            raise refuse("keep_in_fp32_modules", keep_in_fp32_modules, "leave it out")
        self._given = activation_fn, options.get("prompts")
        super().__init__(model_name_or_path, **options)
        self._labels = len(self.model.labels)
        if "logits" not in self.model.outputs or not self._labels:
            why = self.model.head_missing or f"it is for {self.model.task}"
            raise UnsupportedError(f"{self.model.path}: the model has no head that scores: {why}")
        if num_labels is not None and num_labels != self._labels:
            raise refuse("num_labels", num_labels, f"the model has {self._labels}")
        if max_length is not None:
            self.max_seq_length = max_length
        if activation_fn is None:
            activation_fn = saved_activation(self._folder(), self._labels)
        self.activation_fn = activation_fn

    def _folder(self) -> Path:
        """The model's folder: the library keeps to itself what it reads there for rerank()."""
        if self.model.path is not None and os.path.isdir(self.model.path):
            return Path(self.model.path)
        if None in self._given:
            raise ValueError(
                f"{self.model.path}: the activation and the prompts of a model that is not a "
                "folder are not known; give activation_fn and prompts"
            )
        return Path(os.devnull)

    def _set_prompts(self, prompts: dict[str, str] | None, default: str | None) -> None:
        saved = settings(self._folder(), "config_sentence_transformers.json")
        own = saved.get("prompts") or {}
        if not isinstance(own, dict):
            raise make_error(
                BERT_EFORMAT, f"{self._folder()}: the prompts of config_sentence_transformers.json "
                f"are {type(own).__name__}, not an object",
            )  # fmt: skip
        self.prompts = {**own, **(prompts or {})}
        self._set_default_prompt(saved.get("default_prompt_name") if default is None else default)

    @property
    def num_labels(self) -> int:
        """Scores of a pair."""
        return self._labels

    @property
    def max_length(self) -> int:
        """Older name of max_seq_length."""
        return self.max_seq_length

    @max_length.setter
    def max_length(self, value: int | None) -> None:
        self.max_seq_length = value

    @property
    def default_activation_function(self) -> Any:
        """Older name of activation_fn."""
        return self.activation_fn

    # ---- Scores -------------------------------------------------------------------------------

    def predict(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Any = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        pool: Any = None,
        chunk_size: int | None = None,
        **options: Any,
    ) -> Any:
        """Scores of pairs.

        Args:
            inputs: n pairs of texts, or one pair; `sentences` is an older name.
            prompt_name, prompt: what is put before the first text of every pair.
            batch_size: what the progress bar counts; the library batches by tokens.
            show_progress_bar: as of SentenceTransformer.encode().
            activation_fn: instead of the model's; `activation_fct` is an older name.
            apply_softmax: of models with several labels.
            convert_to_numpy: False: a list of tensors (arrays where there is no torch).
            convert_to_tensor: one tensor of torch.
            device, pool, chunk_size: no effect; a device but "cpu" is refused.

        Returns:
            [n] float32 of a model with one label, else [n, labels]; without n for one pair.
        """
        if options:
            inputs, activation_fn = self._old_names(inputs, activation_fn, options)
        if inputs is None:
            raise TypeError("predict() missing 1 required positional argument: 'inputs'")
        check_batch_size(batch_size)
        check_device(device)
        if not hasattr(inputs, "__iter__"):
            raise TypeError(f"inputs is {type(inputs).__name__}; pairs of texts are wanted")
        single = is_pair(inputs)
        pairs = inputs.tolist() if isinstance(inputs, np.ndarray) else inputs
        firsts, seconds = split_pairs([pairs] if single else pairs)
        scores = self._scores(
            firsts, seconds, self._prompt(prompt, prompt_name), activation_fn, apply_softmax,
            batch_size, show_progress_bar,
        )  # fmt: skip
        found: Any = scores
        if convert_to_tensor:
            found = t.to_tensor(scores)
        elif not convert_to_numpy:
            found = t.rows_of(scores)
        elif not firsts:
            found = np.array([])
        return found[0] if single else found

    def _old_names(self, inputs: Any, function: Any, options: dict[str, Any]) -> tuple[Any, Any]:
        options.pop("num_workers", None)
        sentences = options.pop("sentences", None)
        old = options.pop("activation_fct", None)
        self._check_options(options, "predict")
        return sentences if inputs is None else inputs, old if function is None else function

    def _scores(
        self,
        firsts: list[Any],
        seconds: list[Any],
        prompt: str,
        function: Any,
        softmax: bool | None,
        batch_size: int,
        show: bool | None,
    ) -> NDArray[np.float32]:
        if not firsts:
            return np.empty(0, np.float32)
        if prompt:
            firsts = [prompt + text for text in firsts]
        logits = self._logits(firsts, seconds, batch_size, show)
        scores = apply(self.activation_fn if function is None else function, logits)
        if self._labels == 1 and scores.ndim > 1:
            scores = scores[:, 0]
        if softmax and scores.ndim > 1:
            powers = np.exp(scores - scores.max(1, keepdims=True))
            scores = powers / powers.sum(1, keepdims=True)
        return np.ascontiguousarray(scores, np.float32)

    def _logits(
        self, firsts: list[Any], seconds: list[Any], batch_size: int, show: bool | None
    ) -> NDArray[np.float32]:
        """[n, labels]."""
        a, b = make_texts(firsts, "first texts"), make_texts(seconds, "second texts")
        made = o.classify_options("none", max_length=self._length)
        out = np.empty((a.n, self._labels), np.float32)
        for first, last in slices(a.n, batch_size, show):
            out[first:last] = self.model._result(
                partial(self._call, a.at(first), b.at(first), last - first, made),
                lib.bert_classifications_free,
                lambda address: read_logits(address, self._labels),
                first,
            )
        # To bert_classify() an empty second text is none, to this class it is one of no tokens.
        for i, text in enumerate(seconds):
            if not text:
                out[i] = self._logits_of_ids(a, b, i)
        return out

    @staticmethod
    def _call(
        a: int, b: int, n: int, options: Any, session: int, out: Any, error: Any
    ) -> int:
        return int(lib.bert_classify(session, a, b, n, byref(options), out, error))

    def _logits_of_ids(self, a: Texts, b: Texts, i: int) -> NDArray[np.float32]:
        found = self.tokenizer.encode_batch(
            [a.data(i)], [b.data(i)], max_length=self.max_seq_length
        )
        types = [found.type_ids] if self.tokenizer.gives_types() else None
        return self.model.forward([found.ids], types, "logits")["logits"][0]

    def rank(
        self,
        query: Any,
        documents: Any,
        top_k: int | None = None,
        return_documents: bool = False,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Any = None,
        device: Any = None,
        pool: Any = None,
        chunk_size: int | None = None,
        **options: Any,
    ) -> list[dict[str, Any]]:
        """Documents by how well they answer a query.

        Args:
            query: a text.
            documents: n texts.
            top_k: the best so many; None: all.
            return_documents: with their texts.
            The others are those of predict().

        Returns:
            [{"corpus_id": int, "score": float, "text": str}], best first.
        """
        for name in ("apply_softmax", "convert_to_numpy", "convert_to_tensor"):
            options.pop(name, None)
        if options:
            _, activation_fn = self._old_names(query, activation_fn, options)
        if self._labels != 1:
            raise ValueError(
                "CrossEncoder.rank() only works for models with num_labels=1. Consider using "
                "CrossEncoder.predict() with input pairs instead."
            )
        texts = documents.tolist() if isinstance(documents, np.ndarray) else list(documents)
        scores = self.predict(
            [(query, text) for text in texts], prompt_name, prompt, batch_size,
            show_progress_bar, activation_fn, device=device,
        ).tolist()  # fmt: skip
        found = [{"corpus_id": i, "score": score} for i, score in enumerate(scores)]
        if return_documents:
            for entry, text in zip(found, texts):
                entry["text"] = text
        found.sort(key=lambda entry: entry["score"], reverse=True)
        return found[:top_k]
