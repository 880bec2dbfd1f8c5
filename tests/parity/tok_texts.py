# SPDX-License-Identifier: MIT
"""Texts that tokenizers get wrong: alphabets, contexts, a seeded stream of both."""

import random

CONTEXTS = ["%s", "a%sb", "e\u0301%s\u0316x", "\u1100%s\u1161 ", "%s\u0344\u0327"]

ALPHABETS = [
    "abcdefgXYZ ", "aA\u00e9\u00c9\u0130\u0131\u015e\u1e9e\u00df\u03a3\u03c2\u0345\u1fb3\u1f88 ", " \t\n\r\v\f\u0085\u00a0\u2003\u2028\u3000\u200b\u200d\ufeff\x00\x1f\x7f\ufffd",
    "\u0300\u0301\u0316\u0327\u0334\u0338\u0345\u05b0\u05bf\u064b\u0651\u093c\u094d\u0e38\u0e48\u302a\u302e\u3099\U0001d165\U0001d16d\U0001e000\u0344\u0f71\u0f72\u0f74\u0f73",
    "\u4e2d\u6587\u3400\uf900\U00020000\U0002b820\U0002b920\U0002f800\u3042\u30ab\u3099\uff21",
    "\uac00\ub098\ud7a3\u1100\u1161\u11a8\u11c2", "\u0915\u093c\u0958\u09cb\u0dde\u0b4c\u1026\u1b3b",
    ".,!?;:'\"()[]{}-_#@$%^&*+=<>/\\|~`\u2018\u2019\u3002\uff0c\u00bf\u00a7\u2014",
    "\U0001f600\u2764\ufe0f\U0001f468\u200d\U0001f469\U0001f1e9\U0001f1ea\U000e0067",
]
PIECES = ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "[mask]", "##ing", "[", "]", "hello", "unaffable",
          "e\u0301\u0316", "\u0130", "\u1e69\u0323", "\u212b", "\ud55c\uad6d", "1234", "don't"]


def stream(seed, n):
    rnd = random.Random(seed)
    for _ in range(n):
        parts, kind = [], rnd.random()
        if kind < 0.1:
            parts = [chr(rnd.choice([rnd.randrange(0x300), rnd.randrange(0xD800),
                                     rnd.randrange(0xE000, 0x110000)]))
                     for _ in range(rnd.randrange(1, 30))]
        else:
            alphabets = rnd.sample(ALPHABETS, rnd.randrange(1, 4))
            for _ in range(rnd.randrange(1, 40)):
                if rnd.random() < 0.06:
                    parts.append(rnd.choice(PIECES))
                else:
                    parts.append(rnd.choice(rnd.choice(alphabets)))
        yield "".join(parts)
