# SPDX-License-Identifier: MIT
"""The site's source, as Sphinx takes it:  stage.py SOURCE TARGET

Pages lie as they do in the repository, so that their links hold.  What a page names in passing
becomes a link: other pages, and functions of the library.  The pages of the interfaces are made
here; what is in them comes by breathe and autodoc.
"""

from __future__ import annotations

import fnmatch
import pathlib
import re
import shutil
import sys

import reference

MARK = re.compile(r"^ *<!-- *snippet:.*-->\n", re.M)
FENCES = re.compile(r"(^ *(?:```|~~~).*?^ *(?:```|~~~) *$)", re.M | re.S)
LINKS = re.compile(r"(!?\[[^\]]*\]\([^)]*\))")
MENTION = re.compile(r"`?(?<![\w/.-])((?:docs|bindings/python)/[\w/-]+\.md)\b`?")
CALL = re.compile(r"`(bert_\w+)\(\)`")

# Captions of the index and their pages, in this order; a page that is in none is an error.
GUIDES = {
    "Start": "README docs/guide/tutorial docs/guide/choosing docs/guide/troubleshooting",
    "Tasks": (
        "docs/guide/embedding docs/guide/classification docs/guide/reranking docs/guide/tagging "
        "docs/guide/question-answering docs/guide/fill-mask docs/guide/next-sentence "
        "docs/guide/multiple-choice docs/guide/long-documents docs/guide/quantize "
        "docs/guide/explain docs/guide/masking docs/usecases"
    ),
    "Interfaces": (
        "api/c docs/guide/cpp api/cpp docs/guide/python api/python docs/languages docs/sqlite "
        "docs/postgres docs/abi"
    ),
    "Python package": "bindings/python/README docs/python-* docs/bulk docs/scaling docs/convert",
    "In production": (
        "docs/guide/server docs/engine docs/guide/security docs/guide/tuning docs/performance "
        "docs/metrics docs/drift docs/privacy docs/manifest"
    ),
    "Inside": (
        "docs/architecture docs/design docs/adding-a-family docs/guide/adding-a-kernel docs/*"
    ),
    "More": "docs/guide/*",
}
# Where a page's own title says too little or too much in a list.
NAMES = {
    "README": "Overview <README>",
    "docs/abi": "The binary interface <docs/abi>",
    "docs/design": "Design <docs/design>",
}


def find_pages(source: pathlib.Path) -> list[str]:
    """Names without their ending."""
    found = [source / "README.md", source / "bindings/python/README.md"]
    found += sorted((source / "docs").glob("*.md")) + sorted((source / "docs").glob("guide/*.md"))
    return [str(page.relative_to(source).with_suffix("")) for page in found if page.exists()]


def linked(text: str, page: str, pages: set[str], functions: set[str]) -> str:
    """Prose (no code) with links for what it names."""
    up = "../" * page.count("/")

    def mention(match: re.Match[str]) -> str:
        target = match[1].removesuffix(".md")
        return f"[{match[1]}]({up}{match[1]})" if target in pages and target != page else match[0]

    def call(match: re.Match[str]) -> str:
        return f"{{c:func}}`{match[1]}`" if match[1] in functions else match[0]

    parts = LINKS.split(text)
    parts[::2] = [CALL.sub(call, MENTION.sub(mention, part)) for part in parts[::2]]
    return "".join(parts)


def staged(text: str, page: str, pages: set[str], functions: set[str]) -> str:
    if "```sql" in text:
        functions = set()  # those of SQL have the same names
    parts = FENCES.split(MARK.sub("", text))
    parts[::2] = [linked(part, page, pages, functions) for part in parts[::2]]
    return "".join(parts)


def bring_along(
    text: str, folder: pathlib.Path, source: pathlib.Path, target: pathlib.Path
) -> None:
    """Files of the repository that a page links to: pictures, programs."""
    for link in re.findall(r"\]\(([^)#\s]+)\)", text):
        file = (source / folder / link).resolve()
        if "://" in link or link.endswith(".md") or not file.is_file():
            continue
        to = target / file.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to)


def fits(name: str, pattern: str) -> bool:
    """A star stands for no slash."""
    a, b = name.split("/"), pattern.split("/")
    return len(a) == len(b) and all(map(fnmatch.fnmatchcase, a, b))


def index(names: list[str], template: str) -> str:
    """The template with a toctree for each caption."""
    left = list(names)
    trees = []
    for caption, patterns in GUIDES.items():
        own: list[str] = []
        for pattern in patterns.split():
            own += [name for name in left if fits(name, pattern)]
            left = [name for name in left if name not in own]
        if own:
            entries = [NAMES.get(name, name) for name in own]
            trees += [f"```{{toctree}}\n:caption: {caption}\n:maxdepth: 1\n", *entries, "```\n"]
    if left:
        raise SystemExit(f"stage.py: in no part of the index: {' '.join(left)}")
    return template + "\n" + "\n".join(trees)


def main() -> None:
    source, target = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    names = find_pages(source)
    functions = reference.functions(source)
    for name in names:
        text = (source / f"{name}.md").read_text(encoding="utf-8")
        to = target / f"{name}.md"
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(staged(text, name, {*names}, functions), encoding="utf-8")
        bring_along(text, pathlib.Path(name).parent, source, target)
    tops = reference.write(source, target / "api")
    template = (source / "docs/site/index.md").read_text(encoding="utf-8")
    (target / "index.md").write_text(index([*names, *tops], template), encoding="utf-8")


if __name__ == "__main__":
    main()
