# SPDX-License-Identifier: MIT
"""Programs that are timed in turns, and the watch over the machine on which they are."""

import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).parent
TURN_MS = 60  # work in one turn, at least one run
BURN_S = 0.004
QUIET = 0.88  # of the best rate seen: below it something else has the processor
LONG_MS = 500  # a run that is not repeated: it averages over what disturbs it
PATIENCE_S = 2  # how long a turn waits for a quiet machine
PATIENCE_ALL_S = 60  # and all turns together: a machine that is never quiet is measured as it is
TRIES = 3


class Program:
    """A process that answers lines, and is stopped while it is not asked: its threads neither
    spin nor are woken while another one is timed."""

    def __init__(self, command, log=None):
        self.args = [str(c) for c in command]
        self.process = subprocess.Popen(self.args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, stderr=log)
        self.name = None

    def ready(self):
        """Wait until it has opened its model; False if it can't take part."""
        self.name = self.answer()
        self.stop()
        return not self.name.startswith("none")

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise ProcessLookupError(f"{' '.join(self.args[:4])} ended")
        return line.strip()

    def stop(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def ask(self, *words):
        self.go_on()
        print(*words, file=self.process.stdin, flush=True)
        answer = self.answer()
        self.stop()
        return answer

    def times(self, *command):
        return [float(t) for t in self.ask(*command).split()]

    def close(self):
        if self.process.poll() is None:
            self.go_on()
            self.process.stdin.close()
            self.process.wait()


class Contender(Program):
    def __init__(self, label, command, log):
        super().__init__(command, log)
        self.label = label
        self.turns, self.disturbed, self.runs, self.once = [], 0, 1, 0.0

    def begin(self, *command):
        """Runs that nobody counts: rivals prepare themselves for a shape.  As many will be a turn
        as make it last TURN_MS."""
        self.turns, self.disturbed = [], 0
        self.once = self.times(*command, 1)[0]
        if self.once < LONG_MS:
            self.once = min(self.times(*command, 3))
        self.runs = max(1, min(500, round(TURN_MS / self.once)))

    def turn(self, *command):
        """The median of a turn; one run before it brings the caches back, if that is cheap."""
        if self.once < TURN_MS:
            self.times(*command, 1)
        return statistics.median(self.times(*command, self.runs))

    def hidden(self, length, batch):
        with tempfile.NamedTemporaryFile() as f:
            self.ask("dump", length, batch, f.name)
            return np.fromfile(f.name, "<f4")

    def median(self):
        return statistics.median(self.turns or [self.once])


class Machine:
    """bench-peak: what the machine can do, and whether it is ours just now."""

    def __init__(self, program, threads):
        self.program, self.threads = program, threads
        self.peak = Program([program])
        self.peak.ready()
        self.best, self.patience = 0.0, PATIENCE_ALL_S

    def rates(self, threads):
        """{type: {instruction: 10^9 operations a second}}"""
        words = self.peak.ask("rates", threads).split()
        found = {}
        for name, kind, rate in zip(words[::3], words[1::3], words[2::3]):
            found.setdefault(kind, {})[name] = float(rate)
        return found

    def reading(self, threads, size):
        return float(self.peak.ask("read", threads, size))

    def burn(self, threads):
        return float(self.peak.ask("burn", threads, BURN_S))

    def scaling(self, threads):
        """How much more all threads multiply and add than one does, just now."""
        pairs = [(self.burn(1), self.burn(threads)) for _ in range(9)]
        return statistics.median(all_ for _, all_ in pairs) / statistics.median(
            one for one, _ in pairs)

    def quiet(self):
        rate = self.burn(self.threads)
        self.best = max(self.best, rate)
        return rate >= QUIET * self.best

    def wait(self):
        start = time.monotonic()
        end = start + min(PATIENCE_S, self.patience)
        while not self.quiet() and time.monotonic() < end:
            time.sleep(0.02)
        self.patience -= time.monotonic() - start

    def turn(self, contender, *command):
        """A turn with a quiet machine before and after it; after some tries any."""
        for _ in range(TRIES if contender.once < LONG_MS and self.patience > 0 else 1):
            self.wait()
            took = contender.turn(*command)
            if self.quiet():
                break
        else:
            contender.disturbed += 1
        contender.turns.append(took)

    def close(self):
        self.peak.close()


def ours(program, folder, threads, precision, log):
    return Contender("libbert", [program, folder, threads, precision], log)


def rival(peer, folder, threads, precision, log):
    return Contender(peer, [sys.executable, HERE / "peer.py", peer, folder, threads, precision],
                     log)
