#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times libbert against ONNX Runtime and PyTorch: same weights, same ids, two threads, fp32.

usage: peers.py PROGRAM FOLDER [--models minilm6,base] [--shapes 1x16,1x128,1x512,32x128]
                [--peers ort,torch-eager,torch-sdpa] [--rounds 9] [--threads 2]

PROGRAM is bench-encode; random checkpoints are kept in FOLDER.  Each contender is a
process of its own that sleeps unless it is its turn; turns alternate, a turn is a few runs,
and its figure their median.  The table gives the median over the rounds and two ratios
peer / libbert (above 1, libbert is faster): of the medians, and of the fastest runs, which
a machine that is busy with something else disturbs less.  Before timing, the answers are
compared.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

SHAPES = {"minilm6": (6, 384, 12, 1536), "base": (12, 768, 12, 3072)}
VOCAB, POSITIONS, EPS = 8192, 512, 1e-12
TURN_MS = 60  # work in one turn, at least one run
REST_S = 0.03  # so that a rival's threads have stopped spinning


# ---- Checkpoints -----------------------------------------------------------------


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


def dense(name, n_in, n_out):
    yield name + ".weight", (n_out, n_in)
    yield name + ".bias", (n_out,)


def norm(name, n):
    yield name + ".weight", (n,)
    yield name + ".bias", (n,)


def random_tensor(rng, name, shape):
    values = rng.standard_normal(shape, "f4")
    if "LayerNorm.weight" in name:
        return 1 + 0.1 * values
    return values * (0.1 if len(shape) == 1 else 1 / math.sqrt(shape[1]))


def make(folder, shape):
    """The same random weights as a Hugging Face folder and as an ONNX file in it."""
    from safetensors.numpy import save_file

    import onnx_graph

    if (folder / "config.json").exists():  # written last
        return
    folder.mkdir(parents=True, exist_ok=True)
    layers, hidden, heads, inner = shape
    rng = np.random.default_rng(7)
    weights = {n: random_tensor(rng, n, s) for n, s in tensors(shape)}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    onnx_graph.write_bert(folder / "model.onnx", weights, layers, heads, EPS)
    config = {"model_type": "bert", "hidden_size": hidden, "num_hidden_layers": layers,
              "num_attention_heads": heads, "intermediate_size": inner, "vocab_size": VOCAB,
              "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
              "layer_norm_eps": EPS, "hidden_act": "gelu"}
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def ids_of(length, batch):
    return ((np.arange(length * batch) * 7919 + 13) % VOCAB).reshape(batch, length)


# ---- A rival in its own process ----------------------------------------------------


def load_ort(folder, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = ort.InferenceSession(str(folder / "model.onnx"), options,
                                   providers=["CPUExecutionProvider"])

    def prepare(length, batch):
        feed = {"ids": ids_of(length, batch).astype("i4"), "types": np.zeros((batch, length), "i4")}
        return lambda: session.run(None, feed)[0]

    return f"onnxruntime {ort.__version__}", prepare


def load_torch(folder, threads, attention):
    import torch
    from transformers import BertModel

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    model = BertModel.from_pretrained(folder, attn_implementation=attention,
                                      dtype=torch.float32, add_pooling_layer=False).eval()

    def prepare(length, batch):
        ids = torch.from_numpy(ids_of(length, batch))
        return lambda: model(input_ids=ids).last_hidden_state.numpy()

    return f"torch {torch.__version__.split('+')[0]} {attention}", prepare


def load(peer, folder, threads):
    if peer == "ort":
        return load_ort(folder, threads)
    return load_torch(folder, threads, peer.split("-")[1])


def work(peer, folder, threads):
    """Answer the commands of bench-encode on standard input."""
    name, prepare = load(peer, folder, threads)
    print(name, flush=True)
    made = {}
    for line in sys.stdin:
        command, length, batch, last = line.split()
        shape = (int(length), int(batch))
        if shape not in made:
            made[shape] = prepare(*shape)
        if command == "dump":
            made[shape]().astype("<f4").tofile(last)
            print("ok", flush=True)
            continue
        took = []
        for _ in range(int(last)):
            start = time.perf_counter()
            made[shape]()
            took.append((time.perf_counter() - start) * 1e3)
        print(*took, flush=True)


# ---- Comparison ----------------------------------------------------------------------


class Contender:
    def __init__(self, command):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True,
                                        stderr=None)
        self.name = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"peers.py: {self.process.args[:4]} ended")
        return line.strip()

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.answer()

    def turn(self, length, batch, runs):
        times = [float(t) for t in self.ask("time", length, batch, runs).split()]
        time.sleep(REST_S)
        return statistics.median(times), min(times)

    def dump(self, length, batch):
        with tempfile.NamedTemporaryFile() as f:
            self.ask("dump", length, batch, f.name)
            return np.fromfile(f.name, "<f4")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def warm(contender, length, batch):
    """Runs that make a turn last TURN_MS, after a few that nobody counts."""
    once = min(contender.turn(length, batch, 1)[0] for _ in range(3))
    return max(1, min(200, round(TURN_MS / once)))


def compare(ours, peers, model, length, batch, rounds):
    mine = ours.dump(length, batch)
    for p in peers:
        worst = float(abs(p.dump(length, batch) - mine).max())
        if not worst < 2e-4:
            sys.exit(f"peers.py: {p.name} and libbert differ by {worst:.2e} on {model}")
    everyone = [ours, *peers]
    runs = [warm(c, length, batch) for c in everyone]
    times = [[] for _ in everyone]
    for _ in range(rounds):
        for c, n, t in zip(everyone, runs, times):
            t.append(c.turn(length, batch, n))
    medians = [statistics.median(m for m, _ in t) for t in times]
    fastest = [min(low for _, low in t) for t in times]
    cells = [f"{model:8} {batch:3} x {length:3}  {medians[0]:22.2f}"]
    for m, low in zip(medians[1:], fastest[1:]):
        cells.append(f"{m:11.2f} {m / medians[0]:7.2f}  {low / fastest[0]:7.2f}")
    print("  ".join(cells), flush=True)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--models", default="minilm6,base")
    parser.add_argument("--shapes", default="1x16,1x128,1x512,32x128")
    parser.add_argument("--peers", default="ort,torch-eager,torch-sdpa")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    if sys.argv[1] == "--work":
        return work(sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4]))
    args = arguments()
    for model in args.models.split(","):
        folder = args.folder / model
        make(folder, SHAPES[model])
        ours = Contender([args.program, folder, args.threads])
        peers = [Contender([sys.executable, __file__, "--work", p, folder, args.threads])
                 for p in args.peers.split(",")]
        print(f"\n{model}, {args.threads} threads, fp32; milliseconds (median of {args.rounds}), "
              "ratio peer / libbert of medians and of fastest runs")
        print(f"{'':18}  {ours.name:>22}  " + "  ".join(f"{p.name:>28}" for p in peers))
        for shape in args.shapes.split(","):
            batch, length = map(int, shape.split("x"))
            compare(ours, peers, model, length, batch, args.rounds)
        for c in (ours, *peers):
            c.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
