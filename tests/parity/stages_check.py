#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Normalizers and pre-tokenizers against the reference: each alone and in the sequences of real
files, every option, over all code points in contexts, streams, and real text.

Each configuration is tried with two models that show everything: Unigram without pieces, whose
one unknown token a word is its text, and BPE without merges, whose tokens are the characters
(or behind ByteLevel the bytes), for their offsets.

Usage: stages_check.py LIBBERT.SO DATA [SECTION...]     (all sections without any)
QUICK=1 does a tenth.  Exits 1 if anything differs.
"""
import json
import os
import random
import sys
import time
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fixtures"))
import libtok  # noqa: E402
from stages_configs import (ADDED, EMPTY, NORMALIZERS, PRE_TOKENIZERS, REAL, both_models,  # noqa: E402
                            byte_models)
from stages_texts import ascii_mixtures, mixtures  # noqa: E402
from tok_texts import stream  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

LIBRARY, DATA = sys.argv[1], sys.argv[2]
QUICK = os.environ.get("QUICK", "") not in ("", "0")
SHOW = 3
CHARS = libtok.options(offset_unit=1)
CPS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
count = differences = 0
shown = {}


class Pair:
    """A configuration as the reference and as libbert read it."""

    def __init__(self, name, document):
        text = json.dumps(document)
        self.name, self.document = name, document
        # elsewhere a token's text is that of its id, and so says nothing new
        self.surfaces = document["model"]["type"] == "Unigram"
        self.ref = Tokenizer.from_str(text)
        self.lib = libtok.Tokenizer(LIBRARY, files={"tokenizer.json": text.encode()})
        self.lib.want_tokens = self.surfaces

    def reference(self, text):
        """Its encoding, or None where it panics, which is not ours to follow."""
        try:
            return self.ref.encode(text)
        except BaseException as e:
            if "panic" not in type(e).__name__.lower():
                raise
            return None

    def same(self, text):
        """Ids, offsets in characters, words and surfaces; quicker than differs()."""
        want = self.reference(text)
        if want is None:
            return True
        got = self.lib.encode(text.encode(), options=CHARS)[0][0]
        words = want.word_ids
        if None in words:
            words = [-1 if w is None else w for w in words]
        return (want.ids == got[0] and want.offsets == got[2] and words == got[5]
                and (not self.surfaces or want.tokens == got[7]))

    def differs(self, text):
        """Everything an encoding holds, offsets in bytes: None, or what differs."""
        want = self.reference(text)
        if want is None:
            return None
        want = libtok.reference(want, [libtok.starts(text)], self.surfaces)
        got = self.lib.encode(text.encode())[0][0]
        if tuple(want) == tuple(got):
            return None
        for field, a, b in zip(libtok.FIELDS, want, got):
            if a != b:
                k = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                return "%s %d\n  reference %s\n  libbert   %s" % (
                    field, k, ascii(a[max(0, k - 2):k + 12]), ascii(b[max(0, k - 2):k + 12]))
        return "length"

    def check_chars(self, text):
        """check() of texts of which there are many."""
        global count
        if not self.same(text):
            return self.check(text)
        count += 1
        return True

    def check(self, text):
        global count, differences
        count += 1
        problem = self.differs(text)
        if problem is None and self.same(text):
            return True
        problem = problem or "only offsets in characters"
        differences += 1
        shown[self.name] = shown.get(self.name, 0) + 1
        if shown[self.name] <= SHOW:
            while len(text) > 1:  # the shortest part that still differs, roughly
                for part in (text[:len(text) // 2], text[len(text) // 2:], text[1:], text[:-1]):
                    smaller = self.differs(part)
                    if smaller is not None:
                        text, problem = part, smaller
                        break
                else:
                    break
            print("DIFFERENT %s: %s: %s" % (self.name, ascii(text[:120]), problem), flush=True)
        return False


def pairs(configs):
    for name, normalizer, pre_tokenizer in configs:
        for kind, document in both_models(normalizer, pre_tokenizer):
            yield Pair("%s (%s)" % (name, kind), document)


def components():
    yield from pairs((n, c, None) for n, c in NORMALIZERS)
    yield from pairs((n, None, c) for n, c in PRE_TOKENIZERS)
    for name, n, p in REAL:
        yield from pairs([(name, n, p)])
        if p is not None and "ByteLevel" in json.dumps(p):
            yield Pair(name + " (bytes)", byte_models(n, p))
    for name, p in PRE_TOKENIZERS:
        if p["type"] == "ByteLevel":
            yield Pair(name + " (bytes)", byte_models(None, p))


ALL = "%s a%s\u0301\n"
TEMPLATES = ["a%sb %s %s%s \u0301e%s\u0323\u0301", "%s\u0301 '%s '%ss 1%s\n%sA\t%s",
             "\u4e2d%s\u3099\u1100%s\u1161 a %s"]
UNIFORM = [(0x3400, 0x9FFF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0x13000, 0x143FF),
           (0x17000, 0x18AFF), (0x20000, 0xDFFFF), (0xE0200, 0x10FFFF)]


def varied(c):
    """The code points that are not among thousands of their kind, and a sample of those."""
    return c % 97 < 2 or not any(a + 64 < c < b - 64 for a, b in UNIFORM)


VARIED = [c for c in CPS if varied(c)]


def sweep(pair, template, codepoints):
    n = template.count("%s")
    bad = 0
    for begin in range(0, len(codepoints), 300):
        text = "".join(template % ((chr(c),) * n) for c in codepoints[begin:begin + 300])
        bad += not pair.check_chars(text)
    return bad


def is_stage(normalizer, pre):
    """A stage alone, and of those that differ in what they do with the same places, the first."""
    if pre is None:
        return True
    return (normalizer is None and pre["type"] != "Sequence" and not pre.get("invert")
            and pre.get("behavior", "Isolated") == "Isolated"
            and pre.get("prepend_scheme", "always") == "always")


def shows_more(pair, pre):
    """Do characters show what words don't?  Only where something is rewritten."""
    return pair.surfaces or pre is None or "Metaspace" in str(pre) or "ByteLevel" in str(pre)


def section_codepoints():
    """Every code point through every stage; in more contexts, and through sequences of stages,
    all that aren't like their neighbours."""
    step = 7 if QUICK else 1
    for k, pair in enumerate(components()):
        normalizer, pre = pair.document["normalizer"], pair.document["pre_tokenizer"]
        if not shows_more(pair, pre):
            continue
        start = time.time()
        bad = 0
        words = pair.surfaces
        if normalizer is None and "Metaspace" not in str(pre) and "ByteLevel" not in str(pre):
            pair.surfaces = pair.lib.want_tokens = False  # the text at the offset
        if is_stage(normalizer, pre):
            bad += sweep(pair, ALL if pre is None else "a%s ", CPS[::step])
        for template in TEMPLATES if pre is None else [TEMPLATES[k % len(TEMPLATES)]]:
            bad += sweep(pair, template, VARIED[::step])
        if words:  # alone
            whole = pair.name.startswith("Precompiled")
            for c in (CPS if whole else [c for c in VARIED if c < 0x3400])[::step]:
                bad += not pair.check_chars(chr(c))
        print("  %-50s %s, %.0f s" % (pair.name, "%d differ" % bad if bad else "equal",
                                      time.time() - start), flush=True)


def section_stream():
    n = 300 if QUICK else 3000
    for k, pair in enumerate(components()):
        bad = 0
        for text in list(stream(k, n)) + list(mixtures(k, 2 * n)):
            bad += not pair.check(text)
        if bad:
            print("  %s: %d differ" % (pair.name, bad), flush=True)


def section_added():
    """Added tokens of every kind, inside text, under these normalizers."""
    n = 500 if QUICK else 5000
    rnd = random.Random(5)
    for name, document in ADDED():
        pair = Pair(name, document)
        contents = [t["content"] for t in document["added_tokens"]]
        bad = 0
        for text in mixtures(name, n):
            parts = list(text)
            for _ in range(rnd.randrange(4)):
                parts.insert(rnd.randrange(len(parts) + 1), rnd.choice(contents))
            bad += not pair.check("".join(parts))
        if bad:
            print("  %s: %d differ" % (pair.name, bad), flush=True)


def section_empty():
    """Added tokens that normalise to nothing."""
    for name, document in EMPTY():
        pair = Pair(name, document)
        bad = sum(not pair.check(t) for t in ascii_mixtures(name, 100 if QUICK else 2000))
        if bad:
            print("  %s: %d differ" % (name, bad), flush=True)


def real_texts():
    for name in ("wikitext2-test.txt", "blns.txt"):
        with open(os.path.join(DATA, "text", name), encoding="utf-8") as f:
            yield from f.read().split("\n")[:: 10 if QUICK else 1]
    with zipfile.ZipFile(os.path.join(DATA, "text", "udhr2.zip")) as z:
        for name in sorted(z.namelist())[:: 40 if QUICK else 8]:
            if not name.endswith("/"):
                yield from z.read(name).decode("utf-8", "ignore").split("\n")[:40]


def section_text():
    texts = [t for t in real_texts() if t]
    whole = [" ".join(texts[k:k + 300]) for k in range(0, len(texts), 1500)]
    for pair in components():
        bad = sum(not pair.check(t) for t in texts[::3] + whole)
        if bad:
            print("  %s: %d differ" % (pair.name, bad), flush=True)


SECTIONS = {k[8:]: v for k, v in list(globals().items()) if k.startswith("section_")}


def main():
    start = time.time()
    names = [n for n in sys.argv[3:] if n in SECTIONS] if sys.argv[3:] else list(SECTIONS)
    for name in names:
        print("%s ..." % name, flush=True)
        SECTIONS[name]()
    print("%d comparisons, %d differences, %.0f s" % (count, differences, time.time() - start))
    sys.exit(differences != 0)


if __name__ == "__main__":
    main()
