# SPDX-License-Identifier: MIT
"""Runs the snippets of pages:  run_snippets.py SOURCE BUILD TEMPORARY [PAGE ...]

The environment is that of tests/check.sh.  Each page has a folder of its own; two are at work at a
time.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import sys
from collections import Counter

from compare import difference
from pages import PageError, Snippet, pages, read_page
from place import Place, Setup

# Where there is no trained model, a tiny one of the same class.
STAND_INS = re.compile(r"\bmodels/(\w+)")

C_HEADERS = "bert.h inttypes.h math.h pthread.h stdio.h stdlib.h string.h"
CPP_HEADERS = "bert.hpp cmath cstdio cstdlib cstring iostream"
BODY = """%(head)s%(includes)s
static int snippet(bert_model *model, bert_session *session)
{
    bert_error err;
    memset(&err, 0, sizeof err);
    (void)model, (void)session;
    {
#line %(line)d "%(page)s"
%(text)s    }
    return 0;
}
int main(void)
{
    bert_model *model = NULL;
    bert_session *session = NULL;
    bert_error err;
    int rc;
    if (bert_model_load(&model, "models/all-MiniLM-L6-v2", NULL, &err)
        || bert_session_create(&session, model, NULL, &err)) {
        fprintf(stderr, "%%s\\n", err.message);
        return 1;
    }
    rc = snippet(model, session);
    bert_session_destroy(session);
    bert_model_unref(model);
    return rc;
}
"""
# A fragment may leave what it worked out to its reader.
LENIENT = ["-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-unused-function"]
END = "--end of command"


def c_source(snippet: Snippet) -> tuple[str, list[str]]:
    """A whole program, or something that compiles alone; and its flags."""
    names = CPP_HEADERS if snippet.language == "cpp" else C_HEADERS
    head = "".join(f"#include <{name}>\n" for name in names.split())
    line = f'#line {snippet.line + 1} "{snippet.page}"\n'
    if snippet.is_program:
        return line + snippet.text, []
    if "at file scope" in snippet.marks:
        return head + line + snippet.text, ["-c", *LENIENT]
    include = re.compile(r"^ *#include.*\n", re.M)
    return BODY % {
        "head": head,
        "includes": "".join(include.findall(snippet.text)),
        "line": snippet.line + 1,
        "page": snippet.page,
        "text": include.sub("\n", snippet.text),
    }, LENIENT


class Commands:
    """A console block: commands, and the lines that they are to print."""

    def __init__(self, lines: list[str]) -> None:
        self.commands: list[str] = []
        self.expected: list[list[str]] = []
        open_line = False
        for line in lines:
            if line.startswith("$ "):
                self.commands.append(line[2:])
                self.expected.append([])
                open_line = True
            elif open_line and line.startswith("> "):
                self.commands[-1] += "\n" + line[2:]
            elif open_line and self.commands[-1].endswith("\\"):
                self.commands[-1] += "\n" + line
            elif self.commands:
                self.expected[-1].append(line)
                open_line = False

    def script(self) -> str:
        """One shell for all, so that what is set stays set."""
        return "exec 2>&1\n" + "".join(
            f"{command}\nprintf '%s %d\\n' '{END} {i}' $?\n"
            for i, command in enumerate(self.commands)
        )


class Page:
    """Runs the snippets of one page in their order."""

    def __init__(self, setup: Setup, folder: str, snippets: list[Snippet]) -> None:
        self.place = Place(setup, folder)
        self.setup = setup
        self.snippets = snippets
        self.counts: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.reasons: list[str] = []
        self.failures: list[str] = []
        self.rough: set[str] = set()  # files that name a model for which another stands in

    def fail(self, snippet: Snippet, why: str, more: str = "") -> None:
        self.failures.append(f"{snippet.where}: {why}" + (f"\n{more.rstrip()}" if more else ""))

    def stands_in(self, snippet: Snippet) -> bool:
        """Then what is printed is not what the page has."""
        names = set(STAND_INS.findall(snippet.text + snippet.marks.get("args", "")))
        by_file = any(re.search(rf"\b{re.escape(stem)}\b", snippet.text) for stem in self.rough)
        rough = by_file or bool(names & self.setup.stand_ins)
        if rough and snippet.saved:
            self.rough.add(pathlib.Path(snippet.saved).stem)
        return rough

    def run(self) -> None:
        for i, snippet in enumerate(self.snippets):
            if snippet.saved:
                (self.place.folder / snippet.saved).write_text(snippet.text)
            if snippet.exempt is not None:
                self.reasons.append(f"{snippet.where}: {snippet.exempt}")
                continue
            rough = self.stands_in(snippet)
            if snippet.language in ("c", "cpp"):
                self.compiled(snippet, rough, self.used_later(i))
            elif snippet.language == "python":
                self.python(i, rough, self.used_later(i))
            elif snippet.language == "console":
                self.console(snippet, rough)

    def used_later(self, i: int) -> bool:
        """By a console block, which compiles or runs it."""
        snippet = self.snippets[i]
        if not snippet.saved or snippet.expected is not None:
            return False
        stem = re.compile(rf"\b{re.escape(pathlib.Path(snippet.saved).stem)}\b")
        return any(s.language == "console" and stem.search(s.text) for s in self.snippets[i + 1 :])

    def missing(self, why: str) -> None:
        self.skipped[why] += 1

    def compiled(self, snippet: Snippet, rough: bool, later: bool) -> None:
        source, flags = c_source(snippet)
        name = f"snippet{snippet.line}"
        suffix = ".cpp" if snippet.language == "cpp" else ".c"
        (self.place.hidden / (name + suffix)).write_text(source)
        program = self.place.hidden / name
        code, out, err = self.place.compile(self.place.hidden / (name + suffix), program, flags)
        if code:
            self.fail(snippet, "doesn't compile", out + err)
            return
        if later or "-c" in flags:
            self.counts["compiled"] += 1
        elif not self.setup.model:
            self.missing("no model")
        else:
            self.judge(snippet, rough, [str(program), *shlex.split(snippet.marks.get("args", ""))])

    def python(self, i: int, rough: bool, later: bool) -> None:
        snippet = self.snippets[i]
        reason = self.setup.no_python or ("" if self.setup.model else "no model")
        reason = reason or self.setup.lacks(snippet.marks.get("needs", ""))
        if reason:
            self.missing(reason)
            return
        program = self.place.hidden / f"snippet{snippet.line}.py"
        # Empty lines before it, so that Python names the page's line.
        before, at = "", i
        while "continues" in self.snippets[at].marks:
            at = max((j for j in range(at) if self.snippets[j].language == "python"), default=-1)
            if at < 0:
                self.fail(snippet, "there is no python before it that it could continue")
                return
            before = self.snippets[at].text + before
        if before:
            before = (
                "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n    exec("
                + repr(before)
                + ")\n"
            )
        program.write_text(before + "\n" * max(0, snippet.line - before.count("\n")) + snippet.text)
        if later:
            code, _, err = self.place.run([self.setup.python, "-m", "py_compile", str(program)])
            self.counts["compiled"] += 1
            if code:
                self.fail(snippet, "doesn't compile", err)
            return
        self.judge(
            snippet,
            rough,
            [self.setup.python, str(program), *shlex.split(snippet.marks.get("args", ""))],
        )

    def judge(self, snippet: Snippet, rough: bool, command: list[str]) -> None:
        code, out, err = self.place.run(command)
        self.counts["run"] += 1
        wanted = int(snippet.marks.get("exit", "0"))
        if code != wanted:
            self.fail(snippet, f"ends with {code}, not {wanted}", out + err)
        elif snippet.expected is not None:
            self.compare(snippet, snippet.expected, out, rough)

    def compare(self, snippet: Snippet, expected: list[str], out: str, rough: bool) -> None:
        if snippet.language == "console" and not expected:
            return
        if rough:
            if not out.strip() and any(expected):
                self.fail(snippet, "prints nothing")
            return
        differs = difference(expected, out)
        if differs:
            self.fail(snippet, "prints something else", differs)

    def console(self, snippet: Snippet, rough: bool) -> None:
        block = Commands(snippet.lines)
        if not block.commands:
            self.fail(snippet, "a console block without a command (`$ ...`)")
            return
        if snippet.expected is not None and any(block.expected):
            self.fail(snippet, "what is printed stands both in the block and after it")
            return
        reason = "" if self.setup.model else "no model"
        if re.search(r"\bpython3?\b", snippet.text):
            reason = reason or self.setup.no_python
        if "pkg-config" in snippet.text and not shutil.which("pkg-config"):
            reason = reason or "no pkg-config"
        if reason:
            self.missing(reason)
            return
        _, out, err = self.place.run(["sh", "-c", block.script()])
        self.counts["run"] += len(block.commands)
        parts = re.split(rf"{END} \d+ (\d+)\n", out)
        statuses = [int(status) for status in parts[1::2]]
        if len(statuses) < len(block.commands):
            command = block.commands[len(statuses)]
            self.fail(snippet, f"`{command}` ends the shell, or takes too long", parts[-1] + err)
            return
        last = int(snippet.marks.get("exit", "0"))
        if snippet.expected is not None:
            block.expected[-1] = snippet.expected
            parts[2 * len(block.commands) - 2] = "".join(parts[:-1:2])
        for i, command in enumerate(block.commands):
            wanted = last if i + 1 == len(block.commands) else 0
            if statuses[i] != wanted:
                self.fail(
                    snippet, f"`{command}` ends with {statuses[i]}, not {wanted}", parts[2 * i]
                )
                return
            if snippet.expected is None or i + 1 == len(block.commands):
                self.compare(snippet, block.expected[i], parts[2 * i], rough)


def run_page(setup: Setup, path: pathlib.Path, name: str, folder: str) -> Page:
    try:
        page = Page(setup, folder, read_page(name, path.read_text(encoding="utf-8")))
    except PageError as error:
        page = Page(setup, folder, [])
        page.failures.append(str(error))
        return page
    page.run()
    return page


def main() -> int:
    source, build, temporary = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    setup = Setup(source, build, temporary)
    chosen = [pathlib.Path(word).resolve() for word in sys.argv[4:]] or pages(source)

    def run(path: pathlib.Path) -> Page:
        name = os.path.relpath(path, source)
        return run_page(setup, path, name, re.sub(r"\W+", "_", name))

    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        done = list(pool.map(run, chosen))
    return report(setup, done)


def report(setup: Setup, done: list[Page]) -> int:
    for page in done:
        print("".join(f"not run: {reason}\n" for reason in page.reasons), end="")
    for page in done:
        print("".join(f"{failure}\n" for failure in page.failures), end="")
    if setup.stand_ins:
        print("a tiny model stands in for " + " ".join(sorted(setup.stand_ins)))
    skipped: Counter[str] = sum((page.skipped for page in done), Counter())
    if skipped:
        print("skipped: " + ", ".join(f"{n} ({why})" for why, n in sorted(skipped.items())))
    counts: Counter[str] = sum((page.counts for page in done), Counter())
    failed = sum(len(page.failures) for page in done)
    exempt = sum(len(page.reasons) for page in done)
    said = "".join(f"{n} {what}, " for what, n in sorted(counts.items()))
    print(f"snippets of {len(done)} pages: {said}{exempt} exempt, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
