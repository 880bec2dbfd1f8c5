#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""WordPiece, its normalizer and added tokens against the reference, and the texts of DATA under all
tokenizers of DATA.

Usage: tokenizers_check.py LIBBERT.SO DATA [SECTION...]     (all sections without any)
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
from tok_texts import ALPHABETS, CONTEXTS, stream  # noqa: E402
from tokenizers import Tokenizer, decoders, models  # noqa: E402
from tokenizers import normalizers, pre_tokenizers, processors  # noqa: E402

LIBRARY, DATA = sys.argv[1], sys.argv[2]
SCALE = 10 if os.environ.get("QUICK") else 1
check = Checker(LIBRARY, DATA)
compare, same, report = check.compare, check.same, check.report
pair_of, both, lines = check.pair_of, check.both, check.lines


# ---- Texts --------------------------------------------------------------------


def section_lines():
    for name, lib, ref in check.vocabularies():
        for i, line in enumerate(lines()):
            if i % SCALE == 0:
                compare(name, lib, ref, line, tokens=False)


def every_character(max_chars=1 << 30):
    """A tokenizer to which each character is a token of its own: nothing is hidden."""
    vocab = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}
    for c in range(0x110000):
        if not 0xD800 <= c <= 0xDFFF:
            vocab[chr(c)] = len(vocab)
    ref = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", continuing_subword_prefix="",
                                     max_input_chars_per_word=max_chars))
    ref.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return ref


def variants(ref):
    """(name, library's, reference's) for every normalizer that differs."""
    for clean, cjk, strip, lower in itertools.product((1, 0), (1, 0), (None, True, False), (1, 0)):
        if strip is not None and strip == bool(lower):
            continue  # the same as None
        ref.normalizer = normalizers.BertNormalizer(
            clean_text=bool(clean), handle_chinese_chars=bool(cjk), strip_accents=strip,
            lowercase=bool(lower))
        yield "clean%d cjk%d strip%s lower%d" % (clean, cjk, strip, lower), both(ref)
    ref.normalizer = normalizers.Sequence([
        normalizers.Lowercase(), normalizers.BertNormalizer(lowercase=False)])
    yield "lowered", both(ref)
    ref.normalizer = None
    yield "no normalizer", both(ref)


def section_codepoints():
    ref = every_character()
    for i, (name, lib) in enumerate(variants(ref)):
        contexts = CONTEXTS if i == 0 or "lower1" in name and "clean1 cjk1" in name else CONTEXTS[1:3]
        for c in range(0, 0x110000, SCALE):
            if 0xD800 <= c <= 0xDFFF:
                continue
            if i > 3 and c > 0x30000 and c % 251 and not 0xE0000 <= c < 0xE0200:
                continue  # nothing is assigned there; a sample will do
            for context in contexts:
                compare(name, lib, ref, context % chr(c), tokens=False)


def section_stream():
    names = ("bert-base-uncased/tokenizer.json", "bert-base-multilingual-cased/tokenizer.json")
    for seed, name in enumerate(names):
        lib, ref = pair_of(os.path.join(DATA, "tokenizers", name))
        for text in stream(seed, 100000 // SCALE):
            compare(name, lib, ref, text)
    ref = every_character()
    for seed, (name, lib) in enumerate(variants(ref)):
        for text in stream(100 + seed, 12000 // SCALE):
            compare(name, lib, ref, text, tokens=False)


# ---- Long texts: stretches must not show ----------------------------------------


def section_long():
    rnd = random.Random(5)
    path = os.path.join(DATA, "tokenizers/bert-base-uncased/tokenizer.json")
    lib, ref = pair_of(path)
    char = every_character(60)  # the reference is cubic in the length of a word
    char.normalizer = normalizers.BertNormalizer()
    libs = [(lib, ref), (both(char), char)]
    for i in range(400 // SCALE):
        alphabet = "".join(rnd.sample(ALPHABETS, rnd.randrange(1, 5)))
        text = "".join(rnd.choice(alphabet) for _ in range(rnd.randrange(3000, 30000)))
        for l, r in libs:
            compare("long", l, r, text, tokens=False)
    for unit in ("a", ".", " ", "\u0301", "\u0316\u0301", "\u4e2d", "[MASK]", "\U0001e000\U0001d165", "un", "e\u0301",
                 "\u00a0", "\x00", "a\x0b\u0301"):
        for l, r in libs:
            compare("long", l, r, unit * 20011, tokens=False)


# ---- Added tokens -----------------------------------------------------------------


ADDED_TEXTS = ["", "foo", " foo ", "foofoo", "a foo b", "xfoo", "foo\u00e9", "\u00e9foo", "Foo BAR foo-bar", "  <m>  <m> x",
               "a<m>b <x> < x>", "<m><m>", "\u4e2dfoo\u6587", "caf\u00e9 CAFE\u0301 cafe", "foo\u200dbar", "a\u0301foo",
               "new york New  York", "[MASK]  [MASK] foo [SEP]", "\tfoo\nfoo\u3000", "foo1 1foo _foo foo_", "\u00b2foo foo\u00b2",
               "abcabcd abcd ab", "\u0130stanbul istanbul I\u0307stanbul", "[CLS]\u0301 <m>\u0301", "\u00a0<m>\u2003<m>\u0085"]


def section_added():
    rnd = random.Random(3)
    path = os.path.join(DATA, "tokenizers/bert-base-uncased/tokenizer.json")
    base = json.load(open(path))
    contents = ["foo", "bar", "foo bar", "<m>", "<x>", "caf\u00e9", "New York", "abc", "abcd", "ab", "b", "\u4e2d", "\u0130stanbul",
                " lead", "trail ", "##ing", "hello", "a\u0301", "\u00e9"]
    for trial in range(300 // SCALE):
        tokens = [dict(t) for t in base["added_tokens"]]
        next_id = 30522
        for content in rnd.sample(contents, rnd.randrange(1, 8)):
            tokens.append(dict(
                id=next_id, content=content, single_word=rnd.random() < 0.3, lstrip=rnd.random() < 0.4,
                rstrip=rnd.random() < 0.4, normalized=rnd.random() < 0.5, special=rnd.random() < 0.4))
            next_id += 1
        for t in tokens[:5]:
            t["lstrip"] = rnd.random() < 0.2
            t["rstrip"] = rnd.random() < 0.2
        j = dict(base, added_tokens=tokens)
        j["normalizer"] = rnd.choice([base["normalizer"], base["normalizer"], None, dict(
            base["normalizer"], lowercase=False, strip_accents=rnd.random() < 0.5)])
        ref = Tokenizer.from_str(json.dumps(j))
        lib = libtok.Tokenizer(LIBRARY, files={"tokenizer.json": json.dumps(j).encode()})
        texts = list(ADDED_TEXTS)
        for _ in range(60):
            texts.append("".join(rnd.choice(contents + [" ", "  ", "x", ".", "\u0301", "\u00e9", "FOO", "[MASK]"])
                                 for _ in range(rnd.randrange(1, 9))))
        for text in texts:
            want = check.reference(ref.encode, text)
            if want is None:
                lib.encode(text.encode())
                continue
            same("added %s" % [t for t in tokens[5:]], text,
                 libtok.reference(want, [libtok.starts(text)]), lib.encode(text.encode())[0][0])
        decode_same(check, rnd, lib, ref, next_id)


# ---- Decoding, look-up ------------------------------------------------------------


def section_decode():
    rnd = random.Random(4)
    for name in ("bert-base-uncased", "bert-base-chinese", "bert-base-multilingual-cased"):
        path = os.path.join(DATA, "tokenizers", name, "tokenizer.json")
        lib, ref = pair_of(path)
        for decoder in (ref.decoder, decoders.WordPiece("##", False), decoders.WordPiece("", True), None):
            if decoder is not None:
                ref.decoder = decoder
                lib = both(ref)
            else:
                j = json.loads(ref.to_str())
                j["decoder"] = None
                ref = Tokenizer.from_str(json.dumps(j))
                lib = both(ref)
            decode_same(check, rnd, lib, ref, ref.get_vocab_size(), 3000 // SCALE)
        for i in range(ref.get_vocab_size() + 3):
            if ref.id_to_token(i) != lib.token(i):
                report("id_to_token", i, lib.token(i))
        for token in list(ref.get_vocab()) + ["nothing", ""]:
            want = ref.token_to_id(token)
            if (-1 if want is None else want) != lib.id(token.encode()):
                report("token_to_id", token, lib.id(token.encode()))
    words = ["n't", "'m", "'s", "'ve", "'re", "do", "not", ".", "?", "!", ",", "'", "do not", " ' ", "a . b", "##.", "## n't",
             "x", " do not", "\u00e9 .", "##'s"]
    vocab = {w: i for i, w in enumerate(["[UNK]"] + words)}
    ref = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    ref.decoder = decoders.WordPiece()
    lib = both(ref)
    decode_same(check, rnd, lib, ref, len(vocab), 20000 // SCALE)


# ---- Ill-formed UTF-8 ---------------------------------------------------------------


def section_bytes():
    """Offsets count the caller's bytes; the reference gets U+FFFD in their place."""
    rnd = random.Random(6)
    path = os.path.join(DATA, "tokenizers/bert-base-uncased/tokenizer.json")
    libs = [pair_of(path)]
    char = every_character()
    for name, lib in variants(char):
        if name in ("clean0 cjk1 stripNone lower1", "clean1 cjk1 stripNone lower1", "no normalizer"):
            copy = Tokenizer.from_str(char.to_str())
            libs.append((lib, copy))
    parts = [b"\x80", b"\xc0", b"\xc3", b"\xe2\x82", b"\xe2", b"\xed\xa0\x80", b"\xf0\x9f", b"\xf0\x9f\x98", b"\xf4\x90",
             b"\xff", b"\xf5", b"a", b" ", "\u00e9".encode(), "\u4e2d".encode(), "\u0301".encode(), b".", b"[MASK]", b"\xef\xbf\xbd",
             "\U0001f600".encode(), b"\x00"]
    for _ in range(40000 // SCALE):
        raw = b"".join(rnd.choice(parts) for _ in range(rnd.randrange(1, 12)))
        text = raw.decode("utf-8", "replace")
        where = libtok.map_bytes(raw, text)
        for lib, ref in libs:
            lib.want_tokens = False
            same("bytes", repr(raw), libtok.reference(ref.encode(text), [where], False),
                 lib.encode(raw)[0][0])
            chars = lib.encode(raw, None, libtok.options(offset_unit=1))[0][0]
            same("chars", repr(raw), libtok.reference(ref.encode(text), None, False), chars)


# ---- The committed tables are what their script writes ------------------------------------


def section_tables():
    import subprocess
    import tempfile
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tokenizer")
    with tempfile.TemporaryDirectory() as folder:
        fresh = os.path.join(folder, "tables.c")
        subprocess.run([sys.executable, os.path.join(here, "mktables.py"), fresh], check=True,
                       stdout=subprocess.DEVNULL)
        with open(fresh) as a, open(os.path.join(here, "unicode_tables.c")) as b:
            if a.read() != b.read():
                report("tables", "unicode_tables.c", "mktables.py writes another")


# ---- WordPiece itself -----------------------------------------------------------------


def section_wordpiece():
    """Small vocabularies in which greedy matching goes wrong often."""
    rnd = random.Random(8)
    for trial in range(1500 // SCALE):
        prefix = rnd.choice(["##", "##", "", "#", "\u2581", "a"])
        letters = rnd.choice(["ab", "abc", "a\u00e9\u4e2d", "#ab", "ab\u0301"])
        vocab = {"[UNK]": 0}
        for _ in range(rnd.randrange(2, 25)):
            word = "".join(rnd.choice(letters) for _ in range(rnd.randrange(1, 6)))
            vocab.setdefault(rnd.choice(["", prefix]) + word, len(vocab))
        if rnd.random() < 0.1:
            vocab.setdefault("", len(vocab))
        ref = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", continuing_subword_prefix=prefix,
                                         max_input_chars_per_word=rnd.choice([3, 5, 100, 1000])))
        if rnd.random() < 0.7:
            ref.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        lib = both(ref)
        for _ in range(100):
            compare("wordpiece %s %r" % (vocab, prefix), lib, ref,
                    "".join(rnd.choice(letters + " ") for _ in range(rnd.randrange(0, 14))))


# ---- vocab.txt with its settings --------------------------------------------------------


def section_vocab():
    """A vocab.txt and the files beside it, as AutoTokenizer reads them."""
    import shutil
    import tempfile
    from transformers import AutoTokenizer
    rnd = random.Random(9)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "##s", "h", "##e", "##l", "##o", "Hello", "\u00e9", "e",
             "new", "<x>", "\u4e2d", "w", "##orld", ".", "[", "]", "a", "b"]
    texts = ["Hello hello world <x> [NEW] foo", "h\u00e9llo w\u00f6rld [MASK]  [SEP]x", "\u4e2d\u6587 new [CLS][PAD]", " <x> <x> FOO foo",
             "", "[UNK] [NEW]a b", "Hello[MASK]."]

    def token(content, named):
        if rnd.random() < 0.6:
            return content
        t = {"content": content, "lstrip": rnd.random() < 0.5, "rstrip": rnd.random() < 0.5,
             "single_word": rnd.random() < 0.3, "normalized": rnd.random() < 0.5}
        if named != "map":
            t["__type"] = "AddedToken"
        return t

    for trial in range(400 // SCALE):
        files, config = {}, {"tokenizer_class": rnd.choice(
            ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "ElectraTokenizer"])}
        for key, values in (("do_lower_case", (True, False)), ("strip_accents", (None, True, False)),
                            ("tokenize_chinese_chars", (True, False))):
            if rnd.random() < 0.5:
                config[key] = rnd.choice(values)
        for key, fallback in (("cls_token", "[CLS]"), ("sep_token", "[SEP]"), ("mask_token", "[MASK]"),
                              ("pad_token", "[PAD]")):
            if rnd.random() < 0.3:
                config[key] = token(rnd.choice([fallback, fallback, "<x>", "[NEW]"]), "config")
        if rnd.random() < 0.3:
            config["additional_special_tokens"] = ["[NEW]", "<x>"][:rnd.randrange(1, 3)]
        if rnd.random() < 0.4:
            config["added_tokens_decoder"] = {
                str(i): {"content": c, "lstrip": rnd.random() < 0.4, "rstrip": False,
                         "single_word": rnd.random() < 0.3, "normalized": rnd.random() < 0.5,
                         "special": rnd.random() < 0.5}
                for i, c in rnd.sample([(0, "[PAD]"), (2, "[CLS]"), (30, "[NEW]"), (4, "[MASK]"), (27, "foo"), (15, "new")],
                                       rnd.randrange(1, 5))}
        if rnd.random() < 0.3:
            files["special_tokens_map.json"] = {
                k: token(v, "map") for k, v in rnd.sample(
                    [("cls_token", "[CLS]"), ("mask_token", "[MASK]"), ("sep_token", "<x>"), ("unk_token", "[UNK]")], 2)}
        if rnd.random() < 0.3:
            files["added_tokens.json"] = {"[NEW]": 25, "foo": 26}
        files["tokenizer_config.json"] = config
        vocab = list(words)
        if rnd.random() < 0.3:
            vocab[rnd.randrange(5, len(vocab))] = rnd.choice(["hello  ", "world\u3000", "a\r", ""])
        folder = tempfile.mkdtemp()
        try:
            with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8", newline="") as f:
                f.write("\n".join(vocab) + rnd.choice(["", "\n"]))
            for name, value in files.items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                    json.dump(value, f)
            tok = AutoTokenizer.from_pretrained(folder)
            ref = tok.backend_tokenizer
            ref.no_truncation()
            ref.no_padding()
            lib = libtok.Tokenizer(LIBRARY, folder)
        finally:
            shutil.rmtree(folder)
        for text in texts:
            compare("vocab.txt %s" % files, lib, ref, text)


SECTIONS = [(n[8:], f) for n, f in sorted(globals().items()) if n.startswith("section_")]

if __name__ == "__main__":
    check.run(SECTIONS, sys.argv[3:])
