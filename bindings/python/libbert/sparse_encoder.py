# SPDX-License-Identifier: MIT
"""SparseEncoder: texts to weights of terms (SPLADE), in the shape of sentence-transformers."""

from __future__ import annotations

from ctypes import byref, c_size_t
from functools import partial
from typing import Any

import numpy as np

from . import _options as o
from . import _read as read
from . import _tensors as t
from ._ffi import lib
from ._sbert import check_batch_size, check_device, refuse, slices, texts_of
from ._texts import Texts
from .errors import UnsupportedError
from .sentence_transformer import Similar
from .sparse import SparseMatrix, to_sparse


def read_terms(address: int) -> tuple[list[int], list[Any]]:
    """Of each text of a bert_embeddings how many terms it has, and they.  The first text that
    failed is raised."""
    read.gather("embeddings", address, False, 0, lambda _: None, None)
    counts, terms = [], []
    count = c_size_t()
    for i in range(lib.bert_embeddings_size(address)):
        where = lib.bert_embeddings_terms(address, i, byref(count))
        counts.append(count.value)
        terms.append(read.array_at(where, (count.value,), read.TERM))
    return counts, terms


class SparseEncoder(Similar):
    """Texts to sparse vectors, with the arguments of sentence_transformers.SparseEncoder.

    Args:
        model_name_or_path: folder or packed file of a model, a name of the hub whose model was
            fetched before, or a Model.
        prompts, default_prompt_name: instead of the model's.
        similarity_fn_name: "dot", "cosine", "euclidean" or "manhattan"; None: the model's.
        max_active_dims: the largest weights that are kept; None: the model's number, else all.
        model_kwargs, compute, threads: as of SentenceTransformer.
    """

    organization = None
    usual_similarity = "dot"

    def __init__(
        self,
        model_name_or_path: Any = None,
        *,
        max_active_dims: int | None = None,
        tokenizer_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if tokenizer_kwargs is not None:
            options.setdefault("processor_kwargs", tokenizer_kwargs)
        super().__init__(model_name_or_path, **options)
        if "sparse" not in self.model.embedding_kinds:
            why = self.model.head_missing
            raise UnsupportedError(
                f"{self.model.path}: the model has no sparse embeddings"
                + (f": {why}" if why else "")
            )
        self._check_active(max_active_dims)
        self.max_active_dims = max_active_dims

    def _saved_similarity(self) -> str:
        return str(lib_similarity(self.model))

    @staticmethod
    def _check_active(value: int | None) -> None:
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or value <= 0
        ):
            raise ValueError(f"max_active_dims must be a positive integer, got {value}.")

    # ---- Encoding ------------------------------------------------------------------------------

    def encode(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        convert_to_tensor: bool | None = None,
        convert_to_sparse_tensor: bool = True,
        save_to_cpu: bool = False,
        device: Any = None,
        max_active_dims: int | None = None,
        pool: Any = None,
        chunk_size: int | None = None,
        **options: Any,
    ) -> Any:
        """Weights of terms of texts.

        Args:
            inputs: n texts, or one; `sentences` is an older name.
            prompt_name, prompt: what is put before every text.
            batch_size, show_progress_bar, device, pool, chunk_size: as of SentenceTransformer.
            convert_to_tensor: None: a SparseMatrix; True: a tensor of torch; False: a list of
                rows.
            convert_to_sparse_tensor: False: dense, an array or a tensor.
            save_to_cpu: no effect.
            max_active_dims: the largest weights that are kept.

        Returns:
            [n, vocab_size]; [vocab_size] for one text.
        """
        if options:
            if "sentences" in options:
                sentences = options.pop("sentences")
                inputs = sentences if inputs is None else inputs
            self._check_options(options)
        if inputs is None:
            raise TypeError("encode() missing 1 required positional argument: 'inputs'")
        check_batch_size(batch_size)
        check_device(device)
        if max_active_dims is None:
            max_active_dims = self.max_active_dims
        self._check_active(max_active_dims)
        texts = texts_of(inputs)
        found = self._terms(
            texts, self._prompt(prompt, prompt_name), max_active_dims, batch_size,
            show_progress_bar,
        )  # fmt: skip
        if texts.single:
            found = found[0]
        if convert_to_tensor:
            if not texts.n:
                return t.to_tensor(np.empty(0, np.float32))
            return found.to_torch() if convert_to_sparse_tensor else t.to_tensor(found.to_dense())
        whole = found if convert_to_sparse_tensor else found.to_dense()
        # A list of one is that one again, as in the original.
        return list(whole) if convert_to_tensor is False and not texts.single else whole

    def _terms(
        self, texts: Texts, prompt: str, most: int | None, batch_size: int, show: bool | None
    ) -> SparseMatrix:
        made = o.embed_all_options(
            ["sparse"], max_active=most or 0, max_length=self._length, prompt=prompt
        )
        counts: list[int] = []
        terms: list[Any] = [np.empty(0, read.TERM)]
        for first, last in slices(texts.n, batch_size, show):
            some, they = self.model._result(
                partial(self._call, texts.at(first), last - first, made),
                lib.bert_embeddings_free,
                read_terms,
                first,
            )
            counts += some
            terms += they
        indptr = np.zeros(texts.n + 1, np.int64)
        np.cumsum(counts, out=indptr[1:])
        joined = np.concatenate(terms)
        return SparseMatrix(
            indptr, joined["id"].copy(), joined["weight"].copy(),
            (texts.n, self.get_embedding_dimension()),
        )  # fmt: skip

    @staticmethod
    def _call(place: int, n: int, options: Any, session: int, out: Any, error: Any) -> int:
        return int(lib.bert_embed_all(session, place, n, byref(options), out, error))

    # ---- What the vectors say -------------------------------------------------------------------

    def get_embedding_dimension(self) -> int:
        """Width of encode()'s rows."""
        return self.model.vocab_size

    def get_sentence_embedding_dimension(self) -> int:
        """Older name of get_embedding_dimension()."""
        return self.get_embedding_dimension()

    def decode(self, embeddings: Any, top_k: int | None = None) -> Any:
        """The terms of vectors as (token, weight), largest weights first.

        Args:
            embeddings: [n, vocab_size] or [vocab_size]: a SparseMatrix, a tensor, or an array.
            top_k: terms of a vector at most; None: all.

        Returns:
            A list, or for [n, vocab_size] n lists.
        """
        if top_k is not None and top_k <= 0:
            raise ValueError(f"top_k must be a positive integer, got {top_k}.")
        sparse = to_sparse(embeddings)
        rows = sparse.rows()
        token = self.model.tokenizer.token
        found = []
        for a, b in zip(rows.indptr[:-1], rows.indptr[1:]):
            order = np.argsort(-rows.values[a:b], kind="stable")[:top_k]
            ids, weights = rows.indices[a:b][order].tolist(), rows.values[a:b][order].tolist()
            found.append([(token(i), weight) for i, weight in zip(ids, weights)])
        return found[0] if sparse.ndim == 1 else found

    @staticmethod
    def sparsity(embeddings: Any) -> dict[str, float]:
        """{"active_dims": mean number of entries, "sparsity_ratio": mean share of zeros}."""
        rows = to_sparse(embeddings).rows()
        if 0 in rows.shape:
            return {"active_dims": 0.0, "sparsity_ratio": 1.0}
        active = rows.nnz / len(rows)
        return {"active_dims": active, "sparsity_ratio": 1.0 - active / rows.shape[1]}

    @staticmethod
    def intersection(embeddings_1: Any, embeddings_2: Any) -> SparseMatrix:
        """Products of the entries that two vectors share, where they are above 0.

        Args:
            embeddings_1: [vocab_size].
            embeddings_2: [vocab_size] or [n, vocab_size].
        """
        a, b = to_sparse(embeddings_1), to_sparse(embeddings_2)
        if a.ndim != 1:
            raise ValueError(f"Expected 1D tensor for embeddings_1, but got {a.shape} shape.")
        if a.shape[-1] != b.shape[-1]:
            raise ValueError(
                f"Vocab dimension mismatch: embeddings_1 has {a.shape[-1]}, embeddings_2 has "
                f"{b.shape[-1]}."
            )
        products = b.values * a.to_dense()[b.indices]
        kept = products > 0
        starts = np.zeros(len(products) + 1, np.int64)
        np.cumsum(kept, out=starts[1:])
        return SparseMatrix(starts[b.indptr], b.indices[kept], products[kept], b.shape)

    @property
    def splade_pooling_chunk_size(self) -> None:
        """None: logits of a text are never held at once.  Setting it has no effect."""
        return None

    @splade_pooling_chunk_size.setter
    def splade_pooling_chunk_size(self, value: int | None) -> None:
        return None

    def set_pooling_include_prompt(self, include_prompt: bool) -> None:
        """ValueError: whether prompts are pooled is the saved model's."""
        raise refuse(
            "include_prompt", include_prompt, "set it in the model's pooling config"
        )


def lib_similarity(model: Any) -> str:
    """The similarity function of a model's sparse embeddings."""
    from ._constants import BERT_EMBEDDING_SPARSE

    found = model._get(lib.bert_model_embedding_similarity, BERT_EMBEDDING_SPARSE)
    return str(found.decode())
