#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tokenizer models against the reference: BPE, Unigram, WordLevel, WordPiece over all their
options, and the files that stand for a missing tokenizer.json.

Usage: models_check.py LIBBERT.SO DATA [SECTION...]     (all sections without any)
Exits 1 if anything differs.
"""
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import libtok  # noqa: E402
from tok_texts import stream  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: E402

LIBRARY, DATA = sys.argv[1], sys.argv[2]
SHOW = 5
count = differences = 0


def compare(what, lib, ref, text):
    global count, differences
    count += 1
    want = libtok.reference(ref.encode(text), [libtok.starts(text)])
    try:
        got = lib.encode(text.encode())[0][0]
    except libtok.Failure as e:
        got = (str(e),)
    if tuple(want) == tuple(got):
        return
    differences += 1
    if differences <= SHOW:
        for name, a, b in zip(libtok.FIELDS, want, got):
            if a != b:
                print("DIFFERENT %s: %r: %s\n  reference %s\n  libbert   %s"
                      % (what, text[:200], name, a[:40], b[:40]))
                break
        open("/tmp/different.json", "w").write(ref.to_str())


def both(ref):
    return libtok.Tokenizer(LIBRARY, files={"tokenizer.json": ref.to_str().encode()})


def wikitext():
    with open(os.path.join(DATA, "text", "wikitext2-test.txt"), encoding="utf-8") as f:
        return f.read().split("\n")


# ---- BPE ------------------------------------------------------------------------


def bpe_vocab(rnd, letters, prefix, suffix, extra=()):
    """A random vocabulary with merges that it allows, in any order."""
    texts = [c + s for c in letters for s in ("", suffix)]
    texts += [prefix + c + s for c in letters for s in ("", suffix)] if prefix else []
    texts = [t for t in dict.fromkeys(texts) if rnd.random() < 0.95]
    merges = []
    for _ in range(rnd.randrange(0, 60)):
        a, b = rnd.choice(texts), rnd.choice(texts)
        if prefix and not b.startswith(prefix):
            continue
        new = a + b[len(prefix):]
        if len(new) > 12:
            continue
        if new not in texts:
            texts.append(new)
        merges.append((a, b))
    rnd.shuffle(merges)
    texts += [e for e in extra if e not in texts]
    rnd.shuffle(texts)
    return {t: i for i, t in enumerate(texts)}, merges


def random_bpe(rnd):
    letters = rnd.choice(["ab", "abc", "abcdé", "a日本\U0001f600"])
    prefix = rnd.choice(["", "", "##", "é"])
    suffix = rnd.choice(["", "", "</w>"])
    fallback = rnd.random() < 0.3 and not prefix and not suffix
    extra = ["<unk>"]
    if fallback:
        extra += ["<0x%02X>" % b for b in range(256) if rnd.random() < 0.97]
    vocab, merges = bpe_vocab(rnd, letters, prefix, suffix, extra)
    options = {"unk_token": "<unk>"} if rnd.random() < 0.5 else {}
    if prefix:
        options["continuing_subword_prefix"] = prefix
    if suffix:
        options["end_of_word_suffix"] = suffix
    ref = Tokenizer(models.BPE(
        vocab=vocab, merges=merges, fuse_unk=rnd.random() < 0.5, byte_fallback=fallback,
        ignore_merges=rnd.random() < 0.3, **options))
    if rnd.random() < 0.7:
        ref.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return ref, letters


def random_text(rnd, letters, longest):
    """Letters of the vocabulary, some others, runs of one."""
    out = []
    for _ in range(rnd.randrange(0, longest)):
        kind = rnd.random()
        if kind < 0.05:
            out.append(rnd.choice("xy ü語\U0001f601\u0301."))
        elif kind < 0.1:
            out.append(rnd.choice(letters) * rnd.randrange(1, 30))
        elif kind < 0.15:
            out.append(" ")
        else:
            out.append(rnd.choice(letters))
    return "".join(out)


def bpe():
    rnd = random.Random(41)
    for i in range(1500):
        ref, letters = random_bpe(rnd)
        lib = both(ref)
        for _ in range(40):
            compare("random BPE %d" % i, lib, ref, random_text(rnd, letters, 40))
        if i % 10 == 0:
            compare("random BPE %d, long" % i, lib, ref, random_text(rnd, letters, 9000))


def trained(model, trainer, texts, pre):
    ref = Tokenizer(model)
    ref.pre_tokenizer = pre
    ref.train_from_iterator(texts, trainer)
    return ref


def bpe_trained():
    texts, rnd = wikitext(), random.Random(5)
    for k, options in enumerate(({}, {"continuing_subword_prefix": "##"},
                                 {"end_of_word_suffix": "</w>"})):
        trainer = trainers.BpeTrainer(vocab_size=3000, special_tokens=["<unk>"],
                                      show_progress=False, **options)
        ref = trained(models.BPE(unk_token="<unk>", **options), trainer, texts[:2000],
                      pre_tokenizers.BertPreTokenizer())
        lib = both(ref)
        for text in texts:
            compare("trained BPE %s" % options, lib, ref, text)
        for text in stream(k, 5000):
            compare("trained BPE %s, stream" % options, lib, ref, text)
        ref.pre_tokenizer = None  # long words
        lib = both(ref)
        for text in rnd.sample(texts, 300):
            compare("trained BPE %s, no words" % options, lib, ref, text)


# ---- WordLevel ------------------------------------------------------------------


def wordlevel():
    texts = wikitext()
    ref = trained(models.WordLevel(unk_token="[UNK]"),
                  trainers.WordLevelTrainer(vocab_size=2000, special_tokens=["[UNK]"],
                                            show_progress=False),
                  texts[:1000], pre_tokenizers.BertPreTokenizer())
    lib = both(ref)
    for text in texts[:2000]:
        compare("WordLevel", lib, ref, text)
    for text in stream(3, 3000):
        compare("WordLevel, stream", lib, ref, text)


# ---- Unigram --------------------------------------------------------------------


def random_score(rnd):
    """Few values, so that ways tie; some with more digits than a double has."""
    kind = rnd.random()
    if kind < 0.5:
        return "-%d.%d" % (rnd.randrange(12), rnd.choice([0, 25, 5]))
    return "-%d.%0*d" % (rnd.randrange(12), rnd.randrange(1, 22), rnd.randrange(10 ** rnd.randrange(1, 22)))


def random_unigram(rnd):
    letters = rnd.choice(["a", "ab", "abc", "abcd\u00e9", "a\u65e5\u672c\U0001f600"])
    texts = {"<unk>"} | {c for c in letters if rnd.random() < 0.9}
    for _ in range(rnd.randrange(0, 60)):
        texts.add("".join(rnd.choice(letters) for _ in range(rnd.randrange(1, rnd.choice([4, 9, 40])))))
    if rnd.random() < 0.2:
        texts.add("<unk><unk>")
    fallback = rnd.random() < 0.4
    if fallback:
        texts |= {"<0x%02X>" % b for b in range(256) if rnd.random() < 0.98}
    texts = sorted(texts)
    rnd.shuffle(texts)
    pieces = ",".join("[%s,%s]" % (json.dumps(t), random_score(rnd)) for t in texts)
    text = json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": None, "post_processor": None, "decoder": None,
        "pre_tokenizer": rnd.choice([None, {"type": "BertPreTokenizer"}]),
        "model": {"type": "Unigram", "unk_id": texts.index("<unk>"), "vocab": "@",
                  "byte_fallback": fallback}}).replace('"@"', "[%s]" % pieces)
    return text, letters


def unigram():
    rnd = random.Random(43)
    for i in range(1500):
        text, letters = random_unigram(rnd)
        ref = Tokenizer.from_str(text)
        lib = libtok.Tokenizer(LIBRARY, files={"tokenizer.json": text.encode()})
        for _ in range(40):
            t = random_text(rnd, letters, 40)
            compare("random Unigram %d" % i, lib, ref,
                    t.replace("x", "<unk>") if rnd.random() < 0.1 else t)
        if i % 5 == 0:
            compare("random Unigram %d, long" % i, lib, ref, random_text(rnd, letters, 9000))


def unigram_trained():
    texts, rnd = wikitext(), random.Random(6)
    trainer = trainers.UnigramTrainer(vocab_size=3000, special_tokens=["<unk>"], unk_token="<unk>",
                                      show_progress=False)
    ref = trained(models.Unigram(), trainer, texts[:2000], pre_tokenizers.BertPreTokenizer())
    lib = both(ref)
    for text in texts:
        compare("trained Unigram", lib, ref, text)
    for text in stream(9, 5000):
        compare("trained Unigram, stream", lib, ref, text)
    ref.pre_tokenizer = None
    lib = both(ref)
    for text in rnd.sample(texts, 300):
        compare("trained Unigram, no words", lib, ref, text)
    compare("trained Unigram, one word", lib, ref, "".join(texts)[:200000])


SECTIONS = [bpe, bpe_trained, unigram, unigram_trained, wordlevel]


def main():
    wanted = sys.argv[3:]
    for section in SECTIONS:
        if wanted and section.__name__ not in wanted:
            continue
        before, start = count, time.time()
        section()
        print("%-12s %8d texts, %.0f s" % (section.__name__, count - before, time.time() - start),
              flush=True)
    print("%d texts, %d differences" % (count, differences))
    return differences > 0


if __name__ == "__main__":
    sys.exit(main())
