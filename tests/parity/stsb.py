#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""STS-B dev: Spearman of libbert and of sentence-transformers, on the same machine.

usage: stsb.py LIBRARY MODEL CSV

LIBRARY is libbert.so, MODEL a sentence-transformers folder, CSV stsb-en-dev.csv
(sentence, sentence, score).  Prints both correlations to 6 decimals and how far the
embeddings are apart; fails if the 4th decimal differs or an embedding is off by over 1e-5.
"""

import csv
import sys

import numpy as np
import torch
from scipy.stats import spearmanr
from sentence_transformers import SentenceTransformer

import libbert

TOLERANCE = 1e-5


def cosine(a, b):
    a, b = a.astype("f8"), b.astype("f8")
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def main():
    library, folder, path = sys.argv[1:4]
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.reader(f))
    left, right = [r[0] for r in rows], [r[1] for r in rows]
    gold = [float(r[2]) for r in rows]

    ours = libbert.Model(library, folder)
    a, b = ours.embed(left), ours.embed(right)
    peer = SentenceTransformer(folder, device="cpu", model_kwargs={
        "dtype": torch.float32, "attn_implementation": "eager"})
    c = peer.encode(left, show_progress_bar=False)
    d = peer.encode(right, show_progress_bar=False)

    mine = spearmanr(cosine(a, b), gold).statistic
    theirs = spearmanr(cosine(c, d), gold).statistic
    worst = max(abs(a - c).max(), abs(b - d).max())
    print(f"STS-B dev, {len(rows)} pairs, {ours.cpu}")
    print(f"libbert                Spearman {mine:.6f}")
    print(f"sentence-transformers  Spearman {theirs:.6f}")
    print(f"largest difference of {2 * len(rows)} embeddings: {worst:.2e} (at most {TOLERANCE:g})")
    same = f"{mine:.4f}" == f"{theirs:.4f}" and worst <= TOLERANCE
    print("same" if same else "DIFFERENT")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
