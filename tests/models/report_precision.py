#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the task models of train_tasks.py lose in bf16 and int8: each task's measure on the texts
that it did not learn from, in points, beside fp32's; and in int8 calibrated on lines of WikiText.

usage: report_precision.py BERT MODELS DATA [TASK...]

Exits 1 if a task loses more than half a point, to a tenth of one.
"""

import pathlib
import subprocess
import sys
import tempfile

from scipy.stats import spearmanr
from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import report_tasks as tasks  # noqa: E402
from task_data import banking, stsb, wikiann, xquad  # noqa: E402

PRECISIONS = ("fp32", "bf16", "int8")
MOST_LOST = 0.5
LINES = 300  # to calibrate on
tasks.TEXTS = 4000  # a text is less than a point


def entities(run, folder, data):
    sentences = wikiann(data, "test")[:tasks.TEXTS]
    texts = [{"text": " ".join(w for w, _ in s)} for s in sentences]
    found = run("tag", texts, "--aggregate", "first", "--offsets", "chars")
    return {"F1": float(tasks.f1(list(map(tasks.gold_entities, sentences)),
                                 [r["entities"] for r in found]))}


def intents(run, folder, data):
    rows = banking(data, "test")
    found = run("classify", [{"text": t} for t, _ in rows])
    return {"accuracy": sum(f["labels"][0]["label"] == c
                            for f, (_, c) in zip(found, rows)) / len(rows)}


def answers(run, folder, data):
    asked = xquad(data, True)
    found = run("answer", [{"text": c, "question": q} for q, c, _, _ in asked],
                "--no-null", "--top", "1")
    exact, overlap = tasks.measured([r["answers"] for r in found], asked).split(" / ")
    return {"exact match": float(exact), "F1": float(overlap)}


def ranker(run, folder, data):
    rows = stsb(data, True)
    found = run("classify", [{"text": a, "pair": b} for a, b, _ in rows])
    scores = [r["labels"][0]["score"] for r in found]
    return {"Spearman": spearmanr(scores, [gold for _, _, gold in rows]).statistic}


def words(run, folder, data):
    texts = tasks.masked_texts(data, AutoTokenizer.from_pretrained(folder))
    found = run("fill", [{"text": t} for t, _ in texts])
    masks = [([f["token"] for f in best], w) for (_, gold), r in zip(texts, found)
             for best, w in zip(r["masks"], gold)]
    return {"top 1": sum(t[0] == w for t, w in masks) / len(masks),
            "top 5": sum(w in t for t, w in masks) / len(masks)}


def next_sentence(run, folder, data):
    pairs = tasks.following(data)
    found = run("next", [{"text": a, "pair": b} for a, b, _ in pairs])
    return {"accuracy": sum((f["is_next"] > 0.5) == p[2]
                            for f, p in zip(found, pairs)) / len(pairs)}


REPORTS = {"entities": entities, "intents": intents, "answers": answers, "ranker": ranker,
           "words": words, "next": next_sentence}


def calibrate(bert, folder, data, file):
    lines = (data / "text" / "wikitext2-test.txt").read_bytes().split(b"\n")[:LINES]
    subprocess.run([bert, "calibrate", str(folder), str(file)], input=b"\n".join(lines), check=True)


def report(bert, name, folder, data, file):
    """Prints a line for each measure; the most that is lost, in points."""
    def measures(*options):
        def run(command, records, *args):
            return tasks.run(bert, folder, command, records, "--precision", *options, *args)
        return REPORTS[name](run, folder, data)

    calibrate(bert, folder, data, file)
    found = {p: measures(p) for p in PRECISIONS}
    found["int8 calibrated"] = measures("int8", "--calibration", str(file))
    worst = 0.0
    for measure, full in found["fp32"].items():
        gains = {p: 100 * (found[p][measure] - full) for p in found if p != "fp32"}
        worst = max(worst, *(round(-gain, 1) for gain in gains.values()))
        print(f"{name}, {measure}: fp32 {100 * full:.2f}, "
              + ", ".join(f"{p} {gain:+.2f}" for p, gain in gains.items()), flush=True)
    return worst


def main():
    bert, models, data = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "calibration.json"
        lost = [name for name in sys.argv[4:] or REPORTS
                if report(bert, name, models / name, data, file) > MOST_LOST]
    if lost:
        print(f"more than {MOST_LOST} points are lost: {', '.join(lost)}")
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
