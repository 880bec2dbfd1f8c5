# SPDX-License-Identifier: MIT
"""The calls of pipeline_cases.py through the reference's pipelines and through this package's, on
random models of several families that the reference makes.

Run with transformers 5, and with transformers 4 for what version 5 has no more:

    REFERENCE_PYTHON -m pytest bindings/python/tests/reference/test_pipelines_live.py
"""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any

import pytest
from pipeline_cases import CASES, Case, answer, differences, name
from pipeline_cases import Dataset as PlainDataset

from libbert import pipeline

torch: Any = pytest.importorskip("torch")
transformers: Any = pytest.importorskip("transformers")

MODELS = pathlib.Path(__file__).resolve().parents[4] / "tests" / "data" / "models" / "task"
OLD = transformers.__version__.startswith("4.")
SIZES = {
    "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 48,
    "max_position_embeddings": 200, "initializer_range": 0.3, "pad_token_id": 0,
}  # fmt: skip
# The model, its tokenizer's folder, and what differs from SIZES.
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("classify", {}),
    "distilbert": ("classify", {"dim": 32, "n_heads": 4, "n_layers": 2, "hidden_dim": 48}),
    "albert": ("classify", {"embedding_size": 16}),
    "roberta": ("tag_bytes", {"type_vocab_size": 1}),
    "xlm-roberta": ("tag_pieces", {"type_vocab_size": 1}),
}
CLASSES = {
    "feature-extraction": "AutoModel",
    "fill-mask": "AutoModelForMaskedLM",
    "question-answering": "AutoModelForQuestionAnswering",
    "text-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "zero-shot-classification": "AutoModelForSequenceClassification",
}
NAMES = {"sentiment-analysis": "text-classification", "ner": "token-classification"}
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "ORG"]


class Dataset(PlainDataset, torch.utils.data.Dataset):  # type: ignore[misc]
    """One that the reference takes for a dataset."""


def labels_of(found: Case) -> dict[str, Any]:
    """What config.json says of labels."""
    if found["config"]:
        config: dict[str, Any] = found["config"]
        given = config.get("id2label")
        ids = given or {str(i): label for label, i in config["label2id"].items()}
        return {"id2label": {int(i): label for i, label in ids.items()},
                "label2id": config["label2id"]}  # fmt: skip
    if "token" in found["task"] or found["task"] == "ner":
        return {"id2label": dict(enumerate(TAGS)),
                "label2id": {label: i for i, label in enumerate(TAGS)}}  # fmt: skip
    if found["task"] not in ("text-classification", "sentiment-analysis"):
        return {}
    kind = found["model"].rpartition("_")[2]
    kinds: dict[str, dict[str, Any]] = {
        "multi": {"num_labels": 5, "problem_type": "multi_label_classification"},
        "score": {"num_labels": 1},
        "regression": {"num_labels": 1, "problem_type": "regression"},
    }
    return kinds.get(kind, {"num_labels": 3})


class Maker:
    """Makes models, each once."""

    def __init__(self, scratch: pathlib.Path) -> None:
        self.scratch = scratch
        self.made: dict[str, pathlib.Path] = {}

    def model(self, family: str, found: Case) -> pathlib.Path:
        kind = CLASSES[NAMES.get(str(found["task"]), str(found["task"]))]
        labels = labels_of(found)
        key = f"{family} {kind} {labels}"
        if key not in self.made:
            self.made[key] = self.make(family, kind, labels)
        return self.made[key]

    def make(self, family: str, kind: str, labels: dict[str, Any]) -> pathlib.Path:
        tokenizer, more = FAMILIES[family]
        folder = self.scratch / str(len(self.made))
        vocabulary = json.loads((MODELS / tokenizer / "config.json").read_text())["vocab_size"]
        config = transformers.AutoConfig.for_model(
            family, vocab_size=vocabulary, **{**SIZES, **more, **labels}
        )
        torch.manual_seed(len(self.made))
        getattr(transformers, kind).from_config(config).save_pretrained(folder)
        shutil.copy(MODELS / tokenizer / "tokenizer.json", folder)
        settings = json.loads((MODELS / tokenizer / "tokenizer_config.json").read_text())
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
        inputs = ["input_ids", "attention_mask"]
        if family in ("bert", "albert"):
            inputs.append("token_type_ids")
        settings["model_input_names"] = inputs
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        return folder


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    torch.set_num_threads(1)
    return Maker(tmp_path_factory.mktemp("models"))


def original(task: str, model: str, **arguments: Any) -> Any:
    return transformers.pipeline(task, model=model, device=-1, **arguments)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("i", range(len(CASES)), ids=name)
def test_same(i: int, family: str, maker: Maker) -> None:
    found = CASES[i]
    if bool(found["old"]) != OLD:
        pytest.skip("of the other version of transformers")
    path = maker.model(family, found)
    want = answer(original, found, path, Dataset)
    assert not differences(answer(pipeline, found, path), want)
