# SPDX-License-Identifier: MIT
"""A tokenizer in the shape of transformers' AutoTokenizer and of what it gives."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from . import _outputs as out
from . import _windows as w
from ._life import Closing
from ._plan import LARGE, Plan, make_plan
from ._special_tokens import SpecialTokens
from ._structs import TokenizeOptions
from ._tokenizer import RawTokenizer
from ._tokenizer_files import AddedToken, Files
from .batch_encoding import BatchEncoding
from .tokenizer import Tokenizer, Vocabulary, local_path, refuse, threads_for

if TYPE_CHECKING:
    from .model import PathLike

log = logging.getLogger("libbert")

BAD_TEXT = (
    "text is {}; it can be a str, a list of them, and with is_split_into_words=True a list of "
    "words or a list of such"
)

class AutoTokenizer(SpecialTokens, Closing):
    """A tokenizer that is called as those of transformers are.

    Args:
        path: a model directory, a tokenizer.json, or a vocab.txt.
        threads: of a batch; 0: as many as there are CPUs, where the batch is large.
        settings: such as padding_side, truncation_side, model_max_length, model_input_names,
            pad_token; else those of the files.

    Any number of threads may call it at once; it is pickled by its path and settings.
    """

    def __init__(self, path: PathLike, *, threads: int = 0, **settings: Any) -> None:
        name = local_path(path)
        self._plans: dict[Any, Plan] = {}
        self._settings = {"threads": threads, **settings}
        self._files = files = Files(name)
        self.raw = RawTokenizer(name)
        self.name_or_path = name
        self.vocabulary = Vocabulary(self.raw, files)
        self.threads = threads
        self.model_max_length: int = files.max_length()
        self.padding_side: str = files.side("padding_side")
        self.truncation_side: str = files.side("truncation_side")
        self.model_input_names: list[str] = files.input_names()
        self.clean_up_tokenization_spaces = bool(files.config.get("clean_up_tokenization_spaces"))
        self._tokens = files.special_tokens(self.raw.id)
        self._extra = files.extra_special_tokens()
        self._warned = False
        self._set_up(settings)

    def _set_up(self, settings: dict[str, Any]) -> None:
        settable = {
            "model_max_length", "padding_side", "truncation_side", "model_input_names",
            "clean_up_tokenization_spaces", *self.SPECIAL_TOKENS_ATTRIBUTES,
        }  # fmt: skip
        for name, value in settings.items():
            if name == "use_fast":
                continue  # there is no other
            if name not in settable:
                raise TypeError(f"AutoTokenizer has no setting {name}")
            setattr(self, name, value)

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: PathLike, **settings: Any
    ) -> AutoTokenizer:
        """As AutoTokenizer(path); names of the hub are refused, nothing is fetched, and no code of
        a model is run."""
        for name in (
            "cache_dir", "force_download", "local_files_only", "revision", "token",
            "trust_remote_code",
        ):  # fmt: skip
            settings.pop(name, None)
        return cls(pretrained_model_name_or_path, **settings)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("padding_side", "truncation_side") and value not in ("left", "right"):
            raise ValueError(f"{name} is {value!r}; it can be 'left', 'right'")
        super().__setattr__(name, value)
        self._plans.clear()

    def close(self) -> None:
        """Free it when the calls that are under way have ended; what it gave stays readable.  Twice
        is fine."""
        self.raw.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (
            type(self), self.name_or_path, self._settings, self._state(), self.raw.path
        )  # fmt: skip

    def _state(self) -> dict[str, Any]:
        names = (
            "model_max_length", "padding_side", "truncation_side", "model_input_names",
            "clean_up_tokenization_spaces", "_tokens", "_extra",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    # ---- Encoding ----------------------------------------------------------------------------

    def __call__(
        self,
        text: Any = None,
        text_pair: Any = None,
        text_target: Any = None,
        text_pair_target: Any = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
        **others: Any,
    ) -> BatchEncoding:
        """Tokenize a text or a list of texts, or pairs of such.

        Args:
            text: a str; a list of them; with is_split_into_words a list of words, or a list of
                such lists.  Items of a list may be pairs: ("text", "pair").
            text_pair: the same form as text.
            padding: True or "longest", "max_length", False or "do_not_pad".
            truncation: True or "longest_first", "only_first", "only_second", False; None: True if
                max_length is given without padding.
            max_length: tokens, special ones included; None: model_max_length.
            stride: tokens that windows share.
            return_tensors: None: lists; "np": int64 arrays [rows, tokens]; "pt": tensors.

        Returns:
            A mapping with input_ids, and with token_type_ids, attention_mask (by the model's
            inputs), special_tokens_mask, offset_mapping, length, overflow_to_sample_mapping.
        """
        if others:
            _refuse_others(others)
        if text_target is not None or text_pair_target is not None:
            refuse("text_target is for sequence-to-sequence models, which libbert doesn't run")
        key = (
            add_special_tokens, padding, truncation, max_length, stride, pad_to_multiple_of,
            padding_side, return_tensors, return_token_type_ids, return_attention_mask,
            return_overflowing_tokens, return_special_tokens_mask, return_offsets_mapping,
            return_length, verbose,
        )  # fmt: skip
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = make_plan(self, *key)
        if plan.quick and type(text) is str and not text_pair and not is_split_into_words:
            return self._quick(text, plan)
        return self._encode(text, text_pair, is_split_into_words, plan)

    def _quick(self, text: str, plan: Plan) -> BatchEncoding:
        """One text, without the arrays of a batch."""
        handle = w.one(self.raw, text, plan.options)
        windows = w.Windows(None, False, handle)
        size = w.size_of(handle)
        if plan.pads:
            self._pad(windows, plan, size)
        make = out.row if plan.tensors is None else out.arrays_of_row
        data = make(windows, handle, size, plan)
        if size > plan.warn_over:
            self._warn(size)
        return BatchEncoding.of_windows(data, windows)

    def _pad(self, windows: w.Windows, plan: Plan, longest: int = 0) -> None:
        pad_id, token = self.pad_token_id, self.pad_token
        assert pad_id is not None
        assert token is not None
        windows.pad(plan.length or longest, plan.multiple, plan.left, pad_id, 0, token)

    def _encode(self, text: Any, pair: Any, words: bool, plan: Plan) -> BatchEncoding:
        if text is None:
            raise ValueError("text is None; it must be a text or a list of texts")
        many = isinstance(text, (list, tuple)) or _is_column(text)
        if words:
            many = many and len(text) > 0 and isinstance(text[0], (list, tuple))
        items, pairs = _items(text, pair, many, words)
        options = plan.options
        threads = threads_for(self.threads, items)
        if threads > 1:
            options = TokenizeOptions.from_buffer_copy(options)
            options.threads = threads
        make = w.windows_of_words if words else w.windows_of_texts
        windows = make(self.raw, items, pairs, options)
        if plan.pads:
            self._pad(windows, plan)
        sizes = windows.encodings.sizes
        if plan.warn_over < LARGE and len(sizes) and int(sizes.max()) > plan.warn_over:
            self._warn(int(sizes[np.argmax(sizes > plan.warn_over)]))
        return self._output(windows, plan, many)

    def _output(self, windows: w.Windows, plan: Plan, many: bool) -> BatchEncoding:
        samples = windows.encodings.samples
        if plan.tensors is not None:
            data = out.arrays(windows, plan.names, plan.tensors)
            if plan.overflow:
                data["overflow_to_sample_mapping"] = samples.astype(np.int64)
                data = out.as_tensors(data, plan.tensors)
            return BatchEncoding.of_windows(data, windows)
        data = out.lists(windows, plan.names)
        if plan.overflow:
            data["overflow_to_sample_mapping"] = samples.tolist()
        elif not many:
            data = {
                name: rows[0] if rows and isinstance(rows[0], list) else rows
                for name, rows in data.items()
            }
        return BatchEncoding.of_windows(data, windows)

    def _warn(self, size: int) -> None:
        if not self._warned:
            self.__dict__["_warned"] = True
            log.warning(
                "Token indices sequence length is longer than the specified maximum sequence "
                "length for this model (%d > %d)", size, self.model_max_length,
            )  # fmt: skip

    def encode(
        self,
        text: Any,
        text_pair: Any = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        **others: Any,
    ) -> Any:
        """The input_ids of __call__()."""
        return self(
            text, text_pair, None, None, add_special_tokens, padding, truncation, max_length,
            stride, padding_side=padding_side, return_tensors=return_tensors, **others,
        )["input_ids"]  # fmt: skip

    def encode_plus(self, text: Any, text_pair: Any = None, **options: Any) -> BatchEncoding:
        """Old name of __call__() of a text."""
        return self(text, text_pair, **options)

    def batch_encode_plus(self, texts: Any, **options: Any) -> BatchEncoding:
        """Old name of __call__() of a list."""
        return self(texts, **options)

    def tokenize(
        self, text: str, pair: str | None = None, add_special_tokens: bool = False, **others: Any
    ) -> list[str]:
        """The tokens of a text, as the vocabulary spells them."""
        return self(text, pair, add_special_tokens=add_special_tokens, **others).tokens()

    def pad(
        self,
        encoded_inputs: Any,
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Pad what was tokenized before: an encoding, or a list of them, as a data loader has."""
        from ._pad import pad

        return pad(
            self, encoded_inputs, padding, max_length, pad_to_multiple_of, padding_side,
            return_attention_mask, return_tensors,
        )  # fmt: skip

    # ---- Decoding ----------------------------------------------------------------------------

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> Any:
        """Ids back to text; a list of texts for a list of lists.  Unknown ids are skipped."""
        if isinstance(token_ids, (dict, BatchEncoding)):
            token_ids = token_ids["input_ids"]
        if hasattr(token_ids, "tolist"):
            token_ids = token_ids.tolist()
        if isinstance(token_ids, int):
            token_ids = [token_ids]
        clean = clean_up_tokenization_spaces
        rows = list(token_ids)
        if rows and isinstance(rows[0], (list, tuple, np.ndarray)):
            return [self.decode(row, skip_special_tokens, clean) for row in rows]
        text = w.decode(self.raw, rows, not skip_special_tokens)
        if clean if clean is not None else self.clean_up_tokenization_spaces:
            text = text if self.raw.algorithm == "BPE" else clean_up(text)
        return text

    def batch_decode(
        self,
        sequences: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> list[str]:
        """decode() of each."""
        found = self.decode(sequences, skip_special_tokens, clean_up_tokenization_spaces)
        return [found] if isinstance(found, str) else list(found)

    # ---- Vocabulary ----------------------------------------------------------------------------

    def convert_tokens_to_ids(self, tokens: str | Iterable[str]) -> Any:
        """The id of a token, or of each of a list; that of unk_token for one that is none."""
        if isinstance(tokens, str):
            found = self.raw.id(tokens)
            return self._unknown() if found is None else found
        return [self.convert_tokens_to_ids(token) for token in tokens]

    def convert_ids_to_tokens(
        self, ids: int | Iterable[int], skip_special_tokens: bool = False
    ) -> Any:
        """The token of an id, or of each of a list; None for one that is none."""
        if isinstance(ids, int):
            return self.raw.token(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else set()
        return [self.raw.token(int(id)) for id in ids if int(id) not in skipped]

    @property
    def vocab_size(self) -> int:
        """Tokens of the model, without those added."""
        return len(self.vocabulary.base())

    @property
    def vocab(self) -> dict[str, int]:
        """All tokens and their ids."""
        return self.get_vocab()

    def get_vocab(self) -> dict[str, int]:
        """All tokens and their ids."""
        return dict(self.vocabulary.all())

    def __len__(self) -> int:
        return len(self.vocabulary.all())

    def __bool__(self) -> bool:
        return True

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """Added tokens by their ids."""
        return self.vocabulary.added()

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """Ids of added tokens."""
        return self.vocabulary.added_ids()

    def get_added_vocab(self) -> dict[str, int]:
        """Ids of added tokens."""
        return self.added_tokens_encoder

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """Special tokens that the template adds."""
        return self.raw.special_count(pair)

    @property
    def max_len_single_sentence(self) -> int:
        """Tokens of a text that the model has room for."""
        return self.model_max_length - self.num_special_tokens_to_add()

    @property
    def max_len_sentences_pair(self) -> int:
        """Tokens of a pair that the model has room for."""
        return self.model_max_length - self.num_special_tokens_to_add(pair=True)

    @property
    def is_fast(self) -> bool:
        """True."""
        return True

    @property
    def backend_tokenizer(self) -> Tokenizer:
        """The same in the shape of tokenizers.Tokenizer, without padding and truncation."""
        made = Tokenizer._made(self.raw, self._files)
        made.no_padding()
        made.no_truncation()
        return made

    def __repr__(self) -> str:
        return (
            f"AutoTokenizer(name_or_path={self.name_or_path!r}, "
            f"model_max_length={self.model_max_length}, padding_side={self.padding_side!r}, "
            f"truncation_side={self.truncation_side!r}, special_tokens={self.special_tokens_map})"
        )


def _restore(
    kind: type[AutoTokenizer], name: str, settings: dict[str, Any], state: dict[str, Any],
    path: str | None = None,
) -> AutoTokenizer:  # fmt: skip
    made = kind(path or name, **settings)
    made.name_or_path = name
    for name, value in state.items():
        setattr(made, name, value)
    return made


def clean_up(text: str) -> str:
    """Take out the spaces before punctuation and English contractions."""
    for ending in (" .", " ?", " !", " ,"):
        text = text.replace(ending, ending[1:])
    text = text.replace(" ' ", "'")
    for ending in (" n't", " 'm", " 's", " 've", " 're"):
        text = text.replace(ending, ending[1:])
    return text


def _refuse_others(others: dict[str, Any]) -> None:
    for name, value in others.items():
        if name == "split_special_tokens" and not value:
            continue
        if name == "split_special_tokens":
            refuse("split_special_tokens=True is not supported: special tokens stay whole")
        raise TypeError(f"AutoTokenizer got an unexpected argument {name}")


def _is_column(text: Any) -> bool:
    """A column of texts that is no list: an array of numpy, a column of pandas."""
    return not isinstance(text, (str, bytes)) and hasattr(text, "__len__") and (
        hasattr(text, "dtype") or hasattr(text, "buffers")
    )


def _bad(text: Any) -> NoReturn:
    raise ValueError(BAD_TEXT.format(type(text).__name__))


def _items(
    text: Any, pair: Any, many: bool, words: bool
) -> tuple[Sequence[Any], Sequence[Any] | None]:
    """Texts and their pairs, from one or several."""
    one = (list, tuple) if words else (str, bytes)
    if not many:
        if not isinstance(text, one):
            _bad(text)
        if pair and not isinstance(pair, one):
            raise TypeError(f"text_pair is {type(pair).__name__}; it must be what text is")
        return [text], [pair] if pair else None
    if pair is None:
        return text, None
    if isinstance(pair, (str, bytes)):
        raise TypeError("text is a list, so text_pair must be a list of the same length")
    if len(text) != len(pair):
        raise ValueError(
            f"batch length of `text`: {len(text)} does not match batch length of `text_pair`: "
            f"{len(pair)}."
        )
    return text, pair
