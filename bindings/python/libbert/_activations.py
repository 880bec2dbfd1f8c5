# SPDX-License-Identifier: MIT
"""Activations of a CrossEncoder's logits, by the names of torch's classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from . import _tensors as t
from ._sbert import log, settings
from .errors import UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[Any]


def _softplus(x: Array) -> Array:
    result: Array = np.logaddexp(x, 0)
    return result


def _sigmoid(x: Array) -> Array:
    result: Array = np.exp(-_softplus(-x))
    return result


def _elu(x: Array) -> Array:
    result: Array = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    return result


def _softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    result: Array = powers / powers.sum(-1, keepdims=True)
    return result


_erf = np.vectorize(math.erf, [np.float64])


# With the defaults of torch's classes.
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda x: x,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leakyrelu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": _elu,
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * _elu(x)),
    "celu": _elu,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": _softplus,
    "logsigmoid": lambda x: -_softplus(-x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanhshrink": lambda x: x - np.tanh(x),
    "hardtanh": lambda x: np.clip(x, -1, 1),
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hardswish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "gelu": lambda x: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
    "softmax": _softmax,
}


def short_name(name: str) -> str:
    """"sigmoid" of "torch.nn.modules.activation.Sigmoid"."""
    return name.rsplit(".", 1)[-1].lower().replace("_", "")


def known(name: str, where: str = "activation_fn") -> str:
    """The name; UnsupportedError where it is none."""
    if short_name(name) not in FUNCTIONS:
        raise UnsupportedError(f"{where} {name!r} is not handled; of names {', '.join(FUNCTIONS)}")
    return name


def apply(function: Any, logits: NDArray[np.float32]) -> Array:
    """What becomes of logits [n, labels]."""
    if isinstance(function, str):
        name = short_name(known(function))
        if name == "identity":
            return logits
        return FUNCTIONS[name](logits.astype(np.float64)).astype(np.float32)
    if not callable(function):
        raise TypeError(f"activation_fn is {type(function).__name__}, neither a name nor callable")
    if isinstance(function, type):
        raise TypeError(f"activation_fn is the class {function.__name__}; an instance is wanted")
    of_torch = _is_of_torch(function)
    found = t.to_array(function(t.to_tensor(logits) if of_torch else logits))
    if len(found) != len(logits):
        raise ValueError(f"activation_fn gave {len(found)} scores of {len(logits)} pairs")
    return found


def _is_of_torch(function: Any) -> bool:
    """A function or module of torch, or a class of one's own that derives from its modules."""
    import sys

    modules = getattr(sys.modules.get("torch"), "nn", None)
    if modules is not None and isinstance(function, modules.Module):
        return True
    home = getattr(function, "__module__", None) or type(function).__module__
    return str(home).split(".")[0] == "torch" or str(type(function)).startswith("<class 'torch")


def saved_activation(folder: Path, labels: int) -> str:
    """The name of the activation that a model was saved with; else "sigmoid" for one label and
    "identity" for several."""
    usual = "sigmoid" if labels == 1 else "identity"
    own = settings(folder, "config_sentence_transformers.json").get("activation_fn")
    config = settings(folder, "config.json")
    nested = config.get("sentence_transformers")
    if own is None and isinstance(nested, dict):
        own = nested.get("activation_fn")
    if own is None:
        own = config.get("sbert_ce_default_activation_function")
    if not isinstance(own, str):
        return usual
    if not own.startswith("torch."):
        log.warning(
            "Activation function path %r is not trusted, using default activation function instead",
            own,
        )
        return usual
    return known(own, f"{folder}: the activation")
