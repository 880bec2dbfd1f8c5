#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The texts of tests/drift/detect.c, one a line.

usage: texts.py DATA OUT

banking.tsv: Banking77, "intent<TAB>text".  What it changes to: questions of XQuAD in English and
German, and the articles of the Universal Declaration of Human Rights in other languages.
"""

import json
import pathlib
import re
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "models"))
import task_data  # noqa: E402

LANGUAGES = ["fra", "spa", "fin", "rus", "tur", "arb", "cmn_hans"]


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


def write(path, lines):
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def questions(path):
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [one_line(q["question"]) for a in articles for p in a["paragraphs"] for q in p["qas"]]


def clauses(archive, name):
    """The declaration, parted where its sentences and clauses are."""
    text = archive.read(f"udhr2/{name}.txt").decode("utf-8")
    lines = [one_line(s) for line in text.splitlines() for s in re.split(r"[.,;:。，；؛،]", line)]
    return [line for line in lines if len(line) >= 10]


def main():
    data, out = map(pathlib.Path, sys.argv[1:])
    banking = task_data.banking(data, "train") + task_data.banking(data, "test")
    intents = sorted({intent for _, intent in banking})
    write(out / "banking.tsv", [f"{intents.index(i)}\t{one_line(text)}" for text, i in banking])
    for language in "en", "de":
        write(out / f"xquad-{language}.txt", questions(data / "eval" / f"xquad-{language}.json"))
    with zipfile.ZipFile(data / "text" / "udhr2.zip") as archive:
        for name in LANGUAGES:
            write(out / f"rights-{name}.txt", clauses(archive, name))


if __name__ == "__main__":
    main()
