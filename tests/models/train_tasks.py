#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small models for the tasks, fine-tuned from all-MiniLM-L6-v2: to compare `bert` with the
reference on models that have learnt something (report_tasks.py), not to be good.

usage: train_tasks.py [--every N] BASE DATA OUT [ner|intents|qa ...]

  ner      entities, of 6000 sentences of WikiANN-en
  intents  77 intents of a bank's customers, Banking77
  qa       answers, four fifths of XQuAD-en's articles: far too few to be right often

BASE is the folder of all-MiniLM-L6-v2, DATA holds wikiann-en-train.txt, banking77-train.csv and
xquad-en.json; --every N learns from each N-th example only.  Development only, a few minutes each: the first three
layers are kept, the embeddings stay as they are, weights are written as F16.  One thread: the same machine gives the same model.
Needs the reference environment (tests/reference-venv.sh).
"""

import argparse
import csv
import json
import pathlib
import random
import sys
import time

import torch
from transformers import (AutoTokenizer, BertForQuestionAnswering, BertForSequenceClassification,
                          BertForTokenClassification)

ENTITIES = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
LIMIT = 256


# ---- Data -------------------------------------------------------------------------------


def wikiann(path):
    """Sentences as lists of (word, label)."""
    sentence, found = [], []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.strip():
            word, label = line.split("\t")[0], line.rsplit("\t", 1)[1].strip()
            sentence.append((word.split(":", 1)[1], label))
        elif sentence:
            found.append(sentence)
            sentence = []
    return found


def banking(path):
    with open(path, encoding="utf-8", newline="") as f:
        return [(row["text"], row["category"]) for row in csv.DictReader(f)]


def xquad(path, test):
    """(question, context, answer, its first character) of the test fifth, or of the others."""
    found = []
    for i, article in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
        if (i % 5 == 0) == test:
            found += [(q["question"], p["context"], a["text"], a["answer_start"])
                      for p in article["paragraphs"] for q in p["qas"] for a in q["answers"][:1]]
    return found


# ---- Examples: {"input_ids", "token_type_ids", labels...} ----------------------------------


def ner_examples(data, tokenizer):
    examples = []
    for sentence in wikiann(data / "wikiann-en-train.txt")[:6000]:
        e = tokenizer([w for w, _ in sentence], is_split_into_words=True, truncation=True,
                      max_length=96)
        labels, last = [], None
        for word in e.word_ids():
            if word is None:
                labels.append(-100)
            else:  # what continues a word continues its entity
                label = sentence[word][1]
                labels.append(ENTITIES.index("I" + label[1:] if word == last and label != "O"
                                             else label))
            last = word
        examples.append({"input_ids": e["input_ids"], "labels": labels})
    return examples


def intent_examples(data, tokenizer, names):
    return [{"input_ids": tokenizer(t, truncation=True, max_length=96)["input_ids"],
             "label": names.index(c)} for t, c in banking(data / "banking77-train.csv")]


def qa_examples(data, tokenizer):
    examples = []
    for question, context, answer, start in xquad(data / "xquad-en.json", False):
        e = tokenizer(question, context, truncation="only_second", max_length=384)
        first = e.char_to_token(start, sequence_index=1)
        last = e.char_to_token(start + len(answer) - 1, sequence_index=1)
        if first is not None and last is not None:
            examples.append({"input_ids": e["input_ids"], "token_type_ids": e["token_type_ids"],
                             "start": first, "end": last})
    return examples


# ---- Training -------------------------------------------------------------------------------


def padded(rows, value):
    n = max(map(len, rows))
    return torch.tensor([row + [value] * (n - len(row)) for row in rows])


def batch_of(examples):
    ids = [e["input_ids"] for e in examples]
    batch = {"input_ids": padded(ids, 0),
             "attention_mask": padded([[1] * len(i) for i in ids], 0)}
    if "token_type_ids" in examples[0]:
        batch["token_type_ids"] = padded([e["token_type_ids"] for e in examples], 0)
    if "labels" in examples[0]:
        batch["labels"] = padded([e["labels"] for e in examples], -100)
    if "label" in examples[0]:
        batch["labels"] = torch.tensor([e["label"] for e in examples])
    if "start" in examples[0]:
        batch["start_positions"] = torch.tensor([e["start"] for e in examples])
        batch["end_positions"] = torch.tensor([e["end"] for e in examples])
    return batch


def batches(examples, size, rnd):
    """Of like lengths, in a random order."""
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i]["input_ids"]),
                                                        rnd.random()))
    parts = [order[i:i + size] for i in range(0, len(order), size)]
    rnd.shuffle(parts)
    return [batch_of([examples[i] for i in part]) for part in parts]


def train(model, examples, epochs, size, rate):
    rnd = random.Random(5)
    model.train()
    model.bert.embeddings.requires_grad_(False)
    learnt = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=rate, weight_decay=0.01)
    steps = epochs * -(-len(examples) // size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / (0.1 * steps), (steps - s) / (0.9 * steps)))
    begun, step = time.time(), 0
    for _ in range(epochs):
        for batch in batches(examples, size, rnd):
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learnt, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            if step % 20 == 0:
                print(f"  step {step} of {steps}, loss {loss.item():.3f}, "
                      f"{time.time() - begun:.0f} s", flush=True)
    return model.eval()


def save(model, tokenizer, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def make(cls, base, layers, **config):
    torch.manual_seed(5)
    return cls.from_pretrained(base, num_hidden_layers=layers, dtype=torch.float32, **config)


def named(labels):
    return dict(id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)})


def examples_of(task, data, tokenizer, names):
    if task == "ner":
        return ner_examples(data, tokenizer)
    return intent_examples(data, tokenizer, names) if task == "intents" else qa_examples(
        data, tokenizer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    for name in ("base", "data", "out"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("tasks", nargs="*", default=["ner", "intents", "qa"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    names = sorted({c for _, c in banking(args.data / "banking77-train.csv")})
    recipes = {"ner": (BertForTokenClassification, named(ENTITIES), 1, 32, 3e-4),
               "intents": (BertForSequenceClassification, named(names), 1, 32, 5e-4),
               "qa": (BertForQuestionAnswering, {}, 2, 16, 3e-4)}
    for task in args.tasks:
        print(task, flush=True)
        cls, config, epochs, size, rate = recipes[task]
        tokenizer.model_max_length = 512 if task == "qa" else LIMIT
        examples = examples_of(task, args.data, tokenizer, names)[::args.every]
        model = train(make(cls, args.base, 3, **config), examples, epochs, size, rate)
        save(model, tokenizer, args.out / task)
    return 0


if __name__ == "__main__":
    sys.exit(main())
