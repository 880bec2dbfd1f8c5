# SPDX-License-Identifier: MIT
"""Random BERTs of two shapes, in the forms that libbert and its rivals read.

Every contender gets the same weights: a Hugging Face folder (libbert, PyTorch, and OpenVINO,
which converts PyTorch's), and what is made of that when it is first asked for: ONNX files of
fused operators, GGUF files.
"""

import fcntl
import json
import math

import numpy as np

import gguf_file
import onnx_graph

SHAPES = {"minilm6": (6, 384, 12, 1536), "base": (12, 768, 12, 3072)}
VOCAB, POSITIONS, EPS = 8192, 512, 1e-12


def dense(name, n_in, n_out):
    yield name + ".weight", (n_out, n_in)
    yield name + ".bias", (n_out,)


def norm(name, n):
    yield name + ".weight", (n,)
    yield name + ".bias", (n,)


def tensors(shape):
    layers, hidden, _, inner = shape
    yield "embeddings.word_embeddings.weight", (VOCAB, hidden)
    yield "embeddings.position_embeddings.weight", (POSITIONS, hidden)
    yield "embeddings.token_type_embeddings.weight", (2, hidden)
    yield from norm("embeddings.LayerNorm", hidden)
    for i in range(layers):
        p = f"encoder.layer.{i}."
        for name in ("query", "key", "value"):
            yield from dense(p + "attention.self." + name, hidden, hidden)
        yield from dense(p + "attention.output.dense", hidden, hidden)
        yield from norm(p + "attention.output.LayerNorm", hidden)
        yield from dense(p + "intermediate.dense", hidden, inner)
        yield from dense(p + "output.dense", inner, hidden)
        yield from norm(p + "output.LayerNorm", hidden)


def random_tensor(rng, name, shape):
    values = rng.standard_normal(shape, "f4")
    if "LayerNorm.weight" in name:
        return 1 + 0.1 * values
    return values * (0.1 if len(shape) == 1 else 1 / math.sqrt(shape[1]))


def make(folder, shape):
    """Write the Hugging Face folder, unless it is there."""
    from safetensors.numpy import save_file

    if (folder / "config.json").exists():  # written last
        return
    folder.mkdir(parents=True, exist_ok=True)
    layers, hidden, heads, inner = shape
    rng = np.random.default_rng(7)
    weights = {n: random_tensor(rng, n, s) for n, s in tensors(shape)}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = {"model_type": "bert", "hidden_size": hidden, "num_hidden_layers": layers,
              "num_attention_heads": heads, "intermediate_size": inner, "vocab_size": VOCAB,
              "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
              "layer_norm_eps": EPS, "hidden_act": "gelu"}
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def kept(path, write):
    """The path, where write(path) has made a file, now or before; two may ask at once."""
    with open(path.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = path.with_suffix(".done")
        if not done.exists():
            write(path)
            done.touch()
    return path


def written_by(module, folder, *rest):
    """A writer of module.write_bert() with the folder's weights."""
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text())
    return lambda path: module.write_bert(
        path, load_file(folder / "model.safetensors"), config["num_hidden_layers"],
        config["num_attention_heads"], EPS, *rest)


def onnx(folder, kind, masked):
    path = folder / f"{kind}{'-masked' if masked else ''}.onnx"
    return kept(path, written_by(onnx_graph, folder, kind, masked))


def gguf(folder, kind):
    return kept(folder / f"{kind}.gguf", written_by(gguf_file, folder, kind))


def ids_of(lengths):
    """Ids of these sequences as bench-encode has them, padded by 0, and the mask."""
    ids = np.zeros((len(lengths), max(lengths)), "i8")
    mask = np.zeros_like(ids)
    start = 0
    for row, n in enumerate(lengths):
        ids[row, :n] = (np.arange(start, start + n) * 7919 + 13) % VOCAB
        mask[row, :n] = 1
        start += n
    return ids, mask


def flops(shape, batch, length):
    """Useful operations: four H x H and two H x F products a token, scores and sums."""
    layers, hidden, _, inner = shape
    a_token = 8 * hidden * hidden + 4 * hidden * inner
    return batch * layers * (length * a_token + 4 * length * length * hidden)


def weight_values(shape):
    """Values of the matrices that every batch reads."""
    layers, hidden, _, inner = shape
    return layers * (4 * hidden * hidden + 2 * hidden * inner)
