# SPDX-License-Identifier: MIT
"""Texts a second of encode(), of sentence-transformers and of libbert, in turn in one process.

    python bench_sentence_transformers.py MODEL TEXTS [--texts 2000] [--rounds 3] [--one-thread]

TEXTS is a file with a text a line.  The best of the rounds counts.  --one-thread compares CPU time
of one thread each, which says something on a machine that others use too.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any, Callable

os.environ["HF_HUB_OFFLINE"] = "1"


def single(model: Any, texts: list[str]) -> None:
    for text in texts:
        model.encode([text])


def batches(model: Any, texts: list[str]) -> None:
    for first in range(0, len(texts), 32):
        model.encode(texts[first:first + 32], batch_size=32)


def whole(model: Any, texts: list[str]) -> None:
    model.encode(texts, batch_size=32)


WAYS: dict[str, Callable[[Any, list[str]], None]] = {
    "1 text a call": single, "32 texts a call": batches, "one call": whole,
}  # fmt: skip


def models(path: str, one_thread: bool) -> dict[str, Any]:
    import torch
    from sentence_transformers import SentenceTransformer

    import libbert

    if one_thread:
        torch.set_num_threads(1)
    made = {"original": SentenceTransformer(path, device="cpu")}
    for compute in ("fp32", "bf16", "int8"):
        made[compute] = libbert.SentenceTransformer(
            path, compute=compute, threads=1 if one_thread else 0
        )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("file")
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one-thread", action="store_true")
    options = parser.parse_args()
    with open(options.file, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip()][:2000]
    texts = lines[:: max(1, len(lines) // options.texts)][: options.texts]
    clock = time.process_time if options.one_thread else time.perf_counter
    made = models(options.model, options.one_thread)
    for name, way in WAYS.items():
        best: dict[str, float] = {}
        for _ in range(options.rounds):
            for kind, model in made.items():
                start = clock()
                way(model, texts)
                best[kind] = min(best.get(kind, 1e9), clock() - start)
        rates = (
            f"{kind} {len(texts) / seconds:.0f}/s ({best['original'] / seconds:.2f}x)"
            for kind, seconds in best.items()
        )
        print(f"{name}: {', '.join(rates)}", flush=True)


if __name__ == "__main__":
    main()
