#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The package beside the originals in one run: a table in Markdown.

    python bench_originals.py MODEL TEXTS PAIRS [--lines 20000] [--blocks 10] [--only lines,...]

MODEL: a folder of SentenceTransformer's, such as all-MiniLM-L6-v2.  TEXTS: a file with a text a
line, gone through again until there are enough.  PAIRS: a CSV of STS-B, two sentences and a score.
Needs torch, transformers, tokenizers and sentence-transformers.

Each contender is a process of its own, which has memory of its own to report.  Work is cut into
blocks, and each block is done by all contenders in turn, first by one, then by another: what counts
is the median of the blocks' ratios, so that a machine that others use too disturbs all alike.
Models of the tasks that MODEL is not for are random ones of its sizes.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from typing import Any, Callable

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="true")

from time_pipelines import make as make_tagger
from time_pipelines import texts_of

CONTENDERS = ("original", "fp32", "int8")
TAGS = {"aggregation_strategy": "simple"}


# ---- A contender ------------------------------------------------------------------------------


class Original:
    """What there is to compare with."""

    def __init__(self, folders: dict[str, str]) -> None:
        self.folders = folders

    def encoder(self) -> Any:
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(self.folders["model"], device="cpu")

    def cross_encoder(self) -> Any:
        from sentence_transformers import CrossEncoder

        return CrossEncoder(self.folders["ranker"], device="cpu")

    def tagger(self) -> Any:
        from transformers import pipeline

        return pipeline("token-classification", self.folders["tagger"], device="cpu", **TAGS)

    def auto_tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folders["model"])

    def tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        return Tokenizer.from_file(os.path.join(self.folders["model"], "tokenizer.json"))


class Ours(Original):
    """The same of libbert."""

    def __init__(self, folders: dict[str, str], compute: str) -> None:
        super().__init__(folders)
        self.compute = compute

    def encoder(self) -> Any:
        import libbert

        return libbert.SentenceTransformer(self.folders["model"], compute=self.compute)

    def cross_encoder(self) -> Any:
        import libbert

        return libbert.CrossEncoder(self.folders["ranker"], compute=self.compute)

    def tagger(self) -> Any:
        import libbert

        folder = self.folders["tagger"]
        precision = {"precision": self.compute}
        return libbert.pipeline("token-classification", folder, model_kwargs=precision, **TAGS)

    def auto_tokenizer(self) -> Any:
        import libbert

        return libbert.AutoTokenizer(self.folders["model"])

    def tokenizer(self) -> Any:
        import libbert

        return libbert.Tokenizer(os.path.join(self.folders["model"], "tokenizer.json"))


def bare(tokenizer: Any) -> Any:
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


Way = Callable[[Any, list[str]], Any]

# Of each line of the table: what is made of a contender, what is done with a block of texts.
WAYS: dict[str, tuple[Callable[[Original], Any], Way]] = {
    "encode, 32": (
        lambda side: side.encoder(),
        lambda made, texts: made.encode(texts, batch_size=32),
    ),
    "encode, 1": (
        lambda side: side.encoder(),
        lambda made, texts: [made.encode(text) for text in texts],
    ),
    "predict": (
        lambda side: side.cross_encoder(),
        lambda made, texts: made.predict([(texts[0], text) for text in texts]),
    ),
    "tag": (lambda side: side.tagger(), lambda made, texts: made(texts)),
    "arrays": (
        lambda side: side.auto_tokenizer(),
        lambda made, texts: made(
            texts, padding=True, truncation=True, max_length=256, return_tensors="np"
        ),
    ),
    "lists": (
        lambda side: side.auto_tokenizer(),
        lambda made, texts: made(texts, truncation=True, max_length=512),
    ),
    "call": (
        lambda side: side.auto_tokenizer(),
        lambda made, texts: [made(text, truncation=True, max_length=512) for text in texts],
    ),
    "encode_batch": (
        lambda side: bare(side.tokenizer()),
        lambda made, texts: [one.ids for one in made.encode_batch(texts)],
    ),
    "encode one": (
        lambda side: bare(side.tokenizer()),
        lambda made, texts: [made.encode(text).ids for text in texts],
    ),
}  # fmt: skip


def memory(what: str) -> int:
    """A size of /proc/self/status in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(what + ":"):
                return int(line.split()[1]) * 1024
    return 0


def work(name: str, folders: dict[str, str]) -> None:
    """Do blocks as they are asked for, a line of JSON each."""
    side = Original(folders) if name == "original" else Ours(folders, name)
    made: Any = None
    of: Any = None
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what others print is not an answer
    for line in sys.stdin:
        asked = json.loads(line)
        create, way = WAYS[asked["way"]]
        if of != asked["way"]:
            made, of = create(side), asked["way"]
            way(made, asked["texts"][:32])
        start = time.perf_counter()
        way(made, asked["texts"])
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "rss": memory("VmRSS")}), file=answers, flush=True)


# ---- All of them --------------------------------------------------------------------------------


class Contenders:
    """Processes, one each, for one line of the table."""

    def __init__(self, folders: dict[str, str], names: tuple[str, ...]) -> None:
        command = [sys.executable, __file__, "--folders", json.dumps(folders), "--contender"]
        self.all = {
            name: subprocess.Popen(
                [*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for name in names
        }

    def ask(self, name: str, way: str, texts: list[str]) -> dict[str, float]:
        process = self.all[name]
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps({"way": way, "texts": texts}), file=process.stdin, flush=True)
        answer: dict[str, float] = json.loads(process.stdout.readline())
        return answer

    def close(self) -> None:
        for process in self.all.values():
            process.communicate()


def compare(
    title: str, way: str, folders: dict[str, str], blocks: list[list[str]], names: tuple[str, ...]
) -> None:
    """Print one line of the table."""
    contenders = Contenders(folders, names)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    rss: dict[str, float] = {}
    for i, block in enumerate(blocks):
        for name in names if i % 2 == 0 else reversed(names):
            time.sleep(1)  # until the threads of the one before have stopped spinning
            answer = contenders.ask(name, way, block)
            seconds[name].append(answer["seconds"])
            rss[name] = max(rss.get(name, 0), answer["rss"])
    contenders.close()
    texts = sum(map(len, blocks))
    cells = [f"{texts / sum(seconds['original']):.0f}"]
    for name in names[1:]:
        ratios = [a / b for a, b in zip(seconds["original"], seconds[name])]
        rate = texts / sum(seconds[name])
        cells.append(f"{rate:.0f} ({statistics.median(ratios):.1f}x)")
    cells += [""] * (len(CONTENDERS) - len(names))
    sizes = " / ".join(f"{rss[name] / 1e6:.0f}" for name in names)
    print(f"| {title} | {' | '.join(cells)} | {sizes} |", flush=True)


def import_cost(statement: str) -> str:
    """Milliseconds and megabytes of an import, the median of five."""
    program = (
        "import time; start = time.perf_counter()\n" + statement + "\n"
        "print(time.perf_counter() - start)\n"
        "print([line.split()[1] for line in open('/proc/self/status') if 'VmRSS' in line][0])"
    )
    found = []
    for _ in range(5):
        told = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True
        ).stdout.split()
        found.append((float(told[0]), int(told[1])))
    milliseconds = 1e3 * statistics.median(seconds for seconds, _ in found)
    return f"{milliseconds:.0f} ms, {statistics.median(size for _, size in found) / 1e3:.0f} MB"


def installed(name: str, seen: dict[str, int]) -> dict[str, int]:
    """Bytes of the files of a distribution, and of those that it requires."""
    key = name.lower().replace("_", "-")
    if key in seen:
        return seen
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return seen
    paths = (pathlib.Path(str(file.locate())) for file in found.files or ())
    seen[key] = sum(path.stat().st_size for path in paths if path.is_file())
    for requirement in found.requires or ():
        if "extra ==" not in requirement:
            installed(_name_of(requirement), seen)
    return seen


def is_gpu(name: str) -> bool:
    return name.startswith(("nvidia-", "cuda-")) or name == "triton"


def _name_of(requirement: str) -> str:
    end = next(
        (i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), len(requirement)
    )
    return requirement[:end]


def make_ranker(model: pathlib.Path, folder: pathlib.Path) -> None:
    import importlib
    import shutil

    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    torch.manual_seed(2)
    config = transformers.AutoConfig.from_pretrained(model, num_labels=1)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(model / name, folder)


def cut(texts: list[str], blocks: int) -> list[list[str]]:
    size = -(-len(texts) // blocks)
    return [texts[i:i + size] for i in range(0, len(texts), size)]


def sentences_of(path: pathlib.Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [text for row in csv.reader(file) for text in row[:2]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("texts", type=pathlib.Path)
    parser.add_argument("pairs", type=pathlib.Path)
    parser.add_argument("--lines", type=int, default=20000)
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--only", default="lines,sentences,predict,tag,tokenizer,import")
    given = parser.parse_args()
    only = given.only.split(",")
    lines = [line.strip() for line in given.texts.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line]
    many = (lines * (given.lines // len(lines) + 1))[: given.lines]
    sentences = sentences_of(given.pairs)
    longest = texts_of(given.texts, 200)
    print("| | original, texts/s | libbert fp32 | libbert int8 | RSS, MB |")
    print("|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {"model": str(given.model)}
        for name, create in (("tagger", make_tagger), ("ranker", make_ranker)):
            folders[name] = os.path.join(scratch, name)
            os.mkdir(folders[name])
            create(given.model, pathlib.Path(folders[name]))
        run: list[tuple[str, str, str, list[list[str]], tuple[str, ...]]] = [
            ("lines", f"`encode`, {len(many)} lines, by 32", "encode, 32",
             cut(many, given.blocks), CONTENDERS),
            ("lines", f"`encode`, {len(many)} lines, one by one", "encode, 1",
             cut(many, given.blocks), CONTENDERS),
            ("sentences", f"`encode`, {len(sentences)} sentences of STS-B, by 32", "encode, 32",
             cut(sentences, given.blocks), CONTENDERS),
            ("sentences", f"`encode`, {len(sentences)} sentences of STS-B, one by one", "encode, 1",
             cut(sentences, given.blocks), CONTENDERS),
            ("predict", "`CrossEncoder.predict`, 100 candidates", "predict",
             [longest[:100]] * 5, CONTENDERS),
            ("tag", "token-classification pipeline, 200 paragraphs", "tag",
             [longest] * 3, CONTENDERS),
            ("tokenizer", "`AutoTokenizer`, padded arrays of numpy", "arrays",
             [lines] * 9, CONTENDERS[:2]),
            ("tokenizer", "`AutoTokenizer`, lists", "lists", [lines] * 9, CONTENDERS[:2]),
            ("tokenizer", "`AutoTokenizer`, a text a call", "call", [lines] * 5, CONTENDERS[:2]),
            ("tokenizer", "`Tokenizer.encode_batch`, ids", "encode_batch",
             [lines] * 9, CONTENDERS[:2]),
            ("tokenizer", "`Tokenizer.encode`, ids", "encode one", [lines] * 5, CONTENDERS[:2]),
        ]  # fmt: skip
        for group, title, way, blocks, names in run:
            if group in only:
                compare(title, way, folders, blocks, names)
    if "import" in only:
        for module in ("sentence_transformers", "libbert"):
            statement = f"from {module} import SentenceTransformer"
            sizes = installed(module.replace("_", "-"), {})
            gpu = sum(size for name, size in sizes.items() if is_gpu(name))
            total = sum(sizes.values())
            print(
                f"`{statement}`: {import_cost(statement)}; installed {total / 1e6:.0f} MB in "
                f"{len(sizes)} packages, {(total - gpu) / 1e6:.0f} without those for GPUs; "
                f"numpy is {sizes.get('numpy', 0) / 1e6:.0f}"
            )


if __name__ == "__main__":
    if "--contender" in sys.argv:
        work(sys.argv[-1], json.loads(sys.argv[sys.argv.index("--folders") + 1]))
    else:
        main()
