# SPDX-License-Identifier: MIT
"""Logits to scores, in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return result


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each."""
    with np.errstate(over="ignore"):
        result: NDArray[np.float32] = np.reciprocal(1 + np.exp(-logits), dtype=np.float32)
    return result


def scores_of(logits: NDArray[np.float32], function: str) -> NDArray[np.float32]:
    """By "softmax", "sigmoid" or "none"."""
    if function == "none":
        return logits
    return softmax(logits) if function == "softmax" else sigmoid(logits)
