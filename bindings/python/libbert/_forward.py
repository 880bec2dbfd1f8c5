# SPDX-License-Identifier: MIT
"""Token ids to the model's raw outputs: the methods that models and sessions share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ctypes import byref
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from . import _constants as c
from . import _options as o
from . import _read as read
from . import _structs as s
from ._computes import Computes
from ._ffi import lib
from .errors import fail

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = Union[Sequence[Any], NDArray[Any]]


class Batch:
    """Sequences end to end: ids and type ids [tokens] int32, offsets [n + 1] uint32."""

    def __init__(self, ids: Ids, type_ids: Ids | None) -> None:
        if not hasattr(ids, "__iter__"):
            raise TypeError(f"ids is {type(ids).__name__}; sequences of integers are wanted")
        rows = [np.asarray(row) for row in ids]
        self.n = len(rows)
        self.offsets = np.zeros(self.n + 1, np.uint32)
        np.cumsum([row.size for row in rows], out=self.offsets[1:])
        self.ids = _flat(rows, "ids")
        self.type_ids = None
        if type_ids is not None:
            types = [np.asarray(row) for row in type_ids]
            if [row.size for row in types] != [row.size for row in rows]:
                raise ValueError("type_ids must have the lengths of ids")
            self.type_ids = _flat(types, "type_ids")

    def arguments(self) -> tuple[Any, ...]:
        types = None if self.type_ids is None else self.type_ids.ctypes.data
        return self.ids.ctypes.data, types, self.offsets.ctypes.data, self.n


def _flat(rows: list[NDArray[Any]], what: str) -> NDArray[np.int32]:
    for i, row in enumerate(rows):
        if row.ndim != 1 or (row.size and row.dtype.kind not in "iu"):
            raise TypeError(f"{what}[{i}] is not a sequence of integers")
    if not rows:
        return np.empty(0, np.int32)
    flat = np.concatenate(rows)
    if flat.size and (flat.min() < -(2**31) or flat.max() >= 2**31):
        raise ValueError(f"{what} must fit into 32 bits")
    return np.ascontiguousarray(flat, np.int32)


class ForwardMethods(Computes):
    """Ids to hidden states, attentions and logits.

    A batch is a list of sequences of any lengths (or an array [n, tokens] without padding), within
    the session's max_tokens.
    """

    def encode(self, ids: Ids, type_ids: Ids | None = None) -> list[NDArray[np.float32]]:
        """The last hidden state of each sequence, [tokens, hidden_size] float32."""
        batch = Batch(ids, type_ids)
        error = s.Error()
        pool = self._pool()
        session = pool.acquire()
        try:
            width = int(lib.bert_model_hidden_size(lib.bert_session_model(session)))
            out = np.empty((len(batch.ids), width), np.float32)
            code = lib.bert_encode(
                session, *batch.arguments(), out.ctypes.data, out.size, byref(error)
            )
        finally:
            pool.release(session)
        if code:
            fail(code, error)
        return np.split(out, batch.offsets[1:-1]) if batch.n else []

    def forward(
        self,
        ids: Ids,
        type_ids: Ids | None = None,
        outputs: Iterable[str] = ("last_hidden_state",),
    ) -> dict[str, list[NDArray[np.float32]]]:
        """Raw outputs of the model, each a list with an array for each sequence.

        Args:
            outputs: of Model.outputs; their shapes are
                last_hidden_state [tokens, hidden_size], pooler [hidden_size],
                hidden_states [layers + 1, tokens, hidden_size],
                attentions [layers, heads, tokens, tokens], logits by the task
                ([labels], [tokens, labels], [tokens, vocab_size], [2] or [1]),
                start_logits and end_logits [tokens], prediction_logits [tokens, vocab_size],
                seq_relationship_logits and sop_logits [2].
        """
        wanted = [outputs] if isinstance(outputs, str) else list(outputs)
        bits = 0
        for name in wanted:
            bits |= o.number_of("BERT_OUTPUT_", "output", name)
        batch = Batch(ids, type_ids)

        def reading(address: int) -> dict[str, list[NDArray[np.float32]]]:
            # What was asked for is there, else the call would have failed.
            return {
                name: [
                    read.read_output(address, getattr(c, f"BERT_OUTPUT_{name.upper()}"), i)
                    for i in range(batch.n)
                ]
                for name in wanted
            }

        return self._result(
            lambda session, out, error: lib.bert_forward(
                session, bits, *batch.arguments(), out, error
            ),
            lib.bert_outputs_free,
            reading,
        )
