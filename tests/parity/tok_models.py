# SPDX-License-Identifier: MIT
"""Random tokenizer models: tokenizer.json as a string, and the letters that its texts are made of."""
import json

from tokenizers import Tokenizer, models, pre_tokenizers


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
    return ref.to_str(), letters


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


def random_score(rnd):
    """Few values, so that ways tie; some with more digits than a double has."""
    kind = rnd.random()
    if kind < 0.5:
        return "-%d.%d" % (rnd.randrange(12), rnd.choice([0, 25, 5]))
    return "-%d.%0*d" % (rnd.randrange(12), rnd.randrange(1, 22), rnd.randrange(10 ** rnd.randrange(1, 22)))


def random_unigram(rnd, repeats=0):
    """With some pieces listed again, with other scores."""
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
    unk = texts.index("<unk>")
    for _ in range(repeats):
        texts.insert(rnd.randrange(unk + 1, len(texts) + 1), rnd.choice(texts))
    pieces = ",".join("[%s,%s]" % (json.dumps(t), random_score(rnd)) for t in texts)
    text = json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": None, "post_processor": None, "decoder": None,
        "pre_tokenizer": rnd.choice([None, {"type": "BertPreTokenizer"}]),
        "model": {"type": "Unigram", "unk_id": unk, "vocab": "@",
                  "byte_fallback": fallback}}).replace('"@"', "[%s]" % pieces)
    return text, letters
