#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tokenizer models against the reference: BPE, Unigram, WordLevel, WordPiece over all their
options.

Usage: models_check.py LIBBERT.SO DATA [SECTION...]     (all sections without any)
Exits 1 if anything differs.
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import libtok  # noqa: E402
from tok_models import random_bpe, random_text, random_unigram  # noqa: E402
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


def both(ref):
    return libtok.Tokenizer(LIBRARY, files={"tokenizer.json": ref.to_str().encode()})


def wikitext():
    with open(os.path.join(DATA, "text", "wikitext2-test.txt"), encoding="utf-8") as f:
        return f.read().split("\n")


# ---- BPE ------------------------------------------------------------------------


def bpe():
    rnd = random.Random(41)
    for i in range(1500):
        text, letters = random_bpe(rnd)
        ref = Tokenizer.from_str(text)
        lib = libtok.Tokenizer(LIBRARY, files={"tokenizer.json": text.encode()})
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


def bpe_bytes():
    """Byte level, where the alphabet has gaps and the vocabulary falls back to bytes."""
    texts, rnd = wikitext(), random.Random(12)
    for k in range(60):
        few = rnd.random() < 0.6
        alphabet = [] if few else pre_tokenizers.ByteLevel.alphabet()
        special = ["<unk>"] if rnd.random() < 0.5 else []
        fallback = rnd.random() < 0.3
        if fallback:
            special += ["<0x%02X>" % b for b in range(256) if rnd.random() < 0.99]
        trainer = trainers.BpeTrainer(vocab_size=rnd.randrange(60, 600), initial_alphabet=alphabet,
                                      special_tokens=special, show_progress=False)
        pre = pre_tokenizers.ByteLevel(add_prefix_space=rnd.random() < 0.5,
                                       use_regex=rnd.random() < 0.7)
        train = [t[:rnd.choice([20, 2000])] for t in rnd.sample(texts, rnd.choice([3, 200]))]
        ref = trained(models.BPE(), trainer, train, pre)
        ref.model.fuse_unk = rnd.random() < 0.5
        ref.model.byte_fallback = fallback
        if "<unk>" in special and rnd.random() < 0.7:
            ref.model.unk_token = "<unk>"
        ref.model.ignore_merges = rnd.random() < 0.3
        lib = both(ref)
        for text in rnd.sample(texts, 60):
            compare("byte level %d" % k, lib, ref, text)
        for text in stream(k, 150):
            compare("byte level %d, stream" % k, lib, ref, text)


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


def unigram():
    rnd = random.Random(43)
    for i in range(1500):
        text, letters = random_unigram(rnd, rnd.choice([0, 0, 0, 1, 9]))
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


SECTIONS = [bpe, bpe_trained, bpe_bytes, unigram, unigram_trained, wordlevel]


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
