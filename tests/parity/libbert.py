# SPDX-License-Identifier: MIT
"""A small view of libbert.so for the comparisons in this folder: embed and encode."""

import ctypes as ct

import numpy as np


class Text(ct.Structure):
    _fields_ = [("data", ct.c_char_p), ("size", ct.c_size_t)]


class Error(ct.Structure):
    _fields_ = [("code", ct.c_int), ("message", ct.c_char * 1020)]


class ModelOptions(ct.Structure):
    _fields_ = [("size", ct.c_size_t), ("flags", ct.c_uint32), ("precision", ct.c_uint32),
                ("cpu", ct.c_char_p), ("rest", ct.c_void_p * 6), ("max_bytes", ct.c_uint64),
                ("max_file_bytes", ct.c_uint64), ("max_layers", ct.c_uint32)]


class SessionOptions(ct.Structure):
    _fields_ = [("size", ct.c_size_t), ("max_tokens", ct.c_uint32),
                ("max_sequences", ct.c_uint32), ("threads", ct.c_uint32),
                ("rest", ct.c_void_p * 3), ("timeout_ns", ct.c_uint64),
                ("max_bytes", ct.c_uint64)]


class Failure(Exception):
    """A call of libbert failed; the text is its message."""


def _open(path):
    lib = ct.CDLL(path)
    pointer, integer = ct.c_void_p, ct.c_uint32
    lib.bert_model_load.argtypes = [pointer, ct.c_char_p, pointer, pointer]
    lib.bert_model_unref.argtypes = [pointer]
    lib.bert_session_create.argtypes = [pointer, pointer, pointer, pointer]
    lib.bert_session_destroy.argtypes = [pointer]
    lib.bert_embed.argtypes = [pointer, pointer, ct.c_size_t, pointer, pointer, ct.c_size_t,
                               pointer, pointer]
    lib.bert_encode.argtypes = [pointer, pointer, pointer, pointer, integer, pointer,
                                ct.c_size_t, pointer]
    for name in ("hidden_size", "embedding_size"):
        getattr(lib, "bert_model_" + name).argtypes = [pointer]
        getattr(lib, "bert_model_" + name).restype = integer
    lib.bert_model_cpu.argtypes = [pointer]
    lib.bert_model_cpu.restype = ct.c_char_p
    return lib


class Model:
    """A model and one session on it."""

    def __init__(self, library, path, threads=0, cpu=None, max_tokens=0):
        self.lib = _open(library)
        self.error = Error()
        self.model, self.session = ct.c_void_p(), ct.c_void_p()
        options = ModelOptions(size=ct.sizeof(ModelOptions), cpu=cpu and cpu.encode())
        self._call(self.lib.bert_model_load, ct.byref(self.model), str(path).encode(),
                   ct.byref(options))
        options = SessionOptions(size=ct.sizeof(SessionOptions), threads=threads,
                                 max_tokens=max_tokens)
        self._call(self.lib.bert_session_create, ct.byref(self.session), self.model,
                   ct.byref(options))
        self.cpu = self.lib.bert_model_cpu(self.model).decode()

    def _call(self, function, *args):
        if function(*args, ct.byref(self.error)) != 0:
            raise Failure(self.error.message.decode())

    def embed(self, texts):
        """[texts][embedding size] with the model's own modules."""
        data = [t.encode() for t in texts]
        views = (Text * len(data))(*[(d, len(d)) for d in data])
        out = np.empty((len(data), self.lib.bert_model_embedding_size(self.model)), "f4")
        self._call(self.lib.bert_embed, self.session, views, len(data), None,
                   out.ctypes.data, out.size, None)
        return out

    def encode(self, sequences):
        """Last hidden states of lists of ids, end to end: [tokens][hidden]."""
        ids = np.concatenate([np.asarray(s, "i4") for s in sequences])
        offsets = np.cumsum([0] + [len(s) for s in sequences]).astype("u4")
        out = np.empty((len(ids), self.lib.bert_model_hidden_size(self.model)), "f4")
        self._call(self.lib.bert_encode, self.session, ids.ctypes.data, None,
                   offsets.ctypes.data, len(sequences), out.ctypes.data, out.size)
        return out
