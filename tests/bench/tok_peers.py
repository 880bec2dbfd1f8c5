#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libbert's tokenizers beside the reference's encode_batch, in turns, medians of three.

Usage: tok_peers.py BENCH-TOKENIZERS DATA
DATA is the folder with text/ and tokenizers/.  One thread but for "2 thr.", what two do over one;
"count" is MB/s without offsets, of bert_count_tokens(); "load" is time and memory, at its peak.
"""
import gzip
import json
import os
import statistics
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
ROUNDS = 3


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


class Reference:
    def __init__(self, path, text):
        self.tok = Tokenizer.from_file(path)
        self.tok.no_truncation()
        self.tok.no_padding()
        with open(text, encoding="utf-8", newline="\n") as f:
            data = f.read()
        self.lines, self.bytes = data.split("\n"), len(data.encode())

    def mb_per_s(self):
        start = time.time()
        self.tok.encode_batch(self.lines)
        return self.bytes / (time.time() - start) / 1e6


def measure(path, text):
    """Medians of libbert's numbers with one thread and with two, and the reference's MB/s."""
    peer, runs, speeds = Reference(path, text), {1: [], 2: []}, []
    for _ in range(ROUNDS):
        for threads, results in runs.items():
            results.append(json.loads(subprocess.check_output([PROGRAM, path, text, str(threads)])))
        speeds.append(peer.mb_per_s())
    one, two = ({k: statistics.median(r[k] for r in results) for k in results[0]}
                for results in runs.values())
    return one, two, statistics.median(speeds)


def main():
    print("%-38s %-8s %9s %9s %7s %9s %9s %8s %8s %8s" % (
        "vocabulary", "text", "MB/s", "ns/token", "ratio", "count", "2 thr.", "ref MB/s", "load ms",
        "load MB"))
    with tempfile.TemporaryDirectory() as folder:
        for text, where in texts(folder):
            for name in VOCABULARIES:
                one, two, ref = measure(vocabulary(name, folder), where)
                print("%-38s %-8s %9.1f %9.1f %7.1f %9.1f %8.2fx %8.2f %8.1f %8.1f" % (
                    name, text, one["mb_per_s"], one["ns_per_token"], one["mb_per_s"] / ref,
                    one["count_mb_per_s"], two["mb_per_s"] / one["mb_per_s"], ref,
                    one["load_ms"], one["load_mb"]), flush=True)


if __name__ == "__main__":
    main()
