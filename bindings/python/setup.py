# SPDX-License-Identifier: MIT
"""Builds the C library into the package; pyproject.toml has all the rest.

LIBBERT_BUILD names a build folder of libbert (where configure and make ran), whose files are then
taken; without it configure and make run in the build folder of setuptools.  The sources are those
around bindings/python or, in an sdist, in csrc/, which `sdist` fills from `make dist`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from setuptools import Command, Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
# What `make` needs of the tarball.
C_FILES = ("configure", "configure.ac", "config.h.in", "Makefile", "GNUmakefile.in", "LICENSE")
C_FOLDERS = ("include", "lib", "tokenizer", "kernels", "examples/bert", "pkgconfig")


def run(*words: str, cwd: Path) -> None:
    # A make around us has a job server of its own.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    try:
        subprocess.run(words, cwd=cwd, env=env, check=True)
    except FileNotFoundError:
        sys.exit(f"libbert: {words[0]} is missing; building needs a C compiler and make")
    except subprocess.CalledProcessError as reason:
        sys.exit(f"libbert: {' '.join(words)} failed in {cwd} (exit code {reason.returncode})")


def sources() -> Path:
    """The root of the C sources, with configure."""
    for root in (HERE / "csrc", HERE.parent.parent):
        if (root / "include" / "bert" / "base.h").is_file():
            if not (root / "configure").is_file():
                run("autoconf", cwd=root)
            return root
    sys.exit("libbert: no C sources in csrc/ or around bindings/python; set LIBBERT_BUILD")


def configured(folder: Path) -> Path:
    """LIBBERT_BUILD, or `folder`, in which configure has run."""
    chosen = os.environ.get("LIBBERT_BUILD")
    if chosen:
        if not os.path.isfile(os.path.join(chosen, "GNUmakefile")):
            sys.exit(f"libbert: LIBBERT_BUILD={chosen} is no build folder: it has no GNUmakefile")
        return Path(chosen).resolve()
    if not (folder / "GNUmakefile").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        run(str(sources() / "configure"), "-q", cwd=folder)
    return folder


class BuildNative(Command):
    """The library, its BLAS module and the command, into libbert/_native."""

    description = "build libbert.so and the bert command"
    user_options: list[tuple[str, str | None, str]] = []  # noqa: RUF012 # as the base class has it
    editable_mode = False

    def initialize_options(self) -> None:
        self.build_lib: Any = None
        self.build_temp: Any = None

    def finalize_options(self) -> None:
        same = (("build_lib", "build_lib"), ("build_temp", "build_temp"))
        self.set_undefined_options("build", *same)

    def run(self) -> None:
        if self.editable_mode:
            return  # the package finds the library in the checkout's build folder
        made = configured(Path(self.build_temp, "native").resolve())
        run("make", "-s", f"-j{os.cpu_count() or 1}", "python-parts", cwd=made)
        native = Path(self.build_lib, "libbert", "_native")
        shutil.rmtree(native, ignore_errors=True)
        shutil.copytree(made / "out" / "python", native)

    def get_source_files(self) -> list[str]:
        return []

    def get_outputs(self) -> list[str]:
        native = Path(self.build_lib, "libbert", "_native")
        return [str(path) for path in sorted(native.rglob("*")) if path.is_file()]

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class Build(build):
    sub_commands = [*build.sub_commands, ("build_native", None)]  # noqa: RUF012 # likewise


class Wheel(bdist_wheel):
    def get_tag(self) -> tuple[str, str, str]:
        """Any Python 3: the library is opened by ctypes."""
        return "py3", "none", super().get_tag()[2]


class Sdist(sdist):
    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        csrc = Path(base_dir, "csrc")
        if (HERE / "csrc").is_dir():  # of an sdist
            shutil.copytree(HERE / "csrc", csrc)
            return
        with tempfile.TemporaryDirectory() as folder:
            made = configured(Path(folder))
            run("make", "-s", "dist", cwd=made)
            tarball = made / f"libbert-{self.distribution.get_version()}.tar.gz"
            if not tarball.is_file():
                sys.exit(f"libbert: make dist wrote no {tarball}: another version?")
            unpack(tarball, csrc)


def unpack(tarball: Path, folder: Path) -> None:
    """The files of C_FILES and C_FOLDERS, with their times: make compares those."""
    with tarfile.open(tarball) as tar:
        wanted = []
        for member in tar.getmembers():
            member.name = member.name.partition("/")[2]
            if member.name in C_FILES or member.name.startswith(tuple(f"{f}/" for f in C_FOLDERS)):
                wanted.append(member)
        safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(folder, wanted, **safe)


class Binary(Distribution):
    def has_ext_modules(self) -> bool:
        return True


setup(
    distclass=Binary,
    cmdclass={
        "bdist_wheel": Wheel,
        "build": Build,
        "build_native": BuildNative,
        "sdist": Sdist,
    },
)
