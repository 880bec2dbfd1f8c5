#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bench.py found, as lines for people and as Markdown.

usage: report.py RESULTS.json PAGE.md
puts the tables into the page, between its lines <!-- bench --> and <!-- end of bench -->, with the
picture that lies beside it under the page's name.
"""

import json
import pathlib
import re
import sys

# The best rival's time over libbert's that the project wants, by precision and shape:
# MiniLM-L6, then BERT-base.
GOALS = {("fp32", 1, 16): (1.5, 1.5), ("fp32", 1, 128): (1.1, 1.2),
         ("fp32", 1, 512): (1.05, 1.05), ("fp32", 32, 128): (1.05, 1.0),
         ("bf16", 1, 16): (1.5, 1.15), ("bf16", 1, 128): (1.25, 1.0),
         ("bf16", 1, 512): (1.2, 1.0), ("bf16", 32, 128): (1.15, 1.05),
         ("int8", 1, 16): (1.4, 1.3), ("int8", 1, 128): (1.3, 1.05),
         ("int8", 1, 512): (1.2, 1.2), ("int8", 32, 128): (1.15, 1.4)}
NAMES = {"minilm6": "MiniLM-L6", "base": "BERT-base"}


def judge(cell):
    """Add the best rival, the ratio to it, and the share of the peak."""
    mine = [c for c in cell["contenders"] if c["label"] == "libbert"]
    rivals = [c for c in cell["contenders"] if c["label"] != "libbert"]
    best = min(rivals, key=lambda c: c["ms"]) if rivals else None
    cell["best"] = best["label"] if best else None
    cell["ratio"] = best["ms"] / mine[0]["ms"] if best and mine else None
    if "gflop" in cell:
        goal = GOALS.get((cell["precision"], cell["batch"], cell["length"]))
        cell["goal"] = goal[list(NAMES).index(cell["model"])] if goal else None
        for c in cell["contenders"]:
            c["gflops"] = cell["gflop"] / c["ms"] * 1e3
            c["peak_share"] = c["gflops"] / cell["peak"]


# ---- Lines ------------------------------------------------------------------------------


def print_machine(machine):
    print(f"{machine['cpu']}, {machine['processors']} processors, {machine['threads']} threads, "
          f"medians of {machine['rounds']} rounds")
    for kind, rates in machine["peaks"].items():
        one = machine["peaks_one_thread"][kind]
        print(f"  {kind} peak: " + ", ".join(
            f"{name} {rate:.0f} (one thread {one[name]:.0f})" for name, rate in rates.items()))
    print("  reading, GB/s: " + ", ".join(
        f"{size} {rate:.0f}" for size, rate in machine["reading_gb_s"].items()), flush=True)


def print_head(precision, model, everyone):
    print(f"\n{NAMES[model]} {precision}, milliseconds: " + "; ".join(c.name for c in everyone))
    print(f"{'':10}" + "".join(f"{c.label:>15}" for c in everyone)
          + f"  {'best rival / libbert':>20}  {'goal':>5}  GFLOP/s  of peak")


def of_cell(cell, label):
    return next((c for c in cell["contenders"] if c["label"] == label), None)


def ratio_text(cell):
    return f"{cell['ratio']:.2f}" if cell["ratio"] else "-"


def print_cell(cell):
    mine = of_cell(cell, "libbert")
    line = f"{cell['batch']:3} x {cell['length']:<4}" + "".join(
        f"{c['ms']:14.2f}{'~' if c['disturbed'] else ' '}" for c in cell["contenders"])
    line += f"  {ratio_text(cell):>20}  {cell['goal'] or '-':>5}"
    if mine:
        line += f"  {mine['gflops']:7.0f}  {100 * mine['peak_share']:5.1f} %"
    print(line, flush=True)


def print_row(name, row):
    print(f"{name:28}" + "  ".join(f"{c['name']} {c['ms']:.1f} ms" for c in row["contenders"])
          + f"  ratio {ratio_text(row)}", flush=True)


def slow_down(c):
    return c["busy_ms"] / c["ms"]


def print_busy(cell):
    print(f"busy {NAMES[cell['model']]} {cell['batch']} x {cell['length']} {cell['precision']}: "
          + "  ".join(f"{c['label']} {c['ms']:.2f} -> {c['busy_ms']:.2f} ms ({slow_down(c):.2f} x)"
                      for c in cell["contenders"]), flush=True)


def print_scaling(row, threads):
    print(f"scaling {NAMES[row['model']]} {row['batch']} x {row['length']} {row['precision']}: "
          f"{row['one_ms']:.2f} ms with one thread, {row['all_ms']:.2f} with {threads}: "
          f"{row['one_ms'] / row['all_ms']:.2f} x (multiply-adds {row['peak']:.2f} x)", flush=True)


# ---- Markdown ---------------------------------------------------------------------------


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def labels_of(cells):
    found = []
    for cell in cells:
        found += [c["label"] for c in cell["contenders"] if c["label"] not in found]
    return sorted(found, key=lambda label: label != "libbert")


def number(c, key="ms"):
    return f"{c[key]:.2f}{' ~' if c.get('disturbed') else ''}" if c else "-"


def cell_table(cells):
    labels = labels_of(cells)
    head = ["model", "batch x length", *labels, "best rival / libbert", "goal", "of peak"]
    rows = []
    for cell in cells:
        mine = of_cell(cell, "libbert")
        rows.append([NAMES[cell["model"]], f"{cell['batch']} x {cell['length']}",
                     *(number(of_cell(cell, label)) for label in labels), ratio_text(cell),
                     str(cell["goal"] or "-"),
                     f"{100 * mine['peak_share']:.0f} %" if mine else "-"])
    return table(head, rows)


def roofline(cells):
    rows = []
    for cell in cells:
        mine = of_cell(cell, "libbert")
        rows.append([cell["precision"], NAMES[cell["model"]],
                     f"{cell['batch']} x {cell['length']}", f"{cell['gflop']:.2f}",
                     f"{cell['compute_ms']:.2f}", f"{cell['weights_ms']:.2f}",
                     number(mine) if mine else "-"])
    return table(["precision", "model", "batch x length", "GFLOP", "ms at peak",
                  "ms to read the weights from memory", "libbert ms"], rows)


def machine_text(machine):
    peaks = "; ".join(f"{kind} " + ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
                      for kind, rates in machine["peaks"].items())
    reading = ", ".join(f"{size} {rate:.0f}" for size, rate in machine["reading_gb_s"].items())
    return (f"{machine['cpu']}, {machine['processors']} processors, {machine['threads']} threads; "
            f"{machine['system']}; medians of {machine['rounds']} rounds, {machine['started']}.\n"
            f"Peaks of {machine['threads']} threads in 10^9 operations a second: {peaks}.\n"
            f"Reading in GB/s, by the size of what is read: {reading}.\n")


def other_tables(results):
    parts = []
    if results["text"]:
        parts += ["### From text to embedding, milliseconds for all texts\n", row_table(
            results["text"], lambda r: [r["precision"], f"{r['batch']}"], ["precision", "batch"])]
    if results["ragged"]:
        parts += ["### 512 texts of mixed length, batches of 32, milliseconds\n", row_table(
            results["ragged"], lambda r: [r["precision"], r["order"],
                                          f"{r['padded'] / r['tokens']:.2f}"],
            ["precision", "order", "padded / real tokens"])]
    if results["busy"]:
        parts += ["### Beside one busy process: time over time alone\n", table(
            ["precision", "model", "contender", "alone ms", "busy ms", "slower"],
            [[cell["precision"], NAMES[cell["model"]], c["label"], number(c), number(c, "busy_ms"),
              f"{slow_down(c):.2f} x"] for cell in results["busy"] for c in cell["contenders"]])]
    if results["scaling"]:
        parts += ["### One thread and all\n", table(
            ["precision", "model", "batch x length", "one ms", "all ms", "scaling",
             "of multiply-adds"],
            [[r["precision"], NAMES[r["model"]], f"{r['batch']} x {r['length']}",
              f"{r['one_ms']:.2f}", f"{r['all_ms']:.2f}", f"{r['one_ms'] / r['all_ms']:.2f}",
              f"{r['peak']:.2f}"] for r in results["scaling"]])]
    return parts


def row_table(rows, first, head):
    labels = labels_of(rows)
    return table([*head, *labels, "best rival / libbert"],
                 [[*first(r), *(number(of_cell(r, label)) for label in labels), ratio_text(r)]
                  for r in rows])


def markdown(results):
    parts = [machine_text(results["machine"])]
    for precision in dict.fromkeys(c["precision"] for c in results["cells"]):
        cells = [c for c in results["cells"] if c["precision"] == precision]
        parts += [f"### {precision}, milliseconds\n", cell_table(cells)]
    names = dict.fromkeys(c["name"] for cell in results["cells"] for c in cell["contenders"])
    parts += ["Versions: " + "; ".join(names) + ".\n"] if names else []
    parts += ["`~`: the machine was disturbed in some of its turns.\n"]
    parts += [f"Left out: {line}.\n" for line in results["missing"]]
    parts += ["### Bounds\n", roofline(results["cells"])] if results["cells"] else []
    return "\n".join(parts + other_tables(results))


def main():
    results = json.loads(pathlib.Path(sys.argv[1]).read_text())
    page = pathlib.Path(sys.argv[2])
    picture = f"![Time of each contender over libbert's]({page.stem}.svg)\n\n"
    text, count = re.subn(r"(?s)(<!-- bench -->\n).*?(<!-- end of bench -->)",
                          lambda m: f"{m[1]}{picture}{markdown(results)}{m[2]}", page.read_text())
    if count != 1:
        sys.exit(f"report.py: {page} does not have the two lines <!-- bench --> once")
    page.write_text(text)


if __name__ == "__main__":
    main()
