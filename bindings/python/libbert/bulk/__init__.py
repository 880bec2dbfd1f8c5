# SPDX-License-Identifier: MIT
"""A folder of texts to a folder of vectors, shard by shard, so that a killed run goes on.

`python -m libbert.bulk INPUT_DIR OUTPUT_DIR --model DIR` is the command; `main(argv)` the same from
a program; it returns the exit status.
"""

from __future__ import annotations

from .command import main

__all__ = ["main"]
