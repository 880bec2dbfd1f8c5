# SPDX-License-Identifier: MIT
"""Where snippets run: a folder for each page, with models, examples and the built library."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

TIMEOUT = 300
MODEL = "all-MiniLM-L6-v2"
TASK_MODELS = {
    "intents": "classify",
    "entities": "tag",
    "answers": "answer",
    "ranker": "rerank_st",
    "words": "fill",
    "next": "next",
}
# Tiny ones for what nobody trains here: their outputs are compared.
TINY_MODELS = {"choice": "task/choose", "m3": "multi/m3"}


def wrapper(path: pathlib.Path, command: str) -> None:
    path.write_text(f"#!/bin/sh\nexec {command}\n")
    path.chmod(0o755)


def command(words: str) -> str:
    """With the program's path: a wrapper called `cc` must not find itself."""
    name, *flags = shlex.split(words)
    return shlex.join([shutil.which(name) or name, *flags])


def has_numpy(python: str) -> bool:
    code = "import numpy, sys; sys.exit(sys.version_info < (3, 9))"
    try:
        return subprocess.run([python, "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


class Setup:
    """What all pages share."""

    def __init__(self, source: pathlib.Path, build: pathlib.Path, temporary: pathlib.Path) -> None:
        self.source, self.build, self.temporary = source, build, temporary
        env = os.environ
        model = pathlib.Path(env.get("BERT_TEST_MODEL", ""))
        self.model = model.resolve() if model.is_dir() else None
        self.cc, self.cxx = command(env.get("CC", "cc")), command(env.get("CXX", "c++"))
        self.cflags, self.ldflags = env.get("CFLAGS", ""), env.get("LDFLAGS", "")
        self.libs = [
            "-L" + str(build / "out"),
            "-Wl,-rpath," + str(build / "out"),
            "-lbert",
            "-lm",
            "-lpthread",
        ]
        self.stand_ins: set[str] = set()
        self.models = self.find_models()
        self.python, self.no_python = self.find_python()
        self.env = self.environment()

    def find_models(self) -> dict[str, pathlib.Path]:
        """By their names in a page's models/."""
        data = self.source / "tests/data/models"
        found = {name: data / tiny for name, tiny in TINY_MODELS.items()}
        if self.model:
            found[MODEL] = self.model
        for name, tiny in TASK_MODELS.items():
            homes = [self.source / "models", *([self.model.parent] if self.model else [])]
            trained = [home / name for home in homes if (home / name / "config.json").exists()]
            if not trained:
                self.stand_ins.add(name)
            found[name] = trained[0] if trained else data / "task" / tiny
        return found

    def find_python(self) -> tuple[str, str]:
        if os.environ.get("BERT_TEST_PYTHON") == "off":
            return "", "BERT_TEST_PYTHON=off"
        if "-fsanitize" in self.cflags:
            return "", "no Python under sanitizers"
        for python in (os.environ.get("PYTHON", "python3"), "/usr/bin/python3"):
            if has_numpy(python):
                return shutil.which(python) or python, ""
        return "", "no python3 with numpy"

    def lacks(self, modules: str) -> str:
        """Which of Python's modules, separated by commas, is missing."""
        for module in filter(None, modules.split(",")):
            code = f"import importlib.util as i, sys; sys.exit(i.find_spec({module!r}) is None)"
            if subprocess.run([self.python, "-c", code], capture_output=True).returncode:
                return f"no {module}"
        return ""

    def pkgconfig(self) -> str:
        """By links, since $(pkg-config --libs bert) is no good for a folder with a space."""
        (self.temporary / "include").symlink_to(self.source / "include")
        (self.temporary / "lib").symlink_to(self.build / "out")
        base = (self.source / "include/bert/base.h").read_text(encoding="utf-8")
        version = re.search(r'VERSION_STRING "(.*)"', base)
        values = {
            "prefix": self.temporary,
            "exec_prefix": self.temporary,
            "libdir": self.temporary / "lib",
            "includedir": self.temporary / "include",
            "VERSION": version[1] if version else "",
            "LIBS": os.environ.get("LIBS", ""),
        }
        said = (self.source / "pkgconfig/bert.pc.in").read_text(encoding="utf-8")
        return re.sub(r"@(\w+)@", lambda match: str(values[match[1]]), said)

    def environment(self) -> dict[str, str]:
        """Of all that is run: what `make install` would have given, out of the build folder."""
        bin, pkgconfig = self.temporary / "bin", self.temporary / "pkgconfig"
        bin.mkdir(parents=True)
        pkgconfig.mkdir()
        flags = f'{self.cflags} "$@" {self.ldflags}'
        wrapper(bin / "cc", f"{self.cc} {flags}")
        wrapper(bin / "c++", f"{self.cxx} {flags}")
        wrapper(bin / "bert", f'{shlex.quote(str(self.build / "bert"))} "$@"')
        for name in ("python", "python3") if self.python else ():
            wrapper(bin / name, f'{shlex.quote(self.python)} "$@"')
        (pkgconfig / "bert.pc").write_text(self.pkgconfig())
        env = {k: v for k, v in os.environ.items() if k not in ("BERT_MODEL", "BERT_CPU", "TMPDIR")}
        return env | {
            "PATH": f"{bin}:{os.environ['PATH']}",
            "PKG_CONFIG_PATH": str(pkgconfig),
            "LD_LIBRARY_PATH": str(self.build / "out"),
            "LIBBERT_LIBRARY": str(self.build / "out"),
            "PYTHONPATH": str(self.source / "bindings/python"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CC": "cc",
            "CXX": "c++",
            "LC_ALL": "C.UTF-8",
        }


def link_tree(source: pathlib.Path, target: pathlib.Path) -> None:
    """A copy that takes no room where it can: pages may write into a model's folder."""

    def link(file: str, to: str) -> None:
        try:
            os.link(os.path.realpath(file), to)
        except OSError:
            shutil.copy(file, to)

    shutil.copytree(source, target, copy_function=link)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)  # the sources may be read-only


class Place:
    """A page's folder."""

    def __init__(self, setup: Setup, name: str) -> None:
        self.setup = setup
        self.folder = setup.temporary / name
        self.hidden = setup.temporary / (name + ".programs")
        (self.folder / "models").mkdir(parents=True)
        self.hidden.mkdir()
        (self.folder / "examples").symlink_to(setup.source / "examples")
        for model, home in setup.models.items():
            link_tree(home, self.folder / "models" / model)

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Exit status (of a signal: 128 and its number), stdout, stderr."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.setup.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += f"\nstopped after {TIMEOUT} s".encode()
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def compile(
        self, source: pathlib.Path, target: pathlib.Path, flags: list[str]
    ) -> tuple[int, str, str]:
        setup = self.setup
        cpp = source.suffix == ".cpp"
        command = [
            *shlex.split(setup.cxx if cpp else setup.cc),
            "-std=c++11" if cpp else "-std=c11",
        ]
        command += [*shlex.split(setup.cflags), "-Wall", "-Wextra", "-Werror", *flags]
        command += ["-I" + str(setup.source / "include"), "-o", str(target), str(source)]
        if "-c" not in flags:
            command += [*shlex.split(setup.ldflags), *setup.libs]
        return self.run(command)
