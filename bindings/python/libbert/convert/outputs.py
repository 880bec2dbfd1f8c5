# SPDX-License-Identifier: MIT
"""What the new files make the model answer: by libbert, and beside transformers from the pickle."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .dtypes import Array, DType
from .errors import EXIT_OUTPUT, ConvertError
from .model import TARGET_INDEX, read_json

TOLERANCE = 1e-4
"""Of hidden states, or of their root mean square where that is over 1."""
LENGTHS = (2, 7, 24)


class Unavailable(Exception):
    """Why there is nothing to compare with."""


@dataclass(frozen=True)
class Answers:
    """Hidden states [tokens][hidden] of each sequence of ids, and who gave them."""

    by: str
    states: list[Array]


@contextlib.contextmanager
def staged(directory: Path, drafts: Mapping[Path, Path]) -> Iterator[Path]:
    """A folder of links that is the model as it will be; `drafts` are the new files by target."""
    folder = Path(tempfile.mkdtemp(prefix="libbert-convert-"))
    try:
        _link(directory, folder, {t.absolute(): d.absolute() for t, d in drafts.items()})
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(source: Path, folder: Path, drafts: Mapping[Path, Path]) -> None:
    source = source.absolute()
    mine = {target.name: draft for target, draft in drafts.items() if target.parent == source}
    for name in os.listdir(source):
        path = source / name
        hidden = name in mine or path in drafts.values() or (mine and name == TARGET_INDEX)
        if hidden:
            continue
        if any(path in target.parents for target in drafts):
            (folder / name).mkdir()
            _link(path, folder / name, drafts)
        else:
            (folder / name).symlink_to(path)
    for name, draft in mine.items():
        (folder / name).symlink_to(draft)


def make_ids(config: Mapping[str, Any]) -> list[list[int]]:
    """Sequences of random tokens, the same in every run, none of them padding."""
    random = np.random.default_rng(0)
    vocabulary = config.get("vocab_size")
    positions = config.get("max_position_embeddings")
    longest = positions - 4 if type(positions) is int else LENGTHS[-1]
    high = vocabulary if type(vocabulary) is int and vocabulary > 0 else 100
    padding = config.get("pad_token_id")
    allowed = np.array([i for i in range(min(high, 2**20)) if i != padding] or [0])
    return [
        [int(i) for i in random.choice(allowed, n)]
        for n in LENGTHS
        if n <= max(longest, LENGTHS[0])
    ]


def run_libbert(folder: Path, ids: list[list[int]], name: Path) -> Answers:
    """Load the folder with libbert and encode.  Unavailable: there is no library.

    `name` is what messages call the folder.
    """
    try:
        import libbert

        version = libbert.version()
    except (ImportError, AttributeError, OSError) as error:
        raise Unavailable(f"libbert's library could not be loaded ({error})") from None
    try:
        with libbert.Model(folder) as model:
            states = [np.asarray(model.encode([sequence])[0]) for sequence in ids]
    except libbert.BertError as error:
        reason = error.message.replace(os.fspath(folder), os.fspath(name))
        raise ConvertError(
            name, f"libbert can't use the converted model: {reason}", error.status
        ) from None
    return Answers(f"libbert {version}", states)


def run_transformers(folder: Path, ids: list[list[int]], dtype: DType | None) -> Answers:
    """The same of transformers, from the pickle; `dtype` is what its weights are rounded to."""
    try:
        torch: Any = importlib.import_module("torch")
        transformers: Any = importlib.import_module("transformers")
    except ImportError as error:
        raise Unavailable(f"transformers could not be imported ({error})") from None
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        model = transformers.AutoModel.from_pretrained(
            os.fspath(folder),
            use_safetensors=False,
            local_files_only=True,
            trust_remote_code=False,
            attn_implementation="eager",
        )
        model = model.float().eval()
        with torch.no_grad():
            if dtype is not None:
                half = {"F16": torch.float16, "BF16": torch.bfloat16}.get(dtype.name, torch.float32)
                for weight in model.parameters():
                    weight.data = weight.data.to(half).float()
            states = [
                model(input_ids=torch.tensor([sequence])).last_hidden_state[0].numpy()
                for sequence in ids
            ]
    except Exception as error:  # whatever it raises, it is no judgement of the new files
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Unavailable(f"transformers can't run the model ({text})") from None
    return Answers(f"transformers {transformers.__version__}", states)


def check_finite(answers: Answers, path: Path) -> None:
    """Raise ConvertError unless all that the new files answer is a number."""
    for i, states in enumerate(answers.states):
        if not states.size or not np.isfinite(states).all():
            raise ConvertError(
                path,
                f"{answers.by}: hidden states of sequence {i} are not finite",
                "BERT_ENONFINITE",
                EXIT_OUTPUT,
            )


def difference(ours: Answers, theirs: Answers, path: Path) -> float:
    """The largest difference; ConvertError if it is over the tolerance."""
    largest = 0.0
    for i, (a, b) in enumerate(zip(ours.states, theirs.states)):
        if a.shape != b.shape:
            raise ConvertError(
                path,
                f"sequence {i}: {ours.by} answers {list(a.shape)}, {theirs.by} {list(b.shape)}",
                "BERT_EINTERNAL",
                EXIT_OUTPUT,
            )
        wide = b.astype(np.float64)
        bound = TOLERANCE * max(1.0, float(np.sqrt(np.mean(wide * wide))))
        here = float(np.max(np.abs(a - wide)))
        if not here <= bound:
            raise ConvertError(
                path,
                f"sequence {i}: {ours.by} and {theirs.by} differ by {here:.3g}, "
                f"over {bound:.3g}; nothing was changed",
                "BERT_EINTERNAL",
                EXIT_OUTPUT,
            )
        largest = max(largest, here)
    return largest


def config_of(folder: Path) -> dict[str, Any]:
    """The model's config, or nothing."""
    path = folder / "config.json"
    config = read_json(path) if path.exists() else {}
    return config if isinstance(config, dict) else {}
