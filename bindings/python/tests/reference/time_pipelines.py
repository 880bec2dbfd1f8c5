#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long the token-classification pipeline takes, here and in the reference, and that both say
the same.

usage: time_pipelines.py TOKENIZER TEXTS [--paragraphs 200] [--batch 1]

Needs torch and transformers.  TOKENIZER is a folder with tokenizer.json, such as that of
all-MiniLM-L6-v2, after whose sizes a random BertForTokenClassification is made; TEXTS a file of
which the longest paragraphs are taken, in their order.
"""

from __future__ import annotations

import argparse
import importlib
import pathlib
import shutil
import statistics
import sys
import tempfile
import time
from typing import Any, Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from pipeline_cases import differences, plain

import libbert

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]


def make(tokenizer: pathlib.Path, folder: pathlib.Path) -> None:
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    torch.manual_seed(1)
    config = transformers.BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536,
        initializer_range=0.1, id2label=dict(enumerate(TAGS)),
        label2id={tag: i for i, tag in enumerate(TAGS)},
    )  # fmt: skip
    transformers.BertForTokenClassification(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)


def texts_of(path: pathlib.Path, n: int) -> list[str]:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    kept = set(sorted(range(len(lines)), key=lambda i: -len(lines[i]))[:n])
    return [line for i, line in enumerate(lines) if i in kept]


def timed(call: Callable[[], Any], runs: int) -> tuple[float, float, Any]:
    """Medians of seconds, and of the process's CPU seconds; the last result."""
    times, used, result = [], [], None
    for _ in range(runs):
        start, cpu = time.perf_counter(), time.process_time()
        result = call()
        times.append(time.perf_counter() - start)
        used.append(time.process_time() - cpu)
    return statistics.median(times), statistics.median(used), result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("texts", type=pathlib.Path)
    parser.add_argument("--paragraphs", type=int, default=200)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of both; 0: theirs to choose")
    given = parser.parse_args()
    transformers: Any = importlib.import_module("transformers")
    texts = texts_of(given.texts, given.paragraphs)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        make(given.tokenizer, folder)
        options = {"aggregation_strategy": "simple"}
        if given.threads:
            torch: Any = importlib.import_module("torch")
            torch.set_num_threads(given.threads)
        ours = libbert.pipeline(
            "token-classification", folder, model_kwargs={"threads": given.threads}, **options
        )
        theirs = transformers.pipeline(
            "token-classification", str(folder), device=-1, batch_size=given.batch, **options
        )
        for call in (ours, theirs):
            call(texts[:4])
        tokens = sum(ours.tokenizer.encode_batch(texts, max_length=512).sizes.tolist())
        here, here_cpu, found = timed(lambda: ours(texts), given.runs)
        there, there_cpu, want = timed(lambda: theirs(texts), given.runs)
    wrong = differences(plain(found), plain(want))
    entities = sum(map(len, want))
    print(f"{len(texts)} texts, {tokens} tokens, {entities} entities, {len(wrong)} differences")
    print(f"libbert {here:.2f} s, transformers {there:.2f} s: {there / here:.2f} times")
    times = there_cpu / here_cpu
    print(f"CPU: libbert {here_cpu:.2f} s, transformers {there_cpu:.2f} s: {times:.2f} times")
    print("\n".join(wrong[:9]))


if __name__ == "__main__":
    main()
