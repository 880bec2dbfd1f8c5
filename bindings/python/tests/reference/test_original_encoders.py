# SPDX-License-Identifier: MIT
"""The same calls through transformers' AutoModel and through libbert's Encoder.  Needs torch and
transformers in the environment."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy as np
import pytest

import libbert

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

DATA = pathlib.Path(__file__).resolve().parents[4] / "tests" / "data" / "models"
CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-4}
# Families whose padding changes the reference's answers at real tokens: landmarks of the padded
# length, and convolutions that read it.
LEAKS = ("nystromformer", "convbert", "mobilebert")
# Those that transformers can't load as what they are, or that take one length only.
OTHERS = ("jina_bert", "jina_bert_code", "nystromformer_landmarks")


def has_weights(folder: pathlib.Path) -> bool:
    return (folder / "model.safetensors").exists() and (folder / "config.json").exists()


FOLDERS = [
    *sorted(f for f in DATA.glob("*/*") if f.parent.name in ("bert", "family", "head")
            and has_weights(f) and f.name not in OTHERS),
    *[path for path in [pathlib.Path(os.environ.get("BERT_TEST_MODEL", "/no"))] if path.is_dir()],
]  # fmt: skip


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def both(request: pytest.FixtureRequest) -> tuple[libbert.Encoder, Any]:
    try:
        theirs = transformers.AutoModel.from_pretrained(
            request.param, attn_implementation="eager", dtype=torch.float32
        ).eval()
    except Exception as reason:
        pytest.skip(f"transformers: {str(reason)[:100]}")
    return libbert.Encoder(request.param), theirs


def batch(model: libbert.Encoder, left: bool = False) -> dict[str, Any]:
    """Random ids in rows of 7, 3, 5 and 1 tokens."""
    random = np.random.default_rng(7)
    pad = model.config.to_dict().get("pad_token_id") or 0
    sizes, width = [7, 3, 5, 1], 7
    ids = np.full((4, width), pad, np.int64)
    mask = np.zeros((4, width), np.int64)
    types = np.zeros((4, width), np.int64)
    for i, size in enumerate(sizes):
        place = slice(width - size, width) if left else slice(0, size)
        ids[i, place] = random.integers(5, model.model.vocab_size, size)
        mask[i, place] = 1
        types[i, place] = np.arange(size) >= 2
    given = {"input_ids": ids, "attention_mask": mask}
    if model.model.type_vocab_size > 1:
        given["token_type_ids"] = types
    return given


def theirs_of(model: Any, given: dict[str, Any], **options: Any) -> Any:
    import inspect

    known = inspect.signature(model.forward).parameters
    tensors = {k: torch.from_numpy(v) for k, v in given.items() if k in known}
    with torch.no_grad():
        return model(**tensors, **options)


def ours_of(both: tuple[libbert.Encoder, Any], given: dict[str, Any], **options: Any) -> Any:
    import inspect

    known = inspect.signature(both[1].forward).parameters
    return both[0](**{k: v for k, v in given.items() if k in known}, **options)


def compare(ours: Any, theirs: Any, given: dict[str, Any], pooler: bool = True) -> None:
    real = given["attention_mask"].astype(bool)
    wanted = theirs.last_hidden_state.numpy()
    assert ours.last_hidden_state.shape == wanted.shape
    assert ours.last_hidden_state.dtype == wanted.dtype
    np.testing.assert_allclose(ours.last_hidden_state[real], wanted[real], **CLOSE)
    assert not ours.last_hidden_state[~real].any()
    pooled = getattr(theirs, "pooler_output", None)
    if pooler and pooled is not None and ours.pooler_output is not None:
        np.testing.assert_allclose(ours.pooler_output, pooled.numpy(), **CLOSE)


def test_right(both: tuple[libbert.Encoder, Any]) -> None:
    given = batch(both[0])
    if both[0].model.architecture in LEAKS:
        pytest.skip("padding changes the reference's answers")
    options = {"output_hidden_states": True, "output_attentions": True}
    theirs = theirs_of(both[1], given, **options)
    ours = ours_of(both, given, **options)
    compare(ours, theirs, given)
    real = given["attention_mask"].astype(bool)
    assert len(ours.hidden_states) == len(theirs.hidden_states)
    for mine, wanted in zip(ours.hidden_states, theirs.hidden_states):
        assert mine.shape == tuple(wanted.shape)
        np.testing.assert_allclose(mine[real], wanted.numpy()[real], **CLOSE)
    if both[0].model.architecture == "squeezebert":
        return  # whose reference gives scores, not probabilities
    assert len(ours.attentions) == len(theirs.attentions)
    queries = real[:, None, :, None]
    for mine, wanted in zip(ours.attentions, theirs.attentions):
        assert mine.shape == tuple(wanted.shape)
        np.testing.assert_allclose(mine * queries, wanted.numpy() * queries, **CLOSE)


def test_alone(both: tuple[libbert.Encoder, Any]) -> None:
    """Rows without padding, of every family."""
    given = {key: value[:1] for key, value in batch(both[0]).items()}
    compare(ours_of(both, given), theirs_of(both[1], given), given)
    given.pop("attention_mask")
    whole = {**given, "attention_mask": np.ones_like(given["input_ids"])}
    compare(ours_of(both, given), theirs_of(both[1], given), whole)


def test_left(both: tuple[libbert.Encoder, Any]) -> None:
    given = batch(both[0], left=True)
    if both[0].model.architecture in LEAKS:
        pytest.skip("padding changes the reference's answers")
    try:
        ours = ours_of(both, given)
    except libbert.UnsupportedError as reason:
        assert "positions" in str(reason)
        import inspect

        if "position_ids" not in inspect.signature(both[1].forward).parameters:
            return
        counted = np.maximum(given["attention_mask"].cumsum(1) - 1, 0)
        given["position_ids"] = counted
        ours = ours_of(both, given)
    # Their pooler reads the first place, which is padding.
    compare(ours, theirs_of(both[1], given), given, pooler=False)


def test_torch(both: tuple[libbert.Encoder, Any]) -> None:
    given = batch(both[0])
    tensors = {key: torch.from_numpy(value) for key, value in given.items()}
    ours = ours_of(both, tensors)
    assert torch.is_tensor(ours.last_hidden_state)
    same = ours_of(both, given)
    assert np.array_equal(ours.last_hidden_state.numpy(), same.last_hidden_state)
    assert list(ours.keys()) == list(same.keys())
    pair = ours_of(both, tensors, return_dict=False)
    assert isinstance(pair, tuple)
    assert torch.equal(pair[0], ours[0])
