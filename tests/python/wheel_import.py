# SPDX-License-Identifier: MIT
"""Run by wheel.sh with an installed package: time (the best: what else runs is not
the package's) and memory (the most) of imports, in processes of their own."""

import subprocess
import sys

RUNS = 7
LIMIT_MS, LIMIT_MB = 150, 40
PROGRAM = """
import sys, time
began = time.perf_counter()
import libbert
{use}
took = time.perf_counter() - began
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
assert "torch" not in sys.modules
print(took * 1e3, int(peak) / 1024)
"""

for use in ("", "libbert.Model"):
    runs = []
    for _ in range(RUNS + 1):  # the first one compiles
        words = [sys.executable, "-c", PROGRAM.format(use=use)]
        done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
        runs.append([float(word) for word in done.stdout.split()])
    ms = min(run[0] for run in runs[1:])
    mb = max(run[1] for run in runs[1:])
    print(f"import libbert{'; ' + use if use else ''}: {ms:.1f} ms, {mb:.1f} MB")
    assert mb < LIMIT_MB, f"{mb} MB"
    if not use:
        assert ms < LIMIT_MS, f"{ms} ms"
