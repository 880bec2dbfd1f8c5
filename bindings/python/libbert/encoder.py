# SPDX-License-Identifier: MIT
"""An encoder in the shape of transformers' AutoModel: padded ids in, hidden states out."""

from __future__ import annotations

import os
import re
from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from . import _constants as c
from . import _read as read
from ._ffi import lib
from ._json_files import object_of_file
from ._life import Closing
from ._outputs import torch
from ._padded import Rows, mask_of, matrix_of
from ._structs import Error
from .errors import BertError, UnsupportedError, make_error
from .model import Model
from .tokenizer import local_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from .auto_tokenizer import AutoTokenizer
    from .model import PathLike

OUTPUTS = ("last_hidden_state", "pooler_output", "hidden_states", "attentions")
PRECISIONS = {"float32": "fp32", "bfloat16": "bf16", "auto": "default"}
LEFT = (
    "row {} has padding before its tokens: the positions of a {} model are absolute, and "
    "transformers would count that padding in; pad at the right, or give position_ids that count "
    "the tokens from 0"
)


class EncoderOutput(dict[str, Any]):
    """What Encoder gives, by name, attribute or number; what was not asked for is None.

    Attributes:
        last_hidden_state: [rows, tokens, hidden_size] float32; zeros for padding.
        pooler_output: [rows, hidden_size]; None where the model has no pooler.
        hidden_states: layers + 1 arrays as last_hidden_state, embeddings first.
        attentions: for each layer [rows, heads, tokens, tokens]; zeros for padding.
        inputs: what was tokenized, if texts were given.
    """

    inputs: Any = None

    def __getattr__(self, name: str) -> Any:
        if name in OUTPUTS:
            return self.get(name)
        raise AttributeError(f"EncoderOutput has no {name}")

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) if isinstance(key, str) else self.to_tuple()[key]

    def to_tuple(self) -> tuple[Any, ...]:
        """The values that there are."""
        return tuple(self.values())


class EncoderConfig:
    """config.json by attributes; where it lacks a common one, what the model says."""

    def __init__(self, model: Model) -> None:
        self._values: dict[str, Any] = {
            "model_type": model.architecture,
            "hidden_size": model.hidden_size,
            "num_hidden_layers": model.layers,
            "num_attention_heads": model.heads,
            "intermediate_size": model.intermediate_size,
            "vocab_size": model.vocab_size,
            "type_vocab_size": model.type_vocab_size,
            "max_position_embeddings": model.max_positions,
        }
        self._values.update(_config_file(model.path))

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(f"the config has no {name}") from None

    def to_dict(self) -> dict[str, Any]:
        """All values."""
        return dict(self._values)


def _config_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    places = (os.path.join(path, folder, "config.json") for folder in ("", "0_Transformer"))
    return next((object_of_file(place) for place in places if os.path.exists(place)), {})


class Encoder(Closing):
    """A model that is called as those of transformers are, with padded ids.

    Args:
        model: a model directory, a packed file, or a Model.
        options: those of Model, where a path is given.

    Any number of threads may call it at once.
    """

    def __init__(self, model: PathLike | Model, **options: Any) -> None:
        if isinstance(model, Model):
            if options:
                raise TypeError(f"options {', '.join(options)} are for a path, not for a Model")
            self.model = model
        else:
            self.model = Model(local_path(model), **options)
        self.config = EncoderConfig(self.model)
        self._tokenizer: AutoTokenizer | None = None

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: PathLike, **settings: Any
    ) -> Encoder:
        """As Encoder(path), with settings of transformers: dtype may be float32 or bfloat16,
        device_map "cpu" or None; how attention is computed and what fetches from the hub is not
        looked at.  Names of the hub are refused."""
        for name in (
            "attn_implementation", "cache_dir", "force_download", "local_files_only", "revision",
            "token", "trust_remote_code", "low_cpu_mem_usage", "use_safetensors",
        ):  # fmt: skip
            settings.pop(name, None)
        if settings.pop("device_map", None) not in (None, "cpu"):
            _refuse("device_map: libbert.Encoder computes on the CPU")
        dtype = settings.pop("torch_dtype", None) or settings.pop("dtype", None)
        if dtype is not None:
            name = str(dtype).replace("torch.", "")
            if name not in PRECISIONS:
                _refuse(f"dtype {name}: it can be {', '.join(PRECISIONS)}")
            settings.setdefault("precision", PRECISIONS[name])
        return cls(pretrained_model_name_or_path, **settings)

    # ---- Computing ---------------------------------------------------------------------------

    def __call__(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        *,
        texts: Any = None,
        **others: Any,
    ) -> Any:
        """Hidden states of a padded batch.

        Args:
            input_ids: [rows, tokens] integers: an array, lists, or a tensor of torch on the CPU,
                in which case the outputs are tensors too.
            attention_mask: the same shape, 1 for tokens, 0 for padding before and after them;
                None: all are tokens.
            token_type_ids: the same shape; None: 0.
            position_ids: must count the tokens of each row, as is done without them.
            output_attentions, output_hidden_states: whether these are given; None: as the config
                says.
            return_dict: False: a tuple.
            texts: a text or several in the place of input_ids.

        Rows are computed without their padding: the same bits whatever else is in the batch.  A row
        without tokens is zeros.
        """
        if inputs_embeds is not None:
            _refuse("inputs_embeds: libbert.Encoder takes ids")
        for name, value in others.items():
            if value is not None and value is not False:
                raise TypeError(f"Encoder got an unexpected argument {name}")
        inputs = None
        if texts is not None:
            if input_ids is not None:
                raise ValueError("texts and input_ids can't both be given")
            inputs = self.tokenize(texts)
            input_ids, attention_mask = inputs["input_ids"], inputs["attention_mask"]
            token_type_ids = inputs.get("token_type_ids")
        if input_ids is None:
            raise ValueError("input_ids is None; give it or texts")
        ids = matrix_of(input_ids, "input_ids")
        types = None
        if token_type_ids is not None:
            types = matrix_of(token_type_ids, "token_type_ids", ids.shape)
        rows = Rows(ids, mask_of(attention_mask, ids.shape), types)
        self._check_positions(rows, position_ids)
        found = self._compute(
            rows,
            self._asked(output_hidden_states, "output_hidden_states"),
            self._asked(output_attentions, "output_attentions"),
        )
        if type(input_ids).__module__.split(".")[0] == "torch":
            found = _tensors(found)
        found.inputs = inputs
        if return_dict is None:
            return_dict = self.config.to_dict().get("return_dict", True)
        return found if return_dict else found.to_tuple()

    forward = __call__

    def _asked(self, value: bool | None, name: str) -> bool:
        return bool(self.config.to_dict().get(name)) if value is None else bool(value)

    def tokenize(self, texts: Any) -> Any:
        """Texts as this model reads them, padded arrays, cut to the model's length."""
        if self._tokenizer is None:
            from .auto_tokenizer import AutoTokenizer

            if self.model.path is None:
                _refuse("texts: a Model that is not from a path has no AutoTokenizer")
            self._tokenizer = AutoTokenizer(self.model.path)
        length = self.model.max_length
        many = [texts] if isinstance(texts, (str, bytes)) else list(texts)
        return self._tokenizer(
            many, padding=True, truncation=True, max_length=length, return_tensors="np",
            return_attention_mask=True,
        )  # fmt: skip

    # ---- Positions ---------------------------------------------------------------------------

    @property
    def _position(self) -> str:
        """How the model counts positions: "absolute", "after-padding" or "none"."""
        from ._machine import families

        values = self.config.to_dict()
        if values.get("position_embedding_type") == "alibi":
            return "none"
        if values.get("position_biased_input") is False:
            return "none"
        if self.model.architecture == "roformer":  # its table of angles is a part of the file
            return "absolute"
        rows = families()
        row = rows.get(self.model.architecture)
        if row is None:  # some code's
            name = f"{self.model.architecture} ("
            row = next((row for key, row in rows.items() if key.startswith(name)), {})
        return str(row.get("position", "absolute"))

    def _check_positions(self, rows: Rows, position_ids: Any) -> None:
        if position_ids is not None:
            self._check_given(rows, position_ids)
        elif (rows.first > 0).any() and self._position == "absolute":
            row = int(np.flatnonzero(rows.first > 0)[0])
            raise UnsupportedError(LEFT.format(row, self.model.architecture))

    def _check_given(self, rows: Rows, position_ids: Any) -> None:
        found = matrix_of(position_ids, "position_ids")
        n, width = rows.mask.shape
        if found.shape not in ((n, width), (1, width)):
            raise ValueError(
                f"position_ids has shape {list(found.shape)}, input_ids {[n, width]}"
            )
        start = 0
        if self._position == "after-padding":
            start = int(self.config.to_dict().get("pad_token_id") or 0) + 1
        wanted = np.arange(width) - rows.first[:, None] + start
        wrong = ((found != wanted) & rows.mask).any(1)
        if wrong.any():
            raise UnsupportedError(
                f"position_ids of row {int(np.flatnonzero(wrong)[0])} don't count its tokens from "
                f"{start}; libbert.Encoder has no other positions"
            )

    # ---- The model's outputs -----------------------------------------------------------------

    def _compute(self, rows: Rows, hidden: bool, attentions: bool) -> EncoderOutput:
        names = ["last_hidden_state"]
        if "pooler" in self.model.outputs:
            names.append("pooler")
        if hidden:
            names.append("hidden_states")
        if attentions:
            names.append("attentions")
        batches: list[dict[str, list[NDArray[np.float32]]]] = []
        pool = self.model.session.pool
        session = pool.acquire()
        try:
            limit = int(lib.bert_session_max_tokens(session))
            starts = np.cumsum(rows.sizes) - rows.sizes
            for batch in rows.batches(limit):
                batches.append(_forward(session, names, rows, int(starts[batch[0]]), batch))
        finally:
            pool.release(session)
        return self._gather(rows, names, batches)

    def _gather(
        self, rows: Rows, names: list[str], batches: list[dict[str, list[NDArray[np.float32]]]]
    ) -> EncoderOutput:
        each = {name: [row for batch in batches for row in batch[name]] for name in names}
        width = self.model.hidden_size
        none = np.empty((0, width), np.float32)
        found = EncoderOutput()
        last = each["last_hidden_state"]
        found["last_hidden_state"] = rows.padded(np.concatenate([*last, none]))
        if "pooler" in each:
            pooled = np.zeros((len(rows.sizes), width), np.float32)
            pooled[rows.sizes > 0] = np.stack(each["pooler"]) if last else none
            found["pooler_output"] = pooled
        if "hidden_states" in each:
            count = len(each["hidden_states"][0]) if last else self.model.layers + 1
            found["hidden_states"] = tuple(
                rows.padded(np.concatenate([*(row[i] for row in each["hidden_states"]), none]))
                for i in range(count)
            )
        if "attentions" in each:
            found["attentions"] = self._attentions(rows, each["attentions"])
        return found

    def _attentions(
        self, rows: Rows, found: list[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], ...]:
        n, width = rows.mask.shape
        if not found:
            shape = (self.model.layers, n, self.model.heads, width, width)
            return tuple(np.zeros(shape, np.float32))
        layers, heads = found[0].shape[:2]
        keys = width if found[0].shape[2] == found[0].shape[3] else found[0].shape[3]
        out = np.zeros((layers, n, heads, width, keys), np.float32)
        for i, row in zip(np.flatnonzero(rows.sizes).tolist(), found):
            a, b = int(rows.first[i]), int(rows.first[i] + rows.sizes[i])
            columns = slice(a, b) if row.shape[2] == row.shape[3] else slice(0, row.shape[3])
            out[:, i, :, a:b, columns] = row
        return tuple(out)

    # ---- As modules of torch have it -----------------------------------------------------------

    @property
    def dtype(self) -> str:
        """Of the outputs."""
        return "float32"

    @property
    def device(self) -> str:
        """Where it computes."""
        return "cpu"

    def eval(self) -> Encoder:
        """Nothing: there is no training."""
        return self

    def to(self, device: Any = "cpu", *_: Any, **__: Any) -> Encoder:
        """Nothing for "cpu"; refused for others."""
        if str(device) != "cpu":
            _refuse(f"to({str(device)!r}): libbert.Encoder computes float32 on the CPU")
        return self

    def train(self, mode: bool = True) -> Encoder:
        """Refused but for mode=False."""
        if mode:
            _refuse("train(): libbert doesn't train")
        return self

    def num_parameters(self, only_trainable: bool = False) -> int:
        """Parameters of the tensors in use."""
        return self.model.parameters

    def close(self) -> None:
        """Free the model."""
        self.model.close()

    def __repr__(self) -> str:
        return f"Encoder({self.model!r})"


def _refuse(what: str) -> NoReturn:
    raise UnsupportedError(what)


def _forward(
    session: int, names: Iterable[str], rows: Rows, start: int, batch: NDArray[np.int64]
) -> dict[str, list[NDArray[np.float32]]]:
    """Outputs of some rows, whose tokens begin at `start`."""
    sizes = rows.sizes[batch]
    bits = {name: getattr(c, f"BERT_OUTPUT_{name.upper()}") for name in names}
    offsets = np.zeros(len(sizes) + 1, np.uint32)
    np.cumsum(sizes, out=offsets[1:])
    types = None if rows.type_ids is None else rows.type_ids[start:].ctypes.data
    out, error = c_void_p(), Error()
    code = lib.bert_forward(
        session, sum(bits.values()), rows.ids[start:].ctypes.data, types, offsets.ctypes.data,
        len(sizes), byref(out), byref(error),
    )  # fmt: skip
    if code:
        raise _error_of_row(code, error, batch)
    try:
        return {
            name: [read.read_output(out.value or 0, bit, i) for i in range(len(sizes))]
            for name, bit in bits.items()
        }
    finally:
        lib.bert_outputs_free(out)


def _error_of_row(code: int, error: Error, batch: NDArray[np.int64]) -> BertError:
    """What is wrong, with the number of the row where the library says that of a batch's."""

    def row(match: re.Match[str]) -> str:
        return f"row {batch[int(match[1])]}"

    message = error.message.decode("utf-8", "replace")
    return make_error(code, re.sub(r"sequence (\d+)", row, message))


def _tensors(found: EncoderOutput) -> EncoderOutput:
    """The same as tensors of torch, over the same memory."""
    from_numpy = torch().from_numpy
    made = EncoderOutput()
    for name, value in found.items():
        made[name] = (
            tuple(map(from_numpy, value)) if isinstance(value, tuple) else from_numpy(value)
        )
    return made
