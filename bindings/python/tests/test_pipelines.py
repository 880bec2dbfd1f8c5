# SPDX-License-Identifier: MIT
"""Pipelines against what the reference's give for the same calls."""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import pickle
import re
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, overlay
from pipeline_cases import CASES, TEXTS, Dataset, answer, differences, folder, name

import libbert
from libbert import pipeline
from libbert.pipelines import KeyDataset, KeyPairDataset, PipelineException
from libbert.pipelines._decoder import Decoder

DATA = pathlib.Path(__file__).with_name("data")
WANTED = json.loads((DATA / "pipelines.json").read_text(encoding="utf-8"))


def test_every_case_has_an_answer() -> None:
    assert len(WANTED) == len(CASES)
    assert None not in WANTED


@pytest.mark.parametrize("i", range(len(CASES)), ids=name)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_case(i: int, tmp_path: pathlib.Path) -> None:
    if CASES[i]["call"].get("context") == "Paris" and np.__version__ < "2":
        pytest.skip("which spans of score 0 come is numpy's choice, here and in the reference")
    found = answer(pipeline, CASES[i], folder(CASES[i], tmp_path))
    assert not differences(found, WANTED[i]), CASES[i]


# ---- What pipeline() takes -------------------------------------------------------------


CLASSIFY = MODELS / "task" / "classify"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": 0}, "device='0' is not taken"),
        ({"device": "cuda:1"}, "device='cuda:1' is not taken"),
        ({"device_map": "balanced"}, "device_map='balanced'"),
        ({"dtype": "float16"}, "dtype='float16' is not taken; it can be float32, bfloat16"),
        ({"torch_dtype": "torch.float64"}, "torch_dtype='torch.float64'"),
        ({"framework": "tf"}, "framework='tf'"),
        ({"trust_remote_code": True}, "trust_remote_code=True is not taken: code of"),
        ({"revision": "main"}, "revision='main'"),
        ({"config": "x"}, "config='x'"),
        ({"feature_extractor": object()}, "feature_extractor=<object>"),
        ({"use_fast": False}, "use_fast=False"),
        ({"pipeline_class": dict}, "pipeline_class=<type>"),
        ({"binary_output": True}, "binary_output=True"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"dtype": "bfloat16", "model_kwargs": {"precision": "fp32"}}, "contradict"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_k": "all"}, "top_k is 'all'"),
        ({"function_to_apply": "tanh"}, "function_to_apply is 'tanh'"),
        ({"truncation": "middle"}, "truncation is 'middle'"),
    ],
)
def test_refused_values(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        pipeline("text-classification", CLASSIFY, **arguments)


@pytest.mark.parametrize(
    ("task", "model", "arguments"),
    [
        ("text-classification", "classify", {"bogus": 1}),
        ("token-classification", "tag", {"bogus": 1}),
        ("token-classification", "tag", {"offset_mapping": [(0, 1)]}),
        ("question-answering", "answer", {"bogus": 1}),
        ("fill-mask", "fill", {"bogus": 1}),
        ("fill-mask", "fill", {"tokenizer_kwargs": {"bogus": 1}}),
        ("zero-shot-classification", "classify", {"bogus": 1}),
        ("feature-extraction", "classify", {"bogus": 1}),
        ("text-classification", "classify", {"tokenizer": 3}),
        ("text-classification", "classify", {"model_kwargs": {"bogus": 1}}),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_refused_names(task: str, model: str, arguments: dict[str, Any]) -> None:
    (name,) = arguments
    name = "bogus" if "kwargs" in name else name
    with pytest.raises(TypeError, match=name):
        pipeline(task, MODELS / "task" / model, **arguments)


def headless(scratch: pathlib.Path) -> pathlib.Path:
    """A model whose config names a head that its weights lack."""
    made = scratch / "headless"
    shutil.copytree(MODELS / "embed" / "base", made)
    config = json.loads((made / "config.json").read_text())
    config["architectures"] = ["BertForSequenceClassification"]
    (made / "config.json").write_text(json.dumps(config))
    return made


def test_tasks_and_models(tmp_path: pathlib.Path) -> None:
    with pytest.raises(KeyError, match=r"text-generation.*feature-extraction.*zero-shot"):
        pipeline("text-generation", CLASSIFY)
    with pytest.raises(ValueError, match="model is needed"):
        pipeline("ner")
    with pytest.raises(FileNotFoundError, match=r"bert-base.*none is downloaded"):
        pipeline("ner", "bert-base-uncased")
    for task, model in (
        ("question-answering", "classify"), ("ner", "classify"), ("fill-mask", "classify"),
        ("text-classification", "tag"), ("zero-shot-classification", "fill"),
    ):  # fmt: skip
        with pytest.raises(libbert.UnsupportedError, match=r"is not for the .*: it is a"):
            pipeline(task, MODELS / "task" / model)
    with pytest.raises(libbert.UnsupportedError, match="classifier"):
        pipeline("text-classification", headless(tmp_path))
    with pytest.raises(TypeError, match="model is int"):
        pipeline("ner", 3)
    for task, model in (
        ("text-classification", "task/classify"), ("token-classification", "task/tag"),
        ("question-answering", "task/answer"), ("fill-mask", "task/fill"),
        ("fill-mask", "task/next_pretraining"), ("feature-extraction", "embed/base"),
    ):  # fmt: skip
        assert pipeline(model=MODELS / model).task == task
    with pytest.raises(KeyError, match="next-sentence"):
        pipeline(model=MODELS / "task" / "next")


def test_taken() -> None:
    wanted = pipeline("text-classification", CLASSIFY)(TEXTS)
    for arguments in (
        {"device": "cpu"}, {"device": -1}, {"device_map": "cpu"}, {"dtype": "float32"},
        {"torch_dtype": "auto"}, {"framework": "pt"}, {"use_fast": True},
        {"trust_remote_code": False}, {"token": "secret"}, {"tokenizer": CLASSIFY},
        {"num_workers": 4}, {"tokenizer": libbert.RawTokenizer(MODELS / "task" / "classify")},
        {"model_kwargs": {"threads": 1, "precision": "fp32"}},
    ):  # fmt: skip
        made = pipeline("text-classification", CLASSIFY, **arguments)
        assert made(TEXTS) == wanted
        assert made.device == "cpu"
    assert pipeline("ner", MODELS / "task" / "tag", dtype="bfloat16").model.precision == "bf16"
    with libbert.Model(CLASSIFY) as model:
        assert pipeline("text-classification", model)(TEXTS) == wanted
        with libbert.Session(model, threads=1, max_tokens=70, max_sequences=1) as session:
            made = pipeline("text-classification", session)
            assert made(TEXTS) == wanted
            copy = pickle.loads(pickle.dumps(pipeline("text-classification", model)))
            assert copy(TEXTS) == wanted
        with pytest.raises(ValueError, match="precision: the model is loaded"):
            pipeline("text-classification", model, dtype="float32")
    with overlay("task/classify") as model:
        assert pipeline("text-classification", model)(TEXTS) == wanted


# ---- Forms of inputs -------------------------------------------------------------------


def test_streams_are_lazy() -> None:
    read: list[int] = []

    def texts() -> Iterator[str]:
        for i, text in enumerate(TEXTS * 3):
            read.append(i)
            yield text

    made = pipeline("text-classification", CLASSIFY, top_k=2)
    wanted = made(TEXTS * 3)
    for batch, ahead in ((None, 1), (4, 4)):
        read.clear()
        stream = made(texts(), batch_size=batch)
        assert read == []
        assert next(stream) == wanted[0]
        assert len(read) == ahead
        assert list(stream) == wanted[ahead:] if batch else list(stream)
    stream = made(Dataset(TEXTS))
    assert len(stream) == 3
    assert list(stream) == list(stream) == wanted[:3]
    assert list(made(iter(TEXTS))) == wanted[:3]
    assert made(tuple(TEXTS)) == made(np.array(TEXTS)) == wanted[:3]
    assert made([]) == []
    rows = Dataset([{"a": text, "b": TEXTS[0]} for text in TEXTS])
    assert list(made(KeyDataset(rows, "a"))) == wanted[:3]
    pairs = [{"text": text, "text_pair": TEXTS[0]} for text in TEXTS]
    assert list(made(KeyPairDataset(rows, "a", "b"))) == made(pairs)


@pytest.mark.parametrize("as_list", [True, False])
def test_errors_name_their_text(as_list: bool) -> None:
    texts = ["a cat"] * 300
    texts[290] = "cat " * 80
    made = pipeline("text-classification", CLASSIFY)
    with pytest.raises(libbert.LengthError, match=r"text 290: 82 tokens .* 64 .*truncation") as e:
        made(texts) if as_list else list(made(iter(texts), batch_size=7))
    assert e.value.index == 290
    assert len(made(texts, truncation=True)) == 300
    with pytest.raises(TypeError, match="int"):
        made(["a", 3])
    with pytest.raises(ValueError, match="text_pair"):
        made({"text": "a", "pair": "b"})
    with pytest.raises(ValueError, match="pairs go as"):
        made([["a", "b"]])
    with pytest.warns(UserWarning, match="ignored"):
        made("a", "b")


def test_arrays_of_features() -> None:
    made = pipeline("feature-extraction", MODELS / "embed" / "base")
    lists, found = made(TEXTS), made(TEXTS, return_tensors=True)
    assert [row.shape for row in found] == [(1, len(rows[0]), 32) for rows in lists]
    assert [row.dtype for row in found] == [np.float32] * 3
    assert [row.tolist() for row in found] == lists
    with pytest.raises(ValueError, match="twice"):
        made("a", truncation=True, tokenize_kwargs={"truncation": True})


def test_masks_and_targets() -> None:
    made = pipeline("fill-mask", MODELS / "task" / "fill")
    with pytest.raises(PipelineException, match="mask") as e:
        made(["[MASK]", "no mask"])
    assert (e.value.task, e.value.model) == ("fill-mask", "bert")
    copy = pickle.loads(pickle.dumps(e.value))
    assert (copy.task, copy.model, str(copy)) == ("fill-mask", "bert", str(e.value))
    with pytest.warns(UserWarning, match="'catastrophes' is not in the vocabulary"):
        made("a [MASK]", targets=["catastrophes"])
    with pytest.raises(ValueError, match="targets has no token"), pytest.warns(match="left out"):
        made("a [MASK]", targets=[""])
    with pytest.raises(libbert.LengthError):
        made("[MASK] " + "cat " * 80)
    with pytest.raises(ValueError, match="add_special_tokens"):
        made("[MASK]", tokenizer_kwargs={"add_special_tokens": False})


def test_labels_for_zero_shot() -> None:
    with pytest.warns(UserWarning, match="begins with 'entail'"):
        made = pipeline("zero-shot-classification", CLASSIFY)
    labels: Any
    for labels in ([], "", " , "):
        with pytest.raises(ValueError, match="candidate_labels has no label"):
            made("a", labels)
    with pytest.raises(ValueError, match="candidate_labels"):
        made("a")
    with pytest.raises(ValueError, match="hypothesis_template 'about' has no"):
        made("a", "b", hypothesis_template="about")
    with pytest.raises(ValueError, match="a sequence is empty"):
        made(["a", ""], "b")
    with pytest.raises(ValueError, match="only candidate_labels"):
        made("a", "b", "c")
    with pytest.raises(libbert.LengthError, match="text 0: 95"):  # no room is left for the text
        made(["a", "b"], ["x", "cat " * 80])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_names_of_arguments() -> None:
    zero_shot = pipeline("zero-shot-classification", model=MODELS / "task" / "classify")
    want = zero_shot(TEXTS[0], ["a", "b"])
    assert zero_shot(sequences=TEXTS[0], candidate_labels=["a", "b"]) == want
    for made in (zero_shot, pipeline("ner", model=MODELS / "task" / "tag")):
        with pytest.raises(ValueError, match="batch_size is 0"):
            made([TEXTS[0]], batch_size=0)


def test_entailment_without_a_folder() -> None:
    files = {path.name: path.read_bytes() for path in CLASSIFY.iterdir()}
    config = json.loads(files["config.json"])
    config["id2label"] = {"0": "a", "1": "ENTAILMENT", "2": "b"}
    files["config.json"] = json.dumps(config).encode()
    with libbert.Model.from_files(files) as model:
        made = pipeline("zero-shot-classification", model)
        assert made.entailment_id == 1
        found = made("a cat", ["x", "y"])
    assert sum(found["scores"]) == pytest.approx(1)


def test_words_and_strides() -> None:
    made = pipeline("ner", MODELS / "task" / "tag")
    with pytest.raises(ValueError, match="stride is 64"):
        made("a", stride=64, aggregation_strategy="simple")
    with pytest.raises(ValueError, match="stride goes with"):
        made("a", stride=4, aggregation_strategy="none")
    with pytest.raises(ValueError, match="aggregation_strategy is 'best'"):
        made("a", aggregation_strategy="best")
    with pytest.raises(ValueError, match="at least one text"):
        made([])
    with pytest.raises(TypeError, match="list of words"):
        made("a cat", is_split_into_words=True)
    with pytest.raises(TypeError, match="list"):
        made([["a", "cat"]])
    words = pipeline("ner", MODELS / "task" / "tag", is_split_into_words=True)
    assert words(["a", "cat"]) == made(["a", "cat"], is_split_into_words=True)
    with pytest.warns(UserWarning, match="spaces tell"):
        pipeline("ner", MODELS / "task" / "tag_bytes", aggregation_strategy="max")("a cat")


class Squad:
    def __init__(self, question: str, context: str) -> None:
        self.question_text, self.context_text = question, context


def test_forms_of_questions() -> None:
    made = pipeline("question-answering", MODELS / "task" / "answer")
    wanted = made(question="who ?", context=TEXTS[0])
    assert made(Squad("who ?", TEXTS[0])) == made([Squad("who ?", TEXTS[0])]) == wanted
    assert list(made(iter([Squad("who ?", TEXTS[0])]))) == [wanted]
    for error, arguments in (
        (ValueError, {}),
        (ValueError, {"question": "a"}),
        (ValueError, {"question": "a", "context": ["b"]}),
        (ValueError, {"question": ["a"], "context": ["b", "c"]}),
        (ValueError, {"question": "", "context": "b"}),
        (ValueError, {"question": "a", "context": "b", "top_k": 0}),
        (ValueError, {"question": "a", "context": "b", "max_answer_len": 0}),
        (ValueError, {"question": "a", "context": "b", "max_seq_len": 9, "doc_stride": 10}),
        (libbert.BertError, {"question": "a " * 90, "context": "b"}),
        (ValueError, {"data": 3}),
        (KeyError, {"data": {"question": "a"}}),
        (TypeError, {"data": {"question": "a", "context": "b", "id": 1}}),
        (TypeError, {"data": {"question": "a", "context": 1}}),
    ):
        with pytest.raises(error):
            made(**arguments)
    assert made(question="who ?", context=TEXTS[0]) == wanted


def test_threads() -> None:
    made = pipeline("ner", MODELS / "task" / "tag", aggregation_strategy="first")
    wanted = made(TEXTS)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(found == wanted for found in pool.map(lambda _: made(TEXTS), range(32)))


# ---- Decoders --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "tokens", "wanted"),
    [
        (None, ["a", "b"], "a b"),
        ({"type": "WordPiece"}, ["##a", "b", "##c", ",", "do", "n't"], "##a bc, don't"),
        ({"type": "WordPiece", "cleanup": False, "prefix": "@"}, ["a", "@b", "."], "ab ."),
        ({"type": "ByteLevel"}, ["caf", "Ã©", "Ġx", "東"], "café x東"),
        ({"type": "ByteLevel"}, ["é"], "\ufffd"),
        ({"type": "Metaspace"}, ["▁a▁b", "▁c", "d"], "ab cd"),
        ({"type": "Metaspace", "prepend_scheme": "never"}, ["▁a", "b"], " ab"),
        ({"type": "BPEDecoder"}, ["a</w>", "b", "c</w>"], "a bc"),
        (
            {"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"}, {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ]},
            ["▁▁a", "<0xC3>", "<0xA9>", "b", "<0xFF>", "<0xc3>"],
            " aéb\ufffd\ufffd",
        ),
        ({"type": "Strip", "content": "x", "start": 1, "stop": 2}, ["xxaxxx", "x"], "xax"),
        ({"type": "Replace", "pattern": {"Regex": "[ab]+"}, "content": r"\1"}, ["abc"], r"\1c"),
    ],
)  # fmt: skip
def test_decoder(settings: dict[str, Any] | None, tokens: list[str], wanted: str) -> None:
    assert Decoder(settings)(tokens) == wanted


def test_unknown_decoder() -> None:
    with pytest.raises(libbert.UnsupportedError, match="'CTC'"):
        Decoder({"type": "CTC"})


def test_close() -> None:
    path = MODELS / "task" / "classify"
    with libbert.pipeline("text-classification", model=path) as own:
        want = own("a cat")
        again = pickle.loads(pickle.dumps(own))
    with pytest.raises(ValueError, match="closed"):
        own("a cat")
    assert again("a cat") == want
    model = libbert.Model(path)
    tokenizer = libbert.AutoTokenizer.from_pretrained(path)
    with libbert.pipeline("text-classification", model=model, tokenizer=tokenizer) as shared:
        assert shared("a cat") == want
    assert shared("a cat") == want  # the model is its maker's
