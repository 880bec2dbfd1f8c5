#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libbert's tokenizers beside the reference's encode_batch, one thread, in turns.

Usage: tok_peers.py BENCH-TOKENIZERS DATA
DATA is the folder with text/ and tokenizers/.
"""
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer  # noqa: E402

PROGRAM, DATA = sys.argv[1], sys.argv[2]
VOCABULARIES = ["bert-base-uncased", "bert-base-multilingual-cased", "roberta-base", "modernbert",
                "paraphrase-multilingual-mpnet-base-v2"]


def texts(folder):
    """English, and the beginning of many languages' pages."""
    yield "english", os.path.join(DATA, "text", "wikitext2-test.txt")
    with zipfile.ZipFile(os.path.join(DATA, "text", "multilingual-web.txt.zip")) as z:
        data = b"".join(z.read(n) for n in z.namelist())[:1500000]
    path = os.path.join(folder, "mixed.txt")
    with open(path, "wb") as f:
        f.write(data.decode("utf-8", "ignore").encode())
    yield "mixed", path


def vocabulary(name, folder):
    path = os.path.join(DATA, "tokenizers", name, "tokenizer.json")
    if not os.path.exists(path):
        with gzip.open(path + ".gz") as f, open(os.path.join(folder, "tokenizer.json"), "wb") as out:
            out.write(f.read())
        path = os.path.join(folder, "tokenizer.json")
    return path


def reference(path, text):
    tok = Tokenizer.from_file(path)
    tok.no_truncation()
    tok.no_padding()
    with open(text, encoding="utf-8", newline="\n") as f:
        data = f.read()
    lines, least = data.split("\n"), 1e9
    for _ in range(2):
        start = time.time()
        tok.encode_batch(lines)
        least = min(least, time.time() - start)
    return len(data.encode()) / least / 1e6


def main():
    print("%-38s %-8s %9s %9s %7s %9s %9s %8s %8s" % (
        "vocabulary", "text", "MB/s", "ns/token", "ratio", "count", "2 thr.", "ref MB/s", "load ms"))
    with tempfile.TemporaryDirectory() as folder:
        for text, where in texts(folder):
            for name in VOCABULARIES:
                path = vocabulary(name, folder)
                one, two = (json.loads(subprocess.check_output([PROGRAM, path, where, str(n)]))
                            for n in (1, 2))
                ref = reference(path, where)
                print("%-38s %-8s %9.1f %9.1f %7.1f %9.1f %8.2fx %8.2f %8.1f" % (
                    name, text, one["mb_per_s"], one["ns_per_token"], one["mb_per_s"] / ref,
                    one["count_mb_per_s"], two["mb_per_s"] / one["mb_per_s"], ref,
                    one["load_ms"]), flush=True)


if __name__ == "__main__":
    main()
