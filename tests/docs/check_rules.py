# SPDX-License-Identifier: MIT
"""What is wrong with a page is found, at its line:  check_rules.py SOURCE BUILD TEMPORARY"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator

from place import Setup
from run_snippets import run_page

FENCE = "```"


def page(
    language: str, text: str, mark: str = "", output: str | None = None, words: str = ""
) -> str:
    """A page with a snippet in line 3 (with a mark: 4)."""
    lines = [
        "# A page",
        "",
        *([f"<!-- snippet: {mark} -->"] if mark else []),
        FENCE + language,
        text,
        FENCE,
        "",
    ]
    if output is not None:
        lines += [*([words, ""] if words else []), FENCE + "text", output, FENCE]
    return "\n".join(lines) + "\n"


MAIN = """#include <stdio.h>
int main(int argc, char **argv)
{
    (void)argv;
    printf("%d\\n", argc);
    return 0;
}"""
CPP = '#include <bert.hpp>\nint main()\n{\n    std::printf("%s\\n", bert_status_name(BERT_OK));\n}'
SIZE = 'printf("%d\\n", (int)bert_model_embedding_size(model));'

# What a page has, and a part of what is said of it; nothing: it is right.  `+`: needs a model.
CASES = {
    "no language": (page("", "int x;"), "names.md:3: a fence that doesn't name its language"),
    "an unknown language": (page("fortran", "end"), "names.md:3: a fence in `fortran`"),
    "no end": ("\n```c\nint x;\n", "names.md:2: the fence has no end"),
    "a quoted fence": ("> ```c\n> int x;\n> ```\n", "names.md:1: a fence behind a tab or `>`"),
    "a fence behind a tab": (
        "- an item\n\n\t```c\n\tint x;\n\t```\n",
        "names.md:3: a fence behind",
    ),
    "a quoted fence within a fence": (page("text", "> ```c"), ""),
    "output in two places": (
        page("console", "$ echo 1\n2\n$ echo 3", output="3"),
        "names.md:3: what is printed stands both in the block and after it",
    ),
    "an unknown mark": (page("c", SIZE, "fil=x"), "names.md:4: a mark `fil=x` is not known"),
    "an exemption without a reason": (
        page("c", "x", "not run"),
        "names.md:4: `not run` wants its reason",
    ),
    "a mark that stands alone": (
        "<!-- snippet: file -->\n\nwords\n",
        "names.md:1: a mark without a fence",
    ),
    "an exemption": (page("c", "x", "not run: it takes a GPU"), ""),
    "what is not run": (page("sql", "SELEKT"), ""),
    "C that doesn't compile": (
        page("c", "int x = nothing;"),
        "names.md:3: doesn't compile\nnames.md: In function",
    ),
    "C that doesn't compile, its line": (page("c", "int x = nothing;"), "names.md:4:9: error"),
    "a program with a warning": (
        page("c", "int main(void)\n{\n    int x;\n    return 0;\n}"),
        "names.md:6:9: error: unused",
    ),
    "C++ that doesn't compile": (page("cpp", "int x = nothing;"), "names.md:3: doesn't compile"),
    "file scope": (page("c", "static int twice(int x)\n{\n    return 2 * x;\n}", "file"), ""),
    "file scope that doesn't compile": (
        page("c", "static int f(void) { return x; }", "file"),
        "names.md:4: doesn't compile",
    ),
    "+a program": (page("c", MAIN, output="1"), ""),
    "+a program, arguments": (page("c", MAIN, 'args="a b"', "3"), ""),
    "+a program in C++": (page("cpp", CPP, output="BERT_OK"), ""),
    "+a program, other output": (
        page("c", MAIN, output="2"),
        "names.md:3: prints something else\n  expected: 2\n  printed:  1",
    ),
    "+output after a sentence": (
        page("c", MAIN, output="2", words="It prints:"),
        "names.md:3: prints something else",
    ),
    "+text after a paragraph": (page("c", MAIN, output="2", words="That was that."), ""),
    "+statements": (page("c", SIZE, output="384"), ""),
    "+statements that fail": (page("c", "return 3;"), "names.md:3: ends with 3, not 0"),
    "+statements that fail as they should": (page("c", "return 3;", "exit=3"), ""),
    "+statements that crash": (page("c", "abort();"), "names.md:3: ends with 134, not 0"),
    "+python": (page("python", "print(1)", output="1"), ""),
    "+python, other output": (
        page("python", "print(1)", output="2"),
        "names.md:3: prints something else",
    ),
    "+python that fails": (
        page("python", "print(1)\nraise ValueError('no')"),
        "names.md:3: ends with 1, not 0",
    ),
    "+python, its line": (
        page("python", "print(1)\nraise ValueError('no')"),
        'snippet3.py", line 5,',
    ),
    "+python that continues": (
        page("python", "x = 1") + page("python", "print(x)", "continues", "1"),
        "",
    ),
    "+a console": (page("console", "$ x=2\n$ echo $x \\\n  4\n2 4\n$ pwd"), ""),
    "+a console, other output": (
        page("console", "$ echo 1\n2"),
        "names.md:3: prints something else",
    ),
    "+a console, lines that are missing": (
        page("console", "$ echo 1\n1\n2"),
        "names.md:3: prints something else",
    ),
    "+a console, stderr": (page("console", "$ echo 1 >&2\n1"), ""),
    "+a console that fails": (
        page("console", "$ false\n$ true"),
        "names.md:3: `false` ends with 1, not 0",
    ),
    "+a console that fails as it should": (page("console", "$ true\n$ false", "exit=1"), ""),
    "+a console that doesn't fail": (
        page("console", "$ true", "exit=1"),
        "names.md:4: `true` ends with 0, not 1",
    ),
    "+a console that ends": (page("console", "$ exit 0"), "names.md:3: `exit 0` ends the shell"),
    "+a console, a long command": (page("console", "$ cat <<END\n> a\n> END\na"), ""),
    "+a console, nothing to run": (
        page("console", "ls"),
        "names.md:3: a console block without a command",
    ),
    "+the command": (page("console", "$ bert nonsense", "exit=2"), ""),
    "+any text in a line": (page("console", "$ echo 1 sheep, 2 goats\n1 ... goats"), ""),
    "+other text in a line": (
        page("console", "$ echo 1 sheep, 2 goats\n1 ... cows"),
        "something else",
    ),
    "+any lines": (page("console", "$ printf '1\\n2\\n3\\n4\\n'\n1\n...\n4"), ""),
    "+other lines": (page("console", "$ printf '1\\n2\\n3\\n4\\n'\n1\n...\n5"), "something else"),
    "+the last place of a number": (page("console", "$ echo a 0.1234,-2.50\na 0.1235,-2.51"), ""),
    "+more than that": (page("console", "$ echo 0.1234\n0.1236"), "something else"),
    "+fewer places": (page("console", "$ echo 0.12\n0.123"), "something else"),
    "+a file that a console compiles": (
        page("c", MAIN, "file=seen.c") + page("console", "$ cc -o seen seen.c\n$ ./seen x\n2"),
        "",
    ),
    "+one that it breaks": (
        page("c", MAIN, "file=seen.c") + page("console", "$ cc -o seen seen.c\n$ ./seen x\n3"),
        "names.md:16: prints something else",
    ),
}


def wrong(setup: Setup, folder: pathlib.Path) -> Iterator[str]:
    for i, (what, (text, part)) in enumerate(CASES.items()):
        if what.startswith("+") and not setup.model:
            continue
        if "python" in text and setup.no_python:
            continue
        path = folder / f"{i}" / "names.md"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        done = run_page(setup, path, "names.md", f"page{i}")
        said = "\n".join(done.failures)
        if part not in said or bool(said) != bool(part):
            yield f"{what}: <{part}> is not what is said: <{said}>"


def main() -> int:
    source, build, temporary = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    setup = Setup(source, build, temporary)
    mistakes = list(wrong(setup, temporary / "wrong"))
    print("\n".join(mistakes) or f"{len(CASES)} rules hold")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
