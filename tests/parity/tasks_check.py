#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The task commands on real texts, with random small models of several families and real
tokenizers, against the reference's pipelines and cross-encoders.

usage: tasks_check.py BERT DATA [--texts N] [--only NAME]

DATA is the folder with tokenizers/ and eval/.  For each model: N texts of Banking77, WikiANN and
XQuAD (some longer than the model), single and as pairs, cut from both sides; rankings; masks.
Labels, ids, texts and orders must be equal, scores to 1e-5.  Prints the worst difference.
"""

import argparse
import csv
import gzip
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "fixtures")]
import cli_compare
import cli_tasks
from make_bert_fixtures import generator, randomise

BERT = dict(cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]", pad_token="[PAD]",
            mask_token="[MASK]")
ROBERTA = dict(cls_token="<s>", bos_token="<s>", sep_token="</s>", eos_token="</s>",
               unk_token="<unk>", pad_token="<pad>", mask_token="<mask>")
TOKENIZERS = {"bert-base-uncased": BERT, "bert-base-chinese": BERT, "roberta-base": ROBERTA,
              "paraphrase-multilingual-mpnet-base-v2": ROBERTA, "all-mpnet-base-v2": ROBERTA,
              "modernbert": BERT}
SMALL = dict(hidden_size=24, num_attention_heads=3, num_hidden_layers=2, intermediate_size=40)
DISTIL = dict(dim=24, n_heads=3, n_layers=2, hidden_dim=40)
MODERN = dict(SMALL, local_attention=16, bos_token_id=50281, eos_token_id=50282,
              cls_token_id=50281, sep_token_id=50282, pad_token_id=50283)
EURO = dict(SMALL, num_key_value_heads=1, bos_token_id=50281, eos_token_id=50282,
            pad_token_id=50283, mask_token_id=50284)

# class, tokenizer, config
MODELS = [
    ("BertForSequenceClassification", "bert-base-uncased", dict(SMALL, num_labels=77)),
    ("BertForSequenceClassification", "bert-base-uncased",
     dict(SMALL, num_labels=6, problem_type="multi_label_classification")),
    ("BertForSequenceClassification", "bert-base-chinese", dict(SMALL, num_labels=1)),
    ("BertForSequenceClassification", "bert-base-uncased",
     dict(SMALL, num_labels=1, problem_type="regression")),
    ("RobertaForSequenceClassification", "roberta-base", dict(SMALL, num_labels=4, pad_token_id=1)),
    ("RobertaForSequenceClassification", "roberta-base", dict(SMALL, num_labels=1, pad_token_id=1)),
    ("XLMRobertaForSequenceClassification", "paraphrase-multilingual-mpnet-base-v2",
     dict(SMALL, num_labels=1, pad_token_id=1)),
    ("MPNetForSequenceClassification", "all-mpnet-base-v2", dict(SMALL, num_labels=3)),
    ("DistilBertForSequenceClassification", "bert-base-uncased", dict(DISTIL, num_labels=2)),
    ("AlbertForSequenceClassification", "bert-base-uncased",
     dict(SMALL, num_labels=5, embedding_size=16)),
    ("ElectraForSequenceClassification", "bert-base-uncased",
     dict(SMALL, num_labels=1, embedding_size=16)),
    ("ModernBertForSequenceClassification", "modernbert",
     dict(MODERN, num_labels=3, classifier_pooling="cls")),
    ("ModernBertForSequenceClassification", "modernbert",
     dict(MODERN, num_labels=1, classifier_pooling="mean")),
    ("EuroBertForSequenceClassification", "modernbert",
     dict(EURO, num_labels=3, classifier_pooling="late")),
    ("EuroBertForSequenceClassification", "modernbert",
     dict(EURO, num_labels=3, classifier_pooling="mean")),
    ("BertForNextSentencePrediction", "bert-base-uncased", SMALL),
    ("BertForPreTraining", "bert-base-uncased", SMALL),
    ("BertForMaskedLM", "bert-base-uncased", SMALL),
    ("BertForMaskedLM", "bert-base-chinese", dict(SMALL, tie_word_embeddings=False)),
    ("RobertaForMaskedLM", "roberta-base", dict(SMALL, pad_token_id=1)),
    ("XLMRobertaForMaskedLM", "paraphrase-multilingual-mpnet-base-v2",
     dict(SMALL, pad_token_id=1)),
    ("MPNetForMaskedLM", "all-mpnet-base-v2", SMALL),
    ("DistilBertForMaskedLM", "bert-base-uncased", DISTIL),
    ("AlbertForMaskedLM", "bert-base-uncased", dict(SMALL, embedding_size=16)),
    ("ElectraForMaskedLM", "bert-base-uncased", dict(SMALL, embedding_size=16)),
    ("ModernBertForMaskedLM", "modernbert", MODERN),
]


def read_texts(data, n):
    """Short, middling and long ones, in turns."""
    with open(data / "eval" / "banking77-test.csv", encoding="utf-8", newline="") as f:
        short = [row[0] for row in csv.reader(f)][1:]
    words, middle = [], []
    for line in open(data / "eval" / "wikiann-en-test.txt", encoding="utf-8"):
        words.append(line.split()[0].split(":", 1)[-1]) if line.strip() else None
        if not line.strip() and words:
            middle.append(" ".join(words))
            words = []
    long = [p["context"] for name in ("en", "de")
            for a in json.load(open(data / "eval" / f"xquad-{name}.json"))["data"]
            for p in a["paragraphs"]]
    r = random.Random(7)
    texts = [r.choice(group) for _ in range(n) for group in [short, middle, long]][:n]
    return [" ".join(t.split()) for t in texts]


def write_tokenizer(data, name, folder, limit):
    source = data / "tokenizers" / name / "tokenizer.json"
    if source.exists():
        shutil.copy(source, folder / "tokenizer.json")
    else:
        with gzip.open(f"{source}.gz") as packed:
            (folder / "tokenizer.json").write_bytes(packed.read())
    settings = dict(TOKENIZERS[name], model_max_length=limit,
                    clean_up_tokenization_spaces=limit % 2 == 0)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    return len(fast)


def make(index, spec, data, folder):
    name, tokenizer, config = spec
    vocab = write_tokenizer(data, tokenizer, folder, 90 + index)
    cls = getattr(transformers, name)
    model = cls(cls.config_class(vocab_size=vocab, max_position_embeddings=130, **config))
    gen = generator(f"{index}{name}")
    randomise(model, gen)
    model.save_pretrained(folder)


def cases(folder, texts):
    """What is asked of this model."""
    case = cli_compare.Case
    name = json.loads((folder / "config.json").read_text())["architectures"][0]
    pairs = list(zip(texts, texts[1:] + texts[:1]))
    tab = ["\t".join(p) for p in pairs]
    if "NextSentence" in name or "PreTraining" in name:
        model = cli_tasks.Next(folder)
        yield case("next", ["next", "--json"], tab, model.records(pairs))
        yield case("next-left", ["next", "--json", "--truncation", "left", "--max-length", "31"],
                   tab, model.records(pairs, "left", 31))
    elif name.endswith("ForMaskedLM"):
        model, r = cli_tasks.Fill(folder), random.Random(3)
        mask, masked = model.tokenizer().mask_token, []
        for text in texts:
            words = text.split()[:70]
            for at in r.sample(range(len(words)), min(len(words), r.choice([1, 1, 2, 3]))):
                words[at] = mask if r.random() < 0.8 else mask + words[at][-1]
            masked.append(" ".join(words))
        masked = [t for t in masked if model.tokenizer().mask_token_id in
                  model.tokenizer()(t, truncation=True, max_length=model.limit)["input_ids"]]
        yield case("fill", ["fill", "--json"], masked, model.records(masked))
        few = masked[:40]
        yield case("fill-targets", ["fill", "--json", "--top", "3", "--targets", "the,Paris,of,a"],
                   few, model.records(few, top_k=3, targets=["the", "Paris", "of", "a"]))
    else:
        one = transformers.AutoConfig.from_pretrained(folder).num_labels == 1
        model = (cli_tasks.Rerank if one else cli_tasks.Classify)(folder)
        plain = ["classify", "--json"]
        yield case("classify", plain, texts, model.records(texts))
        yield case("classify-pair", plain + ["--pair", "--top", "3"], tab,
                   model.records(pairs, top_k=3))
        yield case("classify-left", plain + ["--pair", "--truncation", "left", "--max-length", "31"],
                   tab, model.records(pairs, "left", 31))
        for query in texts[:3] if one else []:
            encoder = model.encoder()
            yield case("rerank", ["rerank", "--json", "--query", query], texts[:80],
                       model.ranking(query, texts[:80], encoder))


def untie(expected, actual):
    """Put what is expected into the order of what came, where neighbours score the same to 1e-6:
    two sides that round differently may order them differently."""
    def key(x):
        return x.get("label", x.get("id", x.get("index")))
    if isinstance(expected, dict):
        return {k: untie(v, actual[k]) if k in actual else v for k, v in expected.items()}
    if not isinstance(expected, list) or not expected or not isinstance(expected[0], dict) \
            or "score" not in expected[0]:
        return ([untie(e, a) for e, a in zip(expected, actual)]
                if isinstance(expected, list) and len(expected) == len(actual) else expected)
    place = {key(a): i for i, a in enumerate(actual)}
    out = list(expected)
    for i in range(len(out)):
        for j in range(len(out) - 1 - i):
            a, b = out[j], out[j + 1]
            near = abs(a["score"] - b["score"]) <= 1e-6 * max(1e-3, abs(a["score"]))
            if near and place.get(key(a), j) > place.get(key(b), j + 1):
                out[j], out[j + 1] = b, a
    return out


def check(bert, folder, title, texts):
    failed, worst, n = 0, 0.0, 0
    for case in cases(folder, texts):
        done = subprocess.run([bert, *case.args, "-m", str(folder)], input=case.input,
                              capture_output=True, check=False)
        lines = done.stdout.decode().splitlines()
        actual = [json.loads(line) for line in lines]
        case.expected = untie(case.expected, actual)
        problem, off = cli_compare.compare(case, lines)
        worst, n = max(worst, off), n + len(case.expected)
        if problem:
            failed += 1
            print(f"FAIL {title} {case.name}: {problem} {done.stderr.decode()[:200]}")
    print(f"{'FAIL' if failed else 'ok  '} {title:52} {n:5} records, worst {worst:.1e}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bert")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--texts", type=int, default=240)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    torch.set_num_threads(1)
    texts, failed = read_texts(args.data, args.texts), 0
    for index, spec in enumerate(MODELS):
        title = f"{spec[0]} {spec[1]} {index}"
        if args.only not in title:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            make(index, spec, args.data, folder)
            failed += check(args.bert, folder, title, texts)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
