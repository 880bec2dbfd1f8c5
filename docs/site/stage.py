# SPDX-License-Identifier: MIT
"""The site's source, as Sphinx takes it:  stage.py SOURCE TARGET

Pages lie as they do in the repository, so that their links hold.  What a page names in passing
becomes a link: other pages, and functions of the library.  The pages of the interfaces are made
here; what is in them comes by breathe and autodoc.
"""

from __future__ import annotations

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

# Captions of the index, and which pages they have, in this order; a page that is in none is an error.
GUIDES = {
    "Start": ["README", "docs/guide/tutorial", "docs/guide/install", "docs/guide/models", "docs/guide/choosing*"],
    "Tasks": ["docs/guide/*"],
    "Interfaces": ["api/c", "api/cpp", "api/python", "docs/languages", "docs/sqlite", "docs/abi"],
    "Python package": ["bindings/python/README", "docs/python-*", "docs/bulk", "docs/scaling", "docs/convert"],
    "In production": [
        "docs/engine", "docs/metrics", "docs/drift", "docs/privacy", "docs/manifest", "docs/performance", "docs/usecases",
    ],
    "Inside": ["docs/architecture", "docs/design", "docs/*"],
}  # fmt: skip
# Where a page's own title says too little or too much in a list.
NAMES = {"README": "Overview <README>", "docs/abi": "The binary interface <docs/abi>", "docs/design": "Design <docs/design>"}


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
    parts = FENCES.split(MARK.sub("", text))
    parts[::2] = [linked(part, page, pages, functions) for part in parts[::2]]
    return "".join(parts)


def bring_along(text: str, folder: pathlib.Path, source: pathlib.Path, target: pathlib.Path) -> None:
    """Files of the repository that a page links to: pictures, programs."""
    for link in re.findall(r"\]\(([^)#\s]+)\)", text):
        file = (source / folder / link).resolve()
        if "://" in link or link.endswith(".md") or not file.is_file():
            continue
        to = target / file.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to)


def index(names: list[str], template: str) -> str:
    """The template with a toctree for each caption."""
    left = dict.fromkeys(names)
    trees = []
    for caption, patterns in GUIDES.items():
        own = [name for pattern in patterns for name in [*left] if pathlib.PurePath(name).match(pattern)]
        own = [*dict.fromkeys(name for name in own if name.count("/") == max(p.count("/") for p in patterns if pathlib.PurePath(name).match(p)))]
        for name in own:
            left.pop(name)
        named = [NAMES.get(name, name) for name in own]
        trees += [f"```{{toctree}}\n:caption: {caption}\n:maxdepth: 1\n", *named, "```\n"] if own else []
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
