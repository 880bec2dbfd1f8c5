# SPDX-License-Identifier: MIT
"""Make a wheel that needs nothing of the system but libc:  make_wheel.py SOURCE OUT

Builds SOURCE (a copy of bindings/python; LIBBERT_BUILD names the C build), has auditwheel copy the
libraries that it needs into it, and adds the licences of those, as the system's packages have them.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import NamedTuple

# What may be copied, and the licence of it; anything else is to be looked at first.
LICENCES = {
    "libopenblas": "BSD-3-Clause",
    "libblis": "BSD-3-Clause",
    "libgfortran": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libgomp": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libquadmath": "LGPL-2.1-or-later",
    "libjansson": "MIT",
}
COMMON = re.compile(r"/usr/share/common-licenses/((?:GPL|LGPL|Apache)-[0-9.]*[0-9])")


class Copied(NamedTuple):
    """A library of the system in the wheel."""

    file: str
    origin: Path
    licence: str
    package: str
    texts: list[Path]


def run(*words: str | Path) -> str:
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))} failed:\n{done.stdout}")
    return done.stdout


def needed(wheel: Path) -> dict[str, Path]:
    """The libraries that the files of a wheel are linked with, by the first digits of their
    SHA-256: auditwheel puts those into the names of its copies."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if "/_native/" not in name:
                continue
            linked = run("ldd", archive.extract(name, folder))
            for path in re.findall(r"=> (/\S+)", linked):
                origin = Path(path).resolve()
                if origin.is_file():
                    found[hashlib.sha256(origin.read_bytes()).hexdigest()[:8]] = origin
    return found


def package_of(library: Path) -> tuple[str, list[Path]]:
    """The system's package (name and version) that a library is of, and its licence files."""
    other = Path("/usr") / library.relative_to("/")
    merged = Path("/", *library.parts[2:]) if library.parts[1] == "usr" else other
    for path in (library, merged):
        try:
            owner = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True)
        except FileNotFoundError:
            break
        if owner.returncode == 0:
            name = owner.stdout.partition(": ")[0]
            version = run("dpkg-query", "-W", "-f", "${Version}", name)
            plain = name.partition(":")[0]
            return f"{plain} {version}", [Path("/usr/share/doc", plain, "copyright")]
    try:
        name = run("rpm", "-q", "-f", library).strip()
        return name, [Path(line) for line in run("rpm", "-q", "--licensefiles", name).split("\n")]
    except FileNotFoundError:
        sys.exit(f"{library} is of no package of dpkg or rpm: what is its licence?")


def copied(wheel: Path, origins: dict[str, Path]) -> list[Copied]:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".libs/" in name and ".so" in name]
    found = []
    for name in names:
        file = Path(name).name
        origin = next((path for digits, path in origins.items() if digits in file), None)
        if origin is None:
            sys.exit(f"auditwheel made {name} of an unknown file")
        # libopenblasp is that with pthreads, libopenblaso that with OpenMP.
        known = (text for lib, text in LICENCES.items() if re.match(f"{lib}[po]?[-.]", file))
        licence = next(known, None)
        if licence is None:
            sys.exit(f"{origin} would be copied into the wheel: add its licence to LICENCES")
        found.append(Copied(file, origin, licence, *package_of(origin)))
    return found


def licence_files(libraries: list[Copied]) -> dict[str, bytes]:
    """Names in licenses/ and contents: one list, the packages' texts, and the texts that those
    refer to as files of the system."""
    listed = ["Libraries in this wheel that are not of libbert:", ""]
    files: dict[str, bytes] = {}
    for library in libraries:
        names = []
        for text in library.texts:
            if not text.is_file():
                sys.exit(f"{library.package}: no licence file {text}")
            name = f"bundled/{library.package.split()[0]}-{text.name}"
            files[name] = text.read_bytes()
            names.append(name)
            for common in COMMON.findall(text.read_text(errors="replace")):
                files[f"bundled/{common}"] = Path("/usr/share/common-licenses", common).read_bytes()
        listed.append(f"{library.file}: {library.licence}")
        listed.append(f"    {library.origin.name} of the package {library.package}")
        listed.append(f"    {', '.join(names)}")
    if "LGPL-2.1-or-later" in {library.licence for library in libraries}:
        common_text = Path("/usr/share/common-licenses/LGPL-2.1")
        if common_text.is_file():
            files["bundled/LGPL-2.1"] = common_text.read_bytes()
    files["bundled/LIBRARIES"] = ("\n".join(listed) + "\n").encode()
    return files


def metadata(old: str, libraries: list[Copied], files: dict[str, bytes]) -> str:
    """METADATA that names the licences of all that is in the wheel."""
    expression = " AND ".join(dict.fromkeys(["MIT", *(library.licence for library in libraries)]))
    lines = []
    for line in old.split("\n"):
        lines.append(f"License-Expression: {expression}"
                     if line.startswith("License-Expression:") else line)
        if line.startswith("License-File: LICENSE"):
            lines += [f"License-File: {name}" for name in sorted(files)]
    return "\n".join(lines)


def record_line(name: str, data: bytes) -> str:
    digest = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}"


def add_licences(wheel: Path, out: Path, libraries: list[Copied]) -> None:
    """Write `wheel` with the licences of its libraries to `out`."""
    files = licence_files(libraries)
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        record = []

        def put(info: zipfile.ZipInfo, data: bytes) -> None:
            record.append(record_line(info.filename, data))
            new.writestr(info, data, zipfile.ZIP_DEFLATED)

        (last,) = [i for i in old.infolist() if i.filename.endswith(".dist-info/RECORD")]
        home = last.filename[: -len("RECORD")]
        for info in old.infolist():
            if info is last or info.is_dir():
                continue
            data = old.read(info)
            if info.filename == home + "METADATA":
                data = metadata(data.decode(), libraries, files).encode()
            put(info, data)
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(f"{home}licenses/{name}", last.date_time)
            info.external_attr = 0o100644 << 16
            put(info, data)
        record.append(f"{last.filename},,")
        new.writestr(last, "\n".join(record) + "\n", zipfile.ZIP_DEFLATED)


def only(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


def main() -> None:
    source, out = (Path(argument).resolve() for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        raw, repaired = Path(folder, "raw"), Path(folder, "repaired")
        run(sys.executable, "-m", "build", "-n", "--wheel", "-o", raw, source)
        run(sys.executable, "-m", "auditwheel", "repair", "-z", "1", "-w", repaired, only(raw))
        libraries = copied(only(repaired), needed(only(raw)))
        for old in out.glob("*.whl"):
            old.unlink()
        made = out / only(repaired).name
        add_licences(only(repaired), made, libraries)
    print(f"{made} ({made.stat().st_size / 1e6:.1f} MB)")


main()
