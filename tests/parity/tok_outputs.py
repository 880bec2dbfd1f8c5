# SPDX-License-Identifier: MIT
"""Random post-processors and decoders, and the tokens that they treat apart."""

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors


def tokenizer_of(tokens, special):
    """A tokenizer that knows these words, and a special token that takes spaces."""
    tokens = list(dict.fromkeys(tokens))
    tok = Tokenizer(models.WordLevel({t: i for i, t in enumerate(tokens)}, unk_token=tokens[0]))
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.add_special_tokens([AddedToken(special, lstrip=True, rstrip=True), AddedToken(tokens[0])])
    return tok


# ---- Post-processors ----------------------------------------------------------------------

SPECIALS = [("<s>", 9), ("</s>", 10)]
ODD_WORDS = ["[UNK]", "a", "b", "\u0120a", "\u0120b", "\u0120\u0120c", "d\u3000", "\u0120", "\u0120\u3000",
             "<s>", "</s>", "\u00e9\u0120", "\u3000x\u0120", "[MASK]"]


def random_processor(rnd):
    p = processors
    kind = rnd.randrange(4)
    if kind == 0:
        return p.BertProcessing(SPECIALS[1], SPECIALS[0])
    if kind == 1:
        return p.RobertaProcessing(SPECIALS[1], SPECIALS[0], trim_offsets=rnd.random() < 0.7,
                                   add_prefix_space=rnd.random() < 0.5)
    if kind == 2:
        return p.ByteLevel(trim_offsets=rnd.random() < 0.8, add_prefix_space=rnd.random() < 0.5)
    return p.TemplateProcessing(
        single=rnd.choice(["<s> $A </s>", "$A:1 </s>:1", "$A", "<s>:2 $A:3 </s> $A"]),
        pair=rnd.choice(["<s> $A </s> $B:1 </s>:1", "$A:1 $B:2 </s>:3", "$B $A", "$A $B $A </s>",
                         "<s> $A </s> </s> $B </s>"]), special_tokens=SPECIALS)


def odd_text(rnd):
    return "".join(rnd.choice(ODD_WORDS + [" ", "  ", "x", "\u3000"]) + rnd.choice(["", " "])
                   for _ in range(rnd.randrange(0, 9)))


# ---- Decoders -----------------------------------------------------------------------------

ATOMS = ["a", "b", " ", "\u2581", "\u0120", "##", "</w>", "\u00e9", "\u65e5", "<0xE4>", "<0xBD>", "<0xA0>", "<0x41>",
         "<0x+1>", "\u00c2", "\u012a", "\u0122", "\u00e2", "\u0123", " .", " do not", " n't", "|", "<pad>", "", " '",
         "'", " ' ", "aa", "\u0301", " 's", "\u0120\u0120"]


def random_decoder(rnd):
    d = decoders
    return rnd.choice([
        lambda: d.WordPiece(rnd.choice(["##", "", "a"]), rnd.random() < 0.5), d.ByteLevel,
        lambda: d.BPEDecoder(rnd.choice(["</w>", "", "a"])),
        lambda: d.Metaspace(rnd.choice(["\u2581", "a"]), rnd.choice(["always", "first", "never"])),
        d.ByteFallback, d.Fuse,
        lambda: d.Strip(rnd.choice([" ", "a", "\u2581"]), rnd.randrange(3), rnd.randrange(3)),
        lambda: d.Replace(rnd.choice(["\u2581", "a", "aa", "", " "]), rnd.choice([" ", "", "xyz"])),
        lambda: d.CTC(rnd.choice(["<pad>", "a", ""]), rnd.choice(["|", "b", ""]), rnd.random() < 0.6)])()
