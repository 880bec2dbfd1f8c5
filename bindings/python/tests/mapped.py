# SPDX-License-Identifier: MIT
"""Packed models, and how much of them a process has in memory."""

from __future__ import annotations

import os
import pathlib
import re

from libbert._ffi import lib


def pack(model: str | os.PathLike[str], to: str | os.PathLike[str]) -> None:
    """Write a packed file."""
    assert lib.bert_model_pack(os.fsencode(model), os.fsencode(to), None, None) == 0


def weights(path: str) -> tuple[int, int]:
    """KiB of a mapped file that this process has in memory, and its share of them: what several
    processes map counts for each by its part."""
    smaps = pathlib.Path("/proc/self/smaps").read_text()
    rss = pss = 0
    for part in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", smaps):
        if path in part.partition("\n")[0]:
            rss += number(part, "Rss")
            pss += number(part, "Pss")
    return rss, pss


def memory() -> tuple[int, int]:
    """KiB of all that this process has in memory, and its share of them."""
    rollup = pathlib.Path("/proc/self/smaps_rollup").read_text()
    return number(rollup, "Rss"), number(rollup, "Pss")


def number(text: str, field: str) -> int:
    """A field of smaps."""
    return int(re.findall(rf"^{field}: +(\d+)", text, re.M)[0])
