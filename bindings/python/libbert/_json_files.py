# SPDX-License-Identifier: MIT
"""JSON files beside a model that only Python looks at."""

from __future__ import annotations

import json
from typing import Any

from ._constants import BERT_EFORMAT
from .errors import make_error


def value_of(text: str, path: str) -> Any:
    """What a file's text says; FormatError names the file."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as reason:
        raise make_error(BERT_EFORMAT, f"{path}: {reason or 'nested too deeply'}") from None


def text_of_file(path: str) -> str:
    """The text of a file of UTF-8, with or without a byte order mark; FormatError names it."""
    with open(path, encoding="utf-8-sig") as file:
        try:
            return file.read()
        except UnicodeDecodeError as reason:
            raise make_error(BERT_EFORMAT, f"{path}: {reason}") from None


def object_of_file(path: str) -> dict[str, Any]:
    """The object of a file; {} for another value, and where there is no file."""
    try:
        found = value_of(text_of_file(path), path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return found if isinstance(found, dict) else {}
