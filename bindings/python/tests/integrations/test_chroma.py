# SPDX-License-Identifier: MIT
"""Chroma: a collection that is filled, asked, and opened again by what Chroma wrote down."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Any

import integrated
import numpy as np
import pytest
from conftest import MODELS, TEXTS

import libbert

integrated.wanted()
chromadb = pytest.importorskip("chromadb")
from libbert.integrations.chroma import LibbertEmbeddingFunction  # noqa: E402

BASE = str(MODELS / "embed" / "base")
PROMPTS = {"query": "a cat ", "document": "the bank "}

REOPENED = """
import sys, chromadb, libbert.integrations.chroma
found = chromadb.PersistentClient(sys.argv[1]).get_collection("texts")
print(found.query(query_texts=["a cat on a mat"], n_results=1)["documents"][0][0])
"""


def test_vectors(base: libbert.Model) -> None:
    function = LibbertEmbeddingFunction(BASE, normalize=True, prompts=PROMPTS)
    unit: dict[str, Any] = {"normalize": True}
    want = base.embed(TEXTS, prompt="the bank ", **unit)
    assert np.array_equal(function(TEXTS), want)
    want = base.embed(TEXTS, prompt="a cat ", **unit)
    assert np.array_equal(function.embed_query(TEXTS), want)
    assert not function.is_legacy()


def test_configuration() -> None:
    function = LibbertEmbeddingFunction(BASE, similarity_fn_name="dot", truncate_dim=8)
    again = LibbertEmbeddingFunction.build_from_config(function.get_config())
    assert again.get_config() == function.get_config()
    assert np.array_equal(again(TEXTS), function(TEXTS))
    assert len(again(TEXTS)[0]) == 8
    assert [again.default_space(), LibbertEmbeddingFunction(BASE).default_space()] == [
        "ip", "cosine",
    ]
    LibbertEmbeddingFunction.validate_config(function.get_config())
    cases: list[dict[str, Any]] = [{}, {"model_path": BASE, "more": 1}]
    for wrong in cases:
        with pytest.raises(ValueError, match="has to have model_path"):
            LibbertEmbeddingFunction.validate_config(wrong)
    with pytest.raises(libbert.MissingFileError):
        LibbertEmbeddingFunction(BASE + "/none")


def test_collection(tmp_path: pathlib.Path) -> None:
    texts = ["A kitten lies on the rug.", "The bank raised its rates.", "Ships wait in a port."]
    function = LibbertEmbeddingFunction(str(integrated.minilm()))
    client = chromadb.PersistentClient(str(tmp_path))
    made = client.create_collection("texts", embedding_function=function)
    made.add(ids=["a", "b", "c"], documents=texts)
    found = made.query(query_texts=["a cat on a mat", "interest"], n_results=1)
    assert [row[0] for row in found["documents"]] == texts[:2]
    rows = made.get(["a"], include=["embeddings"])["embeddings"]
    assert np.allclose(rows, function(texts[:1]), atol=1e-6)
    # Another process gives no function: Chroma makes the one that it wrote down.
    other = subprocess.run(
        [sys.executable, "-c", REOPENED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == texts[0]


def test_query_prompt(tmp_path: pathlib.Path, base: libbert.Model) -> None:
    """A collection asks for vectors of queries as such."""
    function = LibbertEmbeddingFunction(BASE, normalize=True, prompts=PROMPTS)
    made = chromadb.PersistentClient(str(tmp_path)).create_collection(
        "texts", embedding_function=function
    )
    made.add(ids=[str(i) for i in range(len(TEXTS))], documents=TEXTS)
    found = made.query(query_texts=["prices"], n_results=len(TEXTS))
    unit: dict[str, Any] = {"normalize": True}
    rows = base.embed(TEXTS, prompt="the bank ", **unit)
    scores = rows @ base.embed("prices", prompt="a cat ", **unit)
    assert [int(i) for i in found["ids"][0]] == np.argsort(-scores).tolist()
