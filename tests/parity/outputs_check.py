#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What comes out of a tokenizer against the reference: options, windows, pre-split words, batches,
counts, cuts, ill-formed bytes, post-processors, decoders.

Usage: outputs_check.py LIBBERT.SO DATA [SECTION...]     (all sections without any)
DATA is the folder with text/ and tokenizers/.  Exits 1 if anything differs.
QUICK=1 in the environment takes a tenth.
"""
import itertools
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import libtok  # noqa: E402
from tok_compare import Checker, decode_same  # noqa: E402
from tok_outputs import ATOMS, ODD_WORDS, odd_text, random_decoder, random_processor  # noqa: E402
from tok_outputs import tokenizer_of  # noqa: E402
from tok_texts import stream  # noqa: E402
from tokenizers import AddedToken, Tokenizer, decoders, processors  # noqa: E402

LIBRARY, DATA = sys.argv[1], sys.argv[2]
SCALE = 10 if os.environ.get("QUICK") else 1
check = Checker(LIBRARY, DATA)
same, report, both = check.same, check.report, check.both


vocabularies = check.vocabularies


def some_texts(seed, n):
    """Lines, streams, and both glued, of all sizes."""
    rnd = random.Random(seed)
    lines = [line for line in check.lines() if line]
    odd = list(stream(seed, n))
    for i in range(n):
        kind = rnd.random()
        if kind < 0.4:
            yield rnd.choice(lines)
        elif kind < 0.7:
            yield odd[i]
        elif kind < 0.95:
            yield " ".join(rnd.choice(lines)[:rnd.randrange(60)] for _ in range(rnd.randrange(4)))
        else:
            yield rnd.choice(["", " ", "a", "  \n "]) * rnd.randrange(5)


def section_stream():
    """Seeded Unicode streams under every vocabulary."""
    for seed, (name, lib, ref) in enumerate(vocabularies()):
        for text in stream(seed, 20000 // SCALE):
            check.compare(name, lib, ref, text)


# ---- Options --------------------------------------------------------------------


def encode_reference(ref, a, b, special):
    return ref.encode(a, b, add_special_tokens=special) if b is not None else ref.encode(
        a, add_special_tokens=special)


def truncated_reference(ref, a, b, o):
    ref.enable_truncation(o["max_length"], stride=o["stride"], strategy=o["strategy"],
                          direction=o["side"])
    return encode_reference(ref, a, b, not o["no_special"])


def compare_options(what, lib, ref, a, b, o, pad, tokens=True):
    """One setting; where the reference raises or panics, the library must refuse."""
    chars = what == "bare"  # there the reference's sequence ids don't tell the texts apart
    lib.want_tokens = tokens
    opts = libtok.options(offset_unit=chars, no_special=o["no_special"], max_length=o["max_length"], stride=o["stride"],
                          overflow=1, strategy=libtok.STRATEGIES.index(o["strategy"]),
                          side=libtok.SIDES.index(o["side"]), pad_length=pad)
    label = "%s %s pad %d" % (what, o, pad)
    special = ref.num_special_tokens_to_add(b is not None) if not o["no_special"] else 0
    try:
        got, truncated = lib.encode(a.encode(), None if b is None else b.encode(), opts)
    except libtok.Failure as failure:
        got = failure
    if o["max_length"] < special:  # the reference's subtraction wraps: see docs
        if not isinstance(got, libtok.Failure) or got.code != -1:
            report(label, (a, b), "a limit under the special tokens is taken")
        return
    want = check.reference(truncated_reference, ref, a, b, o)
    if want is None:
        check.count += 1
        if not isinstance(got, libtok.Failure):
            report(label, (a, b), "the reference fails; libbert: %s" % (got[0][0],))
        return
    if isinstance(got, libtok.Failure):
        report(label, (a, b), "libbert: %s; reference: %s" % (got, want.tokens))
        return
    maps = [libtok.starts(a), libtok.starts(b) if b is not None else None]
    windows = [want] + want.overflowing
    if len(windows) != len(got):
        report(label, (a, b), "%d windows, not %d" % (len(got), len(windows)))
        return
    for w, g in zip(windows, got):
        if not same(label, (a, b), libtok.reference(w, None if chars else maps, tokens), g):
            return
    if chars or "twice" in what:
        return
    lost = len(encode_untruncated(ref, a, b)) - sum(s >= 0 for s in real_sequences(want))
    if truncated != lost:
        report(label, (a, b), "truncated is %d, not %d" % (truncated, lost))


def encode_untruncated(ref, a, b):
    ref.no_truncation()
    ref.no_padding()
    return encode_reference(ref, a, b, False).ids


def real_sequences(enc):
    return [(-1 if s is None else s) if m else -1
            for s, m in zip(enc.sequence_ids, enc.attention_mask)]


def templates():
    path = os.path.join(DATA, "tokenizers/bert-base-uncased/tokenizer.json")
    t = processors.TemplateProcessing
    odd = [("[CLS]", 101), ("[SEP]", 102)]
    yield "options", path, None
    yield "options", path, processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))
    yield "options", path, t(single="$A", pair="$A $B", special_tokens=[])
    yield "options", path, t(single="[CLS]:3 $A:5", pair="$B:2 [SEP]:7 $A:1", special_tokens=odd)
    yield "twice", path, t(single="$A:1 [SEP] $A:0", pair="$A [SEP] $B:1 [SEP] $A:4", special_tokens=odd)
    yield "options", path, t(single="two $A", pair="two $A two $B", special_tokens=[
        {"id": "two", "ids": [101, 103], "tokens": ["[CLS]", "odd"]}])


def section_options():
    texts = ["", "a", "a b c", "one two three four five six seven", "unaffable [MASK] na\u00efve caf\u00e9 \u4e2d\u6587"]
    rnd = random.Random(11)
    for what, path, post in templates():
        ref = Tokenizer.from_file(path)
        if post is not None:
            ref.post_processor = post
        ref.no_truncation()
        ref.no_padding()
        lib = both(ref)
        for a, b in itertools.product(texts, [None] + texts):
            for strategy, side, no_special in itertools.product(libtok.STRATEGIES, libtok.SIDES, (0, 1)):
                lengths = [1, 2, 3, 4, 5, 6, 8, 9, 11, 16] + [rnd.randrange(1, 65) for _ in range(3)]
                for max_length in lengths:
                    for stride in {0, 1, rnd.randrange(0, max_length + 2)}:
                        o = dict(strategy=strategy, side=side, no_special=no_special,
                                 max_length=max_length, stride=stride)
                        pad = rnd.choice([0, 0, 0, 7, 20])
                        if pad:
                            ref.enable_padding(length=pad, pad_id=0, pad_token="[PAD]")
                        compare_options(what, lib, ref, a, b, o, pad)
                        ref.no_padding()
        ref.post_processor = None if post is None else post
    bare = Tokenizer.from_file(path)
    text = json.loads(bare.to_str())
    text["post_processor"] = None
    text["padding"] = {"strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": None,
                       "pad_id": 5, "pad_type_id": 3, "pad_token": "odd pad"}
    bare = Tokenizer.from_str(json.dumps(text))
    lib = both(bare)
    bare.no_truncation()
    for a, b in itertools.product(texts, [None] + texts):
        for max_length, stride, pad in itertools.product((2, 3, 5, 9), (0, 1), (0, 12)):
            o = dict(strategy="longest_first", side="left", no_special=0, max_length=max_length,
                     stride=stride)
            bare.no_padding()
            if pad:
                bare.enable_padding(length=pad, pad_id=5, pad_token="odd pad", pad_type_id=3,
                                    direction="left")
            compare_options("bare", lib, bare, a, b, o, pad)


def words_of(rnd, lines):
    words = rnd.choice(lines).split(" ")
    at = rnd.randrange(len(words))
    return words[at:] + rnd.choice(lines).split(" ")


def take(rnd, lines, n):
    """About n words."""
    words = []
    while len(words) < n:
        words += words_of(rnd, lines)
    return rnd.choice([" ", " ", "  ", "\n"]).join(words[:n])


def section_windows():
    """Each strategy, side, with and without special tokens, single and pair, under every maximal
    length to 512 and strides of all sizes, for every vocabulary."""
    rnd = random.Random(12)
    lines = [line for line in check.lines() if line.strip()]
    for name, lib, ref in vocabularies():
        settings = list(itertools.product(libtok.STRATEGIES, libtok.SIDES, (0, 1), (False, True)))
        for max_length in range(1, 513):
            for strategy, side, no_special, pair in rnd.sample(settings, len(settings) // SCALE):
                n = rnd.randrange(0, max(2, int(max_length * rnd.choice([0.5, 1, 2]))))
                a = take(rnd, lines, n)
                b = take(rnd, lines, rnd.randrange(0, n + 1)) if pair else None
                stride = rnd.choice([0, 0, rnd.randrange(0, max_length + 2), max_length // 3])
                if pair and stride > max_length // 3:
                    stride = 0  # windows are a product
                o = dict(strategy=strategy, side=side, no_special=no_special, max_length=max_length,
                         stride=stride)
                compare_options(name, lib, ref, a, b, o, 0, tokens=False)
        ref.no_truncation()


# ---- Pre-split words, batches ------------------------------------------------------------------


def maps_of(words):
    return [libtok.starts(w) for w in words]


def words_reference(enc, first, second):
    """A window of pre-split words: offsets are mapped through their word."""
    got = libtok.reference(enc, None)
    maps = [maps_of(first), None if second is None else maps_of(second)]
    offsets = []
    for (a, b), word, seq in zip(got[2], got[5], got[6]):
        at = maps[max(seq, 0)][word] if word >= 0 else None
        offsets.append((a, b) if at is None else (at[a], at[b]))
    return got[:2] + (offsets,) + got[3:]


def section_words():
    for seed, (name, lib, ref) in enumerate(vocabularies()):
        rnd = random.Random(seed)
        texts = list(some_texts(seed, 2000))
        lib.want_tokens = True
        for _ in range(6000 // SCALE):
            def split():
                return [w for t in rnd.sample(texts, rnd.randrange(3)) for w in t.split(" ")][:60]
            a, b = split(), split() if rnd.random() < 0.3 else None
            want = check.reference(ref.encode, a, b, is_pretokenized=True)
            if want is None:
                continue
            got = lib.encode_words([w.encode() for w in a],
                                   None if b is None else [w.encode() for w in b])[0][0]
            same(name + " words", (a, b), words_reference(want, a, b), got)


def section_batch():
    for seed, (name, lib, ref) in enumerate(vocabularies()):
        rnd = random.Random(seed)
        texts = list(some_texts(seed, 3000 // SCALE))
        pairs = rnd.sample(texts, len(texts))
        lib.want_tokens = True
        for second, threads in ((None, 1), (None, 2), (pairs, 3), (pairs, 0)):
            got = lib.encode_batch([t.encode() for t in texts],
                                   None if second is None else [t.encode() for t in second],
                                   libtok.options(threads=threads))
            inputs = texts if second is None else list(zip(texts, second))
            for text, w, g in zip(inputs, ref.encode_batch(inputs), got):
                maps = [libtok.starts(t) for t in ([text] if second is None else text)]
                same(name + " batch", text, libtok.reference(w, maps), g[0][0])


def section_count():
    """Counts, and cuts after n tokens on either side."""
    for seed, (name, lib, ref) in enumerate(vocabularies()):
        rnd = random.Random(seed)
        ref.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B", special_tokens=[])
        for text in some_texts(seed, 4000 // SCALE):
            enc = ref.encode(text)
            raw, starts = text.encode(), libtok.starts(text)
            n = len(enc.ids)
            bare = libtok.options(no_special=1)
            check.equal(name + " count", text, n, lib.count(raw, None, bare))
            limit = rnd.randrange(1, n + 3)
            bare.max_length = limit
            check.equal(name + " count to %d" % limit, text, min(n, limit), lib.count(raw, None, bare))
            bare.stop_early = 1
            check.equal(name + " stop at %d" % limit, text, enc.ids[:limit],
                        lib.encode(raw, None, bare)[0][0][0])
            cut = rnd.randrange(0, n + 3)
            right = len(raw) if cut >= n else starts[enc.offsets[cut - 1][1]] if cut else 0
            left = 0 if cut >= n else starts[enc.offsets[n - cut][0]] if cut else len(raw)
            check.equal(name + " cut %d" % cut, text, right, lib.cut(raw, cut))
            check.equal(name + " cut left %d" % cut, text, left, lib.cut(raw, cut, True))


# ---- Ill-formed UTF-8 ---------------------------------------------------------------------------

BYTES = [b"\x80", b"\xc0", b"\xc3", b"\xe2\x82", b"\xe2", b"\xed\xa0\x80", b"\xf0\x9f", b"\xf0\x9f\x98",
         b"\xf4\x90", b"\xff", b"\xf5", b"a", b" ", b"  ", "\u00e9".encode(), "\u4e2d".encode(), "\u0301".encode(),
         b".", b"[MASK]", b"<mask>", b"\xef\xbf\xbd", "\U0001f600".encode(), b"\x00", b"\n", "\u2581".encode()]


def section_bytes():
    """Offsets count the caller's bytes; the reference gets U+FFFD in their place."""
    for seed, (name, lib, ref) in enumerate(vocabularies()):
        rnd = random.Random(seed)
        lib.want_tokens = True
        for _ in range(5000 // SCALE):
            raw = b"".join(rnd.choice(BYTES) for _ in range(rnd.randrange(1, 12)))
            text = raw.decode("utf-8", "replace")
            want = ref.encode(text)
            same(name + " bytes", repr(raw), libtok.reference(want, [libtok.map_bytes(raw, text)]),
                 lib.encode(raw)[0][0])
            same(name + " chars", repr(raw), libtok.reference(want, None),
                 lib.encode(raw, None, libtok.options(offset_unit=1))[0][0])


# ---- Post-processors ------------------------------------------------------------------------------

def compare_processed(rnd, label, lib, ref):
    """One random call; with offsets in characters, since types and sequences may tell nothing."""
    words = rnd.random() < 0.4
    texts = [[odd_text(rnd) for _ in range(rnd.randrange(4))] if words else odd_text(rnd) for _ in range(2)]
    a, b = texts[0], rnd.choice([None, texts[1]])
    special, stride, strategy, side = rnd.random() < 0.7, rnd.choice([0, 0, 1, 2]), rnd.randrange(3), rnd.randrange(2)
    max_length = rnd.choice([0, 0, 5, 6, 7, 8, 9, 12])

    def encode():
        ref.no_truncation()
        if max_length:
            ref.enable_truncation(max_length, stride=stride, strategy=libtok.STRATEGIES[strategy],
                                  direction=libtok.SIDES[side])
        return ref.encode(a, b, is_pretokenized=words, add_special_tokens=special)

    want = check.reference(encode)
    o = libtok.options(offset_unit=1, no_special=not special, max_length=max_length, stride=stride,
                       overflow=1, strategy=strategy, side=side)
    raw = [None if t is None else [w.encode() for w in t] if words else t.encode() for t in (a, b)]
    try:
        got = (lib.encode_words if words else lib.encode)(raw[0], raw[1], o)[0]
    except libtok.Failure:
        got = None
    if want is None or got is None:
        check.count += 1
        under = special and 0 < max_length < ref.num_special_tokens_to_add(b is not None)
        if (want is None) != (got is None) and not under:
            report(label, (a, b, o), "reference: %s; libbert: %s" % (want, got))
        return
    windows = [want] + want.overflowing
    if len(windows) != len(got):
        report(label, (a, b), "%d windows, not %d" % (len(got), len(windows)))
    for w, g in zip(windows, got):
        same(label, (a, b), libtok.reference(w, None), g)


def section_processors():
    """Post-processors chained at random, over tokens that begin and end with spaces of all kinds."""
    rnd = random.Random(13)
    base = tokenizer_of(ODD_WORDS, "[MASK]")
    refused = 0
    for _ in range(4000 // SCALE):
        chain = [random_processor(rnd) for _ in range(rnd.choice([1, 1, 2, 2, 3]))]
        base.post_processor = chain[0] if len(chain) == 1 else processors.Sequence(chain)
        ref = Tokenizer.from_str(base.to_str())
        try:
            lib = both(ref)
        except libtok.Failure as e:
            refused += 1
            if e.code != -5 or "in their order" not in str(e):
                report("post-processors", ref.to_str(), e)
            continue
        for _ in range(12):
            compare_processed(rnd, json.loads(ref.to_str())["post_processor"], lib, ref)
    print("chains of post-processors that libbert refuses: %d" % refused)


# ---- Decoders -------------------------------------------------------------------------------------

def section_decoders():
    """Decoders chained at random, over tokens that each of them treats apart."""
    rnd = random.Random(14)
    tokens = ATOMS + ["<0x%02X>" % b for b in range(256)]
    while len(tokens) < 800:
        tokens.append("".join(rnd.choice(ATOMS) for _ in range(rnd.randrange(1, 5))))
    base = tokenizer_of(tokens, "<s>")
    base.add_tokens([AddedToken("\u0120add \u00e9"), AddedToken(" sp ")])
    for _ in range(2000 // SCALE):
        chain = [random_decoder(rnd) for _ in range(rnd.choice([1, 1, 2, 3, 4]))]
        base.decoder = chain[0] if len(chain) == 1 else decoders.Sequence(chain)
        decode_same(check, rnd, both(base), base, base.get_vocab_size(), 60)


def section_ids():
    """Random ids of every vocabulary; tokens to ids and back."""
    for seed, (name, lib, ref) in enumerate(vocabularies()):
        decode_same(check, random.Random(seed), lib, ref, ref.get_vocab_size(), 6000 // SCALE)
        for i in range(0, ref.get_vocab_size() + 3, SCALE):
            check.equal(name + " id", i, ref.id_to_token(i), lib.token(i))
        for token in itertools.chain(itertools.islice(ref.get_vocab(), 0, None, SCALE), ["nothing", ""]):
            want = ref.token_to_id(token)
            check.equal(name + " token", token, -1 if want is None else want, lib.id(token.encode()))


SECTIONS = [(n[8:], f) for n, f in sorted(globals().items()) if n.startswith("section_")]

if __name__ == "__main__":
    check.run(SECTIONS, sys.argv[3:])
