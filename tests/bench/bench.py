#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Times libbert beside its rivals, in turns of one run, and writes what came of it.

usage: bench.py BUILD [--data DIR] [--model DIR] [--sections cells,text,ragged]
                [--cells PATTERNS] [--peers NAMES] [--rounds 9] [--threads 2] [--merge]

BUILD is the build folder; checkpoints are kept in BUILD/out/bench, where results.json,
results.md and results.svg are written.  PATTERNS are shell patterns of
PRECISION/MODEL/BATCHxLENGTH, separated by commas; NAMES are beginnings of rivals' names.
The other sections are busy and scaling.  --merge keeps from an earlier results.json what is not
measured again.

Each contender is a process of its own that is stopped unless it is its turn.  A round is a
turn of each, in random order; a turn is some 60 ms of runs, and its figure their median.
Before and after a turn a loop of multiply-adds shows whether the machine is disturbed; such
a turn is repeated.  A figure is the median over the rounds.
"""

import argparse
import csv
import fnmatch
import json
import os
import pathlib
import platform
import random
import sys
import time

import numpy as np

import chart
import checkpoints
import contender
import report

PRECISIONS = ("fp32", "bf16", "int8")
SHAPES = ((1, 16), (1, 128), (1, 512), (32, 128))
PEERS = {"fp32": ("openvino", "onnxruntime", "torch:eager", "torch:sdpa", "llama:f32"),
         "bf16": ("openvino", "torch:sdpa", "llama:bf16"),
         "int8": ("openvino", "openvino:bf16", "onnxruntime", "llama:q8_0")}
TYPE_BYTES = {"fp32": 4, "bf16": 2, "int8": 1}
LEAST_COSINE = {"fp32": 0.999999, "bf16": 0.99, "int8": 0.95}  # of hidden states, one another's
MANY_ROUNDS_MS = 150  # slower than that, a rival that is far behind has three turns,
FEW_ROUNDS_MS = 5000  # and slower than that none after the first run
BEHIND = 1.4
RAGGED, BATCH, TEXTS = 512, 32, 128
BUSY_MS = 1000
BUSY_CELLS = (("minilm6", 1, 128), ("base", 1, 128))
SCALING_CELLS = (("minilm6", 1, 16), ("minilm6", 1, 128), ("minilm6", 32, 128), ("base", 1, 128))


SECTIONS = ("cells", "text", "ragged", "busy", "scaling")


def row_key(row):
    models = list(checkpoints.SHAPES)
    return (PRECISIONS.index(row["precision"]),
            models.index(row["model"]) if "model" in row else -1,
            row.get("batch", 0), row.get("length", 0), row.get("order", ""))


class Bench:
    def __init__(self, args):
        self.args = args
        self.folder = args.build / "out" / "bench"
        self.program = args.build / "out" / "bench-encode"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = open(self.folder / "peers.log", "w", encoding="utf-8")
        self.machine = contender.Machine(args.build / "out" / "bench-peak", args.threads)
        self.random = random.Random(1)
        self.missing = {}
        self.results = {"machine": self.describe(), **{name: [] for name in SECTIONS}}

    def describe(self):
        threads = self.args.threads
        cpu = "unknown"
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
        reading = {f"{size >> 10} KiB": self.machine.reading(threads, size)
                   for size in (threads << 15, threads << 20, 1 << 28)}
        return {"cpu": cpu, "processors": os.cpu_count(), "system": platform.platform(),
                "threads": threads, "rounds": self.args.rounds,
                "peaks": self.machine.rates(threads), "peaks_one_thread": self.machine.rates(1),
                "reading_gb_s": reading, "started": time.strftime("%Y-%m-%d %H:%M:%S")}

    def peak(self, precision):
        rates = self.results["machine"]["peaks"]
        return max((rates.get(precision) or rates["fp32"]).values())

    # ---- Contenders ----------------------------------------------------------------

    def open(self, folder, precision, peers, threads=None):
        """libbert first, then the rivals that can take part."""
        threads = threads or self.args.threads
        everyone = [contender.ours(self.program, folder, threads, precision, self.log)]
        everyone += [contender.rival(p, folder, threads, precision, self.log) for p in peers]
        return [c for c in everyone if self.takes_part(c, precision)]

    def takes_part(self, one, precision):
        try:
            good = one.ready()
        except ProcessLookupError as e:
            one.name, good = f"none {e}: see {self.log.name}", False
        if not good:
            reason = one.name.removeprefix("none ")
            what = "not offered" if one.label == "libbert" else "left out"
            if self.missing.get((one.label, precision)) != reason:
                print(f"{one.label} {precision}: {what}: {reason}", flush=True)
            self.missing[one.label, precision] = reason
            one.close()
        return good

    def rivals(self, precision):
        wanted = self.args.peers.split(",") if self.args.peers else [""]
        return [p for p in PEERS[precision] if any(p.startswith(w) for w in wanted)]

    def rounds(self, everyone, *command, rounds=None):
        """Fill the turns of each."""
        for c in everyone:
            c.begin(*command)
        rounds = rounds or self.args.rounds
        for _ in range(rounds):
            self.random.shuffle(order := list(everyone))
            for c in order:
                if not self.far_behind(c, everyone):
                    self.machine.turn(c, *command)
        return [{"name": c.name, "label": c.label, "ms": c.median(),
                 "turns": c.turns, "disturbed": c.disturbed} for c in everyone]

    @staticmethod
    def far_behind(one, everyone):
        """A slow rival that has no chance of being the best one needs no more turns."""
        if one.label == "libbert" or one.once < MANY_ROUNDS_MS:
            return False
        enough = 3 if one.once < FEW_ROUNDS_MS else 0
        best = min(min(c.turns, default=c.once) for c in everyone if c.label != "libbert")
        return len(one.turns) >= enough and min(one.turns, default=one.once) > BEHIND * best

    # ---- Sections ------------------------------------------------------------------

    def compare_answers(self, everyone, precision, model):
        """Cosines of each contender's hidden states to the first one's, as a check."""
        reference = everyone[0].hidden(16, 1).astype("f8")
        for c in everyone[1:]:
            answer = c.hidden(16, 1).astype("f8") if not c.label.startswith("llama") else reference
            cosine = answer @ reference / np.linalg.norm(answer) / np.linalg.norm(reference)
            worst = abs(answer - reference).max()
            if cosine < LEAST_COSINE[precision] or (precision == "fp32" and worst > 2e-4):
                print(f"{model} {precision}: {c.name} and {everyone[0].name} differ: cosine "
                      f"{cosine:.4f}, by {worst:.1e} at most", flush=True)

    def cells(self):
        patterns = self.args.cells.split(",")
        for precision in PRECISIONS:
            for model in checkpoints.SHAPES:
                shapes = [(b, n) for b, n in SHAPES if any(
                    fnmatch.fnmatch(f"{precision}/{model}/{b}x{n}", p) for p in patterns)]
                if shapes:
                    self.group(precision, model, shapes)

    def group(self, precision, model, shapes):
        shape = checkpoints.SHAPES[model]
        checkpoints.make(self.folder / model, shape)
        everyone = self.open(self.folder / model, precision, self.rivals(precision))
        if not everyone:
            return
        self.compare_answers(everyone, precision, model)
        report.print_head(precision, model, everyone)
        for batch, length in shapes:
            found = self.rounds(everyone, "time", length, batch)
            work = checkpoints.flops(shape, batch, length) * 1e-9
            size = checkpoints.weight_values(shape) * TYPE_BYTES[precision] * 1e-9
            slowest = min(self.results["machine"]["reading_gb_s"].values())
            cell = {"precision": precision, "model": model, "batch": batch, "length": length,
                    "gflop": work, "contenders": found, "peak": self.peak(precision),
                    "compute_ms": work / self.peak(precision) * 1e3,
                    "weights_ms": size / slowest * 1e3}
            report.judge(cell)
            self.results["cells"].append(cell)
            report.print_cell(cell)
        for c in everyone:
            c.close()

    def text(self):
        data, model = self.args.data / "eval" / "stsb-en-dev.csv", self.args.model
        if not data.exists() or not (model / "config.json").exists():
            print(f"text: left out: there is no {data} or no model in {model}")
            return
        with open(data, encoding="utf-8", newline="") as f:
            texts = [row[0] for row in csv.reader(f)]
        step = len(texts) // TEXTS
        path = self.folder / "texts.txt"
        path.write_text("\n".join(t.replace("\n", " ") for t in texts[::step][:TEXTS]) + "\n")
        for precision in PRECISIONS:
            # The rival has no int8 of its own.
            self.text_of(precision, path)

    def text_of(self, precision, path):
        mine = self.open(self.args.model, precision, [])
        theirs = contender.rival("sentence-transformers", self.args.model, self.args.threads,
                                 precision if precision != "int8" else "fp32", self.log)
        everyone = mine + ([theirs] if self.takes_part(theirs, precision) else [])
        for c in everyone:
            c.ask("texts", path)
        for batch in (1, BATCH) if mine else ():
            found = self.rounds(everyone, "embed", batch)
            row = {"precision": precision, "batch": batch, "texts": TEXTS, "contenders": found}
            report.judge(row)
            self.results["text"].append(row)
            report.print_row(f"text {precision} batch {batch}", row)
        for c in everyone:
            c.close()

    def lengths(self):
        """Tokens of paragraphs and questions, mixed."""
        data = json.loads((self.args.data / "eval" / "xquad-en.json").read_text())["data"]
        paragraphs = [p for d in data for p in d["paragraphs"]]
        texts = [p["context"] for p in paragraphs]
        texts += [q["question"] for p in paragraphs for q in p["qas"]][:RAGGED - len(texts)]
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.args.model / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(checkpoints.POSITIONS)
        lengths = [len(e.ids) for e in tokenizer.encode_batch(texts)]
        random.Random(2).shuffle(lengths)
        return lengths

    def best_rivals(self, precision):
        """The two that took the least time for the largest batch, if that was measured."""
        for cell in self.results["cells"]:
            if (cell["precision"], cell["model"], cell["batch"]) == (precision, "minilm6", 32):
                rivals = [c for c in cell["contenders"] if c["label"] != "libbert"]
                return [c["label"] for c in sorted(rivals, key=lambda c: c["ms"])[:2]]
        return self.rivals(precision)

    def ragged(self):
        if not (self.args.data / "eval" / "xquad-en.json").exists() or not (
                self.args.model / "tokenizer.json").exists():
            print(f"ragged: left out: there is no {self.args.data} or no {self.args.model}")
            return
        lengths = self.lengths()
        checkpoints.make(self.folder / "minilm6", checkpoints.SHAPES["minilm6"])
        for precision in PRECISIONS:
            everyone = self.open(self.folder / "minilm6", precision, self.best_rivals(precision))
            for order, values in (("mixed", lengths), ("sorted", sorted(lengths))):
                path = self.folder / f"lengths-{order}.txt"
                path.write_text("".join(f"{n}\n" for n in values))
                for c in everyone:
                    c.ask("lengths", path)
                row = {"precision": precision, "order": order, "tokens": sum(values),
                       "padded": sum(len(part) * max(part) for part in (
                           values[i:i + BATCH] for i in range(0, RAGGED, BATCH)))}
                row["contenders"] = self.rounds(everyone, "ragged", BATCH,
                                                rounds=min(2, self.args.rounds))
                report.judge(row)
                self.results["ragged"].append(row)
                report.print_row(f"ragged {precision} {order}", row)
            for c in everyone:
                c.close()

    def busy(self):
        """With one other process that computes all the time, and without."""
        load = contender.Program([self.machine.program, "busy"])
        load.stop()
        for precision in PRECISIONS:
            for model, batch, length in BUSY_CELLS:
                everyone = self.open(self.folder / model, precision, self.rivals(precision))
                rows = self.rounds(everyone, "time", length, batch, rounds=5)
                for c, row in zip(everyone, rows):
                    load.go_on()
                    c.runs = max(c.runs, round(BUSY_MS / c.once))
                    row["busy_ms"] = c.turn("time", length, batch)
                    load.stop()
                    c.close()
                if everyone:
                    cell = {"precision": precision, "model": model, "batch": batch,
                            "length": length, "contenders": rows}
                    self.results["busy"].append(cell)
                    report.print_busy(cell)
        load.process.kill()

    def scaling(self):
        """libbert with one thread and with all, beside the same of the multiply-adds."""
        threads = self.args.threads
        for precision in PRECISIONS:
            for model in checkpoints.SHAPES:
                pair = [c for n in (1, threads)
                        for c in self.open(self.folder / model, precision, [], n)]
                for m, batch, length in SCALING_CELLS:
                    if m == model and len(pair) == 2:
                        one, all_ = self.rounds(pair, "time", length, batch)
                        row = {"precision": precision, "model": m, "batch": batch,
                               "length": length, "one_ms": one["ms"], "all_ms": all_["ms"],
                               "peak": self.machine.scaling(threads)}
                        self.results["scaling"].append(row)
                        report.print_scaling(row, threads)
                for c in pair:
                    c.close()

    def merge(self):
        """Rows of an earlier run that this one does not have."""
        path = self.folder / "results.json"
        old = json.loads(path.read_text()) if path.exists() else {}
        for section in SECTIONS:
            rows = self.results[section]
            done = [row_key(r) for r in rows]
            rows += [r for r in old.get(section, []) if row_key(r) not in done]
            rows.sort(key=row_key)

    def write(self):
        self.results["missing"] = [f"{who} {precision}: {why}"
                                   for (who, precision), why in self.missing.items()]
        if self.args.merge:
            self.merge()
        (self.folder / "results.json").write_text(json.dumps(self.results, indent=1) + "\n")
        (self.folder / "results.md").write_text(report.markdown(self.results))
        (self.folder / "results.svg").write_text(chart.draw(self.results))
        print(f"\nwritten: {self.folder}/results.json, results.md, results.svg")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data"))
    parser.add_argument("--model", type=pathlib.Path,
                        default=pathlib.Path("models/all-MiniLM-L6-v2"))
    parser.add_argument("--sections", default="cells,text,ragged")
    parser.add_argument("--cells", default="*")
    parser.add_argument("--peers", default="")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--merge", action="store_true")
    return parser.parse_args()


def main():
    bench = Bench(arguments())
    report.print_machine(bench.results["machine"])
    try:
        for section in bench.args.sections.split(","):
            getattr(bench, section)()
    finally:
        bench.write()
        bench.machine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
