# SPDX-License-Identifier: MIT
"""Calls of pipelines: the same ones of the reference, which makes tests/data/pipelines.json of
them, and of this package."""

from __future__ import annotations

import copy
import json
import pathlib
import shutil
from typing import Any, Callable

MODELS = pathlib.Path(__file__).resolve().parents[3] / "tests" / "data" / "models"

TEXTS = [
    "The cat sat on the mat, and Ada Lovelace didn't .",
    "Élan vital, naïve café 東京 ☃ zzz [SEP] x",
    "prices rose again in the last quarter , said the bank of London's governors .",
]
LONG = " ".join(TEXTS) + " on the mat of a cat in Paris" * 3
NLI = {"id2label": {"0": "contradiction", "1": "neutral", "2": "Entailment"},
       "label2id": {"contradiction": 0, "neutral": 1, "Entailment": 2}}  # fmt: skip
FIRST = {"id2label": {"0": "entailment", "1": "neutral", "2": "no"},
         "label2id": {"entailment": 0, "neutral": 1, "no": 2}}  # fmt: skip
NEITHER = {"label2id": {"no": 0, "maybe so": 1, "ja": 2}}

Case = dict[str, Any]
CASES: list[Case] = []


def case(task: str, model: str, *args: Any, init: Any = None, **more: Any) -> None:
    """One call.

    Args:
        args: the call's.
        init: arguments of pipeline().
        more: config: what to change in config.json; stream: give the inputs as a generator or a
            dataset; old: of transformers 4; the rest are the call's keywords.
    """
    found = {name: more.pop(name, None) for name in ("config", "stream", "old")}
    CASES.append(
        {"task": task, "model": model, "init": init or {}, "args": args, "call": more, **found}
    )


def text_classification() -> None:
    task, plain = "text-classification", "task/classify"
    pair = {"text": TEXTS[0], "text_pair": TEXTS[2]}
    for model in ("classify", "classify_plain", "classify_multi", "classify_score",
                  "classify_regression"):  # fmt: skip
        for function in (None, "none", "sigmoid", "softmax"):
            case(task, f"task/{model}", TEXTS[0], function_to_apply=function)
            case(task, f"task/{model}", TEXTS[:2], function_to_apply=function, top_k=None)
    for inputs in (TEXTS[0], TEXTS, pair, [pair, TEXTS[1]], [TEXTS[0]], [[[TEXTS[0], TEXTS[1]]]]):
        case(task, plain, inputs)
        for top_k in (None, 1, 2, 7):
            case(task, plain, inputs, top_k=top_k)
            case(task, plain, inputs, init={"top_k": top_k})
    case("sentiment-analysis", plain, TEXTS, batch_size=2)
    case(task, plain, TEXTS, init={"batch_size": 2, "padding": True})
    case(task, plain, {"text": TEXTS[0], "text_pair": ""})
    case(task, plain, LONG, truncation=True)
    case(task, plain, [LONG, TEXTS[0]], truncation=True, max_length=9, padding=True)
    case(task, plain, {"text": LONG, "text_pair": TEXTS[0]}, truncation="only_first")
    case(task, plain, {"text": TEXTS[0], "text_pair": LONG}, truncation="only_second")
    case(task, plain, {"text": LONG, "text_pair": LONG}, truncation="longest_first", max_length=21)
    case(task, plain, TEXTS[0], add_special_tokens=False)
    for stream in ("generator", "dataset"):
        case(task, plain, TEXTS, stream=stream)
        case(task, plain, TEXTS, stream=stream, batch_size=2, top_k=2, padding=True)
    for inputs in (TEXTS[0], TEXTS):
        for value in (True, False):
            case(task, plain, inputs, return_all_scores=value, old=True)


def token_classification() -> None:
    task = "token-classification"
    words = [text.split() for text in TEXTS]
    strategies = ("none", "simple", "first", "average", "max")
    for model in ("task/tag", "task/tag_bytes", "task/tag_pieces"):
        case("ner", model, TEXTS[0])
        for strategy in strategies:
            case(task, model, TEXTS, aggregation_strategy=strategy)
            case(task, model, LONG, init={"aggregation_strategy": strategy})
            case(task, model, TEXTS[1], aggregation_strategy=strategy, ignore_labels=[])
        for strategy in strategies[1:]:
            case(task, model, [LONG, TEXTS[0]], aggregation_strategy=strategy, stride=12)
        case(task, model, words, is_split_into_words=True)
        case(task, model, words[0], is_split_into_words=True, aggregation_strategy="first")
        case(task, model, words[0], is_split_into_words=True, delimiter="__",
             aggregation_strategy="simple")  # fmt: skip
        case(task, model, [LONG.split()], is_split_into_words=True, aggregation_strategy="simple",
             stride=5)  # fmt: skip
    case(task, "task/tag", LONG, stride=10)
    case(task, "task/tag", TEXTS[0], ignore_labels=["O", "B-PER", "I-PER"])
    case(task, "task/tag", TEXTS[0], ignore_labels=["PER"], aggregation_strategy="simple")
    case(task, "task/tag", TEXTS, stream="generator", aggregation_strategy="simple")
    case(task, "task/tag", TEXTS, stream="dataset", batch_size=2)
    case(task, "task/tag", "")
    for old in ({"grouped_entities": True}, {"grouped_entities": False},
                {"grouped_entities": True, "ignore_subwords": True}):  # fmt: skip
        case(task, "task/tag", TEXTS[0], init=old, old=True)


def question_answering() -> None:
    task = "question-answering"
    question, context = "where is the cat ?", TEXTS[0]
    example = {"question": question, "context": context}
    for model in ("task/answer", "task/answer_bytes"):
        for options in (
            {}, {"top_k": 3}, {"topk": 2}, {"top_k": 20}, {"max_answer_len": 2, "top_k": 2},
            {"handle_impossible_answer": True}, {"handle_impossible_answer": True, "top_k": 4},
            {"align_to_words": False}, {"align_to_words": False, "top_k": 3},
            {"max_question_len": 3}, {"padding": "max_length"},
        ):  # fmt: skip
            case(task, model, question=question, context=context, old=True, **options)
            case(task, model, question=question, context=TEXTS[1], old=True, **options)
            case(task, model, question=question, context=LONG, old=True, **options)
        for options in (
            {"doc_stride": 5}, {"max_seq_len": 40}, {"doc_stride": 3, "max_seq_len": 33}
        ):  # fmt: skip
            case(task, model, question=question, context=LONG, top_k=2, old=True, **options)
        case(task, model, question=question, context="Paris", top_k=4, old=True)
        case(task, model, question=question, context="a b", top_k=2, old=True)
    model = "task/answer"
    case(task, model, question=[question, "who ?"], context=context, old=True)
    case(task, model, question=[question, "who ?"], context=[context, LONG], old=True)
    case(task, model, question=[question], context=[context], old=True)
    case(task, model, example, old=True)
    case(task, model, [example], old=True)
    case(task, model, [example, example], top_k=2, old=True)
    case(task, model, example, example, old=True)
    case(task, model, question, context, old=True)
    case(task, model, X=example, old=True)
    case(task, model, data=[example, example], old=True)
    case(task, model, [example, example], stream="generator", old=True)
    case(task, model, [example, example], stream="dataset", top_k=2, old=True)


def fill_mask() -> None:
    one, two = "the cat [MASK] on the mat .", "a [MASK] of [MASK] , London"
    for model in ("task/fill", "task/fill_own"):
        for inputs in (one, two, [one], [two], [one, two, one]):
            case("fill-mask", model, inputs)
            case("fill-mask", model, inputs, top_k=2)
        case("fill-mask", model, one, targets="cat")
        case("fill-mask", model, one, targets=["cat", "the", "on", "cat"], top_k=2)
        case("fill-mask", model, one, targets=["catastrophes", "☃", "the"])
        case("fill-mask", model, [one, two], init={"targets": ["the", "a"], "top_k": 9})
        case("fill-mask", model, "[MASK] " + LONG,
             tokenizer_kwargs={"truncation": True})  # fmt: skip
        case("fill-mask", model, ["[MASK] " + LONG, "[MASK] [MASK] " + LONG], top_k=1,
             tokenizer_kwargs={"truncation": True, "max_length": 11})  # fmt: skip
    case("fill-mask", "task/fill", [one, two], stream="generator")
    case("fill-mask", "task/fill", [one, two], stream="dataset", top_k=1)


def zero_shot_classification() -> None:
    task, model = "zero-shot-classification", "task/classify"
    labels = ["sports", "the bank", "cats and mats"]
    for config in (NLI, FIRST, NEITHER):
        for multi in (False, True):
            case(task, model, TEXTS[0], candidate_labels=labels, multi_label=multi, config=config)
            case(task, model, TEXTS, candidate_labels=labels, multi_label=multi, config=config)
        case(task, model, TEXTS[0], candidate_labels="cats", config=config)
    case(task, model, TEXTS[0], "sports, the bank ,,cats", config=NLI)
    case(task, model, [TEXTS[0]], labels, config=NLI, hypothesis_template="It is about {} .")
    case(task, model, TEXTS[0], config=NLI, init={"candidate_labels": labels, "multi_label": True})
    case(task, model, [LONG, LONG], candidate_labels=labels, config=NLI)
    case(task, model, TEXTS, candidate_labels=labels, config=NLI, stream="generator")


def feature_extraction() -> None:
    task = "feature-extraction"
    for model in ("embed/base", "task/classify", "task/tag_bytes"):
        case(task, model, "a cat")
        case(task, model, ["a cat", TEXTS[1]])
        case(task, model, LONG, truncation=True, tokenize_kwargs={"max_length": 6})
    case(task, "embed/base", ["a cat", ""], tokenize_kwargs={"truncation": True, "max_length": 3})
    case(task, "embed/base", ["a cat"], tokenize_kwargs={"add_special_tokens": False})
    case(task, "embed/base", ["a cat", "b"], stream="generator")


text_classification()
token_classification()
question_answering()
fill_mask()
zero_shot_classification()
feature_extraction()


def name(i: int) -> str:
    """Of a case, for people."""
    found = CASES[i]
    return f"{i}-{found['task']}-{found['model'].partition('/')[2]}"


def folder(found: Case, scratch: pathlib.Path) -> pathlib.Path:
    """The case's model; a changed one is made in scratch."""
    source = MODELS / str(found["model"])
    if not found["config"]:
        return source
    made = scratch / f"{source.name}-{CASES.index(found)}"
    shutil.copytree(source, made)
    config = json.loads((made / "config.json").read_text())
    (made / "config.json").write_text(json.dumps({**config, **found["config"]}))
    return made


class Dataset:
    """A dataset without anybody's base class."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]


def answer(
    pipeline: Callable[..., Any],
    found: Case,
    path: pathlib.Path,
    dataset: type = Dataset,
    make: Callable[..., Any] | None = None,
) -> Any:
    """What a pipeline() gives for a case, as JSON has it.

    Args:
        dataset: the class of datasets.
        make: instead of making a pipeline by its task and path.
    """
    call = make(found, path) if make else pipeline(found["task"], model=str(path), **found["init"])
    found = copy.deepcopy(found)  # the reference writes into some arguments
    args = list(found["args"])
    if found["stream"] == "generator":
        args[0] = (item for item in args[0])
    elif found["stream"] == "dataset":
        args[0] = dataset(args[0])
    result = call(*args, **found["call"])
    return plain(list(result) if found["stream"] else result)


def plain(value: Any) -> Any:
    """A result as JSON has it: np.float32 is {"float32": value}."""
    if type(value).__name__ == "float32":
        return {"float32": float(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    assert value is None or type(value) in (str, int, float), type(value)
    return value


def differences(found: Any, want: Any, at: str = "") -> list[str]:
    """Where two results differ: in form, type, text or by more than 1e-5 in a number."""
    if type(found) is not type(want):
        return [f"{at}: {type(found).__name__}, not {type(want).__name__}"]
    if isinstance(want, dict):
        if list(found) != list(want):
            return [f"{at}: {list(found)}, not {list(want)}"]
        return [d for key in want for d in differences(found[key], want[key], f"{at}.{key}")]
    if isinstance(want, list):
        if len(found) != len(want):
            return [f"{at}: {len(found)} items, not {len(want)}"]
        pairs = enumerate(zip(found, want))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{at}[{i}]")]
    if isinstance(want, float):
        near = abs(found - want) <= 1e-5 * max(1, abs(want))
        return [] if near else [f"{at}: {found}, not {want}"]
    return [] if found == want else [f"{at}: {found!r}, not {want!r}"]
