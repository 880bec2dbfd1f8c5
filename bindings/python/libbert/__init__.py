# SPDX-License-Identifier: MIT
"""BERT-family encoders inside your program: the Python package of libbert.

    import libbert
    model = libbert.Model("models/all-MiniLM-L6-v2")
    vectors = model.embed(["a cat on a mat", "a kitten lies on the rug"])   # [2, 384] float32

Names are imported when they are first used, so that `import libbert` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import BertError as BertError
    from .model import Model as Model
    from .session import Session as Session

# Where a public name is.  One line for each, here and above.
_HOMES = {
    "BertError": "errors",
    "Model": "model",
    "Session": "session",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'libbert' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
