#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The `bert` command against the reference: each case is a command line, its standard
input, and the JSON lines that transformers, tokenizers and sentence-transformers say it
must print.

usage: cli_compare.py BERT MODEL            run BERT on each case and compare
       cli_compare.py --write FILE MODEL    write the cases, for tests/cli/cases.c

MODEL is a sentence-transformers folder with one pooling (mean) and one Normalize module, or a
model with a task head, whose cases cli_tasks.py has.
tests/data/cli/cases.jsonl was written for the model that tests/cli/test_cli.sh makes of
tests/data/models/embed/base and prompts.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.normalize import Normalize
from sentence_transformers.sentence_transformer.modules.pooling import Pooling
from sentence_transformers.util import quantize_embeddings
from tokenizers import Tokenizer
from transformers import AutoModel

import cli_tasks

TOLERANCE = 1e-5  # times max(1, |value|)

TEXTS = ["", "a cat on a mat", "The quick brown fox jumps over the lazy dog!", "   ",
         "Élan vital, naïve café", "東京 ☃ zzz", "who wrote the first program for a machine ?",
         "prices rose again in the last quarter , said the bank ."]
PAIRS = [("a cat", "on a mat"), ("", "x"), ("who wrote the first program", ""),
         ("prices rose again in the last quarter", "Berlin Paris"), ("", "")]
LONG = " ".join(TEXTS * 12)
POOLING = {"mean": "mean", "cls": "cls", "max": "max", "mean_sqrt_len": "mean_sqrt_len_tokens",
           "weighted": "weightedmean", "last": "lasttoken"}


class Case:
    def __init__(self, name, args, lines, expected):
        self.name, self.args, self.expected = name, args, expected
        self.input = "".join(line + "\n" for line in lines).encode()


def floats(values):
    return [float(f"{x:.9g}") for x in np.asarray(values, dtype=np.float32).ravel()]


def nested(values):
    values = np.asarray(values, dtype=np.float32)
    return floats(values) if values.ndim == 1 else [nested(v) for v in values]


def jsonl(records):
    return [json.dumps(r, ensure_ascii=False) for r in records]


# ---- Tokens ---------------------------------------------------------------------

def window(encoding, ids_only=False, offsets=None):
    if ids_only:
        return {"ids": encoding.ids}
    return {"ids": encoding.ids, "type_ids": encoding.type_ids, "tokens": encoding.tokens,
            "offsets": [list(o) for o in (offsets or encoding.offsets)],
            "special_tokens_mask": encoding.special_tokens_mask}


def to_bytes(encoding, texts):
    """Offsets in bytes of each text, from the reference's in characters."""
    result = []
    for (start, end), sequence in zip(encoding.offsets, encoding.sequence_ids):
        text = texts[sequence or 0]
        result.append((len(text[:start].encode()), len(text[:end].encode())))
    return result


class Tokens:
    def __init__(self, folder):
        self.path = str(folder / "tokenizer.json")

    def fresh(self, **truncation):
        tokenizer = Tokenizer.from_file(self.path)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if truncation:
            tokenizer.enable_truncation(**truncation)
        return tokenizer

    def records(self, inputs, special=True, stride=None, unit="bytes", ids_only=False, pad=None,
                **truncation):
        """inputs: tuples of one or two texts."""
        if truncation:
            truncation["stride"] = stride or 0
        tokenizer, whole = self.fresh(**truncation), self.fresh()
        if pad:
            tokenizer.enable_padding(length=pad)
        records = []
        for index, texts in enumerate(inputs):
            encoding = tokenizer.encode(*texts, add_special_tokens=special)
            spans = (lambda e: to_bytes(e, texts)) if unit == "bytes" else (lambda e: None)
            record = {"index": index, **window(encoding, ids_only, spans(encoding))}
            if stride is not None:
                record["overflowing"] = [window(o, ids_only, spans(o))
                                         for o in encoding.overflowing]
            real = sum(1 for s in encoding.sequence_ids if s is not None)
            full = whole.encode(*texts, add_special_tokens=False)
            record["truncated"] = len(full.ids) - real
            records.append(record)
        return records

    def cases(self):
        single, pairs = [(t,) for t in TEXTS], list(PAIRS)
        plain = ["tokenize", "--json"]
        tab = ["\t".join(p) for p in pairs]
        long = [(LONG,), ("a cat",)]
        long_pairs = [(LONG, "a cat on a mat"), ("a cat", LONG), (LONG, LONG)]
        keyed = jsonl([{"text": a, "pair": b} for a, b in pairs])
        yield Case("tokenize", plain, TEXTS, self.records(single))
        yield Case("tokenize-chars", plain + ["--offsets", "chars"], TEXTS,
                   self.records(single, unit="chars"))
        yield Case("tokenize-no-special", plain + ["--no-special"], TEXTS,
                   self.records(single, special=False))
        yield Case("tokenize-ids", plain + ["--ids-only"], TEXTS,
                   self.records(single, ids_only=True))
        yield Case("tokenize-count", plain + ["--count"], TEXTS,
                   [{"index": r["index"], "count": len(r["ids"])} for r in self.records(single)])
        yield Case("tokenize-pair", plain + ["--pair"], tab, self.records(pairs))
        yield Case("tokenize-jsonl", plain + ["--jsonl"], keyed, self.records(pairs))
        yield Case("tokenize-pad", plain + ["--pad", "12"], TEXTS, self.records(single, pad=12))
        for side in ["right", "left"]:
            cut = ["--max-length", "9", "--truncation", side]
            yield Case(f"tokenize-{side}", plain + cut, [LONG, "a cat"],
                       self.records(long, max_length=9, direction=side))
            yield Case(f"tokenize-stride-{side}", plain + cut + ["--stride", "3", "--ids-only"],
                       [LONG, "a cat"],
                       self.records(long, stride=3, ids_only=True, max_length=9, direction=side))
        yield Case("tokenize-overflow", plain + ["--max-length", "8", "--stride", "0"],
                   [TEXTS[2], TEXTS[4]],
                   self.records([(TEXTS[2],), (TEXTS[4],)], stride=0, max_length=8))
        for strategy, chosen in [("longest_first", long_pairs), ("only_first", long_pairs[:1]),
                                 ("only_second", long_pairs[1:2])]:
            yield Case(f"tokenize-{strategy}",
                       plain + ["--pair", "--max-length", "16", "--strategy", strategy],
                       ["\t".join(p) for p in chosen],
                       self.records(chosen, max_length=16, strategy=strategy))
        yield Case("tokenize-none", plain + ["--max-length", "9", "--truncation", "none"],
                   ["a cat", LONG],
                   self.records([("a cat",)]) + [{"index": 1, "error": {"code": "BERT_ERANGE"}}])
        yield Case("tokenize-short", plain + ["--max-length", "1"], ["a cat"],
                   [{"index": 0, "error": {"code": "BERT_EINVAL"}}])
        yield from self.decode_cases(single)

    def decode_cases(self, single):
        tokenizer = self.fresh()
        ids = [tokenizer.encode(*t).ids for t in single] + [[], [10 ** 6, 5]]
        for name, args, skip in [("decode", [], True), ("decode-special", ["--keep-special"], False)]:
            yield Case(name, ["decode", "--json"] + args, jsonl(ids),
                       [{"index": i, "text": tokenizer.decode(x, skip_special_tokens=skip)}
                        for i, x in enumerate(ids)])


# ---- Raw outputs ------------------------------------------------------------------

class Outputs:
    def __init__(self, folder, tokens, limit):
        self.model = AutoModel.from_pretrained(folder, dtype=torch.float32,
                                               attn_implementation="eager").eval()
        self.tokens, self.limit = tokens, limit

    def run(self, ids, types):
        with torch.no_grad():
            return self.model(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types]),
                              output_hidden_states=True, output_attentions=True)

    def record(self, index, ids, types, names):
        result, record = self.run(ids, types), {"index": index}
        whole = {"last_hidden_state": lambda: result.last_hidden_state[0],
                 "pooler_output": lambda: result.pooler_output[0],
                 "hidden_states": lambda: torch.stack([h[0] for h in result.hidden_states]),
                 "attentions": lambda: torch.stack([a[0] for a in result.attentions])}
        for name in names:
            record[name] = nested(whole[name]())
        return record

    def records(self, inputs, names):
        tokenizer = self.tokens.fresh(max_length=self.limit)
        encodings = [tokenizer.encode(*texts) for texts in inputs]
        return [self.record(i, e.ids, e.type_ids, names) for i, e in enumerate(encodings)]

    def cases(self):
        base = ["last_hidden_state", "pooler_output"]
        plain = ["forward", "--json"]
        few = TEXTS[:3]
        ids = self.tokens.fresh().encode(TEXTS[1], TEXTS[4])
        types = ids.type_ids
        sequences = [{"input_ids": ids.ids, "token_type_ids": types}, {"input_ids": ids.ids},
                     {"text": PAIRS[0][0], "pair": PAIRS[0][1]},
                     {"input_ids": [10 ** 6]}, {"input_ids": []}, {"input_ids": [1.5]},
                     {"input_ids": [1], "token_type_ids": [0, 0]}, {"input_ids": [1] * 10000}]
        errors = ["BERT_EINVAL"] * 4 + ["BERT_ERANGE"]
        yield Case("forward", plain, few, self.records([(t,) for t in few], base))
        yield Case("forward-long", plain + ["--outputs", "pooler_output"], [LONG],
                   self.records([(LONG,)], ["pooler_output"]))
        yield Case("forward-pair", plain + ["--pair"], ["\t".join(PAIRS[0])],
                   self.records([PAIRS[0]], base))
        yield Case("forward-all", plain + ["--hidden-states", "--attentions"], [TEXTS[1]],
                   self.records([(TEXTS[1],)], base + ["hidden_states", "attentions"]))
        yield Case("forward-chosen", plain + ["--outputs", "attentions,pooler_output"], [TEXTS[1]],
                   self.records([(TEXTS[1],)], ["pooler_output", "attentions"]))
        expected = [self.record(0, ids.ids, types, base),
                    self.record(1, ids.ids, [0] * len(types), base)]
        expected.append({**self.records([PAIRS[0]], base)[0], "index": 2})
        expected += [{"index": 3 + i, "error": {"code": e}} for i, e in enumerate(errors)]
        yield Case("forward-ids", plain + ["--jsonl"], jsonl(sequences), expected)


# ---- Vectors ----------------------------------------------------------------------

def load(folder, **options):
    return SentenceTransformer(str(folder), device="cpu", model_kwargs={
        "dtype": torch.float32, "attn_implementation": "eager"}, **options)


class Vectors:
    def __init__(self, folder, tokens):
        self.folder, self.tokens, self.model = folder, tokens, load(folder)
        self.limit = self.model.max_seq_length

    def pooled(self, mode, normalize):
        """The encoder, one pooling, and nothing else but what is asked for."""
        encoder = self.model[0]
        modules = [encoder, Pooling(encoder.get_embedding_dimension(), mode)]
        return SentenceTransformer(modules=modules + ([Normalize()] if normalize else []),
                                   device="cpu", prompts=self.model.prompts,
                                   default_prompt_name=self.model.default_prompt_name)

    def counts(self, texts, prompt, limit=None):
        """Tokens that were encoded, and tokens that were cut."""
        tokenizer = self.tokens.fresh()
        lengths = [len(tokenizer.encode(prompt + t).ids) for t in texts]
        limit = limit or self.limit
        return [(min(n, limit), max(0, n - limit)) for n in lengths]

    def records(self, model, texts, prompt=None, limit=None, **options):
        default = model.prompts.get(model.default_prompt_name, "") if prompt is None else prompt
        rows = [model.encode([t], show_progress_bar=False, prompt=prompt, **options)[0]
                for t in texts]
        counts = self.counts(texts, default, limit)
        return [{"index": i, "embedding": nested(row), "tokens": n, "truncated": cut}
                for i, (row, (n, cut)) in enumerate(zip(rows, counts))]

    def quantized(self, records, precision):
        values = np.array([r["embedding"] for r in records], dtype=np.float32)
        quantized = quantize_embeddings(values, precision)
        return [{**r, "embedding": [int(x) for x in row]} for r, row in zip(records, quantized)]

    def windows(self, limit, stride):
        """Mean over the windows' tokens, weighted by their number, then unit length."""
        prompt = self.model.prompts.get(self.model.default_prompt_name, "")
        tokenizer = self.tokens.fresh(max_length=limit, stride=stride)
        encoding = tokenizer.encode(prompt + LONG)
        total, count = 0, 0
        for part in [encoding] + encoding.overflowing:
            ids = torch.tensor([part.ids])
            with torch.no_grad():
                hidden = self.model[0].auto_model(input_ids=ids).last_hidden_state[0]
            total, count = total + hidden.double().sum(0), count + len(part.ids)
        mean = total / count
        return [{"index": 0, "embedding": nested(mean / mean.norm()), "tokens": count,
                 "truncated": 0}]

    def cases(self):
        plain = ["embed", "--json"]
        model, texts = self.model, TEXTS + [LONG]
        yield Case("embed", plain, texts, self.records(model, texts))
        yield Case("embed-jsonl", plain + ["--jsonl"], jsonl([{"text": t} for t in TEXTS]),
                   self.records(model, TEXTS))
        for name, mode in POOLING.items():
            yield Case(f"embed-{name}", plain + ["--pooling", name], texts,
                       self.records(self.pooled(mode, False), texts))
        yield Case("embed-normalize", plain + ["--pooling", "max", "--normalize"], texts,
                   self.records(self.pooled("max", True), texts))
        yield Case("embed-no-normalize", plain + ["--no-normalize"], texts,
                   self.records(self.pooled("mean", False), texts))
        yield Case("embed-dimensions", plain + ["--dimensions", "12"], texts,
                   self.records(model, texts, truncate_dim=12, normalize_embeddings=True))
        yield Case("embed-prompt", plain + ["--prompt", "search : "], texts,
                   self.records(model, texts, prompt="search : "))
        yield Case("embed-no-prompt", plain + ["--prompt", "", "--prompt-name", "query"], texts,
                   self.records(model, texts, prompt=""))
        yield Case("embed-prompt-name", plain + ["--prompt-name", "query"], texts,
                   self.records(model, texts, prompt=model.prompts["query"]))
        yield Case("embed-tokens", plain + ["--pooling", "none"], TEXTS[:4],
                   self.records(model, TEXTS[:4], output_value="token_embeddings"))
        model.max_seq_length = 7
        yield Case("embed-max-length", plain + ["--max-length", "7"], TEXTS,
                   self.records(model, TEXTS, limit=7))
        model.max_seq_length = 2
        yield Case("embed-specials", plain + ["--max-length", "2"], TEXTS[:2],
                   self.records(model, TEXTS[:2], limit=2))
        model.max_seq_length = self.limit
        yield Case("embed-windows", plain + ["--windows", "--max-length", "16", "--stride", "4"],
                   [LONG], self.windows(16, 4))
        yield Case("embed-none", plain + ["--truncation", "none"], ["a cat", LONG],
                   self.records(model, ["a cat"]) + [{"index": 1, "error": {"code": "BERT_ERANGE"}}])
        exact = self.records(model, texts)
        yield Case("embed-int8", plain + ["--quantize", "int8"], texts,
                   self.quantized(exact, "int8"))
        yield Case("embed-ubinary", plain + ["--quantize", "ubinary"], texts,
                   self.quantized(exact, "ubinary"))
        yield from self.score_cases()

    def score_cases(self):
        model = self.model
        left = model.encode([a for a, _ in PAIRS], convert_to_tensor=True)
        right = model.encode([b for _, b in PAIRS], convert_to_tensor=True)
        scores = model.similarity_pairwise(left, right).numpy()
        yield Case("similarity", ["similarity", "--json"], ["\t".join(p) for p in PAIRS],
                   [{"index": i, "score": floats([s])[0]} for i, s in enumerate(scores)])
        query = "how do birds find their way home ?"
        scores = model.similarity(model.encode_query([query]), model.encode_document(TEXTS))[0]
        best = sorted(range(len(TEXTS)), key=lambda i: -float(scores[i]))
        found = [{"index": i, "score": floats([scores[i]])[0], "text": TEXTS[i]} for i in best]
        yield Case("search", ["search", "--json", "--query", query], TEXTS, found)
        yield Case("search-top", ["search", "--json", "--top", "3", "--query", query], TEXTS,
                   found[:3])


def info_case(folder, vectors, outputs):
    config, model = outputs.model.config, vectors.model
    saved = json.loads((folder / "config_sentence_transformers.json").read_text())
    return Case("info", ["info", "--json"], [], [{
        "architecture": config.model_type, "task": "embedding",
        "hidden_size": config.hidden_size, "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads, "intermediate_size": config.intermediate_size,
        "vocab_size": config.vocab_size, "max_length": vectors.limit,
        "pooling": model[1].pooling_mode if isinstance(model[1].pooling_mode, str) else "mean",
        "similarity": str(model.similarity_fn_name),
        "parameters": sum(p.numel() for p in outputs.model.parameters()), "bytes": None,
        "precision": "fp32", "cpu": None, "prompts": saved.get("prompts", {}), "labels": [],
        "version": None}])


def all_cases(folder):
    modules = folder / "modules.json"
    if not modules.exists() or "Pooling" not in modules.read_text():
        yield from cli_tasks.cases(folder, Case)
        return
    tokens = Tokens(folder)
    vectors = Vectors(folder, tokens)
    outputs = Outputs(folder, tokens, vectors.limit)
    yield info_case(folder, vectors, outputs)
    yield from tokens.cases()
    yield from outputs.cases()
    yield from vectors.cases()


# ---- Comparing ----------------------------------------------------------------------

def differ(path, expected, actual, worst):
    """Where they differ, or None.  An expected null stands for anything."""
    if expected is None:
        return None
    if isinstance(expected, dict):
        keys = [k for k in actual if k != "message"] if isinstance(actual, dict) else None
        if keys != list(expected):
            return f"{path}: keys {keys}, expected {list(expected)}"
        return next(filter(None, (differ(f"{path}.{k}", expected[k], actual[k], worst)
                                  for k in expected)), None)
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return f"{path}: not a list of {len(expected)}"
        return next(filter(None, (differ(f"{path}[{i}]", e, a, worst)
                                  for i, (e, a) in enumerate(zip(expected, actual)))), None)
    if isinstance(expected, float) and isinstance(actual, (int, float)):
        off = abs(expected - actual) / max(1, abs(expected))
        worst[0] = max(worst[0], off)
        return f"{path}: {actual}, expected {expected}" if off > TOLERANCE else None
    return None if expected == actual else f"{path}: {actual!r}, expected {expected!r}"


def compare(case, lines):
    worst = [0.0]
    if len(lines) != len(case.expected):
        return f"{len(lines)} lines, expected {len(case.expected)}", 0
    for n, (line, expected) in enumerate(zip(lines, case.expected)):
        problem = differ(f"line {n + 1}", expected, json.loads(line), worst)
        if problem and case.name == "embed-int8":
            # A value on the border between two steps may fall on either side.
            steps = np.abs(np.subtract(json.loads(line)["embedding"], expected["embedding"]))
            if steps.max() <= 1 and steps.sum() <= max(2, 0.02 * steps.size):
                continue
        if problem:
            return problem, worst[0]
    return None, worst[0]


def check(bert, folder):
    failed = passed = 0
    for case in all_cases(folder):
        done = subprocess.run([bert, *case.args, "-m", str(folder)], input=case.input,
                              capture_output=True, check=False)
        problem, worst = compare(case, done.stdout.decode().splitlines())
        code = 1 if any("error" in e for e in case.expected) else 0
        if done.returncode != code and not problem:
            problem = f"exit code {done.returncode}, expected {code}"
        if problem:
            problem += "  " + done.stderr.decode(errors="replace").strip()[:300]
        print(f"{'FAIL' if problem else 'ok  '} {case.name:24} {worst:8.1e}  {problem or ''}")
        failed, passed = failed + bool(problem), passed + (not problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def write(target, folder, only=""):
    """Cases whose names begin with `only`."""
    with open(target, "w", encoding="utf-8") as f:
        for case in all_cases(folder):
            if not case.name.startswith(only):
                continue
            line = {"name": case.name, "args": case.args, "input": case.input.decode(),
                    "expected": case.expected}
            if case.name == "embed-int8":
                line["slack"] = 1  # values on the border between two steps
            f.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", metavar="FILE", type=pathlib.Path)
    parser.add_argument("arguments", nargs="+")
    options = parser.parse_args()
    folder = pathlib.Path(options.arguments[-1])
    torch.set_num_threads(1)
    if options.write:
        return write(options.write, folder)
    return check(options.arguments[0], folder)


if __name__ == "__main__":
    sys.exit(main())
