# SPDX-License-Identifier: MIT
"""What integrations need of no other package; tests/integrations has the rest."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, TEXTS, overlay

import libbert
from libbert.integrations._rankings import MaxSim
from libbert.integrations._vectors import Vectors
from libbert.integrations.topics import Topics, class_tf_idf

PROMPTS = {"query": "a cat ", "document": "the bank "}
PACKAGES = {
    "langchain": ("langchain_core", "langchain-core"),
    "sklearn": ("sklearn", "scikit-learn"),
    "faiss": ("faiss", "faiss-cpu"),
    "llama_index": ("llama_index", "llama-index-core"),
    "haystack": ("haystack", "haystack-ai"),
    "chroma": ("chromadb", "chromadb"),
}


@pytest.mark.parametrize("name", [*PACKAGES])
def test_a_package_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, package = PACKAGES[name]
    for there in [m for m in sys.modules if m == module or m.startswith(module + ".")]:
        monkeypatch.delitem(sys.modules, there)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, f"libbert.integrations.{name}", raising=False)
    with pytest.raises(ImportError, match=rf"{name} needs .* pip install {package} "):
        importlib.import_module(f"libbert.integrations.{name}")


def test_topics_without_sklearn(base: libbert.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    for there in [m for m in sys.modules if m.split(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, there)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"topics needs .* pip install scikit-learn "):
        Topics(base, 2, dimensions=2).fit(TEXTS)


def test_nothing_is_imported_unasked() -> None:
    names = {module for module, _ in PACKAGES.values()}
    code = (
        "import sys, libbert.integrations, libbert.integrations.topics\n"
        f"assert not {{m.split('.')[0] for m in sys.modules}} & {names}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_prompts(base: libbert.Model) -> None:
    made = Vectors(base, prompts=PROMPTS, normalize=True)
    unit: dict[str, Any] = {"normalize": True}
    assert np.array_equal(
        made.documents(iter(TEXTS)),  # type: ignore[arg-type] # any iterable does
        base.embed(TEXTS, prompt="the bank ", **unit),
    )
    assert np.array_equal(made.queries(TEXTS), base.embed(TEXTS, prompt="a cat ", **unit))
    assert made.queries([]).shape == (0, 32)
    with pytest.raises(TypeError, match="texts is one text"):
        made.queries("a cat")
    for table in ({"text": TEXTS}, np.array([TEXTS])):
        with pytest.raises(TypeError, match=r"texts is (dict|ndarray); a list of texts"):
            made.documents(table)  # type: ignore[arg-type] # that is it
    with pytest.raises(TypeError, match="texts is one text"):
        Topics(base, 2).fit("abc")
    with pytest.raises(TypeError, match="loaded already"):
        Vectors(libbert.SentenceTransformer(base), compute="fp32")


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("cut", [None, 6, 12])
@pytest.mark.parametrize("folder", ["mean", "matryoshka", "prompts"])
def test_awaited(folder: str, normalize: bool, cut: int | None) -> None:
    """By an engine and by threads come the same bits as without waiting."""
    model = overlay("embed/base", f"embed/{folder}")
    options: dict[str, Any] = {"normalize": normalize, "truncate_dim": cut}

    async def ask(made: Vectors) -> list[Any]:
        assert (await made.aqueries([])).shape == (0, made.width)
        return list(await asyncio.gather(made.aqueries(TEXTS), made.adocuments(TEXTS)))

    async def engine() -> list[Any]:
        async with libbert.AsyncEngine() as made:
            made.add_model("tiny", model)
            return await ask(Vectors(model, engine=made, engine_model="tiny", **options))

    plain = Vectors(model, **options)
    want = [plain.queries(TEXTS), plain.documents(TEXTS)]
    assert all(map(np.array_equal, asyncio.run(ask(plain)), want))
    assert all(map(np.array_equal, asyncio.run(engine()), want))


def test_length(base: libbert.Model) -> None:
    """What is awaited is cut to the model's max_seq_length, too."""
    model = libbert.SentenceTransformer(base)
    model.max_seq_length = 4

    async def ask() -> Any:
        async with libbert.AsyncEngine() as engine:
            engine.add_model("default", base)
            return await Vectors(model, engine=engine).adocuments(TEXTS)

    got = asyncio.run(ask())
    assert np.array_equal(got, base.embed(TEXTS, max_length=4))
    assert not np.array_equal(got, base.embed(TEXTS))


def test_max_sim(base: libbert.Model) -> None:
    def unit(text: str) -> Any:
        rows = base.embed_tokens(text)[1:-1]
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    texts = ["a cat", "the mat", "prices rose again", "the mat"]
    want = [float((unit("the cat") @ unit(text).T).max(1).mean()) for text in texts]
    ranker = MaxSim(base, keep=2)
    for _ in range(2):
        found = ranker.rank("the cat", texts)
        scores = [entry["score"] for entry in found]
        assert np.allclose(scores, sorted(want, reverse=True), atol=1e-6)
        assert sorted(entry["corpus_id"] for entry in found) == [0, 1, 2, 3]
        assert list(ranker._kept) == texts[1:3]  # the last that were asked for
    assert ranker.rank("the cat", texts, top_k=1) == found[:1]
    ranker.rank("the cat", ["the mat"])
    ranker.rank("the cat", ["a cat"])
    assert list(ranker._kept) == ["the mat", "a cat"]
    assert ranker.rank("the cat", []) == []
    assert len(ranker.rank("", ["", "a cat"])) == 2


def test_class_tf_idf() -> None:
    got = class_tf_idf([[3, 1, 0], [0, 1, 3], [0, 0, 0]])
    common, rare = np.log1p(8 / 3 / 2) / 4, np.log1p(8 / 3 / 3) * 3 / 4
    assert np.allclose(got, [[rare, common, 0], [0, common, rare], [0, 0, 0]])
    assert class_tf_idf(np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]
    with pytest.raises(ValueError, match=r"counts have the shape \(3,\)"):
        class_tf_idf([1, 2, 3])


def test_a_model_is_missing() -> None:
    with pytest.raises(libbert.MissingFileError):
        Vectors(MODELS / "no such model")
