# SPDX-License-Identifier: MIT
"""Which pickles of a model directory become which files, and whether they fit the config."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .checkpoint import Checkpoint
from .errors import ConvertError, os_error, printable
from .pickles import Tensor

SINGLE = "pytorch_model.bin"
INDEX = "pytorch_model.bin.index.json"
TARGET = "model.safetensors"
TARGET_INDEX = "model.safetensors.index.json"
LINEARS = ("colbert_linear", "sparse_linear")
"""bge-m3's matrices for the vectors and for the weights of tokens."""

MAX_JSON = 16 * 2**20
MAX_INDEX = 100_000_000
MAX_SHARDS = 4096

_LAYERS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
_HIDDEN = ("hidden_size", "dim", "d_model", "n_embd")
_LAYER = re.compile(r"(?:^|\.)(?:layer|layers)\.(\d{1,6})\.")
_EMBEDDING = re.compile(r"(?:^|\.)(?:word_embeddings|tok_embeddings|embed_tokens)\.weight$")

Tensors = dict[str, "tuple[Checkpoint, Tensor]"]


@dataclass
class Job:
    """Pickles, the file that they become, and what must hold of their tensors."""

    sources: list[Path]
    target: Path
    check: Callable[[Job, Tensors], None]
    weight_map: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where all of it lies."""
        return self.target.parent

    @property
    def is_encoder(self) -> bool:
        """Has the weights of the transformer, not of a module after it."""
        return self.target.name == TARGET and "model_type" in _config(self.folder)

    @property
    def existing(self) -> Path | None:
        """What would be overwritten, or no longer be read."""
        names = [self.target.name, *([TARGET_INDEX] if self.target.name == TARGET else [])]
        for name in names:
            if os.path.lexists(self.target.with_name(name)):
                return self.target.with_name(name)
        return None

    def tensors(self, checkpoints: list[Checkpoint]) -> Tensors:
        """All tensors of its opened sources by name, checked."""
        result: Tensors = {}
        for checkpoint in checkpoints:
            for name, tensor in checkpoint.tensors.items():
                if name in result:
                    raise ConvertError(
                        checkpoint.path,
                        f"tensor {printable(name)} is in {result[name][0].path.name} too",
                    )
                result[name] = (checkpoint, tensor)
        for name, shard in self.weight_map.items():
            if name not in result or result[name][0].path.name != shard:
                raise ConvertError(
                    self.folder / INDEX,
                    f"tensor {printable(name)} is not in {printable(shard)}, "
                    'where "weight_map" says',
                )
        if not result:
            raise ConvertError(self.sources[0], "there is no tensor in it")
        self.check(self, result)
        return result


def plan(directory: Path) -> list[Job]:
    """What there is to convert: matrices beside the model, modules' weights, the model itself.

    In this order, so that a model that has its weights has the rest.
    """
    if not directory.is_dir():
        what = "not a directory" if directory.exists() else "no such directory"
        raise ConvertError(directory, what, "BERT_EIO")
    jobs = [
        Job([directory / f"{name}.pt"], directory / f"{name}.safetensors", _check_linear)
        for name in LINEARS
        if (directory / f"{name}.pt").exists()
    ]
    for folder in [*_modules(directory), directory]:
        job = _weights(folder)
        if job is not None:
            jobs.append(job)
    if not jobs:
        raise ConvertError(
            directory,
            f"neither {SINGLE} nor {INDEX} is there"
            + (f"; {TARGET} is, nothing to convert" if (directory / TARGET).exists() else ""),
            "BERT_EIO",
        )
    return jobs


def read_json(path: Path, limit: int = MAX_JSON) -> Any:
    """A JSON file of a bounded size."""
    try:
        with open(path, "rb") as file:
            text = file.read(limit + 1)
        if len(text) > limit:
            raise ConvertError(path, f"over {limit} bytes", "BERT_ELIMIT")
        return json.loads(text)
    except OSError as error:
        raise os_error(path, error) from None
    except (ValueError, RecursionError) as error:
        raise ConvertError(path, f"not JSON ({error})") from None


# ---- which files ------------------------------------------------------------------------


def _modules(directory: Path) -> list[Path]:
    """Folders of sentence-transformers' modules, other than the model's own."""
    path = directory / "modules.json"
    if not path.exists():
        return []
    modules = read_json(path)
    if not isinstance(modules, list):
        raise ConvertError(path, "not a list of modules")
    folders: list[Path] = []
    for module in modules:
        name = module.get("path") if isinstance(module, dict) else None
        if name is None or name == "":
            continue
        if not isinstance(name, str) or "\0" in name or name.startswith("/"):
            raise ConvertError(path, f"path {printable(str(name))} is no folder of the model")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise ConvertError(path, f"path {printable(name)} leaves the model's folder")
        folder = directory.joinpath(*parts)
        if parts and folder not in folders:
            folders.append(folder)
    return folders


def _weights(folder: Path) -> Job | None:
    if (folder / SINGLE).exists():
        return Job([folder / SINGLE], folder / TARGET, _check_model)
    if (folder / INDEX).exists():
        weight_map = _weight_map(folder / INDEX)
        shards = [folder / name for name in sorted(set(weight_map.values()))]
        return Job(shards, folder / TARGET, _check_model, weight_map)
    return None


def _weight_map(path: Path) -> dict[str, str]:
    index = read_json(path, MAX_INDEX)
    found = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(found, dict) or not found:
        raise ConvertError(path, '"weight_map" is missing, empty, or no object')
    for name, shard in found.items():
        plain = isinstance(shard, str) and shard not in ("", ".", "..")
        if not plain or "/" in shard or "\0" in shard:
            raise ConvertError(
                path,
                f'"weight_map": {printable(name)} lies in {printable(str(shard))}, '
                "which is not a plain file name",
            )
    if len(set(found.values())) > MAX_SHARDS:
        raise ConvertError(path, f'"weight_map" names over {MAX_SHARDS} files', "BERT_ELIMIT")
    return found


# ---- whether they fit -------------------------------------------------------------------


def _number(config: dict[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = config.get(name)
        if type(value) is int and value > 0:
            return value
    return None


def _config(folder: Path) -> dict[str, Any]:
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise ConvertError(folder / "config.json", "not an object")
    return config


def _check_model(job: Job, tensors: Tensors) -> None:
    """What can be told of any family without knowing it: vocabulary, width, layers.

    The rest is the library's, which loads the new file before it gets its name.
    """
    if not job.is_encoder:
        return
    config = _config(job.folder)
    _check_embedding(config, tensors)
    wanted = _number(config, _LAYERS)
    found = {int(m[1]) for m in map(_LAYER.search, tensors) if m}
    missing = next((i for i in range(wanted or 0) if i not in found), None)
    if found and missing is not None:
        raise ConvertError(
            job.sources[0],
            f"config.json says {wanted} layers; there is no tensor of layer {missing} "
            f"among those of {len(found)}",
        )


def _check_embedding(config: dict[str, Any], tensors: Tensors) -> None:
    vocabulary = _number(config, ("vocab_size",)) or 0
    for name, (checkpoint, tensor) in tensors.items():
        shape = tensor.shape
        if _EMBEDDING.search(name) and (len(shape) != 2 or shape[0] < vocabulary):
            raise ConvertError(
                checkpoint.path,
                f"tensor {printable(name)} has shape {list(shape)}; "
                f"config.json says {vocabulary} tokens",
            )


def _check_linear(job: Job, tensors: Tensors) -> None:
    """A bare torch.nn.Linear; libbert reads these names in the file of its own."""
    path = job.sources[0]
    if set(tensors) != {"weight", "bias"}:
        raise ConvertError(
            path,
            "a linear layer's tensors are weight and bias; these are "
            + ", ".join(printable(name) for name in sorted(tensors)[:4]),
        )
    shape, bias = tensors["weight"][1].shape, tensors["bias"][1].shape
    width = _number(_config(path.parent), _HIDDEN)
    rows = shape[0] if shape else 0
    if len(shape) != 2 or bias != (rows,) or not rows or (width and shape[1] != width):
        raise ConvertError(
            path, f"weight {list(shape)} and bias {list(bias)} don't fit hidden_size {width}"
        )
    if path.name.startswith("sparse") and rows != 1:
        raise ConvertError(path, f"weight has {rows} rows; 1 is expected")
