#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random tokenizers, made of any components with any options, against the reference.

usage: random_tokenizers.py LIBRARY [--seeds 0:200] [--texts 60] [--show 3]

Each seed makes one tokenizer of the reference: normalizers, pre-tokenizers, a small
trained model, post-processor, decoder and added tokens drawn at random, saved as
tokenizer.json and loaded by libbert.  Compared: ids, type ids, tokens, offsets, masks, word and
sequence ids, windows, pairs, and decoding.  Prints what differs and what was refused.
"""

import argparse
import collections
import json
import random
import sys

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, processors, trainers)

import libtok
import tok_texts

CORPUS = ["The quick brown fox jumps over the lazy dog, doesn't it? It's 1234.56 now!",
          "Zażółć gęślą jaźń naïve café ÉCLAIR Straße ΣΊΣΥΦΟΣ İstanbul",
          "東京タワー 中文字符 한국어 텍스트 ภาษาไทย हिन्दी العربية עברית",
          "foo_bar baz-qux C++ #hash @at $100 50% a/b\\c ... --- ''' \"\"\"",
          "😀 👨‍👩‍👧 🇩🇪 e\u0301 a\u0308 ﬁ ½ ² Ⅷ ａｂｃ ㍿ \u00a0 \u200b \ufeff x"]
BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


# ---- Components ------------------------------------------------------------------


def normalizer(r, depth=0):
    n = normalizers
    kinds = [
        lambda: n.BertNormalizer(clean_text=r.random() < .5, handle_chinese_chars=r.random() < .5,
                                 strip_accents=r.choice([None, True, False]),
                                 lowercase=r.random() < .5),
        n.NFC, n.NFD, n.NFKC, n.NFKD, n.Lowercase, n.StripAccents, n.Nmt,
        lambda: n.Strip(left=r.random() < .6, right=r.random() < .6),
        lambda: n.Replace(r.choice([" ", "a", "``", "the", "é", "x", "▁", "ß"]),
                          r.choice(["", " ", "▁", "zz", "\"", "é", "a"])),
        lambda: n.Replace(Regex(r.choice([" {2,}", r"\s+"])), r.choice([" ", "▁", ""])),
        lambda: n.Prepend(r.choice(["▁", " ", "xy"])),
    ]
    if r.random() < .12:
        kinds = [n.ByteLevel]
    if depth == 0 and r.random() < .4:
        return n.Sequence([normalizer(r, 1) for _ in range(r.randrange(0, 4))])
    return r.choice(kinds)()


def pre_tokenizer(r, depth=0):
    p = pre_tokenizers
    kinds = [
        p.BertPreTokenizer, p.Whitespace, p.WhitespaceSplit, p.UnicodeScripts,
        lambda: p.Punctuation(r.choice(BEHAVIORS)), lambda: p.Digits(r.random() < .5),
        lambda: p.ByteLevel(add_prefix_space=r.random() < .5, use_regex=r.random() < .7),
        lambda: p.Metaspace(r.choice("▁▁_"), r.choice(["always", "never", "first"]),
                            r.random() < .7),
        lambda: p.CharDelimiterSplit(r.choice(" -a,")),
        lambda: p.Split(r.choice([" ", "a", "th", "-", "é"]), r.choice(BEHAVIORS),
                        invert=r.random() < .3),
        lambda: p.Split(Regex(r.choice([GPT2, CL100K, r"\s+", r"\d"])),
                        r.choice(BEHAVIORS), invert=r.random() < .3),
    ]
    if depth == 0 and r.random() < .35:
        return p.Sequence([pre_tokenizer(r, 1) for _ in range(r.randrange(0, 4))])
    return r.choice(kinds)()


def train(r, tok, kind):
    if kind == "WordLevel":
        trainer = trainers.WordLevelTrainer(special_tokens=["[UNK]"], vocab_size=r.randrange(30, 150))
    elif kind == "WordPiece":
        trainer = trainers.WordPieceTrainer(special_tokens=["[UNK]"], vocab_size=r.randrange(250, 400),
                                            show_progress=False)
    elif kind == "BPE":
        extra = {}
        if r.random() < .3:
            extra["continuing_subword_prefix"] = r.choice(["##", "@@"])
        if r.random() < .3:
            extra["end_of_word_suffix"] = "</w>"
        trainer = trainers.BpeTrainer(special_tokens=["[UNK]"], vocab_size=r.randrange(200, 420),
                                      show_progress=False, **extra)
    else:
        trainer = trainers.UnigramTrainer(special_tokens=["[UNK]"], unk_token="[UNK]",
                                          vocab_size=r.randrange(120, 300), show_progress=False)
    tok.train_from_iterator(CORPUS * 4, trainer)


def model_options(r, spec, kind):
    """What trainers don't set, put into the saved file."""
    m = spec["model"]
    if kind == "WordPiece":
        m["max_input_chars_per_word"] = r.choice([100, 5, 1])
    if kind == "BPE":
        m["unk_token"] = r.choice([None, "[UNK]"])
        m["fuse_unk"] = r.random() < .5
        m["ignore_merges"] = r.random() < .3
        m["byte_fallback"] = r.random() < .3
        drop_some(r, spec, m["vocab"], kind)
    if kind == "Unigram":
        m["byte_fallback"] = r.random() < .3
        if r.random() < .2:
            m["vocab"] += [[t, -9 * r.random()] for t, _ in r.choices(m["vocab"], k=5)]
    if kind in ("BPE", "Unigram") and m["byte_fallback"]:
        names = [f"<0x{b:02X}>" for b in range(256) if r.random() < .98]
        if kind == "Unigram":
            m["vocab"] += [[n, -3.5] for n in names]
        else:
            for n in names:
                m["vocab"][n] = max(m["vocab"].values()) + 1


def drop_some(r, spec, vocab, kind):
    """Leave single characters out, so that something is unknown."""
    merged = {p for pair in spec["model"]["merges"] for p in
              (pair if isinstance(pair, list) else pair.split(" "))}
    for token in list(vocab):
        if len(token) == 1 and token not in merged and r.random() < .3:
            del vocab[token]
    for i, token in enumerate(sorted(vocab, key=vocab.get)):
        vocab[token] = i


def post_processor(r, tok):
    special = [("[CLS]", tok.token_to_id("[CLS]")), ("[SEP]", tok.token_to_id("[SEP]"))]
    p = processors
    kinds = [
        lambda: p.BertProcessing(special[1], special[0]),
        lambda: p.RobertaProcessing(special[1], special[0], trim_offsets=r.random() < .5,
                                    add_prefix_space=r.random() < .5),
        lambda: p.ByteLevel(trim_offsets=r.random() < .6, add_prefix_space=r.random() < .5),
        lambda: p.TemplateProcessing(
            single=r.choice(["[CLS] $A [SEP]", "$A", "$A:1 [SEP]:2", "[CLS]:3 $0"]),
            pair=r.choice(["[CLS] $A [SEP] $B:1 [SEP]:1", "$B $A", "[CLS] $A:1 [SEP] [SEP] $B:2"]),
            special_tokens=special),
    ]
    if r.random() < .25:
        return p.Sequence([p.ByteLevel(trim_offsets=r.random() < .5), r.choice(kinds)()])
    return r.choice(kinds)()


def decoder(r, depth=0):
    d = decoders
    kinds = [
        d.ByteLevel, d.ByteFallback, d.Fuse,
        lambda: d.WordPiece(prefix=r.choice(["##", "@@"]), cleanup=r.random() < .5),
        lambda: d.Metaspace(prepend_scheme=r.choice(["always", "never", "first"])),
        lambda: d.BPEDecoder(suffix="</w>"),
        lambda: d.Strip(content=r.choice([" ", "a"]), left=r.randrange(3), right=r.randrange(3)),
        lambda: d.Replace(r.choice(["▁", "a", "##"]), r.choice([" ", "", "b"])),
        lambda: d.Replace(Regex(r.choice([r"\s+", " {2,}", r"\d"])), r.choice([" ", "", "$0"])),
    ]
    if depth == 0 and r.random() < .4:
        return d.Sequence([decoder(r, 1) for _ in range(r.randrange(1, 5))])
    return r.choice(kinds)()


def added_tokens(r):
    texts = ["[CLS]", "[SEP]", "[MASK]", "<mask>", "the", "é", "ab", "a", "New Tok", " sp", "日"]
    for text in r.sample(texts, r.randrange(0, 5)):
        yield AddedToken(text, single_word=r.random() < .3, lstrip=r.random() < .3,
                         rstrip=r.random() < .3, normalized=r.random() < .5,
                         special=r.random() < .5)


def make(seed):
    r = random.Random(seed)
    kind = r.choice(["WordLevel", "WordPiece", "BPE", "BPE", "Unigram", "Unigram"])
    model = getattr(models, kind)
    tok = Tokenizer(model() if kind in ("Unigram", "BPE") else model(unk_token="[UNK]"))
    if r.random() < .75:
        tok.normalizer = normalizer(r)
    if r.random() < .85:
        tok.pre_tokenizer = pre_tokenizer(r)
    train(r, tok, kind)
    spec = json.loads(tok.to_str())
    spec["added_tokens"] = []
    model_options(r, spec, kind)
    tok = Tokenizer.from_str(json.dumps(spec))
    tok.add_special_tokens(["[CLS]", "[SEP]"])
    tokens = list(added_tokens(r))
    tok.add_special_tokens([t for t in tokens if t.special])
    tok.add_tokens([t for t in tokens if not t.special])
    if r.random() < .7:
        tok.post_processor = post_processor(r, tok)
    if r.random() < .8:
        tok.decoder = decoder(r)
    return Tokenizer.from_str(tok.to_str()), tok.to_str()


# ---- Comparison ------------------------------------------------------------------


def of_reference(e):
    one = lambda e: (e.ids, e.type_ids, e.offsets, e.special_tokens_mask, e.attention_mask,
                     [-1 if w is None else w for w in e.word_ids],
                     [-1 if s is None else s for s in e.sequence_ids], e.tokens)
    return [one(e)] + [one(o) for o in e.overflowing]


NAMES = ["ids", "type_ids", "offsets", "special_tokens_mask", "attention_mask", "word_ids",
         "sequence_ids", "tokens"]


def falls_back_on_affixes(spec):
    """Then the reference's offsets leave the word, see docs/tokenizers.md."""
    m = json.loads(spec)["model"]
    return m.get("byte_fallback") and m["type"] == "BPE" and (
        m.get("continuing_subword_prefix") or m.get("end_of_word_suffix"))


def first_difference(a, b, but):
    if len(a) != len(b):
        return "windows", len(a), len(b)
    for x, y in zip(a, b):
        for name, p, q in zip(NAMES, x, y):
            if name != but and list(p) != list(q):
                return name, p, q
    return None


def texts(r, n):
    yield from ["", " ", "  a  b ", "the the[MASK] <mask> the", "New Tok sp日É ab"]
    yield from tok_texts.stream(r.randrange(1 << 30), n // 2)
    for _ in range(n // 2):
        line = r.choice(CORPUS)
        at = r.randrange(len(line))
        yield line[at:at + r.randrange(1, 50)] + r.choice(["", " ", "  ", "\n", "[CLS]", "the"])


def encode(tok, ours, r, text, but):
    """What both say of one text, under random options; the reference's panics are skipped."""
    pair = r.choice([None, None, "b", "The fox é", text[::-1]])
    special = r.random() < .8
    o = dict(offset_unit=1, no_special=not special)
    limit = r.choice([0, 0, 0, 8, 12, 40])
    tok.no_truncation()
    if limit:
        o.update(max_length=limit, stride=r.choice([0, 1, 2]), overflow=1,
                 side=r.randrange(2), strategy=0)
        tok.enable_truncation(limit, stride=o["stride"], strategy="longest_first",
                              direction=libtok.SIDES[o["side"]])
    want = of_reference(tok.encode(text, pair, add_special_tokens=special))
    have, _ = ours.encode(text.encode(), None if pair is None else pair.encode(),
                          libtok.options(**o))
    return first_difference(have, want, but), (text, pair, o)


def check(seed, library, n_texts, counts, show):
    try:
        tok, spec = make(seed)
    except BaseException as e:  # the reference panics on some combinations
        counts["not made by the reference: " + str(e)[:60]] += 1
        return
    try:
        ours = libtok.Tokenizer(library, files={"tokenizer.json": spec.encode()})
    except libtok.Failure as e:
        counts["refused: " + str(e)[:110]] += 1
        return
    r = random.Random(seed + 1)
    shown = 0
    but = "offsets" if falls_back_on_affixes(spec) else None
    for text in texts(r, n_texts):
        counts["texts" + (" (offsets not compared: byte fallback of affixes)" if but else "")] += 1
        try:
            different, case = encode(tok, ours, r, text, but)
        except libtok.Failure as e:
            different, case = ("error", str(e), None), (text,)
        except BaseException:
            counts["panics of the reference"] += 1
            continue
        if different:
            counts["DIFFERENT"] += 1
            shown += 1
            if shown <= show:
                report(seed, spec, different, case)
    for _ in range(n_texts):
        ids = [r.randrange(tok.get_vocab_size() + 2) for _ in range(r.randrange(12))]
        keep = r.random() < .5
        counts["decoded"] += 1
        have = ours.decode(ids, keep)
        try:
            want = tok.decode(ids, skip_special_tokens=not keep)
        except BaseException:
            counts["panics of the reference, decoding"] += 1
            continue
        if want != have:
            counts["DIFFERENT decoding"] += 1
            shown += 1
            if shown <= show:
                report(seed, spec, ("decode", have, want), ([tok.id_to_token(i) for i in ids], keep))


def report(seed, spec, different, case):
    s = json.loads(spec)
    print(f"seed {seed}: {s['model']['type']}", {k: v for k, v in s["model"].items()
                                                 if k not in ("vocab", "merges", "type")})
    for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        print("  ", key, json.dumps(s[key], ensure_ascii=False)[:400])
    print("   added", [(t["content"], [k for k in t if t[k] is True]) for t in s["added_tokens"]])
    print("   of", case)
    name, have, want = different
    print(f"   {name}: have {have!r}\n   {' ' * len(name)}  want {want!r}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--seeds", default="0:200")
    parser.add_argument("--texts", type=int, default=60)
    parser.add_argument("--show", type=int, default=2)
    args = parser.parse_args()
    first, last = map(int, args.seeds.split(":"))
    counts = collections.Counter()
    for seed in range(first, last):
        check(seed, args.library, args.texts, counts, args.show)
    for name, n in counts.most_common():
        print(f"{n:8} {name}")
    return 1 if counts["DIFFERENT"] + counts["DIFFERENT decoding"] else 0


if __name__ == "__main__":
    sys.exit(main())
