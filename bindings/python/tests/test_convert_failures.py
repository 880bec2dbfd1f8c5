# SPDX-License-Identifier: MIT
"""Full disks, killed runs, two at once: nothing is left half done."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from typing import Any
from unittest import mock

import pytest
from convert_support import OFF, PACKAGE, Folder

from libbert.convert import ConvertError, convert, place, safetensors


class Failures(Folder):
    def test_what_is_written_wrong(self) -> None:
        write = safetensors.write

        def wrong(file: Any, head: bytes, ordered: Any) -> None:
            write(file, head, ordered)
            file.seek(-3, os.SEEK_END)
            file.write(b"\x55")

        with mock.patch.object(safetensors, "write", wrong):
            self.refused("has other bits", "BERT_EIO", 1)

    def test_full_disk(self) -> None:
        """The system's own refusal, at the reservation and at the write."""
        program = (
            "import resource, sys; from libbert.convert import place\n"
            "import libbert.convert.__main__ as m\n"
            "if sys.argv[2] == 'late': place.Draft.reserve = lambda *_: None\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
            "sys.exit(m.main([sys.argv[1], '--reference', 'off']))"
        )
        assert sum(array.nbytes for array in self.tensors.values()) > 4000
        for when in ("early", "late"):
            done = self.python("-c", program, str(self.dir), when)
            assert done.returncode == 1, done.stderr
            assert re.search(
                r"libbert.convert: .*model.safetensors: \d+ bytes don't fit", done.stderr
            )
            assert self.names() == {"config.json", "pytorch_model.bin"}

    def test_no_room_for_the_draft(self) -> None:
        for number, message in ((28, "don't fit"), (5, "Input/output error")):
            error = OSError(number, os.strerror(number))
            with mock.patch.object(os, "posix_fallocate", side_effect=error):
                self.refused(message, "BERT_EIO", 1)

    def test_a_file_system_that_reserves_nothing(self) -> None:
        with mock.patch.object(os, "posix_fallocate", side_effect=OSError(95, "unsupported")):
            convert(self.dir, OFF)
        self.check_tensors(self.target, self.tensors)

    def test_a_header_written_wrong(self) -> None:
        def wrong(file: Any, head: bytes, ordered: Any) -> None:
            file.write(head.replace(b"{", b"[", 1))

        with mock.patch.object(safetensors, "write", wrong):
            self.refused("its header can't be read", "BERT_EIO", 1)

    def test_no_place_for_links(self) -> None:
        error = OSError(28, os.strerror(28), "/tmp/x")
        with mock.patch.object(tempfile, "mkdtemp", side_effect=error):
            self.refused("/tmp/x: No space left on device", "BERT_EIO")

    def test_kill(self) -> None:
        """At three places: the target is absent or whole, and the next run needs no help."""
        program = (
            "import os, signal, sys; from libbert.convert import place, safetensors\n"
            "import libbert.convert.__main__ as m\n"
            "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
            "def half(file, head, ordered): file.write(head); file.flush(); die()\n"
            "if sys.argv[2] == 'write': safetensors.write = half\n"
            "if sys.argv[2] == 'read': safetensors.compare = die\n"
            "if sys.argv[2] == 'place': place.Draft.place = die\n"
            "m.main([sys.argv[1], '--reference', 'off'])"
        )
        for when in ("write", "read", "place"):
            done = self.python("-c", program, str(self.dir), when)
            assert done.returncode == -signal.SIGKILL, done.stderr
            assert not self.target.exists()
            assert ".model.safetensors.converting" in self.names()
        convert(self.dir, OFF)
        self.check_tensors(self.target, self.tensors)
        assert self.names() == {"config.json", "pytorch_model.bin", "model.safetensors"}

    def test_a_longer_draft_of_a_killed_run(self) -> None:
        (self.dir / ".model.safetensors.converting").write_bytes(bytes(10**6))
        convert(self.dir, OFF)
        self.check_tensors(self.target, self.tensors)

    def test_terminated(self) -> None:
        program = (
            "import os, signal, runpy, sys; from libbert.convert import safetensors\n"
            "number = int(sys.argv.pop())\n"
            "safetensors.compare = lambda *_: os.kill(os.getpid(), number)\n"
            "sys.argv += ['--reference', 'off']\n"
            "runpy.run_module('libbert.convert', run_name='__main__', alter_sys=True)"
        )
        for number, code in ((signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)):
            done = self.python("-c", program, str(self.dir), str(int(number)))
            assert done.returncode == code, done.stderr
            assert self.names() == {"config.json", "pytorch_model.bin"}

    def test_two_at_once(self) -> None:
        draft = place.Draft(self.target)
        self.addCleanup(draft.close)
        self.refused("another conversion of this folder is under way", "BERT_EBUSY", 1)

    def test_a_draft_that_is_a_link(self) -> None:
        victim = self.dir.parent / "victim"
        victim.write_bytes(b"precious")
        link = self.dir / ".model.safetensors.converting"
        link.symlink_to(victim)
        with pytest.raises(ConvertError):
            convert(self.dir, OFF)
        link.unlink()
        os.link(victim, link)
        with pytest.raises(ConvertError):
            convert(self.dir, OFF)
        assert victim.read_bytes() == b"precious"

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
        return subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=False,
        )
