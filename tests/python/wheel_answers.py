# SPDX-License-Identifier: MIT
"""Run by wheel.sh with an installed package: wheel_answers.py SIMILARITY"""

import importlib.metadata
import os
import sys

import libbert

model = libbert.Model(os.environ["BERT_TEST_MODEL"])
a, b = model.embed(["a cat lies on a mat", "a kitten sleeps on the rug"])
similarity = float(a @ b)
print(f"similarity {similarity:.6f}, `bert similarity` {sys.argv[1]}, cpu {model.cpu}")
assert abs(similarity - float(sys.argv[1])) < 2e-6

home = os.path.realpath(sys.prefix)
assert os.path.realpath(libbert.__file__).startswith(home), libbert.__file__
assert libbert.version() == importlib.metadata.version("libbert"), libbert.version()
with open("/proc/self/maps") as maps:
    mapped = {line.split(None, 5)[5].strip() for line in maps if "libbert.so" in line}
assert mapped and all(path.startswith(home) for path in mapped), mapped

# The module, from beside the library; its sums are taken in another order.
assert "blas" in libbert.cpus(), libbert.cpus()
blas = libbert.Model(os.environ["BERT_TEST_MODEL"], cpu="blas")
assert blas.cpu == "blas"
assert abs(blas.embed("a cat lies on a mat") - a).max() < 1e-5
with open("/proc/self/maps") as maps:
    modules = {line.split(None, 5)[5].strip() for line in maps if "libbert-blas" in line}
assert modules and all(path.startswith(home) for path in modules), modules
