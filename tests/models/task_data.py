# SPDX-License-Identifier: MIT
"""The real texts that the models for the tasks learn from and are measured on.

Each set is parted so that nothing is measured on what was learnt: Banking77 and WikiANN as they
come, of the others every fifth article, paragraph or pair is for the test.
"""

import csv
import json
import re

ENTITIES = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]


def wikiann(data, part):
    """Sentences of eval/wikiann-en-PART.txt as lists of (word, label)."""
    sentence, found = [], []
    path = data / "eval" / f"wikiann-en-{part}.txt"
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.strip():
            word, label = line.split("\t")[0], line.rsplit("\t", 1)[1].strip()
            sentence.append((word.split(":", 1)[1], label))
        elif sentence:
            found.append(sentence)
            sentence = []
    return found


def banking(data, part):
    """(text, intent) of eval/banking77-PART.csv."""
    with open(data / "eval" / f"banking77-{part}.csv", encoding="utf-8", newline="") as f:
        return [(row["text"], row["category"]) for row in csv.DictReader(f)]


def xquad(data, test):
    """(question, context, answer, its first character) of eval/xquad-en.json."""
    found, path = [], data / "eval" / "xquad-en.json"
    for i, article in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
        if (i % 5 == 0) == test:
            found += [(q["question"], p["context"], a["text"], a["answer_start"])
                      for p in article["paragraphs"] for q in p["qas"] for a in q["answers"][:1]]
    return found


def stsb(data, test):
    """(sentence, sentence, how alike they are, from 0 to 1) of eval/stsb-en-dev.csv."""
    with open(data / "eval" / "stsb-en-dev.csv", encoding="utf-8", newline="") as f:
        rows = [(a, b, float(score) / 5) for a, b, score in csv.reader(f)]
    return [row for i, row in enumerate(rows) if (i % 5 == 0) == test]


def paragraphs(data, test):
    """text/wikitext2-test.txt as paragraphs, each a list of sentences; what the set has left out
    ("<unk>") is [UNK]."""
    found, path = [], data / "text" / "wikitext2-test.txt"
    lines = [line.strip() for line in path.read_text(encoding="utf-8").split("\n")]
    for i, line in enumerate(x for x in lines if x and not x.startswith("=")):
        if (i % 5 == 0) == test:
            line = re.sub(r" @([-,.])@ ", r"\1", line.replace("<unk>", "[UNK]"))
            found.append([s + " ." for s in line.removesuffix(" .").split(" . ")])
    return found
