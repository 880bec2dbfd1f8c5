#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write tokenizer/unicode_tables.c by asking the Python package `tokenizers`.

Every property is observed, code point by code point, on the reference itself
(tokenizers 0.23.3), since its parts were built from different versions of
Unicode: control characters, punctuation and non-spacing marks behave as in 8.0,
decomposition, composition, combining classes and all marks as in 9.0, the categories
of regular expressions as in 16.0, lower-casing and digits as in 17.0.  Grapheme
clusters are seen through character maps made for the purpose.

Usage: mktables.py [OUTPUT]   (needs `pip install tokenizers==0.23.3`)
"""
import os
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/fixtures"))
from charsmap import charsmap  # noqa: E402

WANT = "0.23.3"
CPS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
BITS = ["DROP", "SPACE", "PUNCT", "MARK", "NONSTARTER", "LOWER", "DECOMP", "WORD", "CJK",
        "KDECOMP", "NFC_SLOW", "NFKC_SLOW", "NUMERIC", "COMBINING", "SECOND"]
CATEGORIES = ("Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp "
              "Cc Cf Cs Co").split()
RE_SPACE, RE_WORD, RE_IN_WORD = 0x20, 0x40, 0x80
CLUSTERS = ("OTHER CONTROL CR LF PREPEND SPACING EXTEND LINKER ZWNJ ZWJ L V T LV LVT PICT "
            "CONSONANT").split()
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


def removed(pre_tokenizer):
    """The code points that a pre-tokenizer which removes what it finds takes away."""
    text = "".join(map(chr, CPS))
    gone = bytearray(b"\1") * len(CPS)
    for _, (a, b) in pre_tokenizer.pre_tokenize_str(text):
        gone[a:b] = bytes(b - a)
    return [c for c, g in zip(CPS, gone) if g]


def observe_regex():
    """Category, \\s, \\w, and \\w within brackets, which differs, of the engine behind Split and Replace."""
    classes = [0] * 0x110000
    for k, name in enumerate(CATEGORIES):
        for c in removed(pre_tokenizers.Split(Regex("\\p{%s}" % name), "removed")):
            assert classes[c] == 0
            classes[c] = k
    for pattern, bit in ("\\s", RE_SPACE), ("\\w", RE_WORD), ("[\\w]", RE_IN_WORD):
        for c in removed(pre_tokenizers.Split(Regex(pattern), "removed")):
            classes[c] |= bit
    for a, b in ("\\s", "[\\s]"), ("\\d", "[\\d]"), ("\\d", "\\p{Nd}"), ("\\p{L}", "[\\p{L}]"):
        assert (removed(pre_tokenizers.Split(Regex(a), "removed"))
                == removed(pre_tokenizers.Split(Regex(b), "removed"))), (a, b)
    return classes


def check_sets(props):
    """Pre-tokenizers that agree with properties that others have."""
    def agree(pre, name):
        assert removed(pre) == [c for c in CPS if props[c] & BIT[name]], name
    agree(pre_tokenizers.WhitespaceSplit(), "SPACE")
    agree(pre_tokenizers.Punctuation("removed"), "PUNCT")
    for c in CPS:  # Whitespace: \w+ or [^\w\s]+
        n = len(pre_tokenizers.Whitespace().pre_tokenize_str("a" + chr(c)))
        m = len(pre_tokenizers.Whitespace().pre_tokenize_str("a" + chr(c) + "a"))
        want = (1, 1) if props[c] & BIT["WORD"] else (1, 2) if props[c] & BIT["SPACE"] else (2, 3)
        assert (n, m) == want, hex(c)


def observe_numbers(props):
    pre = pre_tokenizers.Digits(individual_digits=True)
    for c in CPS:
        if len(pre.pre_tokenize_str("a" + chr(c))) == 2:
            props[c] |= BIT["NUMERIC"]


def observe_forms(props, ccc):
    """What the composing forms may pass over: unchanged starters that join nothing before
    them.  Returns the pairs that compose, Hangul apart."""
    nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    nfkc, nfkd = normalizers.NFKC().normalize_str, normalizers.NFKD().normalize_str
    strip = normalizers.StripAccents().normalize_str
    pairs = []
    for c in CPS:
        s = chr(c)
        if nfkd(s) != s:
            props[c] |= BIT["KDECOMP"]
        if strip(s) == "":
            props[c] |= BIT["COMBINING"]
        d = nfd(s)
        if len(d) > 1 and not 0xAC00 <= c <= 0xD7A3:
            a, b = nfc(d[:-1]), d[-1]
            if len(a) == 1 and nfc(a + b) == s:
                pairs.append((ord(a), ord(b), c))
    seconds = {b for _, b, _ in pairs} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    for c in seconds:
        props[c] |= BIT["SECOND"]
    for form, parts, bit in (nfc, nfd, "NFC_SLOW"), (nfkc, nfkd, "NFKC_SLOW"):
        for c in CPS:
            s = chr(c)
            if form(s) != s or ccc[c] or ccc[ord(parts(s)[0])] or ord(parts(s)[0]) in seconds:
                props[c] |= BIT[bit]
    return sorted(pairs)


def observe_clusters():
    """Grapheme cluster classes.  A cluster under 6 bytes becomes what its first character
    does, so that a cluster's marks are lost: but not when something joins it to more."""
    seeds = ["a\u00a9\u0301\u0915\u1160\u11a8", "b\u00ae\u0300\u0916\u1161\u11a9"]
    maps = [normalizers.Precompiled(charsmap({c: chr(0xE001 + i) for i, c in enumerate(s)}))
            for s in seeds]
    clusters = [0] * 0x110000
    for c in CPS:
        s = chr(c)
        k = s in seeds[0]  # what is in the one map is seen by the other
        f, (letter, picture, mark, syllable, v, t) = maps[k].normalize_str, seeds[k]

        def kept(text):
            return f(text).count("\uE003")
        own = kept(s)
        joins = f(letter + s) == "\uE001"
        before = kept(s + letter + mark) > own
        marks = kept(s + mark + mark) == 2 + own
        vowel, tail = kept(s + v + mark) > own, kept(s + t + mark) > own
        pict = kept(s + "\u200d" + picture + mark) > own
        consonant = kept(s + "\u094d" + syllable + mark) > own
        linker = kept(syllable + s + syllable + mark) > own
        conjunct = kept(syllable + "\u094d" + s + syllable + mark) > own
        extend = kept(picture + s + "\u200d" + picture + mark) > own
        if c in (0x0D, 0x0A):
            name = "CR" if c == 0x0D else "LF"
        elif 0xAC00 <= c <= 0xD7A3:
            assert tail and vowel == ((c - 0xAC00) % 28 == 0)
            name = "LV" if vowel else "LVT"
        elif c == 0x200D:
            assert joins and conjunct
            name = "ZWJ"
        elif before:
            name = "PREPEND"
        elif not marks:
            name = "CONTROL"
        elif joins:
            name = ("LINKER" if linker else "EXTEND" if conjunct else "ZWNJ" if extend
                    else "SPACING")
        elif vowel:
            name = "V" if tail else "L"
        else:
            name = ("T" if tail else "PICT" if pict else "CONSONANT" if consonant else "OTHER")
        clusters[c] = CLUSTERS.index(name)
    return clusters


def observe_scripts():
    """Numbers of scripts, as far as UnicodeScripts tells them apart; 0: all are one with it."""
    pre = pre_tokenizers.UnicodeScripts()

    def same(a, b):
        return len(pre.pre_tokenize_str(chr(a) + chr(b))) == 1
    scripts, first, last = [0] * 0x110000, [], 0
    for c in CPS:
        if not pre.pre_tokenize_str(chr(c)):
            continue
        if first and same(first[last - 1], c):
            scripts[c] = last
            continue
        for k, other in enumerate(first):
            if same(other, c):
                break
        else:
            k = len(first)
            first.append(c)
        scripts[c] = last = k + 1
    assert len(pre.pre_tokenize_str("a \u0436")) == 2 and len(pre.pre_tokenize_str(" a")) == 1
    return scripts


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
    check_sets(props)
    observe_numbers(props)
    pairs = observe_forms(props, ccc)
    regex, clusters, scripts = observe_regex(), observe_clusters(), observe_scripts()

    nfd, low = normalizers.NFD().normalize_str, normalizers.Lowercase().normalize_str
    nfkd = normalizers.NFKD().normalize_str
    delta, decomp, compat, pool = [0] * 0x110000, [0] * 0x110000, [0] * 0x110000, [0]
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
        if nfkd(chr(c)) != nfd(chr(c)):
            d = [ord(x) for x in nfkd(chr(c))]
            assert len(d) <= 18
            compat[c] = len(pool)
            pool += [len(d)] + d

    out = [
        "/* SPDX-License-Identifier: MIT */",
        "/*",
        " * unicode_tables.c - written by mktables.py; do not edit.",
        " *",
        " * Observed on tokenizers %s.  They freeze: control characters, punctuation and" % WANT,
        " * non-spacing marks of Unicode 8.0; decompositions, compositions, combining classes",
        " * and marks of any kind of 9.0; the categories of its regular expressions of 16.0;",
        " * lower case and numbers of 17.0; words (\\w) and white space as its added tokens see",
        " * them; grapheme clusters and scripts as its components show them.",
        " */",
        '#include "tokenizer/unicode.h"',
        "",
        "/* clang-format off */",
    ]
    sizes = []
    for name, values, block, ctype in [
            ("props", props, 128, "uint16_t"), ("ccc", ccc, 128, "uint8_t"),
            ("lower", delta, 64, "int32_t"), ("decomp", decomp, 64, "uint16_t"),
            ("compat", compat, 64, "uint16_t"), ("regex", regex, 128, "uint8_t"),
            ("cluster", clusters, 128, "uint8_t"), ("script", scripts, 128, "uint8_t")]:
        sizes.append((name, block) + emit_pair(out, name, values, block, ctype))
    emit(out, "uint32_t", "decomp_pool", pool, "0x%X")
    out.append("const struct bert__uni_pair bert__uni_pairs[%d] = {" % len(pairs))
    out += ["    {0x%X, 0x%X, 0x%X}," % p for p in pairs]
    out += ["};", ""]
    out[-1:] = ["/* clang-format on */", ""]
    with open(path, "w") as f:
        f.write("\n".join(out))
    for s in sizes:
        print("%s block %d: %d + %d entries (%s, %s)" % s)
    print("decomp_pool: %d, pairs: %d" % (len(pool), len(pairs)))


if __name__ == "__main__":
    main()
