# SPDX-License-Identifier: MIT
"""The models of this process that batches share: each is loaded once."""

from __future__ import annotations

import os
import threading
from typing import Any

from .model import Model

Key = tuple[str, tuple[tuple[str, Any], ...]]

# By what was asked for: the model, and which file or folder it came from.
_models: dict[Key, tuple[Model, tuple[int, int, int]]] = {}
_lock = threading.Lock()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def model_of(path: str, loading: dict[str, Any]) -> Model:
    """The model at a path with these options of Model; loaded again if another file is there."""
    key = path, tuple(sorted(loading.items()))
    found = os.stat(path)
    place = found.st_dev, found.st_ino, found.st_mtime_ns
    with _lock:
        there = _models.get(key)
        if there is not None and there[1] == place:
            return there[0]
        model = Model(path, **loading)
        _models[key] = model, place
        return model


def release() -> None:
    """Forget the models of this process; calls that are under way end as ever."""
    with _lock:
        _models.clear()
