# SPDX-License-Identifier: MIT
"""The arguments of the reference's pipeline(), most of which name what is not there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..model import Model
from ..session import Session

if TYPE_CHECKING:
    from .._tokenizer import RawTokenizer

# Arguments that only None, or what stands for it, can be.
ABSENT = {
    "config": "the configuration is that of the model's folder",
    "feature_extractor": "there are pipelines of texts only",
    "image_processor": "there are pipelines of texts only",
    "video_processor": "there are pipelines of texts only",
    "processor": "there are pipelines of texts only",
    "revision": "models are folders, and nothing is downloaded",
    "code_revision": "models are folders, and nothing is downloaded",
    "trust_remote_code": "code of a model's repository is never run",
    "pipeline_class": "the task says which class it is",
    "args_parser": "inputs are those of the documentation",
    "binary_output": "results are never pickled",
}
# Arguments that change nothing.
WITHOUT_EFFECT = ("token", "use_auth_token", "local_files_only", "modelcard")
PRECISIONS = {"float32": "fp32", "bfloat16": "bf16"}


def take(given: dict[str, Any]) -> dict[str, Any]:
    """Take pipeline()'s own arguments out of `given`: options for loading the model."""
    for name, reason in ABSENT.items():
        value = given.pop(name, None)
        if value is not None and value is not False:
            raise ValueError(f"{name}={_shown(value)} is not taken: {reason}")
    for name in WITHOUT_EFFECT:
        given.pop(name, None)
    if given.pop("use_fast", True) is False:
        raise ValueError("use_fast=False is not taken: there is one tokenizer, which is fast")
    _device(given)
    framework = given.pop("framework", None)
    if framework not in (None, "pt"):
        raise ValueError(f"framework={_shown(framework)} is not taken: there is none behind this")
    loading = dict(given.pop("model_kwargs", None) or {})
    precision = _precision(given) or _precision(loading)
    if precision and loading.setdefault("precision", precision) != precision:
        raise ValueError("dtype and precision contradict each other")
    return loading


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, (str, int, float)) else f"<{type(value).__name__}>"


def _device(given: dict[str, Any]) -> None:
    device = given.pop("device", None)
    if device is not None and device != -1 and str(device) != "cpu":
        raise ValueError(f'device={str(device)!r} is not taken: it computes on "cpu" (or -1) only')
    places = given.pop("device_map", None)
    if places not in (None, "cpu", "auto"):
        raise ValueError(f'device_map={places!r} is not taken: it computes on "cpu" only')


def _precision(given: dict[str, Any]) -> str | None:
    """A dtype of torch as a precision; None: as ever."""
    found = None
    for name in ("dtype", "torch_dtype"):
        value = given.pop(name, None)
        if value is None or value == "auto":
            continue
        kind = str(value).rpartition(".")[2]
        if kind not in PRECISIONS:
            raise ValueError(
                f"{name}={str(value)!r} is not taken; it can be {', '.join(PRECISIONS)}, or "
                'model_kwargs={"precision": "int8"}'
            )
        found = found or PRECISIONS[kind]
    return found


def load(model: Any, loading: dict[str, Any], no_head: bool) -> Model | Session:
    """The model, or sessions of one."""
    if isinstance(model, (Model, Session)):
        if loading:
            raise ValueError(f"{', '.join(loading)}: the model is loaded already")
        return model
    if not isinstance(model, (str, bytes, os.PathLike)):
        raise TypeError(
            f"model is {type(model).__name__}; it can be a path, a libbert.Model or a Session"
        )
    if not os.path.exists(model):
        raise FileNotFoundError(
            f"there is no {os.fsdecode(model)!r}: a model is a folder (or a packed file), and "
            "none is downloaded"
        )
    if no_head:
        loading.setdefault("no_head", True)
    return Model(model, **loading)


def load_tokenizer(tokenizer: Any, model: Any) -> RawTokenizer | None:
    """A tokenizer in place of the model's own; None for that."""
    from .._tokenizer import RawTokenizer

    tokenizer = getattr(tokenizer, "raw", tokenizer)  # of Tokenizer and AutoTokenizer
    if tokenizer is None or isinstance(tokenizer, RawTokenizer):
        return tokenizer
    if isinstance(tokenizer, (str, bytes, os.PathLike)):
        path = os.fsdecode(tokenizer)
        if isinstance(model, (str, bytes, os.PathLike)) and path == os.fsdecode(model):
            return None
        return RawTokenizer(path)
    raise TypeError(
        f"tokenizer is {type(tokenizer).__name__}; it can be a path or a libbert.RawTokenizer"
    )
