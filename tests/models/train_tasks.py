#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small models for the tasks, fine-tuned from all-MiniLM-L6-v2: to compare `bert` with the
reference on models that have learnt something (report_tasks.py), not to be good.

usage: train_tasks.py [--every N] BASE DATA OUT [TASK...]

  entities  of 6000 sentences of WikiANN-en
  intents   77 of a bank's customers, of each second text of Banking77
  answers   out of four fifths of XQuAD-en: far too few to be right often
  ranker    a cross-encoder: how alike two sentences are, four fifths of STS-B's dev set
  words     BERT's pre-training, for its masks, on the test part of WikiText-2
  next      does a sentence follow, of half of those

BASE is the folder of all-MiniLM-L6-v2, DATA has eval/ and text/ (docs/tasks.md says what is in
them); --every N learns from each N-th example only.  Three layers are kept, the embeddings stay
as they are, weights are written as F16.  A model appears whole in OUT or not at all.  One thread:
the same machine gives the same models.  `make task-models` runs this; it needs the reference
environment (tests/reference-venv.sh).
"""

import argparse
import pathlib
import random
import shutil
import sys
import time

import torch
import transformers
from torch.nn.functional import cross_entropy
from transformers import (AutoTokenizer, BertForNextSentencePrediction, BertForPreTraining,
                          BertForQuestionAnswering, BertForSequenceClassification,
                          BertForTokenClassification)

from task_data import ENTITIES, banking, paragraphs, stsb, wikiann, xquad

LIMIT, SEED, IGNORED = 256, 5, -100


# ---- Examples: what the model is called with, a list or a number for each key ----------------


def entity_examples(data, tokenizer):
    examples = []
    for sentence in wikiann(data, "train")[:6000]:
        e = tokenizer([w for w, _ in sentence], is_split_into_words=True, truncation=True,
                      max_length=96)
        labels, last = [], None
        for word in e.word_ids():
            if word is None:
                labels.append(IGNORED)
            else:  # what continues a word continues its entity
                label = sentence[word][1]
                labels.append(ENTITIES.index("I" + label[1:] if word == last and label != "O"
                                             else label))
            last = word
        examples.append({"input_ids": e["input_ids"], "labels": labels})
    return examples


def intent_examples(data, tokenizer):
    names = intent_names(data)
    return [{"input_ids": tokenizer(t, truncation=True, max_length=96)["input_ids"],
             "labels": names.index(c)} for t, c in banking(data, "train")[::2]]


def answer_examples(data, tokenizer):
    examples = []
    for question, context, answer, start in xquad(data, False):
        e = tokenizer(question, context, truncation="only_second", max_length=384)
        first = e.char_to_token(start, sequence_index=1)
        last = e.char_to_token(start + len(answer) - 1, sequence_index=1)
        if first is not None and last is not None:
            examples.append({"input_ids": e["input_ids"], "token_type_ids": e["token_type_ids"],
                             "start_positions": first, "end_positions": last})
    return examples


def ranker_examples(data, tokenizer):
    """Each pair, and its first sentence with any other, which it is not like."""
    rnd, examples, rows = random.Random(SEED), [], stsb(data, False)
    for a, b, score in rows:
        for other, like in [(b, score), (rnd.choice(rows)[1], 0.0)]:
            e = tokenizer(a, other, truncation=True, max_length=96)
            examples.append({"input_ids": e["input_ids"], "token_type_ids": e["token_type_ids"],
                             "labels": [like]})
    return examples


def next_examples(data, tokenizer):
    """Sentences of a paragraph that follow each other, and as many that don't."""
    rnd, examples, texts = random.Random(SEED), [], paragraphs(data, False)
    for sentences in texts:
        for a, b in zip(sentences[::2], sentences[1::2]):
            other = rnd.random() < 0.5
            e = tokenizer(a, rnd.choice(rnd.choice(texts)) if other else b, truncation=True,
                          max_length=96)
            examples.append({"input_ids": e["input_ids"], "token_type_ids": e["token_type_ids"],
                             "labels": [int(other)]})
    return examples


def masked(ids, tokenizer, rnd):
    """The ids with masks as BERT's pre-training has them, and what stood there."""
    ids, labels = list(ids), [IGNORED] * len(ids)
    for i, token in enumerate(ids):
        if token not in tokenizer.all_special_ids and rnd.random() < 0.2:
            labels[i] = token
            kind = rnd.random()
            ids[i] = (tokenizer.mask_token_id if kind < 0.8 else
                      rnd.randrange(1000, len(tokenizer)) if kind < 0.9 else token)
    return ids, labels


def word_examples(data, tokenizer):
    rnd, examples = random.Random(SEED), next_examples(data, tokenizer)
    for e in examples:
        e["next_sentence_label"] = e["labels"][0]
        e["input_ids"], e["labels"] = masked(e["input_ids"], tokenizer, rnd)
    return examples


# ---- Training -------------------------------------------------------------------------------


def padded(rows, value):
    n = max(map(len, rows))
    return torch.tensor([row + [value] * (n - len(row)) for row in rows])


def batch_of(examples):
    ids = [e["input_ids"] for e in examples]
    batch = {"attention_mask": padded([[1] * len(i) for i in ids], 0)}
    for key, first in examples[0].items():
        values = [e[key] for e in examples]
        batch[key] = (padded(values, IGNORED if key == "labels" else 0)
                      if isinstance(first, list) else torch.tensor(values))
    return batch


def batches(examples, size, rnd):
    """Of like lengths, in a random order."""
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i]["input_ids"]),
                                                        rnd.random()))
    parts = [order[i:i + size] for i in range(0, len(order), size)]
    rnd.shuffle(parts)
    return [batch_of([examples[i] for i in part]) for part in parts]


def loss_of(model, batch):
    if "next_sentence_label" not in batch:
        return model(**batch).loss
    # Pre-training: the vocabulary's logits of the masked rows alone, which the model's own loss
    # works out for all.
    labels, follows = batch.pop("labels"), batch.pop("next_sentence_label")
    out, learnt = model.bert(**batch), labels != IGNORED
    scores, relation = model.cls(out.last_hidden_state[learnt], out.pooler_output)
    return cross_entropy(scores, labels[learnt]) + cross_entropy(relation, follows)


def train(model, examples, epochs, size, rate):
    rnd = random.Random(SEED)
    model.train()
    model.bert.embeddings.requires_grad_(False)
    learnt = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=rate, weight_decay=0.01)
    steps = epochs * -(-len(examples) // size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / (0.1 * steps), (steps - s) / (0.9 * steps)))
    begun, step = time.process_time(), 0
    for _ in range(epochs):
        for batch in batches(examples, size, rnd):
            loss = loss_of(model, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learnt, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            step += 1
            if step % 40 == 0 or step == steps:
                print(f"  step {step} of {steps}, loss {loss.item():.3f}, "
                      f"{time.process_time() - begun:.0f} s of a core", flush=True)
    return model.eval()


# ---- Models ---------------------------------------------------------------------------------


def intent_names(data):
    return sorted({c for _, c in banking(data, "train")})


def named(labels):
    return dict(id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)})


def make(cls, base, layers, **config):
    torch.manual_seed(SEED)
    model = cls.from_pretrained(base, dtype=torch.float32, **config)
    model.bert.encoder.layer = torch.nn.ModuleList(model.bert.encoder.layer[i] for i in layers)
    model.config.num_hidden_layers = len(layers)
    return model


def save(model, tokenizer, folder):
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    model.config.problem_type = None  # said which loss; to users it would say which function
    model.half().save_pretrained(new)
    tokenizer.save_pretrained(new)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


# Layers that are kept.  After the first three [CLS] is the same for all texts: models that
# judge by it learn nothing from there; the last two have gathered the text in it.
WORDS, TEXTS = (0, 1, 2), (0, 4, 5)

# class, layers, config, examples, epochs, size of a batch, rate
RECIPES = {
    "entities": (BertForTokenClassification, WORDS, lambda _: named(ENTITIES), entity_examples,
                 1, 32, 3e-4),
    "intents": (BertForSequenceClassification, TEXTS, lambda data: named(intent_names(data)),
                intent_examples, 1, 32, 5e-4),
    "answers": (BertForQuestionAnswering, WORDS, lambda _: {}, answer_examples, 1, 8, 3e-4),
    "ranker": (BertForSequenceClassification, TEXTS, lambda _: dict(
        num_labels=1, problem_type="multi_label_classification"), ranker_examples, 1, 16, 2e-4),
    "words": (BertForPreTraining, WORDS, lambda _: {}, word_examples, 2, 16, 5e-4),
    "next": (BertForNextSentencePrediction, TEXTS, lambda _: {},
             lambda *where: next_examples(*where)[::2], 1, 16, 2e-4),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    for name in ("base", "data", "out"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("tasks", nargs="*", default=list(RECIPES))
    args = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for task in args.tasks:
        cls, layers, config, examples_of, epochs, size, rate = RECIPES[task]
        tokenizer = AutoTokenizer.from_pretrained(args.base)
        tokenizer.model_max_length = 512 if task == "answers" else LIMIT
        examples = examples_of(args.data, tokenizer)[::args.every]
        print(f"{task}: {len(examples)} examples", flush=True)
        model = train(make(cls, args.base, layers, **config(args.data)), examples, epochs, size, rate)
        save(model, tokenizer, args.out / task)
    return 0


if __name__ == "__main__":
    sys.exit(main())
