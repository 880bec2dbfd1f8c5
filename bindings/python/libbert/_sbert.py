# SPDX-License-Identifier: MIT
"""What the shapes of sentence-transformers share: loading, prompts, devices, progress, tokens."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _options as o
from . import _tensors as t
from ._hub import resolve
from ._json_files import object_of_file
from ._life import Closing
from ._texts import Texts, make_texts
from .model import Model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from ._structs import EmbedOptions
    from ._tokenizer import RawTokenizer

log = logging.getLogger("libbert")

DTYPES = {"auto": "default", "float32": "fp32", "float": "fp32", "bfloat16": "bf16"}
IGNORED_MODEL_OPTIONS = (
    "attn_implementation", "low_cpu_mem_usage", "trust_remote_code", "use_safetensors",
)  # fmt: skip
# Texts between two looks at the progress bar, and at Ctrl-C.
SLICE = 1024


def refuse(what: str, value: Any, advice: str) -> ValueError:
    """An error for what libbert does not do."""
    return ValueError(f"{what} is {value!r}, which libbert does not do: {advice}")


def check_device(device: Any) -> None:
    """Only CPUs compute; a list of them is one."""
    for one in device if isinstance(device, (list, tuple)) else [device]:
        name = str(one)
        if one is not None and name != "cpu" and not name.startswith("cpu:"):
            raise refuse("device", name, "it computes on the CPU, device=None or 'cpu'")


def precision_of(compute: str | None, options: Mapping[str, Any] | None) -> str:
    """The precision to compute in, of `compute` and of the original's model_kwargs."""
    chosen = compute or "default"
    for name, value in (options or {}).items():
        if name in ("dtype", "torch_dtype"):
            short = "auto" if value is None else str(value).replace("torch.", "")
            if short not in DTYPES:
                raise refuse(
                    f"model_kwargs[{name!r}]", short,
                    "it computes in float32 or bfloat16, and in int8 with compute='int8'",
                )  # fmt: skip
            if compute is None:
                chosen = DTYPES[short]
        elif name == "device_map":
            check_device(value if isinstance(value, (str, type(None))) else str(value))
        elif name not in IGNORED_MODEL_OPTIONS:
            raise refuse(f"model_kwargs[{name!r}]", value, "leave it out")
    return chosen


def length_of(options: Mapping[str, Any] | None) -> int | None:
    """The length that the original's processor_kwargs ask for."""
    length = None
    for name, value in (options or {}).items():
        if name in ("model_max_length", "max_length"):
            length = value
        elif name not in ("trust_remote_code", "use_fast"):
            raise refuse(f"processor_kwargs[{name!r}]", value, "the model's own tokenizer is used")
    return length


def settings(folder: Path, name: str) -> dict[str, Any]:
    """The object of a file that only Python looks at; empty where there is none."""
    return object_of_file(str(folder / name))


@cache
def _bar() -> Any:
    try:
        from importlib import import_module

        return import_module("tqdm.auto").tqdm
    except ImportError:
        return None


def slices(n: int, batch_size: int, show: bool | None) -> Iterator[tuple[int, int]]:
    """Parts (first, last) of n texts, with a progress bar where one is asked for and tqdm is
    installed.  It counts batches, as the original's does."""
    if show is None:
        show = log.getEffectiveLevel() in (logging.INFO, logging.DEBUG)
    bar = _bar() if show else None
    if bar is None:
        for first in range(0, n, SLICE):
            yield first, min(first + SLICE, n)
        return
    step = batch_size * max(1, 256 // batch_size)
    with bar(total=-(-n // batch_size), desc="Batches") as progress:
        for first in range(0, n, step):
            last = min(first + step, n)
            yield first, last
            progress.update(-(-(last - first) // batch_size))


def check_batch_size(batch_size: int) -> None:
    check_integer("batch_size", batch_size)
    if batch_size <= 0:
        raise ValueError(f"batch_size must be a positive integer, got {batch_size}.")


def check_integer(what: str, value: Any) -> None:
    if not isinstance(value, (int, np.integer)):
        raise TypeError(f"{what} is {value!r}; it must be an integer")


def is_single(inputs: Any) -> bool:
    """Whether it is one text, and not several."""
    return isinstance(inputs, (str, bytes)) or (
        isinstance(inputs, np.ndarray) and inputs.ndim == 0 and inputs.dtype.kind in "UO"
    )


def split_pairs(pairs: Any) -> tuple[list[Any], list[Any]]:
    """The first texts of pairs, and the second ones."""
    firsts, seconds = [], []
    for i, pair in enumerate(pairs):
        if isinstance(pair, (str, bytes, dict)) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise TypeError(f"inputs[{i}] is {type(pair).__name__}; a pair of texts is wanted")
        firsts.append(pair[0])
        seconds.append(pair[1])
    return firsts, seconds


def texts_of(inputs: Any) -> Texts:
    """One text or several."""
    if type(inputs) is list and len(inputs) == 1 and type(inputs[0]) is str:
        made = make_texts(inputs[0])  # without arrays
        made.single = False
        return made
    if isinstance(inputs, np.ndarray) and inputs.ndim == 0:
        inputs = inputs.item()
    return make_texts(inputs, "inputs")


class Base(Closing):
    """A model in the shape of sentence-transformers.

    Attributes:
        model: the libbert.Model that computes.
        prompts: texts by their names; `default_prompt_name`: which applies unasked.
    """

    organization: str | None = "sentence-transformers"
    default_prompts: dict[str, str] = {"query": "", "document": ""}  # noqa: RUF012

    def __init__(
        self,
        model_name_or_path: Any = None,
        *,
        modules: Any = None,
        device: Any = None,
        prompts: dict[str, str] | None = None,
        default_prompt_name: str | None = None,
        cache_folder: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: Any = None,
        model_kwargs: dict[str, Any] | None = None,
        processor_kwargs: dict[str, Any] | None = None,
        config_kwargs: dict[str, Any] | None = None,
        model_card_data: Any = None,
        backend: str = "torch",
        compute: str | None = None,
        threads: int = 0,
        **loading: Any,
    ) -> None:
        if modules is not None:
            raise refuse("modules", modules, "give the path of a saved model")
        if model_name_or_path is None:
            raise refuse("model_name_or_path", None, "give the path of a saved model")
        if backend != "torch":
            raise refuse("backend", backend, "it is one itself; leave it out")
        if config_kwargs:
            raise refuse("config_kwargs", config_kwargs, "the model's own config is used")
        check_device(device)
        length = length_of(processor_kwargs)
        if isinstance(model_name_or_path, Model):
            self.model = model_name_or_path
        else:
            path = resolve(model_name_or_path, self.organization, cache_folder, revision)
            precision = precision_of(compute, model_kwargs)
            self.model = Model(path, precision=precision, threads=threads, **loading)
        self._loading = {**loading, "threads": threads}
        self.trust_remote_code = trust_remote_code
        self.model_card_data = model_card_data
        self._set_prompts(prompts, default_prompt_name)
        self._length = 0
        if length is not None:
            self.max_seq_length = length

    def _set_prompts(self, prompts: dict[str, str] | None, default: str | None) -> None:
        if prompts is not None and not isinstance(prompts, dict):
            raise TypeError(f"prompts is {type(prompts).__name__}, not a dict of texts")
        self.prompts = {**self.default_prompts, **self.model.prompts, **(prompts or {})}
        self._set_default_prompt(self.model.default_prompt if default is None else default)

    def _set_default_prompt(self, name: str | None) -> None:
        self.default_prompt_name = name
        if self.default_prompt_name is not None and self.default_prompt_name not in self.prompts:
            raise ValueError(
                f"Default prompt name '{self.default_prompt_name}' not found in the configured "
                f"prompts dictionary with keys {list(self.prompts)!r}."
            )

    # ---- Prompts ------------------------------------------------------------------------------

    def _prompt(self, prompt: str | None, prompt_name: str | None) -> str:
        """The text to put before every text."""
        if prompt is not None:
            if prompt_name is not None:
                log.warning(
                    "Provide either a `prompt`, a `prompt_name`, or neither, but not both. "
                    "Ignoring the `prompt_name` in favor of `prompt`."
                )
            return prompt
        if prompt_name is not None:
            try:
                return self.prompts[prompt_name] or ""
            except KeyError:
                raise ValueError(
                    f"Prompt name '{prompt_name}' not found in the configured prompts dictionary "
                    f"with keys {list(self.prompts)!r}."
                ) from None
        if self.default_prompt_name is not None:
            return self.prompts.get(self.default_prompt_name) or ""
        return ""

    def _query_prompt(self, prompt: str | None, prompt_name: str | None) -> str | None:
        if prompt is None and prompt_name is None and "query" in self.prompts:
            return "query"
        return prompt_name

    def _document_prompt(self, prompt: str | None, prompt_name: str | None) -> str | None:
        if prompt is None and prompt_name is None:
            for name in ("document", "passage", "corpus"):
                if name in self.prompts:
                    return name
        return prompt_name

    def _check_options(self, options: dict[str, Any], method: str = "encode") -> None:
        """What a method was given beside its arguments."""
        unused = [name for name in options if name not in ("task", "processing_kwargs")]
        if unused:
            raise ValueError(
                f"{type(self).__name__}.{method}() has been called with additional keyword "
                f"arguments that this model does not use: {unused}."
            )
        if options.get("processing_kwargs"):
            raise refuse(
                "processing_kwargs", options["processing_kwargs"], "set max_seq_length instead"
            )

    def _embed_options(self, prompt: str, **fields: Any) -> EmbedOptions:
        """bert_embed_options with prompt and length, which others have too: not to be changed."""
        return o.embed_options(max_length=self._length, prompt=prompt, **fields)

    # ---- Length -------------------------------------------------------------------------------

    @property
    def max_seq_length(self) -> int:
        """Tokens to which texts are cut.  It may be set, up to the model's positions."""
        return self._length or self.model.max_length

    @max_seq_length.setter
    def max_seq_length(self, value: int | None) -> None:
        most = self.model.max_positions
        if value is None:
            self._length = 0
            return
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"max_seq_length is {value!r}; it must be an integer above 0")
        if value > most:
            raise ValueError(f"max_seq_length is {value}; the model has {most} positions")
        if value > self.model.max_length:
            from ._longer import longer

            self.model = longer(self.model, int(value), self._loading)
        self._length = 0 if value == self.model.max_length else int(value)

    def get_max_seq_length(self) -> int:
        """Tokens to which texts are cut."""
        return self.max_seq_length

    # ---- Tokens ------------------------------------------------------------------------------

    @property
    def tokenizer(self) -> RawTokenizer:
        """The model's tokenizer."""
        return self.model.tokenizer

    def preprocess(
        self, inputs: Any, prompt: str | None = None, return_tensors: str = "np", **options: Any
    ) -> dict[str, Any]:
        """Token ids of texts, or of pairs of texts, cut to max_seq_length.

        Args:
            inputs: texts or pairs.
            prompt: put before every text.
            return_tensors: "np", arrays, or "pt", tensors of torch.

        Returns:
            input_ids, token_type_ids where the tokenizer gives any, attention_mask: [n, tokens]
            int64, filled up to the longest.
        """
        self._check_options(options)
        if return_tensors not in ("np", "pt"):
            raise ValueError(f"return_tensors is {return_tensors!r}; it can be np, pt")
        if not hasattr(inputs, "__iter__") and not is_single(inputs):
            raise TypeError(f"inputs is {type(inputs).__name__}, not texts or pairs of texts")
        texts = [inputs] if is_single(inputs) else list(inputs)
        if not texts:
            return {}
        firsts, seconds = texts, None
        if isinstance(texts[0], (tuple, list)):
            firsts, seconds = split_pairs(texts)
        if prompt:
            firsts = [prompt + text for text in firsts]
        found = self.tokenizer.encode_batch(firsts, seconds, max_length=self.max_seq_length)
        padding = self._padding_id()
        made = {"input_ids": found.padded(found.ids, padding)}
        if self.tokenizer.gives_types():
            made["token_type_ids"] = found.padded(found.type_ids)
        made["attention_mask"] = found.padded(found.attention_mask)
        wide: dict[str, NDArray[Any]] = {k: v.astype(np.int64) for k, v in made.items()}
        if return_tensors == "pt":
            return {k: t.to_tensor(v, "return_tensors='pt'") for k, v in wide.items()}
        return wide

    def tokenize(self, texts: Any, **options: Any) -> dict[str, Any]:
        """Older name of preprocess()."""
        return self.preprocess(texts, **options)

    def _padding_id(self) -> int:
        tokenizer = self.tokenizer
        known = (tokenizer.special_id("pad"), tokenizer.id("[PAD]"), tokenizer.id("<pad>"))
        return next((found for found in known if found is not None), 0)

    # ---- What is there for programs written for the original ----------------------------------

    @property
    def device(self) -> str:
        """"cpu"."""
        return "cpu"

    @property
    def backend(self) -> str:
        """"libbert"."""
        return "libbert"

    def get_backend(self) -> str:
        """"libbert"."""
        return self.backend

    @property
    def modalities(self) -> list[str]:
        """["text"]."""
        return ["text"]

    def supports(self, modality: Any) -> bool:
        """Whether it is "text"."""
        return bool(modality == "text")

    def to(self, device: Any = None) -> Any:
        """Itself; ValueError for another device than the CPU."""
        check_device(device)
        return self

    def cpu(self) -> Any:
        """Itself."""
        return self

    def eval(self) -> Any:
        """Itself."""
        return self

    def cuda(self, device: Any = None) -> Any:
        """ValueError."""
        raise refuse("device", "cuda", "it computes on the CPU, device=None or 'cpu'")

    def start_multi_process_pool(self, target_devices: Any = None) -> dict[str, Any]:
        """A pool that encode() takes and does not need: its threads use all CPUs."""
        check_device(target_devices)
        return {"input": None, "output": None, "processes": []}

    @staticmethod
    def stop_multi_process_pool(pool: dict[str, Any]) -> None:
        """Nothing is to be stopped."""

    def close(self) -> None:
        """Free the model.  Twice is fine."""
        self.model.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_length": self.max_seq_length}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # The model may have been loaded for a greater length than it was saved with.
        length = state["_length"]
        self.__dict__.update(state, _length=0)
        self.max_seq_length = length

    def __repr__(self) -> str:
        path = os.fspath(self.model.path) if self.model.path else "memory"
        return f"<{type(self).__name__} of {path!r}>"
