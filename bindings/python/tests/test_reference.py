# SPDX-License-Identifier: MIT
"""Results against the reference's, from the fixtures of the C tests: what matters here is that each
number lands in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import DATA, MODELS, arrays, case, cases, overlay, parts

import libbert


def near(found: Any, want: Any) -> None:
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["mean", "cls", "max", "residual_elu", "prompts"])
def test_embed(name: str) -> None:
    want = arrays(MODELS / "embed" / name / "expected.bin")
    texts = parts(want, "text")
    with overlay("embed/base", f"embed/{name}") as model:
        near(model.embed(texts), want["plain"])
        unit = model.embed(texts, normalize=True)
        near(unit, want["normalized"])
        width = int(want["cut_to"][0])
        cut = model.embed(texts, dimensions=width)
        near(cut, want["unit_cut"])
        prompt = want["prompt_text"].decode()
        prompted = model.embed(texts, prompt=prompt)
        near(prompted, want["prompted"])
        vectors, report = model.embed_with_report(texts)
        assert np.array_equal(vectors, model.embed(texts))
        assert report.tokens.tolist() == want["tokens"].tolist()
        assert not report.status.any()
        assert model.embed_size(dimensions=width) == width


def test_sparse() -> None:
    want = arrays(MODELS / "sparse" / "max" / "expected.bin")
    with overlay("sparse/base", "sparse/max") as model:
        found = model.embed_all(parts(want, "text"), ["sparse"])
    assert found.dense is None
    assert found.multi is None
    assert found.sparse is not None
    ends = np.cumsum([len(ids) for ids, _ in found.sparse])
    assert ends.tolist() == want["plain.ends"].tolist()
    assert np.concatenate([ids for ids, _ in found.sparse]).tolist() == want["plain.ids"].tolist()
    weights = np.concatenate([weights for _, weights in found.sparse])
    near(weights, want["plain.weights"])


@pytest.mark.parametrize("role", ["none", "query", "document"])
def test_multi(role: str) -> None:
    want = arrays(MODELS / "multi" / "native" / "expected.bin")
    with overlay("multi/base", "multi/native") as model:
        assert model.similarity_function == "maxsim"
        found = model.embed_all(parts(want, "text"), role=role).multi
    assert found is not None
    assert [len(vectors) for vectors in found] == want[f"{role}.counts"].tolist()
    near(np.concatenate(found), want[f"{role}.vectors"])


def test_several_kinds() -> None:
    texts = ["a cat on a mat", "b"]
    with overlay("multi/base", "multi/m3") as model:
        found = model.embed_all(texts, ["dense", "sparse", "multi"])
        assert found.dense is not None
        assert np.array_equal(found.dense, model.embed(texts))
        assert found.sparse is not None
        assert found.multi is not None
        assert found.errors == {}
        assert (found.tokens > 0).all()


@pytest.mark.parametrize("i", [0, 1, 6, 16, 20])
def test_chunks(i: int) -> None:
    want = arrays(DATA / "chunks.bin")
    text = want[f"{i}.text"].decode()
    limit, windows, stride, chunk, normalize, dimensions = want[f"{i}.options"].tolist()
    places = want[f"{i}.spans"]
    options: dict[str, Any] = {
        "max_length": limit, "windows": bool(windows), "stride": stride,
        "normalize": [None, True, False][normalize], "dimensions": dimensions,
    }  # fmt: skip
    with overlay("embed/base", f"embed/{want[f'{i}.model'].decode()}") as model:
        raw = text.encode()
        chars = [[len(raw[:a].decode("utf-8", "replace")) for a in row] for row in places.tolist()]
        whole = all(raw[:a].decode("utf-8", "ignore").encode() == raw[:a]
                    for a in places.ravel().tolist())
        found = model.embed_chunks(
            raw, None if chunk else places, chunk_tokens=chunk, **options
        )
        near(found.vectors, want[f"{i}.vectors"])
        assert found.spans.tolist() == places.tolist()
        assert found.tokens.tolist() == want[f"{i}.counts"].tolist()
        assert found.total_tokens == int(want[f"{i}.total"][0])
        if whole:  # offsets of a str are code points
            same = model.embed_chunks(text, None if chunk else chars, chunk_tokens=chunk, **options)
            assert same.spans.tolist() == chars
            assert np.array_equal(same.vectors, found.vectors)


@pytest.mark.parametrize("i", [0, 2, 5, 7, 30, 44])
def test_explain(i: int) -> None:
    want = arrays(DATA / "explain.bin")
    limit, overlong, target = want[f"{i}.options"].tolist()
    text = want[f"{i}.text"]
    pair = want.get(f"{i}.pair")
    with overlay(*want[f"{i}.model"].decode().split()) as model:
        options: dict[str, Any] = {
            "max_length": limit,
            "overlong": ["cut_right", "cut_left", "error"][overlong],
            "target": ["auto", "first", "last", "mean"][target],
        }
        found = model.explain(text, pair, **options)
        assert found.ids.tolist() == want[f"{i}.ids"].tolist()
        assert found.sequences.tolist() == want[f"{i}.sequences"].tolist()
        assert found.spans.tolist() == want[f"{i}.spans"].tolist()
        near(found.scores, want[f"{i}.scores"])
        chars = model.explain(text.decode(), None if pair is None else pair.decode(), **options)
        for (start, end), (a, b), sequence in zip(
            found.spans.tolist(), chars.spans.tolist(), found.sequences.tolist()
        ):
            if sequence >= 0:
                whole = (text, pair)[sequence]
                assert whole is not None
                assert whole[start:end].decode() == whole.decode()[a:b]


def test_forward() -> None:
    want = arrays(MODELS / "bert" / "mixed48" / "expected.bin")
    rows = [want[f"{i}.ids"] for i in range(4)]
    types = [want.get(f"{i}.types", np.zeros(len(rows[i]), np.int32)) for i in range(4)]
    with libbert.Model(MODELS / "bert" / "mixed48") as model:
        found = model.forward(rows, types, ["hidden_states", "attentions", "pooler"])
        last = model.encode(rows, types)
        for i in range(4):
            hidden = found["hidden_states"][i]
            near(hidden, want[f"{i}.hidden"])
            near(found["attentions"][i], want[f"{i}.attentions"])
            near(found["pooler"][i], want[f"{i}.pooler"])
            assert np.array_equal(last[i], hidden[-1])
        assert model.encode([]) == []
        assert model.forward([], outputs="pooler") == {"pooler": []}


def close(found: float, want: float) -> bool:
    return abs(found - want) <= 1e-5 * max(1, abs(want))


def test_classify() -> None:
    texts, want = case("classify", "classify")
    with libbert.Model(MODELS / "task" / "classify") as model:
        found = model.classify(texts)
        assert len(found) == len(want)
        for labels, record in zip(found, want):
            assert [label.label for label in labels] == [w["label"] for w in record["labels"]]
            assert all(close(a.score, w["score"]) for a, w in zip(labels, record["labels"]))
            assert all(model.labels[label.id] == label.label for label in labels)
        assert found.truncated is not None
        assert len(found.truncated) == len(texts)
        assert model.classify(texts, top=1) == [labels[:1] for labels in found]
        pairs = model.classify(["a cat"], ["on a mat"])
        assert pairs != model.classify(["a cat"])


def test_rerank() -> None:
    (whole,) = [c for c in cases("rerank_st") if c["name"] == "rerank"]
    query, texts = whole["args"][-1], whole["input"].split("\n")[:-1]
    with libbert.Model(MODELS / "task" / "rerank_st") as model:
        found = model.rerank(query, texts)
    want = whole["expected"]
    assert [ranked.position for ranked in found.best] == [w["index"] for w in want]
    for ranked, record in zip(found.best, want):
        assert close(ranked.score, record["score"])
        assert found.scores[ranked.position] == np.float32(ranked.score)
    assert found.errors == {}


@pytest.mark.parametrize("unit", ["bytes", "chars"])
def test_tag(unit: str) -> None:
    (whole,) = [c for c in cases("tag") if c["name"] == "tag-simple-whole"]
    texts, want = whole["input"].split("\n")[:-1], whole["expected"]
    assert "--offsets" not in whole["args"]  # so they are bytes
    given: list[Any] = texts if unit == "chars" else [text.encode() for text in texts]
    with libbert.Model(MODELS / "task" / "tag") as model:
        found = model.tag(given)
    n = 0
    for text, entities, record in zip(texts, found, want):
        assert len(entities) == len(record["entities"])
        for entity, expected in zip(entities, record["entities"]):
            assert entity.label == expected["entity"]
            assert entity.text == expected["text"]
            assert close(entity.score, expected["score"])
            if unit == "bytes":
                assert (entity.start, entity.end) == (expected["start"], expected["end"])
            else:
                assert text[entity.start:entity.end] == entity.text
            n += 1
    assert n > 20


def test_answer() -> None:
    (whole,) = [c for c in cases("answer") if c["name"] == "answer-plain"]
    question, contexts = whole["args"][-1], whole["input"].split("\n")[:-1]
    with libbert.Model(MODELS / "task" / "answer") as model:
        found = model.answer([question] * len(contexts), contexts)
        raw = model.answer([question] * len(contexts), [text.encode() for text in contexts])
    for context, answers, plain, want in zip(contexts, found, raw, whole["expected"]):
        (answer,) = answers
        if want["answer"] is None:
            assert answer.is_null
            assert answer.text == ""
            continue
        assert answer.text == want["answer"] == context[answer.start:answer.end]
        assert close(answer.score, want["score"])
        assert (plain[0].start, plain[0].end) == (want["start"], want["end"])


def test_next_sentence() -> None:
    lines, want = case("next", "next")
    first, second = zip(*(line.split("\t") for line in lines))
    with libbert.Model(MODELS / "task" / "next") as model:
        found = model.next_sentence(first, second)
    assert len(found) == len(want)
    for answer, record in zip(found, want):
        assert close(answer.is_next, record["is_next"])
        assert all(close(a, b) for a, b in zip(answer.logits, record["logits"]))


def test_fill_mask() -> None:
    texts, want = case("fill", "fill")
    with libbert.Model(MODELS / "task" / "fill") as model:
        found = model.fill_mask(texts)
        for masks, record in zip(found, want):
            assert len(masks) == len(record["masks"])
            for best, expected in zip(masks, record["masks"]):
                assert [(f.token, f.id, f.text) for f in best] == [
                    (w["token"], w["id"], w["text"]) for w in expected
                ]
                assert all(close(f.score, w["score"]) for f, w in zip(best, expected))
        some = model.fill_mask("a [MASK] on", targets=["on", "the"], top=9)[0][0]
        assert {f.token for f in some} == {"on", "the"}


def test_choose() -> None:
    lines, want = case("choose", "choose")
    rows = [line.split("\t") for line in lines]
    with libbert.Model(MODELS / "task" / "choose") as model:
        found = model.choose([row[0] for row in rows], [row[1:] for row in rows])
    for answer, record in zip(found, want):
        assert answer.best == record["choice"]
        near(answer.scores, record["scores"])
        near(answer.logits, record["logits"])


def test_properties(base: libbert.Model) -> None:
    assert base.architecture == "bert"
    assert base.task == "encoder"
    assert (base.hidden_size, base.layers, base.heads, base.intermediate_size) == (32, 2, 4, 40)
    assert base.embedding_size == 32
    assert base.precision == "fp32"
    assert base.cpu in libbert.cpus()
    assert base.embedding_kinds == ("dense",)
    assert {"last_hidden_state", "pooler", "attentions"} <= set(base.outputs)
    assert base.parameters == 25648
    assert base.nbytes > 0
    assert base.prompts == {}
    assert base.default_prompt is None
    assert base.head_missing is None
    with overlay("embed/base", "embed/prompts") as model:
        assert model.task == "embedding"
        assert model.prompts == {"query": "query: ", "document": "passage: ", "none": ""}
        vectors = model.embed("a cat", prompt_name="query")
        assert np.array_equal(vectors, model.embed("a cat", prompt="query: "))
        assert not np.array_equal(vectors, model.embed("a cat"))


def test_machine() -> None:
    assert libbert.version().startswith("0.")
    assert "scalar" in libbert.cpus()
    assert f"version: {libbert.version()}\n" in libbert.build_info()
    for cpu in libbert.cpus():
        name = "module.blas" if cpu == "blas" else f"kernels.{cpu}"
        assert libbert.has_feature(name)
        assert name in libbert.features()
    for name in ("kernels", "usdt\0", "\udcff", ""):
        assert not libbert.has_feature(name)
    families = libbert.families()
    assert families["bert"]["position"] == "absolute"
    assert "fill-mask" in families["bert"]["tasks"]
