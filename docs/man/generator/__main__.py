# SPDX-License-Identifier: MIT
"""Write the manual pages and the completions of the shells.

    python3 docs/man/generator BERT            write docs/man/*.[137], docs/completions/*
    python3 docs/man/generator BERT --check    exit 1 if they are not what this would write

BERT is the built command: bert(1) and the completions are made of what it says of itself, the
pages of section 3 of the comments in include/bert/*.h, both within docs/man/*.in.
"""

from __future__ import annotations

import difflib
import pathlib
import re
import sys

sys.dont_write_bytecode = True

import api_pages  # noqa: E402
import command_page  # noqa: E402
import comments  # noqa: E402
import completion_bash  # noqa: E402
import completion_fish  # noqa: E402
import completion_zsh  # noqa: E402
import headers  # noqa: E402
import help_text  # noqa: E402
import roff  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
MAN = "docs/man"


def release_date() -> str:
    """Of this version, by the first line of NEWS; "" before its release."""
    with open(ROOT / "NEWS", encoding="utf-8") as news:
        found = re.search(r"\((\d{4}-\d{2}-\d{2})\)", news.readline())
    return found[1] if found else ""


def fill(template: str, parts: dict[str, list[str]]) -> list[str]:
    lines: list[str] = []
    text = (ROOT / MAN / template).read_text(encoding="utf-8")
    unused = set(parts)
    for line in text.splitlines():
        if re.fullmatch(r"@\w+@", line):
            name = line.strip("@")
            lines += parts[name]
            unused.discard(name)
        else:
            lines.append(line)
    if unused:
        raise SystemExit(f"{template} lacks {unused}")
    return lines


def command_pages(program: help_text.Program) -> list[str]:
    parts = {
        "ABOUT": roff.prose("\n".join(program.about), options=True),
        "COMMANDS": command_page.commands_list(program),
        "COMMON": command_page.common_source(program),
        "REFERENCE": command_page.reference_source(program),
        "STATUS": command_page.status_source(program),
        "EXAMPLES": roff.example(program.examples),
    }
    return fill("bert.1.in", parts)


def overview(read: list[headers.Header]) -> list[str]:
    by_name = {header.name: header for header in read}
    base, tasks = by_name["base"], by_name["tasks"]
    conventions = base.doc[base.doc.index("Conventions of the whole API:") + 1 :]
    items = [item for section in base.sections for item in section.items]
    status = next(item for item in items if item.name == "bert_status")
    parts = {
        "CONVENTIONS": comments.source(conventions),
        "STATUSES": api_pages.members(status),
        "EXAMPLE": roff.example(comments.split_examples(tasks.doc)[1][0]),
        "PAGES": api_pages.page_list(read),
    }
    return fill("libbert.7.in", parts)


def all_files(bert: str) -> dict[str, str]:
    read = headers.read_headers(ROOT / "include")
    version, date = headers.version(ROOT / "include"), release_date()
    program = help_text.read_program(bert)
    owners = api_pages.owners_of(read)
    index = fill("libbert.3.in", {"PAGES": api_pages.page_list(read)})
    pages = {
        "bert.1": roff.title("bert", "1", version, date) + command_pages(program),
        "libbert.3": roff.title("libbert", "3", version, date) + index,
        "libbert.7": roff.title("libbert", "7", version, date) + overview(read),
    }
    for header in read:
        name = f"{api_pages.page_name(header)}.3"
        pages[name] = api_pages.page(header, owners, version, date)
    files = {f"{MAN}/{name}": roff.finish(lines) for name, lines in pages.items()}
    files[f"{MAN}/aliases"] = "\n".join(api_pages.aliases(read)) + "\n"
    files["docs/completions/bert.bash"] = completion_bash.script(program)
    files["docs/completions/_bert"] = completion_zsh.script(program)
    files["docs/completions/bert.fish"] = completion_fish.script(program)
    return files


def there() -> list[str]:
    """Generated files that lie in the sources."""
    pages = [path for path in (ROOT / MAN).iterdir() if path.suffix in (".1", ".3", ".7")]
    return [str(path.relative_to(ROOT)) for path in pages]


def check(files: dict[str, str]) -> int:
    bad = 0
    for name, text in files.items():
        path = ROOT / name
        have = path.read_text(encoding="utf-8") if path.exists() else ""
        if have != text:
            diff = difflib.unified_diff(
                have.splitlines(), text.splitlines(), name, "what it should be", lineterm="", n=1
            )
            print("\n".join(list(diff)[:20]))
            bad = 1
    for name in set(there()) - set(files):
        print(f"{name}: nothing makes it")
        bad = 1
    if bad:
        print("make man writes them")
    return bad


def main() -> int:
    args = sys.argv[1:]
    if not args or len(args) > 2 or args[1:] not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    files = all_files(args[0])
    if args[1:]:
        return check(files)
    for name in set(there()) - set(files):
        (ROOT / name).unlink()
    for name, text in files.items():
        (ROOT / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
