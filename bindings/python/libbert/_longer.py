# SPDX-License-Identifier: MIT
"""A model with a longer limit than it was saved with."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from ._json_files import object_of_file, text_of_file, value_of
from .model import Model


def transformer_folder(path: Path) -> Path:
    """Where sentence_bert_config.json belongs, relative to the model's folder."""
    place = path / "modules.json"
    if not place.exists():
        return Path()
    modules = value_of(text_of_file(str(place)), str(place))
    return Path(modules[0].get("path", ""))


def longer(model: Model, length: int, loading: dict[str, Any]) -> Model:
    """Load a model again, with `length` as its max_seq_length.

    Its files are linked into a folder for the time of the load, beside a
    sentence_bert_config.json of their own.
    """
    if model.path is None or not Path(model.path).is_dir():
        raise ValueError(
            f"max_seq_length is {length}, but the model was saved with {model.max_length}, which "
            "only a model that is loaded from a folder may pass"
        )
    source = Path(model.path)
    place = transformer_folder(source) / "sentence_bert_config.json"
    if place.is_absolute() or ".." in place.parts:
        raise ValueError(f"{source / 'modules.json'}: path {str(place.parent)!r} leaves the folder")
    settings = object_of_file(str(source / place))
    settings["max_seq_length"] = length
    with tempfile.TemporaryDirectory(prefix="libbert-") as name:
        folder = Path(name)
        for path in source.rglob("*"):
            here = folder / path.relative_to(source)
            if path.is_dir():
                here.mkdir(exist_ok=True)
            elif path.relative_to(source) != place:
                here.symlink_to(path.resolve())
        (folder / place).write_text(json.dumps(settings))
        made = Model(folder, precision=model.precision, **loading)
    made.path = model.path
    return made
