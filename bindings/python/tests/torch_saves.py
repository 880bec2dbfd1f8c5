# SPDX-License-Identifier: MIT
"""Writes files with the real torch.save(), and what safetensors makes of the same tensors.

For test_convert_torch.py, which runs it with the reference's Python: torch_saves.py DIR
"""

# mypy: ignore-errors
import sys
import warnings
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import transformers


def write_safetensors(path, state):
    """Each tensor with its own memory, as the converter writes tied ones."""
    own = {name: value.detach().clone().contiguous() for name, value in state.items()}
    safetensors.torch.save_file(own, path, metadata={"format": "pt"})


def save(folder, name, state):
    """Both formats, and what is expected of them."""
    torch.save(state, folder / f"{name}.bin")
    torch.save(state, folder / f"{name}.legacy.bin", _use_new_zipfile_serialization=False)
    write_safetensors(folder / f"{name}.safetensors", state)


def all_types():
    kinds = [
        torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32,
        torch.int16, torch.int8, torch.uint8, torch.bool, torch.uint16, torch.uint32, torch.uint64,
        torch.float8_e4m3fn, torch.float8_e5m2,
    ]  # fmt: skip
    values = torch.tensor([[0, 1, 2], [3, 4, 5]])
    return {str(kind): values.to(kind) for kind in kinds}


def views():
    base = torch.arange(60.0).reshape(3, 4, 5)
    return {
        "base": base,
        "transposed": base.transpose(0, 2),
        "part": base[1:, ::2, 1:4],
        "expanded": base[0, 0].expand(3, 5),
        "diagonal": torch.diagonal(base[0]),
        "scalar": base[2, 3, 4],
        "empty": torch.zeros(0, 7),
        "none of many": base[:, 4:],
        "parameter": torch.nn.Parameter(base[1].clone()),
        "unicode \u20ac": torch.arange(3, dtype=torch.int64),
        "position_ids": torch.arange(9).expand((1, -1)),
    }


def refused(folder):
    class Words(torch.nn.Module):
        def forward(self, x):
            return x

    warnings.simplefilter("ignore")
    ones = torch.ones(2, 2)
    torch.save({"a": torch.ones(2, dtype=torch.complex64)}, folder / "ComplexFloat.bin")
    torch.save({"a": torch.quantize_per_tensor(ones, 0.1, 0, torch.qint8)}, folder / "qtensor.bin")
    torch.save({"a": ones.to_sparse()}, folder / "sparse.bin")
    torch.save(
        {"a": torch.imag(torch.ones(2, dtype=torch.complex64).conj())}, folder / "negated.bin"
    )
    torch.save(torch.nn.Linear(2, 2), folder / "torch.nn.modules.linear.Linear.bin")
    torch.save({"a": np.ones(2)}, folder / "numpy.bin")
    torch.save({"model": {"a": ones}, "epoch": 3}, folder / "training.bin")
    torch.save([ones], folder / "list.bin")
    torch.jit.script(Words()).save(folder / "TorchScript.bin")


def main():
    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    save(folder, "types", all_types())
    save(folder, "views", views())
    torch.serialization.set_crc32_options(False)
    torch.save(views(), folder / "nosum.bin")
    torch.serialization.set_crc32_options(True)
    (folder / "refused").mkdir()
    refused(folder / "refused")
    config = transformers.BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=32,
    )  # fmt: skip
    model = transformers.BertForMaskedLM(config)
    state = model.state_dict()
    save(folder, "bert", state)
    config.architectures = ["BertForMaskedLM"]
    config.save_pretrained(folder / "config")
    if transformers.__version__.startswith("4."):
        model.save_pretrained(folder / "single", safe_serialization=False)
        model.save_pretrained(folder / "shards", safe_serialization=False, max_shard_size="8KB")
    print(torch.__version__, transformers.__version__)


main()
