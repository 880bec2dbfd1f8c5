# SPDX-License-Identifier: MIT
"""BERT-family encoders inside your program: the Python package of libbert.

    import libbert
    model = libbert.Model("models/all-MiniLM-L6-v2")
    vectors = model.embed(["a cat on a mat", "a kitten lies on the rug"])   # [2, 384] float32

Names are imported when they are first used, so that `import libbert` costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own costs more than this whole module
if TYPE_CHECKING:
    from typing import Any

    from . import batch as batch
    from . import integrations as integrations
    from . import pipelines as pipelines
    from . import util as util
    from ._encodings import Encodings as Encodings
    from ._jobs import Job as Job
    from ._machine import build_info as build_info
    from ._machine import cpus as cpus
    from ._machine import families as families
    from ._machine import features as features
    from ._machine import has_feature as has_feature
    from ._machine import version as version
    from ._tokenizer import RawTokenizer as RawTokenizer
    from .async_engine import AsyncEngine as AsyncEngine
    from .auto_tokenizer import AutoTokenizer as AutoTokenizer
    from .batch_encoding import BatchEncoding as BatchEncoding
    from .cross_encoder import CrossEncoder as CrossEncoder
    from .encoder import Encoder as Encoder
    from .encoder import EncoderOutput as EncoderOutput
    from .encoding import Encoding as Encoding
    from .engine import Engine as Engine
    from .errors import BackendError as BackendError
    from .errors import BertError as BertError
    from .errors import BusyError as BusyError
    from .errors import CanceledError as CanceledError
    from .errors import DeadlineError as DeadlineError
    from .errors import FileError as FileError
    from .errors import ForbiddenFileError as ForbiddenFileError
    from .errors import FormatError as FormatError
    from .errors import InternalError as InternalError
    from .errors import InvalidArgumentError as InvalidArgumentError
    from .errors import LengthError as LengthError
    from .errors import LimitError as LimitError
    from .errors import MissingFileError as MissingFileError
    from .errors import NonFiniteError as NonFiniteError
    from .errors import OutOfMemoryError as OutOfMemoryError
    from .errors import UnsupportedError as UnsupportedError
    from .model import Model as Model
    from .pipelines import pipeline as pipeline
    from .results import Answer as Answer
    from .results import Choices as Choices
    from .results import Chunks as Chunks
    from .results import Embeddings as Embeddings
    from .results import EmbedReport as EmbedReport
    from .results import Entity as Entity
    from .results import Explanation as Explanation
    from .results import Fill as Fill
    from .results import Label as Label
    from .results import Next as Next
    from .results import Ranked as Ranked
    from .results import Rankings as Rankings
    from .results import Results as Results
    from .sentence_transformer import SentenceTransformer as SentenceTransformer
    from .session import Session as Session
    from .sparse import SparseMatrix as SparseMatrix
    from .sparse_encoder import SparseEncoder as SparseEncoder
    from .tokenizer import Tokenizer as Tokenizer

# Where a public name is.  One line for each, here and above.
_HOMES = {
    "Encodings": "_encodings",
    "Job": "_jobs",
    "version": "_machine",
    "build_info": "_machine",
    "features": "_machine",
    "has_feature": "_machine",
    "cpus": "_machine",
    "families": "_machine",
    "RawTokenizer": "_tokenizer",
    "CrossEncoder": "cross_encoder",
    "AutoTokenizer": "auto_tokenizer",
    "BatchEncoding": "batch_encoding",
    "Encoder": "encoder",
    "EncoderOutput": "encoder",
    "Encoding": "encoding",
    "AsyncEngine": "async_engine",
    "Engine": "engine",
    "BackendError": "errors",
    "BertError": "errors",
    "BusyError": "errors",
    "CanceledError": "errors",
    "DeadlineError": "errors",
    "FileError": "errors",
    "ForbiddenFileError": "errors",
    "FormatError": "errors",
    "InternalError": "errors",
    "InvalidArgumentError": "errors",
    "LengthError": "errors",
    "LimitError": "errors",
    "MissingFileError": "errors",
    "NonFiniteError": "errors",
    "OutOfMemoryError": "errors",
    "UnsupportedError": "errors",
    "Model": "model",
    "pipeline": "pipelines",
    "Answer": "results",
    "Choices": "results",
    "Chunks": "results",
    "EmbedReport": "results",
    "Embeddings": "results",
    "Entity": "results",
    "Explanation": "results",
    "Fill": "results",
    "Label": "results",
    "Next": "results",
    "Ranked": "results",
    "Rankings": "results",
    "Results": "results",
    "SentenceTransformer": "sentence_transformer",
    "Session": "session",
    "SparseMatrix": "sparse",
    "SparseEncoder": "sparse_encoder",
    "Tokenizer": "tokenizer",
}

# Modules that are there without being imported by name.
_MODULES = ("batch", "integrations", "pipelines", "util")

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None and name not in _MODULES:
        raise AttributeError(f"module 'libbert' has no attribute {name!r}")
    import importlib

    if home is None:
        return importlib.import_module(f".{name}", __name__)
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
