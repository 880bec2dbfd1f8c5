# SPDX-License-Identifier: MIT
"""Find and open libbert.so.0."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

SONAME = "libbert.so.0"


def candidates() -> list[str]:
    """Where the library is looked for, in order.

    LIBBERT_LIBRARY (the file, or the folder that holds it) is the only place if it is set; else the
    package's own folder (wheels), the build folders of the source tree that the package lies in,
    and last the system's loader.
    """
    chosen = os.environ.get("LIBBERT_LIBRARY")
    if chosen:
        return [os.path.join(chosen, SONAME) if os.path.isdir(chosen) else chosen]
    package = Path(__file__).resolve().parent
    places = [package / "_native" / "lib" / SONAME]
    root = package.parents[2] if len(package.parents) > 2 else package
    if (root / "include" / "bert" / "base.h").is_file():
        places += [
            root / build / "out" / SONAME for build in (".", "build", "build/tests/gcc")
        ]
    return [*(str(place) for place in places if place.is_file()), SONAME]


def open_library(version: str, names: Iterable[str]) -> ctypes.CDLL:
    """The first library that is there, checked to be of this version with all these functions."""
    tried = []
    for path in candidates():
        try:
            library = ctypes.CDLL(path)
        except OSError as reason:
            tried.append(f"{path} ({reason})")
            continue
        check_library(library, path, version, names)
        return library
    raise ImportError(
        f"libbert can't find its library {SONAME}; tried {'; '.join(tried)}. "
        "Set LIBBERT_LIBRARY to the file or to its folder."
    )


def check_library(library: ctypes.CDLL, path: str, version: str, names: Iterable[str]) -> None:
    try:
        get = library.bert_version
    except AttributeError:
        raise ImportError(f"{path} is not libbert: it has no bert_version()") from None
    get.restype = ctypes.c_char_p
    found = get().decode()
    if found.split(".")[:2] != version.split(".")[:2]:
        raise ImportError(f"{path} is libbert {found}; this package is for {version}")
    missing = [name for name in names if not hasattr(library, name)]
    if missing:
        raise ImportError(f"{path} is libbert {found}, but lacks {', '.join(missing[:5])}")
