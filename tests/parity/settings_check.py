#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Directories without a tokenizer.json against AutoTokenizer: every class, with random settings in
tokenizer_config.json, special_tokens_map.json, added_tokens.json and config.json, over vocabularies
of words, of byte-level BPE and of small SentencePiece models trained with random options.

Usage: settings_check.py LIBBERT.SO DATA [lines|merges|pieces...]   SEED=n N=n from the environment
Exits 1 if anything differs.  DATA isn't looked at.  Directories that one side refuses are
counted by what it says.
"""
import collections
import contextlib
import importlib.util
import io
import json
import os
import random
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import libtok  # noqa: E402

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
LIBRARY = sys.argv[1]
SHOW = int(os.environ.get("SHOW", 4))
SEED = int(os.environ.get("SEED", 1))
counts = collections.Counter()
shown = collections.Counter()

LINES = {"Bert": "bert", "DistilBert": "distilbert", "Electra": "electra",
         "MobileBert": "mobilebert", "ConvBert": "convbert", "Lxmert": "lxmert",
         "LayoutLM": "layoutlm", "SqueezeBert": "squeezebert", "DPRReader": None,
         "DPRQuestionEncoder": "dpr", "MPNet": "mpnet", "Funnel": "funnel", "Splinter": "splinter",
         "Esm": "esm"}
MERGES = {"Roberta": "roberta", "Longformer": "longformer", "Bart": "bart", "Deberta": "deberta",
          "GPT2": "gpt2", "LED": "led", "Herbert": "herbert", "Luke": "luke"}
PIECES = {"XLMRoberta": ("xlm-roberta", "sentencepiece.bpe.model"),
          "Camembert": ("camembert", "sentencepiece.bpe.model"),
          "Albert": ("albert", "spiece.model"),
          "DebertaV2": ("deberta-v2", "spm.model"), "BigBird": ("big_bird", "spiece.model"),
          "RemBert": ("rembert", "sentencepiece.model"), "XLNet": ("xlnet", "spiece.model"),
          "BertGeneration": ("bert-generation", "spiece.model"),
          "TokenizersBackend": (None, "tokenizer.model")}

# ---- Settings -------------------------------------------------------------------

NAMED = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
CONTENTS = ["<s>", "</s>", "<mask>", "[CLS]", "[SEP]", "[MASK]", "<new>", "foo", "<pad>", "<unk>",
            "[UNK]", "<cls>", "<sep>", "[PAD]"]
FLAGS = ["do_lower_case", "strip_accents", "tokenize_chinese_chars", "keep_accents",
         "split_by_punct", "add_prefix_space", "trim_offsets", "add_bos_token", "add_eos_token",
         "clean_text", "remove_space", "do_basic_tokenize", "legacy", "from_slow"]


def random_token(r, always_object=False, plain=0.5):
    content = r.choice(CONTENTS)
    if r.random() < plain and not always_object:
        return content
    token = {"content": content}
    for flag in ("lstrip", "rstrip", "single_word", "normalized", "special"):
        if r.random() < 0.4:
            token[flag] = r.random() < 0.5
    return token if always_object else dict(token, __type="AddedToken")


def random_extra(r, plain=0.5):
    if r.random() < 0.2:
        return {r.choice(["image_token", "x"]): random_token(r, plain=1)}
    return [random_token(r, plain=plain) for _ in range(r.randrange(3))]


def random_config(r):
    config = {}
    for key in NAMED:
        if r.random() < 0.1:
            config[key] = random_token(r)
        elif r.random() < 0.02:
            config[key] = None
    for key in FLAGS:
        if r.random() < 0.2:
            config[key] = r.random() < 0.5
    if r.random() < 0.05:
        config["strip_accents"] = None
    for key, values in (("truncation_side", ["left", "right"]), ("padding_side", ["left", "right"]),
                        ("model_max_length", [512, 1e30, 10]), ("never_split", [None, ["foo"]]),
                        ("clean_up_tokenization_spaces", [True, False]),
                        ("name_or_path", ["x"]), ("sp_model_kwargs", [{}]), ("errors", ["replace"])):
        if r.random() < 0.1:
            config[key] = r.choice(values)
    if r.random() < 0.2:
        config["added_tokens_decoder"] = {str(r.randrange(500)): random_token(r, True)
                                          for _ in range(r.randrange(4))}
    for key, chance in ("additional_special_tokens", 0.12), ("extra_special_tokens", 0.1):
        if r.random() < chance:
            config[key] = random_extra(r)
    if r.random() < 0.05:
        config["image_token"] = random_token(r)
    for key in ("entity_token_1", "entity_token_2", "entity_1_token", "entity_2_token"):
        if r.random() < 0.04:
            config[key] = random_token(r)
    return config


def random_files(r, name, model_type):
    """What stands beside the vocabulary.  The class is named in one of three places."""
    config = random_config(r)
    files = {}
    kind = r.random()
    class_name = name if name == "TokenizersBackend" else name + "Tokenizer" + r.choice(["", "Fast"])
    if kind < 0.5 or model_type is None:
        config["tokenizer_class"] = class_name
        if r.random() < 0.5 and model_type is not None:
            files["config"] = {"model_type": model_type}
    elif kind < 0.8:
        files["config"] = {"model_type": model_type}
    else:
        files["config"] = {"model_type": r.choice([model_type, "bert"]),
                           "tokenizer_class": class_name}
    if config or r.random() < 0.7:
        files["tokenizer_config"] = config
    if r.random() < 0.2:
        files["special_tokens_map"] = {k: random_token(r, plain=0.7) for k in r.sample(NAMED, 2)}
        for key in ("additional_special_tokens", "extra_special_tokens"):
            if r.random() < 0.2:
                files["special_tokens_map"][key] = random_extra(r, plain=1)
        for value in files["special_tokens_map"].values():
            if isinstance(value, dict):
                value.pop("__type", None)
    if r.random() < 0.12:
        files["added_tokens"] = {c: r.randrange(400, 500) for c in ("foo", "<new>")}
    return files


# ---- Vocabularies ---------------------------------------------------------------

WORDS = ["hello", "world", "the", "quick", "##ly", "un", "##believ", "##able", ",", "!", "caf",
         "##e", "cafe", "foo", "##oo", "[QUESTION]", ".", "(", ")", "x", "\u65e5", "##\u672c"]
TEXTS = ["hello <mask> world", "a <s>b</s> foo  <new> [CLS] x", "The quick <unk> [MASK]!", " lead",
         "Foo FOO (x) caf\u00e9 <pad> [UNK] [SEP]", "\u65e5\u672c\u8a9e \u4e2d\u6587 \ufb01 \u2460 \uff21",
         "tabs\tand\nnew  lines\r\n", "``quoted'' 1234,5 \u0130 \u00df", "", "a\u0301\u0316 x foo",
         " <sep><cls> <pad>", "\u2581 under\u2581line <eop> foofoo"]
RULES = "FB01\t66 69\nFF21\t41\n2460\t31\n3000\t20\n9\t20\nA\t20\nD\t20\n"


def write_lines(r, folder, name):
    specials = r.sample(CONTENTS, r.randrange(len(CONTENTS) - 2, len(CONTENTS) + 1))
    letters = list("abcdefghijklmnopqrstuvwxyz")
    lines = specials + WORDS + letters + ["##" + c for c in letters]
    if r.random() < 0.2:
        r.shuffle(lines)
    if r.random() < 0.1:
        lines.insert(r.randrange(len(lines)), r.choice(lines))
    if name == "Esm":  # a line that is there twice is refused
        lines = list(dict.fromkeys(lines + ["<eos>"]))
    end = r.choice(["\n", "\n", "\r\n", " \n"])
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8", newline="") as f:
        f.write(end.join(lines) + r.choice(["", end]))


def write_merges(r, folder, name, models):
    models[name == "Herbert", r.randrange(3)].model.save(folder)


def bpe_models():
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    out = {}
    for k in range(3):
        specials = [["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                    ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]", "<|endoftext|>"], CONTENTS][k]
        for herbert in (False, True):
            tok = Tokenizer(models.BPE())
            tok.pre_tokenizer = (pre_tokenizers.BertPreTokenizer() if herbert else
                                 pre_tokenizers.ByteLevel(add_prefix_space=False))
            extra = {"end_of_word_suffix": "</w>"} if herbert else {
                "initial_alphabet": pre_tokenizers.ByteLevel.alphabet()}
            tok.train_from_iterator([CORPUS], trainers.BpeTrainer(
                vocab_size=400, special_tokens=specials, show_progress=False, **extra))
            out[herbert, k] = tok
    return out


CORPUS = """The quick brown fox jumps over the lazy dog. Hello world, hello tokenization!
Tokenizers split text into pieces; unbelievable words are split into smaller pieces.
It isn't easy to be believed, but the lowest and newest widest words are lower, newer, wider.
Numbers like 1234 and 3.14 appear; quotes "like this" and (brackets) too, foo and foo foo.
\u65e5\u672c\u8a9e \u4e2d\u6587 caf\u00e9 na\u00efve \ufb01ne \u2460 \uff21\uff22 ``x''
""" * 4


def random_pieces(r, name):
    """Options of a SentencePiece model: like the class's own, or any."""
    o = {"vocab_size": r.choice([150, 200, 300]), "hard_vocab_limit": False}
    layout = r.randrange(5)
    if name == "Albert" and layout < 3:
        o.update(pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, pad_piece="<pad>",
                 control_symbols=["[CLS]", "[SEP]"])
    elif name == "DebertaV2" and layout < 3:
        o.update(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
                 eos_piece="[SEP]", unk_piece="[UNK]")
    elif name == "RemBert" and layout < 3:
        o.update(pad_id=0, bos_id=-1, eos_id=-1, unk_id=2, pad_piece="<pad>",
                 control_symbols=["[CLS]", "[SEP]"])
    elif name == "XLNet" and layout < 3:
        o.update(control_symbols=["<cls>", "<sep>", "<pad>", "<mask>", "<eod>"],
                 user_defined_symbols=["<eop>", "(", ")"])
    elif name == "BigBird" and layout < 3:
        o.update(pad_id=0, eos_id=1, bos_id=2, unk_id=3,
                 user_defined_symbols=["[CLS]", "[SEP]", "[MASK]"])
    elif layout == 3:
        o.update(unk_id=r.randrange(3), bos_id=-1, eos_id=-1, unk_piece=r.choice(["<unk>", "[UNK]"]))
        o["pad_id"] = (o["unk_id"] + 1) % 3 if r.random() < .3 else -1
        if o["pad_id"] != 0 and o["unk_id"] != 0:
            o["bos_id"] = 0
        if 1 not in (o["unk_id"], o["bos_id"], o["pad_id"]) and 2 in (o["unk_id"], o["pad_id"]):
            o["eos_id"] = 1
    if r.random() < 0.25:
        o["user_defined_symbols"] = r.sample(["foo", "<new>", "[MASK]", "(", " x", "\u65e5"],
                                             r.randrange(1, 4))
    if r.random() < 0.15:
        o["control_symbols"] = r.sample(["<mask>", "[CLS]", "[SEP]", "<ctrl>"], 2)
    rule = r.choice(["identity", "nfkc", "nmt_nfkc", "nfkc_cf", "tsv", "tsv"])
    o["normalization_rule_" + ("tsv" if rule == "tsv" else "name")] = (
        "rules.tsv" if rule == "tsv" else rule)
    for key, value in (("add_dummy_prefix", False), ("remove_extra_whitespaces", False),
                       ("treat_whitespace_as_suffix", True), ("split_digits", True),
                       ("split_by_whitespace", False), ("split_by_unicode_script", False),
                       ("byte_fallback", True), ("unk_surface", " ?? "),
                       ("allow_whitespace_only_pieces", True), ("character_coverage", 0.9)):
        if r.random() < 0.15:
            o[key] = value
    if o.get("byte_fallback"):
        o["vocab_size"] = 450
    if name == "BertGeneration":  # in BPE unknown characters that spell one are it
        o.pop("control_symbols", None)
    if name in ("TokenizersBackend", "BertGeneration") and r.random() < 0.5:
        o["model_type"] = "bpe"
    elif r.random() < 0.05:
        o["model_type"] = r.choice(["bpe", "char", "word"])
    return o


def train_pieces(r, name, path):
    import sentencepiece
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with open("rules.tsv", "w", encoding="utf-8") as f:
                f.write(RULES)
            with open("corpus.txt", "w", encoding="utf-8") as f:
                f.write(CORPUS)
            sentencepiece.SentencePieceTrainer.Train(
                input="corpus.txt", model_prefix="m", num_threads=1, minloglevel=4,
                **random_pieces(r, name))
            os.replace("m.model", path)
        finally:
            os.chdir(here)


# ---- Comparison -----------------------------------------------------------------


def report(what, files, text, field, want, got):
    counts["DIFFERENT"] += 1
    shown[what] += 1
    if shown[what] > SHOW:
        return
    print("DIFFERENT %s %s\n  of %r: %s\n  reference %s\n  libbert   %s"
          % (what, json.dumps(files), text, field, want[:60], got[:60]), flush=True)


def is_stale(ref):
    """Then the reference decodes an id as an earlier token's normalised text."""
    return any(not t.normalized and ref.id_to_token(i) != t.content
               for i, t in ref.get_added_tokens_decoder().items())


def compare_program(what, files, lib, ref, text, pair):
    """With a class that is a program of Python: ids, types, and the decoded text."""
    counts["texts of programs"] += 1
    try:
        want = ref(text, pair, return_token_type_ids=True)
    except Exception:  # noqa: BLE001 - a pair without an end
        counts["the reference fails at a text"] += 1
        return None
    got = lib.encode(text.encode(), None if pair is None else pair.encode())[0][0]
    for field, a, b in zip(("ids", "type_ids"), (want["input_ids"], want["token_type_ids"]), got):
        if list(a) != list(b):
            return report(what, files, (text, pair), field, a, b)
    for keep in (False, True):
        a = ref.decode(want["input_ids"], skip_special_tokens=not keep,
                       clean_up_tokenization_spaces=False)
        b = lib.decode(want["input_ids"], keep)
        if a != b:
            return report(what, files, (text, pair), "decoded", a, b)
    return None


def compare(what, files, lib, ref, text, pair):
    if not hasattr(ref, "encode_batch_fast"):
        return compare_program(what, files, lib, ref, text, pair)
    counts["texts"] += 1
    maps = [libtok.starts(text)] + ([libtok.starts(pair)] if pair is not None else [])
    try:
        want = libtok.reference(ref.encode(text, pair), maps)
    except Exception:  # noqa: BLE001 - it has no unknown token
        counts["the reference fails at a text"] += 1
        return None
    try:
        got = lib.encode(text.encode(), None if pair is None else pair.encode())[0][0]
    except libtok.Failure as e:
        got = (str(e),)
    for field, a, b in zip(libtok.FIELDS, want, got):
        if list(a) != list(b):
            return report(what, files, (text, pair), field, a, b)
    if is_stale(ref):
        counts["not decoded: a token added twice, once normalized"] += 1
        return None
    for keep in (False, True):
        a, b = ref.decode(want[0], skip_special_tokens=not keep), lib.decode(want[0], keep)
        if a != b:
            return report(what, files, (text, pair), "decoded", a, b)
    return None


def reference(folder):
    from transformers import AutoTokenizer
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        ref = AutoTokenizer.from_pretrained(folder)
    if not hasattr(ref, "backend_tokenizer"):
        return ref
    ref = ref.backend_tokenizer
    ref.no_truncation()
    ref.no_padding()
    return ref


# docs/tokenizers.md: a vocabulary that lacks its unknown token, or a class its tokens
REFUSALS = ["the unknown token", "leave no ", "the settings make ", "the settings give ",
            "model_type of trainer_spec", "is in another, or holds one", "is there twice",
            "legacy is false"]


def check(name, folder, files):
    for file, value in files.items():
        with open(os.path.join(folder, file + ".json"), "w", encoding="utf-8") as f:
            json.dump(value, f)
    counts["directories"] += 1
    ours = theirs = None
    try:
        lib = libtok.Tokenizer(LIBRARY, folder)
    except libtok.Failure as e:
        ours = str(e).replace(folder, "")
    try:
        ref = reference(folder)
    except BaseException as e:  # noqa: BLE001 - a panic is no Exception
        theirs = str(e).split("\n")[0]
    if ours and any(m in ours for m in REFUSALS) and not theirs:
        counts["refused by design"] += 1
        return
    if ours or theirs:
        who = "both" if ours and theirs else "libbert" if ours else "the reference"
        message = "refused by %s: %s: %s" % (who, name, (ours or theirs)[:90])
        counts["REFUSED" if who == "libbert" else "refused by " + who] += 1
        shown[message] += 1
        if who == "libbert" and shown[message] <= SHOW:
            print("%s\n  %s" % (message, json.dumps(files)), flush=True)
        return
    for text, pair in zip(TEXTS, [None] * 8 + TEXTS[:4]):
        compare(name, files, lib, ref, text, pair)


def seeded(section, i):
    return random.Random("%s %d %d" % (section, SEED, i))


def lines(n):
    for i in range(n):
        r = seeded("lines", i)
        name = r.choice(sorted(LINES))
        with tempfile.TemporaryDirectory() as folder:
            write_lines(r, folder, name)
            check(name, folder, random_files(r, name, LINES[name]))


def merges(n):
    models = bpe_models()
    for i in range(n):
        r = seeded("merges", i)
        name = r.choice(sorted(MERGES))
        with tempfile.TemporaryDirectory() as folder:
            write_merges(r, folder, name, models)
            check(name, folder, random_files(r, name, MERGES[name]))


def pieces(n):
    if importlib.util.find_spec("sentencepiece") is None:
        print("pieces: no sentencepiece, left out")
        return
    for i in range(n):
        r = seeded("pieces", i)
        name = r.choice(sorted(PIECES))
        model_type, file = PIECES[name]
        with tempfile.TemporaryDirectory() as folder:
            try:
                train_pieces(r, name, os.path.join(folder, file))
            except Exception:  # noqa: BLE001 - options that exclude each other
                counts["not trained"] += 1
                continue
            check(name, folder, random_files(r, name, model_type))


SECTIONS = [lines, merges, pieces]


def main():
    quick = 10 if os.environ.get("QUICK") else 1
    n = int(os.environ.get("N", 1500 // quick))
    for section in SECTIONS:
        if not sys.argv[3:] or section.__name__ in sys.argv[3:]:
            section(n)
    for message, times in sorted(shown.items()):
        if message.startswith("refused"):
            print("%6d %s" % (times, message))
    for what, times in counts.most_common():
        print("%8d %s" % (times, what))
    print("%d texts, %d differences" % (counts["texts"], counts["DIFFERENT"]))
    return counts["DIFFERENT"] > 0


if __name__ == "__main__":
    sys.exit(main())
