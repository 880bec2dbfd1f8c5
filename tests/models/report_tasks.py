#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""F1, accuracy, exact match and correlation of `bert` and of the reference on real texts, with the
models of train_tasks.py; and whether all their answers are the same.

usage: report_tasks.py BERT MODELS DATA PYTHON4 [TASK...]

PYTHON4 is a Python with transformers 4.57 (tests/reference-venv.sh), for answers.  Exits 1 if an
answer differs: a label, a span, a token, an order, or a score by more than 1e-5.
"""

import collections
import json
import pathlib
import random
import re
import string
import subprocess
import sys

import torch
import transformers
from scipy.stats import spearmanr
from sentence_transformers import CrossEncoder
from transformers import (AutoTokenizer, BertForMaskedLM, BertForNextSentencePrediction,
                          BertForSequenceClassification, BertForTokenClassification, pipeline)

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "parity")]
from tag_reference import STRATEGIES, tag, tagger  # noqa: E402
from task_data import banking, paragraphs, stsb, wikiann, xquad  # noqa: E402

TEXTS, TOLERANCE, SHOW = 400, 1e-5, 3
EAGER = dict(dtype=torch.float32, attn_implementation="eager")
differences = 0


# ---- Both sides ------------------------------------------------------------------------------


def run(bert, folder, command, records, *args):
    lines = "".join(json.dumps(r) + "\n" for r in records)
    done = subprocess.run([bert, command, "-m", str(folder), "--json", "--jsonl", *args],
                          input=lines.encode(), capture_output=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr.decode()[-500:])
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]


def gap(a, b):
    """The widest gap between two answers' numbers; infinite if anything else differs."""
    if isinstance(a, float) or isinstance(b, float):
        return abs(a - b)
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        a, b = [a[k] for k in a], [b[k] for k in a]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return max(map(gap, a, b), default=0.0)
    return 0.0 if a == b else float("inf")


def compare(wants, haves):
    """A sentence: how many answers differ, and the widest gap between scores."""
    global differences
    gaps = [gap(a, b) for a, b in zip(wants, haves, strict=True)]
    wrong = [i for i, g in enumerate(gaps) if g > TOLERANCE]
    for i in wrong[:SHOW]:
        print(f"DIFFERENT, record {i}\n  reference {wants[i]}\n  libbert   {haves[i]}")
    differences += len(wrong)
    worst = max([g for g in gaps if g < float("inf")], default=0.0)
    return f"{len(gaps)} texts, {len(wrong)} differ, scores within {worst:.1e}"


def say(what, measure, reference, libbert, wants, haves):
    print(f"{what}: {measure} reference {reference}, libbert {libbert}; {compare(wants, haves)}",
          flush=True)


def load(cls, folder):
    return cls.from_pretrained(folder, **EAGER).eval(), AutoTokenizer.from_pretrained(folder)


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
    return f"{2 * right / (sum(map(len, golds)) + sum(map(len, spans))):.4f}"


def entities(bert, folder, data, _):
    sentences = wikiann(data, "test")[:TEXTS]
    texts = [" ".join(w for w, _ in s) for s in sentences]
    documents = [" ".join(texts[i:i + 50]) for i in range(0, len(texts), 50)]
    golds, pipe = list(map(gold_entities, sentences)), tagger(
        *load(BertForTokenClassification, folder))
    for strategy in STRATEGIES:
        found = []
        for group in [texts, documents]:
            have = run(bert, folder, "tag", [{"text": t} for t in group], "--aggregate", strategy,
                       "--offsets", "chars")
            found.append(([tag(pipe, t, strategy) for t in group], [r["entities"] for r in have]))
        want, have = found[0]
        if strategy == "none":  # of tokens: there are no spans to be right
            print(f"entities, none: {compare(want, have)}")
        else:
            say(f"entities, {strategy}", "F1", f1(golds, want), f1(golds, have), want, have)
        print(f"  read as documents of several windows: {compare(*found[1])}")


# ---- Intents --------------------------------------------------------------------------------


def intents(bert, folder, data, _):
    rows = banking(data, "test")
    rows = rows[::len(rows) // TEXTS][:TEXTS]
    model, tokenizer = load(BertForSequenceClassification, folder)
    pipe = pipeline("text-classification", device="cpu", model=model, tokenizer=tokenizer)
    want = [pipe(t, top_k=None, truncation=True) for t, _ in rows]
    have = [r["labels"] for r in run(bert, folder, "classify", [{"text": t} for t, _ in rows])]
    right = [sum(f[0]["label"] == c for f, (_, c) in zip(found, rows)) / len(rows)
             for found in (want, have)]
    # The best one, and all by name: far down the list neighbours are equal.
    want, have = ([[f[0]["label"], {x["label"]: x["score"] for x in f}] for f in found]
                  for found in (want, have))
    say("intents", "accuracy", f"{right[0]:.4f}", f"{right[1]:.4f}", want, have)


# ---- Answers ----------------------------------------------------------------------------------


def words(text):
    """As SQuAD's evaluation normalises."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def overlap(a, b):
    a, b = words(a), words(b)
    common = sum((collections.Counter(a) & collections.Counter(b)).values())
    return 2 * common / (len(a) + len(b)) if common else 0.0


def measured(found, asked):
    best = [(f[0]["answer"], gold) for f, (_, _, gold, _) in zip(found, asked)]
    return (f"{sum(words(x) == words(y) for x, y in best) / len(best):.4f} / "
            f"{sum(overlap(x, y) for x, y in best) / len(best):.4f}")


def answers(bert, folder, data, python4):
    asked = xquad(data, True)
    plain = [(q, c) for q, c, _, _ in asked]
    documents = [(q, "\n".join(c for _, c in plain[i - i % 5:i - i % 5 + 40]))
                 for i, (q, _) in enumerate(plain)][::8]
    runs = [dict(records=plain, null=False), dict(records=plain, top=3),
            dict(records=documents, null=False)]
    done = subprocess.run([python4, str(HERE.parent / "parity" / "answer_reference.py")],
                          stdout=subprocess.PIPE, input=json.dumps(
                              {"folder": str(folder), "runs": runs}).encode(), check=True)
    for one, want in zip(runs, json.loads(done.stdout)):
        args = ["--top", str(one.get("top", 1)), "--offsets", "chars"]
        args += [] if one.get("null", True) else ["--no-null"]
        have = run(bert, folder, "answer", [{"text": c, "question": q} for q, c in one["records"]],
                   *args)
        have = [r["answers"] for r in have]
        want, have = ([[{k: a[k] for k in ("answer", "score", "start", "end")} for a in f]
                       for f in found] for found in (want, have))
        if one is runs[0]:
            say("answers", "exact match / F1", measured(want, asked), measured(have, asked), want,
                have)
        elif one is runs[1]:
            print(f"  the best three, no answer among them: {compare(want, have)}")
        else:
            print(f"  out of documents of several windows: {compare(want, have)}")


# ---- Ranker -----------------------------------------------------------------------------------


def ranked(scores):
    """The order of (index, score), and the scores by index.  Neighbours that are equal to a
    millionth stand in the order of their indexes: two sides that round differently may differ."""
    order = sorted(scores, key=lambda s: -s[1])
    for i in range(len(order)):
        for j in range(len(order) - 1 - i):
            (a, x), (b, y) = order[j], order[j + 1]
            if a > b and abs(x - y) <= 1e-6:
                order[j], order[j + 1] = order[j + 1], order[j]
    return [[i for i, _ in order], [s for _, s in sorted(scores)]]


def ranker(bert, folder, data, _):
    rows, encoder = stsb(data, True), CrossEncoder(str(folder), device="cpu", model_kwargs=EAGER)
    want = [float(s) for s in encoder.predict([(a, b) for a, b, _ in rows])]
    have = [r["labels"][0]["score"] for r in run(
        bert, folder, "classify", [{"text": a, "pair": b} for a, b, _ in rows])]
    spearman = [f"{spearmanr(s, [gold for _, _, gold in rows]).statistic:.4f}"
                for s in (want, have)]
    say("ranker, pairs", "Spearman", *spearman, want, have)
    texts, want, have = [b for _, b, _ in rows[:200]], [], []
    queries = [i for i in range(200) if rows[i][2] >= 0.9][:10]
    for query in queries:
        found = encoder.rank(rows[query][0], texts)
        want.append(ranked([(f["corpus_id"], float(f["score"])) for f in found]))
        found = run(bert, folder, "rerank", [{"text": t} for t in texts], "--query",
                    rows[query][0])
        have.append(ranked([(f["index"], f["score"]) for f in found]))
    print(f"  {len(queries)} queries over {len(texts)} texts: {compare(want, have)}", flush=True)


# ---- Words ------------------------------------------------------------------------------------


def masked_texts(data, tokenizer):
    """(text, the words that were there): two thirds with one mask, the others with up to three."""
    rnd, found = random.Random(7), []
    sentences = [s for p in paragraphs(data, True) for s in p
                 if "[UNK]" not in s and 6 <= len(s.split()) <= 60]
    for i, sentence in enumerate(rnd.sample(sentences, min(TEXTS, len(sentences)))):
        parts = sentence.split()
        at = [k for k, w in enumerate(parts) if len(tokenizer.tokenize(w)) == 1 and w.isalpha()]
        at = sorted(rnd.sample(at, min(len(at), 1 if i % 3 else rnd.choice([1, 2, 3]))))
        gold = [parts[k].lower() for k in at]
        for k in at:
            parts[k] = tokenizer.mask_token
        if at:
            found.append((" ".join(parts), gold))
    return found


def fill(bert, folder, data, _):
    model, tokenizer = load(BertForMaskedLM, folder)
    pipe = pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu")
    texts = masked_texts(data, tokenizer)
    want = []
    for text, gold in texts:
        found = pipe(text)
        found = found if len(gold) > 1 else [found]
        want.append([[{"token": f["token_str"], "id": f["token"], "score": f["score"],
                       "text": f["sequence"]} for f in best] for best in found])
    have = [r["masks"] for r in run(bert, folder, "fill", [{"text": t} for t, _ in texts])]
    right = []
    for found in (want, have):
        masks = [([f["token"] for f in best], w) for (_, gold), each in zip(texts, found)
                 for best, w in zip(each, gold)]
        right.append(f"{sum(t[0] == w for t, w in masks) / len(masks):.4f} / "
                     f"{sum(w in t for t, w in masks) / len(masks):.4f}")
    say("words", "top 1 / top 5", *right, want, have)


# ---- Next sentence ----------------------------------------------------------------------------


def following(data):
    """(first, second, does it follow?)"""
    rnd, texts = random.Random(9), paragraphs(data, True)
    pairs = [(a, b) for p in texts for a, b in zip(p, p[1:])]
    return [(a, b, True) if i % 2 else (a, rnd.choice(rnd.choice(texts)), False)
            for i, (a, b) in enumerate(rnd.sample(pairs, min(TEXTS, len(pairs))))]


def next_sentence(bert, folder, data, _):
    model, tokenizer = load(BertForNextSentencePrediction, folder)
    pairs, want = following(data), []
    for a, b, _ in pairs:
        logits = model(**tokenizer(a, b, return_tensors="pt", truncation=True)).logits[0]
        want.append({"is_next": float(torch.softmax(logits, 0)[0]),
                     "logits": [float(x) for x in logits]})
    have = [{k: r[k] for k in ("is_next", "logits")} for r in run(
        bert, folder, "next", [{"text": a, "pair": b} for a, b, _ in pairs])]
    right = [f"{sum((f['is_next'] > 0.5) == p[2] for f, p in zip(found, pairs)) / len(pairs):.4f}"
             for found in (want, have)]
    say("next", "accuracy", *right, want, have)


REPORTS = {"entities": entities, "intents": intents, "answers": answers, "ranker": ranker,
           "words": fill, "next": next_sentence}


def main():
    bert, models, data, python4 = sys.argv[1], *map(pathlib.Path, sys.argv[2:4]), sys.argv[4]
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    with torch.inference_mode():
        for name in sys.argv[5:] or REPORTS:
            REPORTS[name](bert, models / name, data, python4)
    print(f"{differences} answers differ")
    return differences > 0


if __name__ == "__main__":
    sys.exit(main())
