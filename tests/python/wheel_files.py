# SPDX-License-Identifier: MIT
"""Run by wheel.sh: what is in a wheel and in an sdist.  wheel_files.py WHEEL SDIST"""

import hashlib
import re
import sys
import tarfile
import zipfile
from base64 import urlsafe_b64encode

WHEEL = re.compile(
    r"libbert/([a-z]\w+/)?\w+\.py|libbert/py\.typed"
    r"|libbert/_native/(bin/bert|lib/libbert\.so\.0|lib/bert/libbert-blas\.so)"
    r"|libbert\.libs/lib[\w.+-]+\.so[\w.]*"
    r"|libbert-[\w.]+\.dist-info/(METADATA|WHEEL|RECORD|top_level\.txt|entry_points\.txt)"
    r"|libbert-[\w.]+\.dist-info/(licenses/LICENSE|licenses/bundled/[\w.+-]+|sboms/[\w.-]+)"
)
SDIST = re.compile(
    r"(setup\.(py|cfg)|pyproject\.toml|README\.md|LICENSE|MANIFEST\.in|PKG-INFO)"
    r"|libbert/([a-z]\w+/)?\w+\.py|libbert/py\.typed|libbert\.egg-info/[\w.-]+"
    r"|csrc/(configure(\.ac)?|config\.h\.in|Makefile|GNUmakefile\.in|LICENSE)"
    r"|csrc/(include|lib|tokenizer|kernels|examples/bert|pkgconfig)/[\w./-]+"
)
NEEDED = ("libbert/__main__.py", "libbert/_native/bin/bert", "libbert/_native/lib/libbert.so.0",
          "libbert/_native/lib/bert/libbert-blas.so")


def no_others(names: "list[str]", pattern: "re.Pattern[str]") -> None:
    others = [name for name in names if not pattern.fullmatch(name)]
    assert not others, f"not expected: {others[:10]}"


def check_wheel(path: str) -> None:
    with zipfile.ZipFile(path) as wheel:
        infos = {info.filename: info for info in wheel.infolist()}
        no_others(list(infos), WHEEL)
        for name in NEEDED:
            assert name in infos, f"{name} is missing"
        assert infos[NEEDED[1]].external_attr >> 16 & 0o111 == 0o111, "bert can't be executed"
        (home,) = {name.split("/")[0] for name in infos if ".dist-info/" in name}
        licences = {name for name in infos if name.startswith(f"{home}/licenses/")}
        text = wheel.read(f"{home}/METADATA").decode()
        named = {f"{home}/licenses/{name}" for name in re.findall(r"^License-File: (.*)$", text, re.M)}
        assert named == licences, named ^ licences
        assert b"MIT License" in wheel.read(f"{home}/licenses/LICENSE")
        listed = wheel.read(f"{home}/licenses/bundled/LIBRARIES").decode()
        libraries = [name.split("/")[1] for name in infos if name.startswith("libbert.libs/")]
        assert any("blas" in name or "blis" in name for name in libraries), libraries
        for name in libraries:
            assert f"{name}: " in listed, f"no licence of {name}"
        for name in re.findall(r"bundled/[\w.+-]+", listed):
            assert len(wheel.read(f"{home}/licenses/{name}")) > 500, name
        check_record(wheel, set(infos), f"{home}/RECORD")


def check_record(wheel: zipfile.ZipFile, names: "set[str]", record: str) -> None:
    rows = dict(row.split(",", 1) for row in wheel.read(record).decode().splitlines())
    assert set(rows) == names, set(rows) ^ names
    for name in names - {record}:
        data = wheel.read(name)
        digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert rows[name] == f"sha256={digest},{len(data)}", name


def check_sdist(path: str) -> None:
    with tarfile.open(path) as sdist:
        members = [member for member in sdist if not member.isdir()]
    assert all(member.isfile() for member in members), "links in the sdist"
    names = [member.name.partition("/")[2] for member in members]
    no_others(names, SDIST)
    for name in ("setup.py", "LICENSE", "libbert/__init__.py", "csrc/configure", "csrc/LICENSE",
                 "csrc/include/bert.h", "csrc/lib/libbert.map", "csrc/examples/bert/main.c"):
        assert name in names, f"{name} is missing"


check_wheel(sys.argv[1])
check_sdist(sys.argv[2])
