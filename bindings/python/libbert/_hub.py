# SPDX-License-Identifier: MIT
"""Names of models to folders on this machine; nothing is fetched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .errors import MissingFileError


def caches(folder: str | None) -> list[Path]:
    """Where the Hugging Face hub's client keeps what it fetched, the likeliest first."""
    if folder is not None:
        return [Path(folder)]
    home = os.environ.get("HF_HOME")
    base = Path(home) if home else Path.home() / ".cache" / "huggingface"
    named = [os.environ.get(key) for key in ("SENTENCE_TRANSFORMERS_HOME", "HF_HUB_CACHE")]
    return [*(Path(name) for name in named if name), base / "hub"]


def snapshot(repository: Path, revision: str) -> Path | None:
    """The folder of a branch or commit, if it is there."""
    reference = repository / "refs" / revision
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = repository / "snapshots" / commit
    return folder if (folder / "config.json").exists() else None


def resolve(
    name: Any, organization: str | None, cache: str | None = None, revision: str | None = None
) -> str:
    """The folder or packed file of a model: a path, or a name of the hub that was fetched before.

    Args:
        name: a path, "owner/name", or the name of a model of `organization`.
        cache: folder of the hub's cache; None: where its client has it.
        revision: branch or commit; None: "main".

    Raises:
        FileNotFoundError: it is neither; the message says how to fetch it.
    """
    path: str = os.fsdecode(name)
    if os.path.exists(path):
        return path
    names = [path] if "/" in path else []
    if "/" not in path and organization:
        names = [f"{organization}/{path}"]
    for candidate in names:
        if candidate.count("/") != 1 or candidate.startswith("."):
            continue
        for folder in caches(cache):
            repository = folder / ("models--" + candidate.replace("/", "--"))
            found = snapshot(repository, revision or "main")
            if found is not None:
                return str(found)
    raise MissingFileError(
        f"{path}: there is no such file or folder, nor a model of that name in the hub's cache; "
        f"libbert fetches nothing: `hf download {names[0] if names else path}` does"
    )
