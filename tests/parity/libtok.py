# SPDX-License-Identifier: MIT
"""The tokenizers of libbert.so through ctypes, and what the comparisons share."""

import ctypes as ct
from array import array
from itertools import accumulate

P, SZ = ct.c_void_p, ct.c_size_t


class Text(ct.Structure):
    _fields_ = [("data", ct.c_char_p), ("size", SZ)]


class RawText(ct.Structure):
    _fields_ = [("data", P), ("size", SZ)]


class Error(ct.Structure):
    _fields_ = [("code", ct.c_int), ("message", ct.c_char * 1020)]


class File(ct.Structure):
    _fields_ = [("name", ct.c_char_p), ("data", ct.c_char_p), ("size", SZ)]


class Options(ct.Structure):
    _fields_ = [("size", SZ)] + [(n, ct.c_uint32) for n in (
        "no_special", "max_length", "stride", "overflow", "strategy", "side", "offset_unit",
        "pad_length", "stop_early", "threads")]


STRATEGIES = ["longest_first", "only_first", "only_second"]
SIDES = ["right", "left"]


class Span(ct.Structure):
    _fields_ = [("start", SZ), ("end", SZ)]


class Failure(Exception):
    def __init__(self, code, message):
        super().__init__("%d %s" % (code, message))
        self.code = code


class Tokenizer:
    def __init__(self, library, path=None, files=None):
        self.lib = lib = ct.CDLL(library)
        self.err = Error()
        self.tok, self.enc = P(), P()
        lib.bert_tokenizer_load.argtypes = [P, ct.c_char_p, P, P]
        lib.bert_tokenizer_load_memory.argtypes = [P, P, SZ, P, P]
        lib.bert_tokenizer_unref.argtypes = [P]
        lib.bert_tokenize.argtypes = [P, Text, P, P, P, P]
        lib.bert_tokenize_words.argtypes = [P, P, SZ, P, SZ, P, P, P]
        lib.bert_tokenize_batch.argtypes = [P, P, P, SZ, P, P, P]
        lib.bert_cut_text.argtypes = [P, Text, SZ, ct.c_int, P, P]
        lib.bert_encoding_kept.argtypes = [P, ct.c_int]
        lib.bert_encoding_kept.restype = Span
        lib.bert_count_tokens.argtypes = [P, Text, P, P, P, P]
        lib.bert_decode.argtypes = [P, P, SZ, ct.c_int, P, SZ, P, P]
        lib.bert_encoding_free.argtypes = [P]
        for name, kind in (("size", SZ), ("truncated", SZ), ("overflow_count", SZ), ("ids", P),
                           ("type_ids", P), ("offsets", P), ("special_mask", P),
                           ("attention_mask", P), ("word_ids", P), ("sequence_ids", P)):
            f = getattr(lib, "bert_encoding_" + name)
            f.argtypes, f.restype = [P], kind
        lib.bert_encoding_overflow.argtypes = [P, SZ]
        lib.bert_encoding_overflow.restype = P
        lib.bert_encoding_token.argtypes = [P, SZ]
        lib.bert_encoding_token.restype = RawText
        lib.bert_tokenizer_token.argtypes = [P, ct.c_int32]
        lib.bert_tokenizer_token.restype = RawText
        lib.bert_tokenizer_id.argtypes = [P, Text]
        lib.bert_tokenizer_vocab_size.argtypes = [P]
        if files is None:
            self._call(lib.bert_tokenizer_load, ct.byref(self.tok), str(path).encode(), None)
        else:
            array = (File * len(files))(*[(n.encode(), d, len(d)) for n, d in files.items()])
            self._call(lib.bert_tokenizer_load_memory, ct.byref(self.tok), array, len(files), None)

    def __del__(self):
        if self.tok:
            self.lib.bert_tokenizer_unref(self.tok)

    def _call(self, function, *args):
        status = function(*args, ct.byref(self.err))
        if status != 0:
            raise Failure(status, self.err.message.decode("utf-8", "replace"))

    def _read(self, enc):
        lib = self.lib
        n = lib.bert_encoding_size(enc)
        if n == 0:
            return [], [], [], [], [], [], [], []

        def numbers(name, code, count=n):
            at = getattr(lib, "bert_encoding_" + name)(enc)
            return array(code, ct.string_at(at, count * array(code).itemsize)).tolist()

        flat = numbers("offsets", "Q", 2 * n)
        tokens = []
        if self.want_tokens:
            for i in range(n):
                t = lib.bert_encoding_token(enc, i)
                tokens.append(ct.string_at(t.data, t.size).decode())
        return (numbers("ids", "i"), numbers("type_ids", "i"), list(zip(flat[::2], flat[1::2])),
                numbers("special_mask", "B"), numbers("attention_mask", "B"),
                numbers("word_ids", "i"), numbers("sequence_ids", "b"), tokens)

    want_tokens = True

    def _take(self, enc):
        """The windows of an encoding, which is freed; and the tokens that were cut."""
        try:
            windows = [self._read(enc)]
            for i in range(self.lib.bert_encoding_overflow_count(enc)):
                windows.append(self._read(self.lib.bert_encoding_overflow(enc, i)))
            return windows, self.lib.bert_encoding_truncated(enc)
        finally:
            self.lib.bert_encoding_free(enc)

    def encode(self, text, pair=None, options=None):
        """Bytes in; the first window and the further ones, each a tuple of lists."""
        second = None if pair is None else ct.byref(Text(pair, len(pair)))
        self._call(self.lib.bert_tokenize, self.tok, Text(text, len(text)), second,
                   None if options is None else ct.byref(options), ct.byref(self.enc))
        return self._take(self.enc)

    def encode_words(self, words, pair=None, options=None):
        """The same of lists of words."""
        views = [(Text * max(1, len(w)))(*[(b, len(b)) for b in w]) if w is not None else None
                 for w in (words, pair)]
        self._call(self.lib.bert_tokenize_words, self.tok, views[0], len(words), views[1],
                   0 if pair is None else len(pair),
                   None if options is None else ct.byref(options), ct.byref(self.enc))
        return self._take(self.enc)

    def encode_batch(self, texts, pairs=None, options=None):
        """A list of what encode() gives."""
        n = len(texts)
        views = [(Text * max(1, n))(*[(b, len(b)) for b in t]) if t is not None else None
                 for t in (texts, pairs)]
        out = (P * max(1, n))()
        self._call(self.lib.bert_tokenize_batch, self.tok, views[0], views[1], n,
                   None if options is None else ct.byref(options), out)
        return [self._take(out[i]) for i in range(n)]

    def cut(self, text, n, left=False):
        at = SZ()
        self._call(self.lib.bert_cut_text, self.tok, Text(text, len(text)), n, left, ct.byref(at))
        return at.value

    def count(self, text, pair=None, options=None):
        second = None if pair is None else ct.byref(Text(pair, len(pair)))
        out = SZ()
        self._call(self.lib.bert_count_tokens, self.tok, Text(text, len(text)), second,
                   None if options is None else ct.byref(options), ct.byref(out))
        return out.value

    def decode(self, ids, keep_special=False):
        array = (ct.c_int32 * len(ids))(*ids)
        need = SZ()
        status = self.lib.bert_decode(self.tok, array, len(ids), keep_special, None, 0,
                                      ct.byref(need), None)
        if status not in (0, -6):
            raise Failure(status, "decode")
        buffer = ct.create_string_buffer(max(1, need.value))
        self._call(self.lib.bert_decode, self.tok, array, len(ids), keep_special, buffer,
                   need.value, ct.byref(need))
        return buffer.raw[:need.value].decode()

    def token(self, i):
        t = self.lib.bert_tokenizer_token(self.tok, i)
        return None if not t.data else ct.string_at(t.data, t.size).decode()

    def id(self, token):
        return self.lib.bert_tokenizer_id(self.tok, Text(token, len(token)))


def options(**k):
    return Options(size=ct.sizeof(Options), **k)


def starts(text):
    """Byte position of each character of a str, and of its end."""
    if text.isascii():
        return range(len(text) + 1)
    return list(accumulate([1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4
                            for c in text], initial=0))


def map_bytes(raw, text):
    """Byte of `raw` at which each character of its decoded text begins."""
    out, at = [], 0
    for c in text:
        out.append(at)
        own = c.encode()
        if raw.startswith(own, at):
            at += len(own)
            continue
        for n in (1, 2, 3):  # the maximal ill-formed part
            if raw[at:].decode("utf-8", "replace")[1:] == raw[at + n:].decode("utf-8", "replace"):
                at += n
                break
    return out + [len(raw)]


def reference(enc, maps, tokens=True):
    """A window of the reference in the same form; maps turns char into byte offsets."""
    seqs = [-1 if s is None else s for s in enc.sequence_ids]
    offsets = enc.offsets
    if maps is not None:
        offsets = [(maps[max(s, 0)][a], maps[max(s, 0)][b]) for (a, b), s in zip(offsets, seqs)]
    return (enc.ids, enc.type_ids, offsets, enc.special_tokens_mask, enc.attention_mask,
            [-1 if w is None else w for w in enc.word_ids], seqs, enc.tokens if tokens else [])


FIELDS = ["ids", "type_ids", "offsets", "special_mask", "attention_mask", "word_ids",
          "sequence_ids", "tokens"]
