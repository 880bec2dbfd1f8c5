#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`bert tag` and `bert answer` against the reference's pipelines: tiny random models over every
kind of tokenizer, real texts short and long, all strategies and options.

usage: tag_answer_check.py BERT DATA PYTHON4 [NAME...]

PYTHON4 is a Python with transformers 4.57 (answer_reference.py).  Exits 1 if anything differs
but for what hangs on scores that are equal to 1e-5.
"""

import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import PreTrainedTokenizerFast

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fixtures"))
from tag_reference import STRATEGIES, tag, tagger  # noqa: E402

TOLERANCE, SHOW = 1e-5, 4
BERT_NAMES = dict(cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]", pad_token="[PAD]",
                  mask_token="[MASK]")
ROBERTA_NAMES = dict(cls_token="<s>", sep_token="</s>", unk_token="<unk>", pad_token="<pad>",
                     mask_token="<mask>")
# name, folder of the vocabulary, model class's prefix, names
MODELS = [
    ("uncased", "bert-base-uncased", "Bert", BERT_NAMES),
    ("multilingual", "bert-base-multilingual-cased", "DistilBert", BERT_NAMES),
    ("chinese", "bert-base-chinese", "Electra", BERT_NAMES),
    ("roberta", "roberta-base", "Roberta", ROBERTA_NAMES),
    ("modernbert", "modernbert", "Bert", BERT_NAMES),
    ("mpnet", "all-mpnet-base-v2", "Bert", dict(ROBERTA_NAMES, unk_token="[UNK]")),
    ("xlmr", "paraphrase-multilingual-mpnet-base-v2", "XLMRoberta", ROBERTA_NAMES),
    ("deberta", "deberta-v3", "Bert", BERT_NAMES),
]
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "S-ORG", "ORG", "B-O", "MISC", "I-", "B-X-Y"]
ODD = ["", " ", "\n\t ", "Ünïcödé naïve cafés Élan", "東京タワー に 行った", "a\u00a0b\u2009c\u3000d",
       "İstanbul ΟΔΟΣ Straße ﬁn ½ ℌ", "e\u0301le\u0301ve E\u0301LAN", "😀😀 👩‍👩‍👧 x", "[CLS] [SEP] <s> </s>",
       "[MASK] <mask> [UNK] <unk> <pad>", "don't stop-me_now... (yes) “no”", "\u200b\u200dx\ufeff y\u00ad z",
       "x" * 300, "ᄒ" * 40, "नमस्ते दुनिया", "مرحبا بالعالم", "สวัสดีชาวโลก", "a  b   c\n\nd", "\x00\x01 \x7f",
       "line\nbreak\tTab New\r\nYork", "\U00020000\U0002A6D6 字", " leading", "trailing ", "ﷺ ㍿"]

count = differences = close = 0


# ---- Models -----------------------------------------------------------------------------


def tokenizer_json(source):
    for name in ["tokenizer.json", "tokenizer.json.gz"]:
        if (source / name).exists():
            data = (source / name).read_bytes()
            return gzip.decompress(data).decode() if name.endswith("gz") else data.decode()
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "spm.model").write_bytes((source / "spm.model").read_bytes())
        return transformers.DebertaV2Tokenizer.from_pretrained(folder).backend_tokenizer.to_str()


def config_of(prefix, vocab, positions, labels):
    cls = getattr(transformers, prefix + "Config")
    own = dict(vocab_size=vocab, max_position_embeddings=positions, pad_token_id=0)
    if prefix == "DistilBert":
        own |= dict(dim=32, n_heads=2, n_layers=2, hidden_dim=48)
    else:
        own |= dict(hidden_size=32, num_attention_heads=2, num_hidden_layers=2,
                    intermediate_size=48, embedding_size=32)
        own["type_vocab_size"] = 1 if "Roberta" in prefix else 2
    own["id2label"] = dict(enumerate(labels))
    own["label2id"] = {}
    return cls(**own)


def randomise(model, rnd, scale):
    for name, p in model.named_parameters():
        if name.endswith("weight") and p.dim() == 2:
            p.data.normal_(0, 0.5 / 32 ** 0.5 * 2, generator=rnd)
        elif "LayerNorm.weight" in name or "layer_norm.weight" in name:
            p.data.normal_(1, 0.1, generator=rnd)
        else:
            p.data.normal_(0, 0.2, generator=rnd)
        if "embeddings" in name and "Norm" not in name:
            p.data.mul_(4)
    for name in ["classifier", "qa_outputs"]:
        if hasattr(model, name):
            getattr(model, name).weight.data.mul_(scale)


def make(folder, source, prefix, names, kind, positions, seed):
    """A checkpoint with one head; its model and tokenizer as the reference has them."""
    text = tokenizer_json(source)
    (folder / "tokenizer.json").write_text(text)
    limit = positions - (1 if "Roberta" in prefix else 0)
    settings = dict(names, tokenizer_class="PreTrainedTokenizerFast", model_max_length=limit)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **names)
    tokenizer.model_max_length = limit
    config = config_of(prefix, len(tokenizer), positions, LABELS if kind == "Token" else ["a", "b"])
    head = "ForTokenClassification" if kind == "Token" else "ForQuestionAnswering"
    model = getattr(transformers, prefix + head)(config).eval()
    rnd = torch.Generator().manual_seed(seed)
    randomise(model, rnd, 3 if kind == "Token" else 6)
    model.save_pretrained(folder)
    if getattr(config, "type_vocab_size", 0) > 1:
        tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    else:
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return model, tokenizer


# ---- Texts ------------------------------------------------------------------------------


def sentences(data, n):
    words, found = [], []
    with open(data / "eval" / "wikiann-en-test.txt", encoding="utf-8") as f:
        for line in f:
            if line.strip() == "":
                if words:
                    found.append(" ".join(words))
                words = []
            else:
                word = line.split("\t")[0].split(" ")[0]
                words.append(word[3:] if word.startswith("en:") else word)
    return found[:n]


def paragraphs(data, language):
    with open(data / "eval" / f"xquad-{language}.json", encoding="utf-8") as f:
        return [p for a in json.load(f)["data"] for p in a["paragraphs"]]


# ---- Comparison ---------------------------------------------------------------------------


def run(bert, folder, command, records, *args):
    lines = "".join(json.dumps(r) + "\n" for r in records)
    done = subprocess.run([bert, command, "-m", str(folder), "--json", "--jsonl", "--offsets",
                           "chars", "-t", "2", *args], input=lines.encode(), capture_output=True)
    found = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
    if len(found) != len(records):
        raise SystemExit(f"{command} {args}: {done.stderr.decode()[:500]}")
    return found


def same(a, b):
    return (a.keys() == b.keys() and abs(a["score"] - b["score"]) <= TOLERANCE
            and all(a[k] == b[k] for k in a if k != "score"))


def report(what, text, want, have):
    global differences
    differences += 1
    if differences <= SHOW:
        print(f"DIFFERENT {what}: {text[:100]!r}")
        for w, h in zip(want + [None] * len(have), have + [None] * len(want)):
            if w is None and h is None:
                break
            if w is None or h is None or not same(w, h):
                print(f"  reference {w}\n  libbert   {h}")
                break


def is_close(want, have):
    """Does the first difference hang on scores that are equal?"""
    for k, (w, h) in enumerate(zip(want, have)):
        if not same(w, h):
            return abs(w["score"] - h["score"]) <= TOLERANCE
    return False


def compare(what, text, want, have):
    global count, close
    count += 1
    if len(want) == len(have) and all(same(w, h) for w, h in zip(want, have)):
        return
    if is_close(want, have):
        close += 1
        print(f"CLOSE {what}: {text[:60]!r}")
        return
    report(what, text, want, have)


# ---- Tag ----------------------------------------------------------------------------------


def tag_texts(data, rnd):
    short = sentences(data, 200)
    long = [p["context"] for p in paragraphs(data, "en")[:20] + paragraphs(data, "de")[:20]]
    joined = ["\n".join(rnd.sample(long, 6)), " ".join(ODD * 3), " ".join(short[:60])]
    return short, ODD + long, joined


def check_tag(bert, data, name, source, prefix, names, rnd):
    short, long, joined = tag_texts(data, rnd)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model, tokenizer = make(folder, source, prefix, names, "Token", 130, rnd.randrange(1 << 30))
        pipe = tagger(model, tokenizer)
        for strategy in STRATEGIES:
            for length, stride, texts in [(None, None, short[:80] + long + joined),
                                          (20, 0, short[80:140] + long[:40]),
                                          (33, 30, short[140:] + ODD), (7, 3, ODD + short[:20])]:
                args = ["--aggregate", strategy]
                if length:
                    args += ["--max-length", str(length), "--stride", str(stride)]
                have = run(bert, folder, "tag", [{"text": t} for t in texts], *args)
                for text, h in zip(texts, have):
                    compare(f"{name} tag {' '.join(args)}", text,
                            tag(pipe, text, strategy, length, stride), h["entities"])


# ---- Answer ----------------------------------------------------------------------------------


def questions(data, rnd):
    found = [(q["question"], p["context"]) for p in paragraphs(data, "en")[:60]
             + paragraphs(data, "de")[:40] for q in p["qas"][:2]]
    long = [(q, "\n".join(c for _, c in rnd.sample(found, 8))) for q, _ in rnd.sample(found, 12)]
    odd = [(q, c) for q, c in zip(["Who?", "[CLS] what?", "Was <s> ist", "?" * 20] * 8, ODD) if c]
    odd += [("what", " ".join(ODD)), ("x y " * 20, " ".join(ODD)), ("long " * 90, "short")]
    same_words = [("who", "The cat. the cat, THE CAT; Straße strasse STRASSE ΟΔΟΣ οδος ΣΑΣ. σας " * 9)]
    return found[:200], long + odd + same_words


def check_answer(bert, data, python4, name, source, prefix, names, rnd):
    many, odd = questions(data, rnd)
    rnd.shuffle(many)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make(folder, source, prefix, names, "Question", 514, rnd.randrange(1 << 30))
        runs = [dict(records=many), dict(records=odd), dict(records=odd, null=False, top=3),
                dict(records=many[:60] + odd, top=5),
                dict(records=many[60:100] + odd, top=20, length=100, stride=40),
                dict(records=many[100:140] + odd, top=3, max_answer=4, length=64, stride=0),
                dict(records=many[140:] + odd, null=False, max_answer=40, length=200)]
        asked = json.dumps({"folder": str(folder), "runs": runs})
        here = pathlib.Path(__file__).resolve().parent / "answer_reference.py"
        done = subprocess.run([python4, str(here)], input=asked.encode(), capture_output=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode()[-2000:])
        for one, wants in zip(runs, json.loads(done.stdout)):
            args = ["--top", str(one.get("top", 1))]
            args += [] if one.get("null", True) else ["--no-null"]
            for key, flag in [("max_answer", "--max-answer"), ("length", "--max-length"),
                              ("stride", "--stride")]:
                args += [flag, str(one[key])] if one.get(key) is not None else []
            records = [{"text": c, "question": q} for q, c in one["records"]]
            have = run(bert, folder, "answer", records, *args)
            for record, want, h in zip(records, wants, have):
                what, text = f"{name} answer {' '.join(args)}", str(record)
                if isinstance(want, dict) or "error" in h:
                    compare_errors(what, text, want, h)
                    continue
                # answers without any probability are the reference's by chance
                want = [{k: a[k] for k in ("answer", "score", "start", "end")} for a in want
                        if a["score"] > 0]
                compare(what, text, want, [a for a in h["answers"] if a["score"] > 0])


def compare_errors(what, text, want, have):
    global count, differences
    count += 1
    if not isinstance(want, dict) or have.get("error", {}).get("code") != "BERT_ERANGE":
        differences += 1
        if differences <= SHOW:
            print(f"DIFFERENT {what}: {text[:100]}\n  reference {want}\n  libbert   {have}")


def main():
    bert, data, python4 = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    for name, folder, prefix, names in MODELS:
        if len(sys.argv) > 4 and name not in sys.argv[4:]:
            continue
        before = count, differences
        rnd = random.Random(name)
        source = data / "tokenizers" / folder
        check_tag(bert, data, name, source, prefix, names, rnd)
        check_answer(bert, data, python4, name, source, prefix, names, rnd)
        print(f"{name}: {count - before[0]} compared, {differences - before[1]} differ", flush=True)
    print(f"{count} compared, {differences} differ, {close} where scores are equal")
    return differences > 0


if __name__ == "__main__":
    sys.exit(main())
