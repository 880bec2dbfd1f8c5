# SPDX-License-Identifier: MIT
"""Pickled weights to safetensors, without running what a pickle can hold, and without torch.

`python -m libbert.convert DIR` is the command; `convert()` the same from a program.
"""

from __future__ import annotations

from .errors import ConvertError
from .run import DTYPES, REFERENCES, Options, convert

__all__ = ["DTYPES", "REFERENCES", "ConvertError", "Options", "convert"]
