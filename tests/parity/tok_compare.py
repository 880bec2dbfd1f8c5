# SPDX-License-Identifier: MIT
"""Comparing libbert's tokenizers with the reference, difference by difference."""

import contextlib
import gzip
import importlib.util
import json
import os
import re
import sys
import time
import zipfile

import libtok
from tokenizers import Tokenizer

SHOW = 5


class Checker:
    """Counts comparisons, shows the first differences, keeps what the reference can't do."""

    def __init__(self, library, data):
        self.library, self.data = library, data
        self.count = self.differences = 0
        self.panics = {}

    # ---- One comparison -----------------------------------------------------------

    def report(self, what, text, detail):
        self.differences += 1
        if self.differences <= SHOW:
            print("DIFFERENT %s: %s: %s" % (what, repr(text)[:300], detail), flush=True)

    def same(self, what, text, want, got):
        self.count += 1
        if tuple(want) == tuple(got):
            return True
        for name, a, b in zip(libtok.FIELDS, want, got):
            if a != b:
                self.report(what, text, "%s\n  reference %s\n  libbert   %s" % (name, a[:40], b[:40]))
                break
        return False

    def equal(self, what, text, want, got):
        self.count += 1
        if want != got:
            self.report(what, text, "reference %s, libbert %s" % (repr(want)[:200], repr(got)[:200]))

    def compare(self, what, lib, ref, text, tokens=True):
        lib.want_tokens = tokens
        self.same(what, text, libtok.reference(ref.encode(text), [libtok.starts(text)], tokens),
                  lib.encode(text.encode())[0][0])

    def reference(self, function, *args, **kwargs):
        """What it returns, or None where it raises or panics; the message is kept."""
        try:
            return function(*args, **kwargs)
        except BaseException as e:  # a Rust panic is no Exception
            if isinstance(e, KeyboardInterrupt):
                raise
            key = re.sub("[0-9]+", "N", str(e).split("\n")[0][:120])
            self.panics[key] = self.panics.get(key, 0) + 1
            return None

    # ---- Tokenizers -----------------------------------------------------------------

    def both(self, ref):
        """The library's tokenizer of what the reference would save."""
        return self.of_json(ref.to_str())

    def of_json(self, text):
        return libtok.Tokenizer(self.library, files={"tokenizer.json": text.encode()})

    def pair_of(self, path):
        """The library's and the reference's tokenizer of one file or folder."""
        if path.endswith(".gz"):
            text = gzip.open(path).read().decode()
            ref, lib = Tokenizer.from_str(text), self.of_json(text)
        elif path.endswith(".json"):
            ref, lib = Tokenizer.from_file(path), libtok.Tokenizer(self.library, path)
        else:
            ref, lib = of_class(path), libtok.Tokenizer(self.library, path)
        ref.no_truncation()
        ref.no_padding()
        return lib, ref

    def folder(self, name):
        return os.path.join(self.data, name)

    def vocabularies(self):
        """Name, library's and reference's tokenizer of each vocabulary of DATA."""
        for name in VOCABULARIES:
            if name.endswith(".model") and importlib.util.find_spec("sentencepiece") is None:
                print("%s: left out, the reference needs sentencepiece for it" % name, flush=True)
                continue
            try:
                lib, ref = self.pair_of(self.folder(os.path.join("tokenizers", name)))
            except libtok.Failure as e:
                self.report(name, "loading it", e)
                continue
            yield name.replace("/tokenizer.json", ""), lib, ref

    # ---- Texts ------------------------------------------------------------------------

    def lines(self):
        """All lines of the texts, zipped ones too."""
        folder = self.folder("text")
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if name.endswith(".zip"):
                with zipfile.ZipFile(path) as z:
                    for member in z.namelist():
                        yield from z.read(member).decode("utf-8", "replace").split("\n")
            else:
                with open(path, "rb") as f:
                    yield from f.read().decode("utf-8", "replace").split("\n")

    # ---- Running ------------------------------------------------------------------------

    def run(self, sections, wanted):
        """Run functions of (name, function); exits 1 after a difference."""
        for name, function in sections:
            if wanted and name not in wanted:
                continue
            before, start = self.count, time.time()
            with quiet():
                function()
            print("%-14s %9d comparisons, %d differences so far, %.0f s"
                  % (name, self.count - before, self.differences, time.time() - start), flush=True)
        for message, n in sorted(self.panics.items()):
            print("the reference fails (%d times): %s" % (n, message))
        print("%d comparisons, %d differences" % (self.count, self.differences))
        sys.exit(self.differences > 0)


def of_class(path):
    """The reference's fast class on files without a tokenizer.json."""
    import transformers
    if path.endswith("vocab.txt"):
        return transformers.BertTokenizer(vocab=path, do_lower_case=True).backend_tokenizer
    if path.endswith("deberta-v3/spm.model"):
        return transformers.DebertaV2Tokenizer.from_pretrained(os.path.dirname(path)).backend_tokenizer
    return transformers.AutoTokenizer.from_pretrained(path).backend_tokenizer


def decode_same(check, rnd, lib, ref, top, n=40):
    """Random ids, those that tokenizers treat apart more often."""
    for _ in range(n):
        ids = [rnd.choice([rnd.randrange(top + 3), rnd.randrange(1000, 1100), rnd.randrange(300),
                           rnd.randrange(max(0, top - 8), top)])
               for _ in range(rnd.randrange(0, 20))]
        for keep in (False, True):
            want = check.reference(ref.decode, ids, skip_special_tokens=not keep)
            got = lib.decode(ids, keep)
            if want is not None:
                check.equal("decode", ids, want, got)


@contextlib.contextmanager
def quiet():
    """Without standard error: each panic of the reference says so there."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


# The tokenizers of DATA; each loads as its line says.
VOCABULARIES = [
    "bert-base-uncased/tokenizer.json", "bert-base-uncased/vocab.txt", "bert-base-cased/vocab.txt",
    "bert-base-chinese/tokenizer.json", "bert-base-multilingual-cased/tokenizer.json",
    "all-mpnet-base-v2/tokenizer.json", "roberta-base/tokenizer.json", "modernbert/tokenizer.json",
    "paraphrase-multilingual-mpnet-base-v2/tokenizer.json.gz", "deberta-v3/spm.model",
]
# VOCABULARIES="roberta deberta" in the environment takes those whose names begin so.
VOCABULARIES = [v for v in VOCABULARIES
                if v.startswith(tuple(os.environ.get("VOCABULARIES", "").split()) or "")]


def edited(ref, **parts):
    """Its JSON with some components replaced."""
    j = json.loads(ref.to_str())
    j.update(parts)
    return json.dumps(j)
