#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write tokenizer/unicode_tables.c by asking the Python package `tokenizers`.

Every property is observed, code point by code point, on the reference itself
(tokenizers 0.23.3), since its parts were built from different versions of
Unicode: control characters, punctuation and non-spacing marks behave as in 8.0,
decomposition and combining classes as in 9.0, lower-casing as in 17.0.

Usage: mktables.py [OUTPUT]   (needs `pip install tokenizers==0.23.3`)
"""
import os
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

WANT = "0.23.3"
CPS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
BITS = ["DROP", "SPACE", "PUNCT", "MARK", "NONSTARTER", "LOWER", "DECOMP", "WORD", "CJK"]
BIT = {name: 1 << i for i, name in enumerate(BITS)}


def bert(clean=False, cjk=False, strip=False, lower=False):
    return normalizers.BertNormalizer(
        clean_text=clean, handle_chinese_chars=cjk, strip_accents=strip, lowercase=lower)


def observe_props():
    props = [0] * 0x110000
    clean, cjk, strip = bert(clean=True), bert(cjk=True), bert(strip=True)
    nfd, lower = normalizers.NFD(), normalizers.Lowercase()
    pre = pre_tokenizers.BertPreTokenizer()
    for c in CPS:
        s = chr(c)
        if clean.normalize_str("a" + s + "b") == "ab":
            props[c] |= BIT["DROP"]
        n = len(pre.pre_tokenize_str("a" + s + "b"))
        props[c] |= {1: 0, 2: BIT["SPACE"], 3: BIT["PUNCT"]}[n]
        if cjk.normalize_str(s) != s:
            props[c] |= BIT["CJK"]
        if lower.normalize_str(s) != s:
            props[c] |= BIT["LOWER"]
        if nfd.normalize_str(s) != s:
            props[c] |= BIT["DECOMP"]
        elif strip.normalize_str(s) == "":
            props[c] |= BIT["MARK"]
    return props


def observe_words(props):
    """What the added tokens' single_word takes for a letter (`\\w` of its engine)."""
    tok = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tok.add_tokens([AddedToken("\u00a7", single_word=True, normalized=False)])
    one = tok.token_to_id("\u00a7")
    for c in CPS:
        if c != 0xA7 and one not in tok.encode(chr(c) + "\u00a7").ids:
            props[c] |= BIT["WORD"]


def observe_classes(props):
    """Combining classes, by how NFD sorts a code point among known marks."""
    nfd = normalizers.NFD().normalize_str
    reps = {}
    for c in CPS:
        k = unicodedata.combining(chr(c))
        if k and k not in reps and nfd(chr(c)) == chr(c) and moves(nfd, c, 0x334, 0x5B0):
            reps[k] = c
    order = sorted(reps)
    for a, b in zip(order, order[1:]):  # the representatives themselves are in order
        assert nfd(chr(reps[b]) + chr(reps[a])) == chr(reps[a]) + chr(reps[b]), (a, b)
    ccc = [0] * 0x110000
    for c in CPS:
        if props[c] & BIT["DECOMP"] or not moves(nfd, c, 0x334, 0x5B0):
            continue
        props[c] |= BIT["NONSTARTER"]
        same = [k for k in order
                if nfd(chr(c) + chr(reps[k])) == chr(c) + chr(reps[k])
                and nfd(chr(reps[k]) + chr(c)) == chr(reps[k]) + chr(c)]
        assert len(same) == 1, (hex(c), same)
        ccc[c] = same[0]
    return ccc


def moves(nfd, c, low, next_low):
    """Is c sorted at all?  U+0334 has class 1, U+05B0 class 10."""
    a = chr(c) + chr(low)
    b = chr(next_low) + chr(c)
    return nfd(a) != a or nfd(b) != b


def check_spaces(props):
    """lstrip of added tokens eats what the pre-tokenizer takes for white space."""
    tok = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tok.add_tokens([AddedToken("\u00a7", lstrip=True, normalized=False)])
    for c in CPS:
        if c == 0xA7:
            continue
        enc = tok.encode(chr(c) + "\u00a7")
        assert (enc.offsets[-1] == (0, 2)) == bool(props[c] & BIT["SPACE"]), hex(c)


def two_stage(values, block):
    """(stage one, stage two): value of c is two[one[c / block] * block + c % block]."""
    one, two, seen = [], [], {}
    for i in range(0, len(values), block):
        part = tuple(values[i:i + block])
        if part not in seen:
            seen[part] = len(two) // block
            two.extend(part)
        one.append(seen[part])
    return one, two


def emit(out, ctype, name, values, fmt="%d"):
    out.append("const %s bert__uni_%s[%d] = {" % (ctype, name, len(values)))
    line = "   "
    for v in values:
        item = " " + fmt % v + ","
        if len(line) + len(item) > 99:
            out.append(line)
            line = "   "
        line += item
    out.append(line)
    out.append("};")
    out.append("")


def smallest(values):
    return "uint8_t" if max(values) < 256 else "uint16_t" if max(values) < 65536 else "uint32_t"


def emit_pair(out, name, values, block, ctype=None):
    one, two = two_stage(values, block)
    emit(out, smallest(one), name + "_one", one)
    emit(out, ctype or smallest(two), name + "_two", two)
    return len(one), len(two), smallest(one), ctype or smallest(two)


def main():
    if tokenizers.__version__ != WANT:
        sys.exit("mktables.py: tokenizers %s is needed, not %s" % (WANT, tokenizers.__version__))
    here = os.path.dirname(os.path.abspath(__file__))
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "unicode_tables.c")
    props = observe_props()
    observe_words(props)
    ccc = observe_classes(props)
    check_spaces(props)

    nfd, low = normalizers.NFD().normalize_str, normalizers.Lowercase().normalize_str
    delta, decomp, pool = [0] * 0x110000, [0] * 0x110000, [0]
    for c in CPS:
        if props[c] & BIT["LOWER"]:
            l = low(chr(c))
            assert len(l) == 1 or c == 0x130 and l == "i\u0307", hex(c)
            delta[c] = ord(l[0]) - c if len(l) == 1 else 0
        if props[c] & BIT["DECOMP"] and not 0xAC00 <= c <= 0xD7A3:  # Hangul by arithmetic
            d = [ord(x) for x in nfd(chr(c))]
            assert len(d) <= 4
            decomp[c] = len(pool)
            pool += [len(d)] + d

    out = [
        "/* SPDX-License-Identifier: MIT */",
        "/*",
        " * unicode_tables.c - written by mktables.py; do not edit.",
        " *",
        " * Observed on tokenizers %s.  They freeze: control characters, punctuation and" % WANT,
        " * non-spacing marks of Unicode 8.0; decompositions and combining classes of 9.0;",
        " * lower case of 17.0; words (\\w) and white space as its added tokens see them.",
        " */",
        '#include "tokenizer/unicode.h"',
        "",
        "/* clang-format off */",
    ]
    sizes = []
    for name, values, block, ctype in [
            ("props", props, 128, "uint16_t"), ("ccc", ccc, 128, "uint8_t"),
            ("lower", delta, 64, "int32_t"), ("decomp", decomp, 64, "uint16_t")]:
        sizes.append((name, block) + emit_pair(out, name, values, block, ctype))
    emit(out, "uint32_t", "decomp_pool", pool, "0x%X")
    out[-1:] = ["/* clang-format on */", ""]
    with open(path, "w") as f:
        f.write("\n".join(out))
    for s in sizes:
        print("%s block %d: %d + %d entries (%s, %s)" % s)
    print("decomp_pool: %d" % len(pool))


if __name__ == "__main__":
    main()
