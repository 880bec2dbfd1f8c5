# SPDX-License-Identifier: MIT
"""Is the built site whole?  check_site.py SOURCE SITE

Each public header has its page, each function that the library exports is described once, links
within the site arrive, and a page needs nothing from elsewhere.
"""

from __future__ import annotations

import pathlib
import posixpath
import re
import sys
import urllib.parse
from collections import Counter
from html.parser import HTMLParser

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """Ids, links and what a browser would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if said.get("id"):
            self.ids.append(said["id"] or "")
        address = said.get(LOADED.get(tag, ""))
        if address:
            self.loaded.append(address)
        if tag == "a" and said.get("href"):
            self.links.append(said["href"] or "")


def target(name: str, link: str) -> tuple[str, str]:
    """The file below the site and the id in it; no file: elsewhere."""
    parts = urllib.parse.urlsplit(link)
    if parts.scheme or parts.netloc:
        return "", ""
    path = urllib.parse.unquote(parts.path)
    file = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
    return file, urllib.parse.unquote(parts.fragment)


def broken(pages: dict[str, Page], files: set[str]) -> list[str]:
    found = []
    for name, page in pages.items():
        for link in [*page.links, *page.loaded]:
            file, fragment = target(name, link)
            if file and file not in files:
                found.append(f"{name}: {link}: no such file")
            elif file in pages and fragment and fragment not in pages[file].ids:
                found.append(f"{name}: {link}: no such place")
        found += [
            f"{name}: loads {link}"
            for link in page.loaded
            if not target(name, link)[0] and link[:5] != "data:"
        ]
    return found


def incomplete(pages: dict[str, Page], headers: list[str], functions: list[str]) -> list[str]:
    found = [f"bert/{name}.h has no page" for name in headers if f"api/c/{name}.html" not in pages]
    described = Counter(
        i[2:] for page in pages.values() for i in page.ids if i.startswith("c.bert_")
    )
    found += [
        f"{name}() is described {described[name]} times"
        for name in functions
        if described[name] != 1
    ]
    return found


def told(text: str) -> set[str]:
    """Names that have their description: a rule is that it ends with "Since 0.1."."""
    return {
        name
        for name, said in re.findall(r'id="c\.(bert_\w+)"(.*?)(?=id="c\.bert_|\Z)', text, re.S)
        if re.search(r"<em>Since \d", said)
    }


def exported(source: pathlib.Path) -> list[str]:
    return re.findall(
        r"^ *(bert_\w+);", (source / "lib/libbert.map").read_text(encoding="utf-8"), re.M
    )


def main() -> int:
    source, site = (pathlib.Path(word) for word in sys.argv[1:3])
    files = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    names = sorted(name for name in files if name.endswith(".html"))
    texts = {name: (site / name).read_text(encoding="utf-8") for name in names}
    pages = {name: Page(text) for name, text in texts.items()}
    headers = sorted(path.stem for path in (source / "include/bert").glob("*.h"))
    functions = exported(source)
    wrong = broken(pages, files) + incomplete(pages, headers, functions)
    described = set().union(*map(told, texts.values()))
    # And what is wrong would be seen.
    pages["index.html"].links += ["nowhere.html", "api/c/base.html#nothing"]
    pages["index.html"].loaded.append("https://example.org/x.js")
    pages["index.html"].ids.append("c." + functions[0])
    seen = broken(pages, files) + incomplete(
        pages, [*headers, "nothing"], [*functions, "bert_nothing"]
    )
    if len(seen) != len(wrong) + 6:
        wrong.append(f"check_site.py is blind: {seen}")
    wrong += [
        f"{name}() has a name and nothing more" for name in functions if name not in described
    ]
    print(
        "\n".join(
            [*wrong, f"{len(pages)} pages, {len(functions)} functions, {len(wrong)} mistakes"]
        )
    )
    return 1 if wrong or not functions else 0


if __name__ == "__main__":
    sys.exit(main())
