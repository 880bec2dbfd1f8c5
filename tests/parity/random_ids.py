#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hidden states of a real model for random ids, against transformers in eager fp32.

usage: random_ids.py LIBRARY MODEL

One ragged batch of seeded sequences of many lengths, on every instruction set; every value
must be within 1e-5 * max(1, rms).
"""

import sys

import numpy as np
import torch
from transformers import AutoModel

import libbert

LENGTHS = [1, 2, 3, 17, 64, 128, 255, 512]


def main():
    library, folder = sys.argv[1:3]
    peer = AutoModel.from_pretrained(folder, dtype=torch.float32,
                                     attn_implementation="eager").eval()
    rng = np.random.default_rng(20)
    batch = [rng.integers(0, peer.config.vocab_size, n) for n in LENGTHS]
    with torch.inference_mode():
        want = np.concatenate([peer(input_ids=torch.tensor(s)[None]).last_hidden_state[0].numpy()
                               for s in batch])
    limit = 1e-5 * max(1.0, float(np.sqrt((want.astype("f8") ** 2).mean())))
    bad = 0
    for cpu in ("scalar", "blas", "avx2", "avx512"):
        try:
            model = libbert.Model(library, folder, cpu=cpu)
        except libbert.Failure as e:
            print(f"{cpu}: not here ({e})")
            continue
        worst = float(abs(model.encode(batch) - want).max())
        print(f"{cpu}: {len(want)} tokens, off by {worst:.2e} (at most {limit:.2e})")
        bad += not worst <= limit
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
