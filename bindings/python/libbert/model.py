# SPDX-License-Identifier: MIT
"""A model, as loaded from a directory or from a packed file."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, Any, Callable, Union

from . import _constants as c
from . import _options as o
from ._embed import EmbedMethods
from ._ffi import lib
from ._forward import ForwardMethods
from ._life import Closing, free_with
from ._structs import Error, File, LogFn, ModelOptions
from ._tasks import TaskMethods
from ._texts import address_of, text_bytes
from .errors import check, closed

if TYPE_CHECKING:

    from ._pool import Pool
    from ._tokenizer import RawTokenizer
    from .session import Session

PathLike = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Log = Callable[[str, str], None]

FLAGS = ("map", "allow_nonfinite", "no_tokenizer", "no_head", "read", "verify", "repack")


def model_options(
    precision: str = "default",
    cpu: str | None = None,
    backend: str | None = None,
    load_threads: int = 0,
    calibration: PathLike | None = None,
    max_bytes: int = 0,
    max_file_bytes: int = 0,
    max_layers: int = 0,
    log: Log | None = None,
    **flags: bool,
) -> ModelOptions:
    """bert_model_options; see Model."""
    bits = 0
    for name, value in flags.items():
        if name not in FLAGS:
            raise TypeError(f"unknown option {name}")
        bits |= getattr(c, f"BERT_MODEL_{name.upper()}") if value else 0
    options = o.make(
        ModelOptions,
        flags=bits,
        precision=o.number_of("BERT_PRECISION_", "precision", precision),
        cpu=o.optional(cpu),
        backend=o.optional(backend),
        max_bytes=o.size("max_bytes", max_bytes),
        max_file_bytes=o.size("max_file_bytes", max_file_bytes),
        max_layers=o.count("max_layers", max_layers),
        threads=o.count("load_threads", load_threads),
        calibration=None if calibration is None else o.path_bytes(calibration),
    )
    if log is not None:
        options.log = log_function(log)
    return options


def log_function(log: Log) -> Any:
    """A bert_log_fn that calls log(level, message)."""

    def call(_: int | None, level: int, message: bytes) -> None:
        log(o.name_of("BERT_LOG_", level), message.decode("utf-8", "replace"))

    return LogFn(call)


class Model(EmbedMethods, TaskMethods, ForwardMethods, Closing):
    """A model in memory; immutable, for any number of threads at once.

    Args:
        path: directory in the layout of the Hugging Face hub, or a packed file.
        precision: "default", "fp32", "bf16", "int8" or "auto".
        cpu: caps the instruction set, such as "avx2"; None: the best here.
        backend: None is "cpu".
        threads, max_tokens, max_sequences, sessions, timeout, max_session_bytes: of the
            sessions in which the model's methods compute; see Session.
        load_threads: threads that pack the weights; 0: as many as the process may use.
        calibration: path of a file for int8.
        max_bytes: memory of the model at most; 0: no limit.
        log: called with a level ("warning", "info", "debug") and a line while loading.
        map: map the weights' file instead of reading it.
        allow_nonfinite: take weights that are NaN or infinite.
        no_tokenizer: the model answers ids only.
        no_head: load the encoder without its task head.
        read, verify, repack: of a packed file: read instead of map it; compare its checksums; pack
            it anew if it is for another CPU or precision.

    Raises:
        FileNotFoundError, OSError: a file is missing or can't be read.
        FormatError (a ValueError): a file is malformed; the message names it.
        UnsupportedError: valid, but not handled.

    A model is pickled by its path and options, and loaded again where it is unpickled.
    It may be used after a fork, in the parent and in the child.
    """

    def __init__(
        self,
        path: PathLike,
        *,
        precision: str = "default",
        cpu: str | None = None,
        backend: str | None = None,
        threads: int = 0,
        max_tokens: int = 0,
        max_sequences: int = 0,
        sessions: int = 0,
        timeout: float | None = None,
        max_session_bytes: int = 0,
        load_threads: int = 0,
        calibration: PathLike | None = None,
        max_bytes: int = 0,
        max_file_bytes: int = 0,
        max_layers: int = 0,
        log: Log | None = None,
        map: bool = False,
        allow_nonfinite: bool = False,
        no_tokenizer: bool = False,
        no_head: bool = False,
        read: bool = False,
        verify: bool = False,
        repack: bool = False,
    ) -> None:
        loading: dict[str, Any] = {
            "precision": precision, "cpu": cpu, "backend": backend, "load_threads": load_threads,
            "calibration": calibration, "max_bytes": max_bytes, "max_file_bytes": max_file_bytes,
            "max_layers": max_layers, "map": map, "allow_nonfinite": allow_nonfinite,
            "no_tokenizer": no_tokenizer, "no_head": no_head, "read": read, "verify": verify,
            "repack": repack,
        }  # fmt: skip
        options = model_options(log=log, **loading)
        out, error = c_void_p(), Error()
        check(
            lib.bert_model_load(byref(out), o.path_bytes(path), byref(options), byref(error)), error
        )
        self.path: str | None = os.path.abspath(os.fsdecode(path))
        self._loading = loading
        self._running: dict[str, Any] = {
            "threads": threads, "max_tokens": max_tokens, "max_sequences": max_sequences,
            "sessions": sessions, "timeout": timeout, "max_bytes": max_session_bytes,
        }  # fmt: skip
        self._adopt(out.value)

    def _adopt(self, address: int | None) -> None:
        assert address
        self._address = address
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._tokenizer: RawTokenizer | None = None
        self._finalizer = free_with(self, lib.bert_model_unref, address)

    @classmethod
    def from_address(cls, address: int, path: str | None = None) -> Model:
        """The model at the address of a bert_model, of which this takes over one reference."""
        model = cls.__new__(cls)
        model.path = path
        model._loading = {}
        model._running = {}
        model._adopt(address)
        return model

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], **options: Any) -> Model:
        """A model out of memory: the contents of files by their paths below the directory."""
        settings = model_options(**options)
        array = (File * len(files))()
        for entry, (name, data) in zip(array, files.items()):
            if not isinstance(data, bytes):
                raise TypeError(f"files[{name!r}] is {type(data).__name__}, not bytes")
            entry.name = o.path_bytes(name)
            entry.data = address_of(data)
            entry.size = len(data)
        out, error = c_void_p(), Error()
        check(
            lib.bert_model_load_memory(
                byref(out), array, len(files), byref(settings), byref(error)
            ),
            error,
        )
        assert out.value
        return cls.from_address(out.value)

    # ---- Life ------------------------------------------------------------------------

    def reference(self) -> int:
        """Address of the bert_model with a reference of the caller's, who gives it back with
        bert_model_unref().  ValueError once closed."""
        return int(self._get(lib.bert_model_ref))

    def _get(self, getter: Callable[..., Any], *arguments: Any) -> Any:
        with self._lock:  # so that nobody closes it meanwhile
            if not self._finalizer.alive:
                raise closed("model")
            return getter(self._address, *arguments)

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Free the model as soon as calls that are under way have ended.  Twice is fine."""
        with self._lock:
            session, self._session = self._session, None
            self._finalizer()
        if session is not None:
            session.close()

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        if self.path is None:
            raise TypeError("a model that was not loaded from a path can't be pickled")
        return _load, (type(self), self.path, self._loading, self._running)

    def __copy__(self) -> Model:
        return self  # immutable

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self

    def __repr__(self) -> str:
        if self.closed:
            return f"<{type(self).__name__} of {self.path!r}, closed>"
        return f"<{type(self).__name__} of {self.path!r}: {self.architecture}, {self.precision}>"

    # ---- Parts ---------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The sessions in which the methods of the model compute."""
        session = self._session
        if session is None:
            from .session import Session

            with self._lock:
                session = self._session
                if session is None:
                    session = self._session = Session(self, **self._running)
        return session

    def _pool(self) -> Pool:
        return self.session.pool

    @property
    def tokenizer(self) -> RawTokenizer:
        """The model's tokenizer.  UnsupportedError says why there is none."""
        if self._tokenizer is None:
            from ._tokenizer import RawTokenizer

            def get(address: int) -> int:
                out, error = c_void_p(), Error()
                check(lib.bert_model_tokenizer(address, byref(out), byref(error)), error)
                return int(lib.bert_tokenizer_ref(out.value))

            self._tokenizer = RawTokenizer.from_address(self._get(get), self.path)
        return self._tokenizer

    # ---- What was loaded --------------------------------------------------------------------

    @property
    def architecture(self) -> str:
        """`model_type` of the config, such as "bert"."""
        return _string(self._get(lib.bert_model_architecture))

    @property
    def task(self) -> str:
        """What the model is for, such as "embedding" or "text-classification"."""
        return _string(self._get(lib.bert_model_task))

    @property
    def hidden_size(self) -> int:
        """Width of a token's vector."""
        return int(self._get(lib.bert_model_hidden_size))

    @property
    def layers(self) -> int:
        """Encoder layers."""
        return int(self._get(lib.bert_model_layers))

    @property
    def heads(self) -> int:
        """Attention heads of a layer."""
        return int(self._get(lib.bert_model_heads))

    @property
    def intermediate_size(self) -> int:
        """Inner width of the feed-forward network."""
        return int(self._get(lib.bert_model_intermediate_size))

    @property
    def vocab_size(self) -> int:
        """Rows of the word embedding."""
        return int(self._get(lib.bert_model_vocab_size))

    @property
    def type_vocab_size(self) -> int:
        """Rows of the token type embedding."""
        return int(self._get(lib.bert_model_type_vocab_size))

    @property
    def max_positions(self) -> int:
        """Longest sequence that the model takes, in tokens."""
        return int(self._get(lib.bert_model_max_positions))

    @property
    def max_length(self) -> int:
        """Tokens to which texts are cut if nothing else is asked."""
        return int(self._get(lib.bert_model_max_length))

    @property
    def parameters(self) -> int:
        """Parameters of all tensors in use."""
        return int(self._get(lib.bert_model_parameters))

    @property
    def nbytes(self) -> int:
        """Memory that the model holds, in bytes; mapped files not counted."""
        return int(self._get(lib.bert_model_bytes))

    @property
    def precision(self) -> str:
        """Precision in use: "fp32", "bf16" or "int8"."""
        return o.name_of("BERT_PRECISION_", self._get(lib.bert_model_precision))

    @property
    def cpu(self) -> str:
        """Instruction set in use."""
        return _string(self._get(lib.bert_model_cpu))

    @property
    def has_pooler(self) -> bool:
        """Whether the file holds a pooler."""
        return bool(self._get(lib.bert_model_has_pooler))

    @property
    def embedding_size(self) -> int:
        """Width of embed()'s rows with default options."""
        return int(self._get(lib.bert_model_embedding_size))

    @property
    def pooling(self) -> str:
        """Pooling of the model's own modules, such as "mean" or "cls+mean"."""
        return _string(self._get(lib.bert_model_pooling))

    @property
    def similarity_function(self) -> str:
        """"cosine", "dot", "euclidean", "manhattan", "maxsim" or "meanmaxsim"."""
        return _string(self._get(lib.bert_model_similarity))

    @property
    def embedding_kinds(self) -> tuple[str, ...]:
        """The kinds that embed_all() can give: of "dense", "sparse", "multi"."""
        return o.names_of_bits("BERT_EMBEDDING_", self._get(lib.bert_model_embeddings))

    @property
    def outputs(self) -> tuple[str, ...]:
        """What forward() can give, such as "last_hidden_state" and "logits"."""
        return o.names_of_bits("BERT_OUTPUT_", self._get(lib.bert_model_outputs))

    @property
    def head_missing(self) -> str | None:
        """Tensors that the task head named by the config lacks; None: nothing to say."""
        text = self._get(lib.bert_model_head_missing)
        return None if text is None else _string(text)

    @property
    def prompts(self) -> dict[str, str]:
        """The named prompts."""
        return {
            _string(self._get(lib.bert_model_prompt_name, i)): (
                text_bytes(self._get(lib.bert_model_prompt, i)) or b""
            ).decode("utf-8", "replace")
            for i in range(self._get(lib.bert_model_prompt_count))
        }

    @property
    def default_prompt(self) -> str | None:
        """Name of the prompt that applies unasked."""
        name = self._get(lib.bert_model_default_prompt)
        return None if name is None else _string(name)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the task head, by their ids."""
        n = self._get(lib.bert_model_label_count)
        return tuple(_string(self._get(lib.bert_model_label, i)) for i in range(n))

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks made while loading, such as tensors not used."""
        n = self._get(lib.bert_model_note_count)
        return tuple(_string(self._get(lib.bert_model_note, i)) for i in range(n))


def _load(
    kind: type[Model], path: str, loading: dict[str, Any], running: dict[str, Any]
) -> Model:
    settings = dict(running)
    settings["max_session_bytes"] = settings.pop("max_bytes", 0)
    return kind(path, **loading, **settings)


def _string(text: bytes) -> str:
    return text.decode("utf-8", "replace")
