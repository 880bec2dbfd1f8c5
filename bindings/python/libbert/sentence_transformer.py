# SPDX-License-Identifier: MIT
"""SentenceTransformer: texts to vectors, in the shape of sentence-transformers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _tensors as t
from ._quantize import check_precision, quantize, ranges_of
from ._sbert import Base, check_batch_size, check_device, check_integer, refuse, slices, texts_of
from ._texts import Texts
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ._structs import EmbedOptions

FUNCTIONS = ("cosine", "dot", "euclidean", "manhattan")


class Similar(Base):
    """Has a similarity function, and prompts for queries and documents."""

    usual_similarity = "cosine"

    def __init__(self, *arguments: Any, similarity_fn_name: Any = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.similarity_fn_name = similarity_fn_name or self._saved_similarity()

    def _saved_similarity(self) -> str:
        saved = self.model.similarity_function
        return saved if saved in FUNCTIONS else self.usual_similarity

    @property
    def similarity_fn_name(self) -> str:
        """"cosine", "dot", "euclidean" or "manhattan".  It may be set."""
        return self._similarity_fn_name

    @similarity_fn_name.setter
    def similarity_fn_name(self, value: Any) -> None:
        name = getattr(value, "value", value) or self.usual_similarity
        if name not in FUNCTIONS:
            raise ValueError(
                f"{type(self).__name__} only supports similarity_fn_name in {FUNCTIONS}, got "
                f"{name!r}."
            )
        self._similarity_fn_name: str = name

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Scores of each of embeddings1 with each of embeddings2 by similarity_fn_name.

        Args:
            embeddings1, embeddings2: [n, dimensions] and [m, dimensions], or [dimensions].

        Returns:
            [n, m], an array, or a tensor if one of the arguments is a tensor.
        """
        from .util import similarity

        return similarity(self._similarity_fn_name, embeddings1, embeddings2)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """Scores of embeddings1[i] with embeddings2[i]: [n]; see similarity()."""
        from .util import similarity_pairwise

        return similarity_pairwise(self._similarity_fn_name, embeddings1, embeddings2)

    def encode(self, inputs: Any = None, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError

    def encode_query(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *arguments: Any,
        **options: Any,
    ) -> Any:
        """encode() with the prompt "query", if no other is asked for."""
        name = self._query_prompt(prompt, prompt_name)
        return self.encode(inputs, name, prompt, *arguments, task="query", **options)

    def encode_document(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *arguments: Any,
        **options: Any,
    ) -> Any:
        """encode() with the prompt "document", "passage" or "corpus", if no other is asked for."""
        name = self._document_prompt(prompt, prompt_name)
        return self.encode(inputs, name, prompt, *arguments, task="document", **options)


class SentenceTransformer(Similar):
    """Texts to vectors, with the arguments of sentence_transformers.SentenceTransformer.

    Args:
        model_name_or_path: folder or packed file of a model, a name of the hub whose model was
            fetched before, or a Model.
        prompts, default_prompt_name: instead of the model's.
        similarity_fn_name: "cosine", "dot", "euclidean" or "manhattan"; None: the model's.
        truncate_dim: dimensions of embeddings; None: the model's number, else all.
        model_kwargs: {"dtype": "float32"} or "bfloat16", a name or torch's.
        compute: "fp32", "bf16", "int8" or "auto", what the library computes in.
        threads: of one call, the caller included; 0: as many as the process may use.

    docs/python-sentence-transformers.md lists every argument of the original.
    """

    def __init__(
        self,
        model_name_or_path: Any = None,
        *,
        truncate_dim: int | None = None,
        use_auth_token: Any = None,
        tokenizer_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if tokenizer_kwargs is not None:
            options.setdefault("processor_kwargs", tokenizer_kwargs)
        super().__init__(model_name_or_path, **options)
        self._normalize: bool | None = None
        # Of the rows that the library gives unasked, and of what the modules give.
        self._own_width = self.model.embed_size()
        self._width = self._whole_width()
        saved = self._own_width if self._own_width < self._width else None
        self.truncate_dim = saved if truncate_dim is None else truncate_dim

    def _whole_width(self) -> int:
        """Width without the truncate_dim that the model was saved with."""
        low, high = self._own_width, self._own_width + 1
        while self._has_width(high):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._has_width(middle) else (low, middle)
        return low

    def _has_width(self, width: int) -> bool:
        try:
            return self.model.embed_size(dimensions=width) == width
        except InvalidArgumentError:
            return False

    @property
    def _normalizes(self) -> bool:
        """Whether the model has a Normalize module."""
        if self._normalize is None:
            a, b = (self.model.embed("a", prompt="", normalize=n) for n in (None, False))
            self._normalize = not np.array_equal(a, b)
        return self._normalize

    # ---- Encoding ------------------------------------------------------------------------------

    def encode(
        self,
        inputs: Any = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: str | None = "sentence_embedding",
        precision: str | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: Any = None,
        chunk_size: int | None = None,
        **options: Any,
    ) -> Any:
        """Vectors of texts.

        Args:
            inputs: n texts, or one; `sentences` is an older name.
            prompt_name, prompt: what is put before every text.
            batch_size: what the progress bar counts; the library batches by tokens.
            show_progress_bar: by tqdm where it is installed; None: if the logger "libbert" shows
                INFO.
            output_value: "sentence_embedding"; "token_embeddings", for each text
                [tokens, hidden_size]; None, for each text a dict of both and of its ids.
            precision: "float32", "int8", "uint8", "binary" or "ubinary" of the vectors.
            convert_to_numpy: False: a list of tensors (arrays where there is no torch).
            convert_to_tensor: one tensor of torch.
            normalize_embeddings: to unit length.
            truncate_dim: only the first so many dimensions.
            device, pool, chunk_size: no effect; a device but "cpu" is refused.

        Returns:
            [n, dimensions] float32; [dimensions] for one text.
        """
        if options:
            if "sentences" in options:
                sentences = options.pop("sentences")
                inputs = sentences if inputs is None else inputs
            self._check_options(options)
        if inputs is None:
            raise TypeError("encode() missing 1 required positional argument: 'inputs'")
        check_batch_size(batch_size)
        check_precision(precision)
        if device is not None:
            check_device(device)
        text = self._prompt(prompt, prompt_name)
        if truncate_dim is None:
            truncate_dim = self.truncate_dim
        if truncate_dim is not None:
            check_integer("truncate_dim", truncate_dim)
        texts = texts_of(inputs)
        if output_value != "sentence_embedding":
            made = self._token_values(inputs, texts, output_value, text, truncate_dim, precision)
            return made[0] if texts.single else made
        vectors: Any = self._vectors(
            texts, text, normalize_embeddings, truncate_dim, batch_size, show_progress_bar
        )
        if precision is not None and precision != "float32" and len(vectors):
            vectors = quantize(vectors, precision)
        if convert_to_tensor:
            vectors = t.to_tensor(vectors if len(vectors) else np.empty(0, np.float32))
        elif not convert_to_numpy:
            vectors = t.rows_of(vectors)
        elif not texts.n:
            vectors = np.array([])
        return vectors[0] if texts.single else vectors

    def encode_multi_process(
        self,
        sentences: Any,
        pool: Any,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        chunk_size: int | None = None,
        show_progress_bar: bool | None = None,
        precision: str | None = "float32",
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
    ) -> Any:
        """Older name of encode() with a pool."""
        return self.encode(
            sentences, prompt_name, prompt, batch_size, show_progress_bar, precision=precision,
            normalize_embeddings=normalize_embeddings, truncate_dim=truncate_dim,
        )  # fmt: skip

    def _options(self, prompt: str, normalize: bool, cut: int | None) -> tuple[EmbedOptions, bool]:
        """What the library is asked for, and whether its rows are still to be cut."""
        whole = cut is None or cut >= self._width
        if normalize and (whole or (cut or 0) > 0):
            width = 0 if whole and self._own_width == self._width else self._width
            width = width if whole or cut is None else cut
            return self._embed_options(prompt, normalize=True, dimensions=width), False
        # Rows that are cut last keep their entries as they are.
        if self._own_width == self._width or (cut is not None and cut <= self._own_width):
            return self._embed_options(prompt), not whole
        # More than the model was saved with.
        off = None if self._normalizes else False
        made = self._embed_options(prompt, normalize=off, dimensions=self._width)
        return made, not whole

    def _vectors(
        self,
        texts: Texts,
        prompt: str,
        normalize: bool,
        cut: int | None,
        batch_size: int,
        show: bool | None,
    ) -> NDArray[np.float32]:
        made, later = self._options(prompt, normalize, cut)
        embed = self.model._embed
        if texts.n <= batch_size and not show:
            rows = embed(texts, made, None, None)
        else:
            rows = np.empty((texts.n, int(made.dimensions) or self._own_width), np.float32)
            for first, last in slices(texts.n, batch_size, show):
                part = Texts(last - first, texts.at(first), texts, False, texts.is_text)
                embed(part, made, rows[first:last], None)
        return np.ascontiguousarray(rows[:, :cut]) if later else rows

    def _token_values(
        self,
        inputs: Any,
        texts: Texts,
        what: str | None,
        prompt: str,
        cut: int | None,
        precision: str | None,
    ) -> list[Any]:
        """Of each text its tokens' vectors, or all that there is."""
        if what not in ("token_embeddings", None):
            raise ValueError(
                f"output_value is {what!r}; it can be 'sentence_embedding', 'token_embeddings' or "
                "None"
            )
        settings = {"prompt": prompt, "max_length": self._length}
        tokens = [
            self.model.embed_tokens(texts.data(i), **settings) for i in range(texts.n)
        ]
        if what is None:
            if precision not in (None, "float32"):
                raise refuse("precision", precision, "with output_value=None it is float32")
            return self._everything(inputs, texts, tokens, prompt, cut)
        if precision in (None, "float32"):
            return [t.maybe_tensor(rows) for rows in tokens]
        assert precision is not None
        ranges = None
        if tokens and precision in ("int8", "uint8"):
            ranges = ranges_of(np.concatenate(tokens), precision)
        return [quantize(rows, precision, ranges) for rows in tokens]

    def _everything(
        self,
        inputs: Any,
        texts: Texts,
        tokens: list[NDArray[Any]],
        prompt: str,
        cut: int | None,
    ) -> list[dict[str, Any]]:
        vectors = self._vectors(texts, prompt, False, cut, 32, False)
        found = []
        for i in range(texts.n):
            made = self.preprocess([texts.data(i).decode("utf-8", "replace")], prompt=prompt)
            entry = {name: values[0] for name, values in made.items()}
            entry["token_embeddings"] = tokens[i]
            entry["sentence_embedding"] = vectors[i]
            found.append({name: t.maybe_tensor(value) for name, value in entry.items()})
        return found

    # ---- Dimensions ---------------------------------------------------------------------------

    def get_embedding_dimension(self) -> int:
        """Width of encode()'s rows."""
        cut = self.truncate_dim
        return self._width if cut is None else min(self._width, cut)

    def get_sentence_embedding_dimension(self) -> int:
        """Older name of get_embedding_dimension()."""
        return self.get_embedding_dimension()

    @contextmanager
    def truncate_embeddings(self, truncate_dim: int | None) -> Iterator[None]:
        """Within it truncate_dim is another."""
        before = self.truncate_dim
        self.truncate_dim = truncate_dim
        try:
            yield
        finally:
            self.truncate_dim = before

    def truncate_sentence_embeddings(self, truncate_dim: int | None) -> Any:
        """Older name of truncate_embeddings()."""
        return self.truncate_embeddings(truncate_dim)

    def set_pooling_include_prompt(self, include_prompt: bool) -> None:
        """ValueError: whether prompts are pooled is the saved model's."""
        raise refuse(
            "include_prompt", include_prompt, "set it in the model's 1_Pooling/config.json"
        )

    @staticmethod
    def load(input_path: Any) -> SentenceTransformer:
        """SentenceTransformer(input_path)."""
        return SentenceTransformer(input_path)
