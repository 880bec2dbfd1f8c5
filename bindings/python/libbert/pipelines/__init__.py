# SPDX-License-Identifier: MIT
"""The pipelines of the reference, with the same calls and the same results.

    from libbert import pipeline
    tagger = pipeline("token-classification", model="models/ner", aggregation_strategy="simple")
    tagger("Ada Lovelace lived in London.")   # [{"entity_group": "PER", "score": ..., ...}, ...]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._base import KeyDataset, KeyPairDataset, Pipeline, PipelineException, Stream

if TYPE_CHECKING:
    from .feature_extraction import FeatureExtractionPipeline as FeatureExtractionPipeline
    from .fill_mask import FillMaskPipeline as FillMaskPipeline
    from .question_answering import QuestionAnsweringPipeline as QuestionAnsweringPipeline
    from .text_classification import TextClassificationPipeline as TextClassificationPipeline
    from .token_classification import TokenClassificationPipeline as TokenClassificationPipeline
    from .zero_shot_classification import (
        ZeroShotClassificationPipeline as ZeroShotClassificationPipeline,
    )

TASKS = {
    "feature-extraction": "FeatureExtractionPipeline",
    "fill-mask": "FillMaskPipeline",
    "question-answering": "QuestionAnsweringPipeline",
    "text-classification": "TextClassificationPipeline",
    "token-classification": "TokenClassificationPipeline",
    "zero-shot-classification": "ZeroShotClassificationPipeline",
}
ALIASES = {"sentiment-analysis": "text-classification", "ner": "token-classification"}
_HOMES = {name: task.replace("-", "_") for task, name in TASKS.items()}
# What Model.task says where the reference would ask the hub.
_OF_MODELS = {
    "embedding": "feature-extraction", "encoder": "feature-extraction", "pretraining": "fill-mask"
}  # fmt: skip

__all__ = [
    "ALIASES",
    "TASKS",
    "KeyDataset",
    "KeyPairDataset",
    "Pipeline",
    "PipelineException",
    "Stream",
    "pipeline",
    *_HOMES,
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def pipeline(task: str | None = None, model: Any = None, **arguments: Any) -> Any:
    """A pipeline for a task.

    Args:
        task: "feature-extraction", "fill-mask", "question-answering", "text-classification"
            ("sentiment-analysis"), "token-classification" ("ner"), "zero-shot-classification";
            None: what the model is for.
        model: path of a model's folder or packed file, a Model, or a Session.
        arguments: tokenizer (a path or a RawTokenizer), batch_size, num_workers, device ("cpu" or
            -1), dtype ("float32", "bfloat16"), model_kwargs (options of Model); and parameters of
            the task, which calls may give too.  docs/python-pipelines.md lists all.

    Raises:
        KeyError: an unknown task.
        FileNotFoundError: there is no such model.
        UnsupportedError: the model is not for this task; the message names what it lacks.
        ValueError, TypeError: an argument that can't be honoured, by its name.
    """
    from ..session import Session
    from . import _arguments

    if model is None:
        raise ValueError("model is needed: no task has a default model")
    loading = _arguments.take(arguments)
    own = _arguments.load_tokenizer(arguments.pop("tokenizer", None), model)
    name = None if task is None else _class_of(task)
    source = _arguments.load(model, loading, name == TASKS["feature-extraction"])
    if name is None:
        kind = (source.model if isinstance(source, Session) else source).task
        name = _class_of(_OF_MODELS.get(kind, kind))
    made = __getattr__(name)(source, own, **arguments)
    made.owns = source is not model
    return made


def _class_of(task: str) -> str:
    name = TASKS.get(ALIASES.get(task, task))
    if name is None:
        raise KeyError(f"unknown task {task!r}; there are {', '.join(sorted([*TASKS, *ALIASES]))}")
    return name
