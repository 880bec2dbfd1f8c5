#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""F1, accuracy and exact match of `bert` and of the reference's pipelines on real texts, with the
models of train_tasks.py; and whether all their answers are the same.

usage: report_tasks.py BERT MODELS DATA PYTHON4 [ner|intents|qa ...]

PYTHON4 is a Python with transformers 4.57 (tests/reference-venv.sh).  Exits 1 if an answer
differs: a label, a span, or a score by more than 1e-5.
"""

import collections
import json
import pathlib
import re
import string
import subprocess
import sys

import torch
from transformers import (AutoModelForSequenceClassification, AutoModelForTokenClassification,
                          AutoTokenizer, pipeline)

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "parity")]
from tag_reference import STRATEGIES, tag, tagger  # noqa: E402
from train_tasks import banking, wikiann, xquad  # noqa: E402

TEXTS, TOLERANCE, SHOW = 400, 1e-5, 3
differences = 0


def run(bert, folder, command, records, *args):
    lines = "".join(json.dumps(r) + "\n" for r in records)
    done = subprocess.run([bert, command, "-m", str(folder), "--json", "--jsonl", *args],
                          input=lines.encode(), capture_output=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr.decode()[-500:])
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]


def same(a, b):
    return a.keys() == b.keys() and all(
        abs(a[k] - b[k]) <= TOLERANCE if k == "score" else a[k] == b[k] for k in a)


def compare(what, wants, haves):
    """The number that differ, and the widest gap between scores."""
    global differences
    worst, wrong = 0.0, 0
    for want, have in zip(wants, haves, strict=True):
        if len(want) == len(have) and all(map(same, want, have)):
            worst = max([worst] + [abs(a["score"] - b["score"]) for a, b in zip(want, have)])
            continue
        wrong += 1
        if wrong <= SHOW:
            print(f"DIFFERENT {what}\n  reference {want}\n  libbert   {have}")
    differences += wrong
    return f"{len(wants)} texts, {wrong} differ, scores within {worst:.1e}"


# ---- Entities ------------------------------------------------------------------------------


def gold_entities(sentence):
    at, spans, open_span = 0, set(), None
    for word, label in sentence + [("", "O")]:
        if open_span and label != "I-" + open_span[2]:
            spans.add(tuple(open_span))
            open_span = None
        if label != "O" and open_span is None:
            open_span = [at, at + len(word), label[2:]]
        elif open_span:
            open_span[1] = at + len(word)
        at += len(word) + 1
    return spans


def f1(golds, founds):
    spans = [{(e["start"], e["end"], e["entity"]) for e in found} for found in founds]
    right = sum(len(g & s) for g, s in zip(golds, spans))
    return 2 * right / (sum(map(len, golds)) + sum(map(len, spans)))


def ner(bert, folder, data, _):
    sentences = wikiann(data / "wikiann-en-test.txt")[:TEXTS]
    texts = [" ".join(w for w, _ in s) for s in sentences]
    golds = list(map(gold_entities, sentences))
    pipe = tagger(AutoModelForTokenClassification.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval(),
        AutoTokenizer.from_pretrained(folder))
    documents = [" ".join(texts[i:i + 50]) for i in range(0, len(texts), 50)]
    for strategy in STRATEGIES:
        args = ["--aggregate", strategy, "--offsets", "chars"]
        want = [tag(pipe, t, strategy) for t in texts]
        have = [r["entities"] for r in run(bert, folder, "tag", [{"text": t} for t in texts], *args)]
        print(f"entities, {strategy}: F1 reference {f1(golds, want):.4f}, libbert "
              f"{f1(golds, have):.4f}; {compare(strategy, want, have)}")
        have = run(bert, folder, "tag", [{"text": t} for t in documents], *args)
        print("  documents:", compare(strategy, [tag(pipe, t, strategy) for t in documents],
                                      [r["entities"] for r in have]))


# ---- Intents --------------------------------------------------------------------------------


def intents(bert, folder, data, _):
    rows = banking(data / "banking77-test.csv")
    rows = rows[::len(rows) // TEXTS][:TEXTS]
    pipe = pipeline("text-classification", device="cpu", tokenizer=AutoTokenizer.from_pretrained(
        folder), model=AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval())
    want = [pipe(t, top_k=3, truncation=True) for t, _ in rows]
    have = [r["labels"] for r in run(bert, folder, "classify", [{"text": t} for t, _ in rows],
                                     "--top", "3")]
    accuracy = [sum(f[0]["label"] == c for f, (_, c) in zip(found, rows)) / len(rows)
                for found in (want, have)]
    print(f"intents: accuracy reference {accuracy[0]:.4f}, libbert {accuracy[1]:.4f}; "
          f"{compare('intents', want, have)}")


# ---- Answers ----------------------------------------------------------------------------------


def words(text):
    """As SQuAD's evaluation normalises."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def overlap(a, b):
    a, b = words(a), words(b)
    common = sum((collections.Counter(a) & collections.Counter(b)).values())
    return 2 * common / (len(a) + len(b)) if common else 0.0


def qa(bert, folder, data, python4):
    asked = xquad(data / "xquad-en.json", True)
    plain = [(q, c) for q, c, _, _ in asked]
    documents = [(q, "\n".join(c for _, c in plain[i - i % 5:i - i % 5 + 40]))
                 for i, (q, _) in enumerate(plain)][::8]
    runs = [dict(records=plain, null=False), dict(records=plain, top=3),
            dict(records=documents, null=False)]
    done = subprocess.run([python4, str(HERE.parent / "parity" / "answer_reference.py")],
                          capture_output=True, input=json.dumps(
                              {"folder": str(folder), "runs": runs}).encode(), check=True)
    for one, want in zip(runs, json.loads(done.stdout)):
        args = ["--top", str(one.get("top", 1)), "--offsets", "chars"]
        args += [] if one.get("null", True) else ["--no-null"]
        have = run(bert, folder, "answer", [{"text": c, "question": q} for q, c in one["records"]],
                   *args)
        have = [r["answers"] for r in have]
        want = [[{k: a[k] for k in ("answer", "score", "start", "end")} for a in f] for f in want]
        what = "documents" if one["records"] is documents else f"top {one.get('top', 1)}"
        print(f"answers, {what}: {compare(what, want, have)}")
        if one is runs[0]:
            for name, found in [("reference", want), ("libbert", have)]:
                best = [(f[0]["answer"], a[2]) for f, a in zip(found, asked)]
                print(f"  {name}: exact match {sum(words(x) == words(y) for x, y in best)} of "
                      f"{len(best)}, F1 {sum(overlap(x, y) for x, y in best) / len(best):.4f}")


def main():
    bert, models, data, python4 = sys.argv[1], *map(pathlib.Path, sys.argv[2:4]), sys.argv[4]
    torch.set_num_threads(2)
    with torch.inference_mode():
        for name, report in [("ner", ner), ("intents", intents), ("qa", qa)]:
            if len(sys.argv) < 6 or name in sys.argv[5:]:
                report(bert, models / name, data, python4)
    return differences > 0


if __name__ == "__main__":
    sys.exit(main())
