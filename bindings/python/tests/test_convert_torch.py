# SPDX-License-Identifier: MIT
"""The converter on what the real torch.save() wrote, against the real safetensors.

Needs the reference environment (tests/reference-venv.sh, or BERT_REFERENCE_PYTHON); skipped where
that is not.  With version 4 of transformers, which still writes pytorch_model.bin, its shards too.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from libbert.convert import ConvertError, Options, convert, outputs, safetensors
from libbert.convert.checkpoint import Checkpoint
from libbert.convert.tensors import Item

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent


def pythons() -> list[Path]:
    """The reference's, and its neighbour with transformers 4."""
    default = PACKAGE.parent.parent / ".reference" / "bin" / "python"
    first = Path(os.environ.get("BERT_REFERENCE_PYTHON") or default)
    places = [first, first.parent.parent / "transformers4" / "bin" / "python"]
    return [place for place in places if place.exists()]


pytestmark = pytest.mark.skipif(not pythons(), reason="no reference environment")


NAMES = [path.parent.parent.name for path in pythons()]


@pytest.fixture(scope="module", params=pythons(), ids=NAMES)
def saved(request: Any, tmp_path_factory: Any) -> tuple[Path, Path]:
    """The Python and the folder that it wrote."""
    folder = Path(tmp_path_factory.mktemp("torch"))
    done = subprocess.run(
        [request.param, HERE / "torch_saves.py", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return request.param, folder


def converted(path: Path) -> bytes:
    """The new file's bytes."""
    with Checkpoint(path) as file:
        items = [Item(name, file, x, x.dtype) for name, x in file.tensors.items()]
        head, ordered = safetensors.header(items)
        out = io.BytesIO()
        safetensors.write(cast(BinaryIO, out), head, ordered)
    return out.getvalue()


@pytest.mark.parametrize("name", ["types", "views", "bert"])
@pytest.mark.parametrize("suffix", [".bin", ".legacy.bin"])
def test_bytes_of_safetensors(saved: tuple[Path, Path], name: str, suffix: str) -> None:
    folder = saved[1]
    expected = (folder / f"{name}.safetensors").read_bytes()
    assert converted(folder / f"{name}{suffix}") == expected


def test_without_sums(saved: tuple[Path, Path]) -> None:
    folder = saved[1]
    assert converted(folder / "nosum.bin") == (folder / "views.safetensors").read_bytes()


def test_refusals(saved: tuple[Path, Path]) -> None:
    words = {"training": "not a tensor", "list": "a list", "negated": "negated"}
    files = sorted((saved[1] / "refused").iterdir())
    assert len(files) == 9
    for path in files:
        with pytest.raises(ConvertError) as caught:
            Checkpoint(path)
        assert words.get(path.stem, path.stem) in str(caught.value)
        assert caught.value.status == "BERT_EUNSUPPORTED"


def test_every_prefix_of_a_real_file(saved: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("types.bin", "types.legacy.bin"):
        raw = (saved[1] / name).read_bytes()
        path = tmp_path / name
        for size in range(0, len(raw), 7):
            path.write_bytes(raw[:size])
            with pytest.raises(ConvertError):
                Checkpoint(path)


@pytest.mark.parametrize("folder", ["single", "shards"])
def test_save_pretrained(saved: tuple[Path, Path], folder: str, tmp_path: Path) -> None:
    if not (saved[1] / folder).exists():
        pytest.skip("transformers 5 writes no pytorch_model.bin")
    assert (folder == "shards") == (saved[1] / folder / "pytorch_model.bin.index.json").exists()
    model = tmp_path / "model"
    shutil.copytree(saved[1] / folder, model)
    convert(model, Options(reference="off"))
    expected = (saved[1] / "bert.safetensors").read_bytes()
    assert (model / "model.safetensors").read_bytes() == expected


def command(
    python: Path, *arguments: Any, program: Sequence[str] = ("-m", "libbert.convert")
) -> Any:
    """The command in the reference's Python, which has torch and transformers."""
    return subprocess.run(
        [python, *program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=False,
    )


def has_library() -> bool:
    try:
        outputs.run_libbert(HERE, [], HERE)
    except outputs.Unavailable:
        return False
    except ConvertError:
        pass
    return True


needs_library = pytest.mark.skipif(not has_library(), reason="no library of libbert")


@pytest.fixture
def model(saved: tuple[Path, Path], tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(saved[1] / "config", folder)
    shutil.copy(saved[1] / "bert.bin", folder / "pytorch_model.bin")
    return folder


@needs_library
@pytest.mark.parametrize("dtype", [None, "f16", "bf16"])
def test_reference(saved: tuple[Path, Path], model: Path, dtype: str | None) -> None:
    options = ["--dtype", dtype] if dtype else []
    done = command(saved[0], model, "--reference", "require", *options)
    assert done.returncode == 0, done.stderr
    found = re.search(r"transformers [\d.]+ differs by (\S+) at most", done.stdout)
    assert found
    assert 0 < float(found[1]) <= 1e-5


@needs_library
def test_reference_that_differs(saved: tuple[Path, Path], model: Path) -> None:
    """Two tensors change places on the way: all bits are there, and the answers are others."""
    program = (
        "import sys; from libbert.convert import model; import libbert.convert.__main__ as m\n"
        "at = 'bert.encoder.layer.0.attention.self.'\n"
        "real = model.Job.tensors\n"
        "def swapped(self, checkpoints):\n"
        "    t = real(self, checkpoints); q, v = at + 'query.weight', at + 'value.weight'\n"
        "    return {**t, q: t[v], v: t[q]}\n"
        "model.Job.tensors = swapped\n"
        "sys.exit(m.main(sys.argv[1:]))"
    )
    done = command(saved[0], model, program=("-c", program))
    assert done.returncode == 1, done.stdout
    assert re.search(r"libbert \S+ and transformers \S+ differ by", done.stderr), done.stderr
    assert not (model / "model.safetensors").exists()


def test_require_without_torch(model: Path) -> None:
    done = command(Path(sys.executable), model, "--reference", "require")
    if done.returncode == 0:
        pytest.skip("this Python has torch")
    assert done.returncode == 1
    assert "outputs can't be compared" in done.stderr
    assert not (model / "model.safetensors").exists()
