# SPDX-License-Identifier: MIT
"""Texts that stages get wrong: what words, clusters and normal forms are made of, mixed."""
import random

LONG = ["'s", "'S", "'\u017f", "'re", "'LL", "'d", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "a", "B", "Ab", "\u01c5",
        "\u02b0", "\u4e2d", "\u0915", "\u094d", "\u200d", "\u200c", "\u0301", "\u0600", "1", "23", "4567", "\u00b2", "\u0661", "\u2167", ".", "!", "/", "//", "_",
        "\u00a9", "\U0001f469", "\ufe0f", "\U0001f1e9", "\u1100", "\u1161", "\u11a8", "\uac00", "\uff21", "\ufb01", "\u2026", "\u2581", "\u0e01", "\u0e33",
        "\u00ad", "\ufeff", "\u200b", "\x00", "\x07", "``", "''", "-", "\u30fc", "\u30ab", "\u0439", "\u0418\u0306", "\u1e9b\u0323", "<m>", "<x>", "``s"]


def mixtures(seed, n):
    rnd = random.Random(seed)
    for _ in range(n):
        some = rnd.sample(LONG, rnd.randrange(2, 9))
        yield "".join(rnd.choice(some) for _ in range(rnd.randrange(1, 30)))


def ascii_mixtures(seed, n):
    rnd = random.Random(seed)
    for _ in range(n):
        yield "".join(rnd.choice("aabbxx   ,,_1\n") for _ in range(rnd.randrange(1, 20)))
