#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The cells of bench.py as an SVG chart: time of each contender over libbert's, or over the
best one's where libbert does not offer the precision.

usage: chart.py RESULTS.json CHART.svg
"""

import json
import math
import pathlib
import sys
from xml.sax.saxutils import escape

from report import NAMES

COLOURS = {"libbert": "#1b7837", "openvino": "#2166ac", "onnxruntime": "#b2182b",
           "torch": "#e08214", "llama": "#777777"}
ROW, GAP, LEFT, WIDTH, RIGHT = 13, 12, 210, 520, 110
LEAST, MOST = 0.5, 8.0  # the scale, logarithmic


def place(ratio):
    ratio = min(MOST, max(LEAST, ratio))
    return LEFT + WIDTH * math.log(ratio / LEAST) / math.log(MOST / LEAST)


def text(x, y, words, anchor="start", size=11, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(words)}</text>')


def colour(label):
    """The second of a kind is paler."""
    name, _, kind = label.partition(":")
    return COLOURS.get(name, "#999999"), "0.6" if kind in ("eager", "bf16") else "1"


def bar(y, contender, base):
    fill, opacity = colour(contender["label"])
    start, end = place(LEAST), place(contender["ms"] / base)
    return [text(LEFT - 6, y + ROW - 3, contender["label"], "end", 10),
            f'<rect x="{start:.1f}" y="{y}" width="{max(1, end - start):.1f}" height="{ROW - 2}" '
            f'fill="{fill}" fill-opacity="{opacity}"/>',
            text(end + 4, y + ROW - 3, f"{contender['ms']:.2f} ms", size=10)]


def group(y, cell):
    """One cell: its name and a bar for each contender."""
    ordered = sorted(cell["contenders"], key=lambda c: c["label"] != "libbert")
    offered = ordered[0]["label"] == "libbert"
    base = ordered[0]["ms"] if offered else min(c["ms"] for c in ordered)
    name = f"{NAMES[cell['model']]} {cell['precision']} {cell['batch']} x {cell['length']}"
    parts = [text(8, y + ROW - 3, name, weight="bold")]
    y += ROW + 2
    for c in ordered:
        parts += bar(y, c, base)
        y += ROW
    return parts, y + GAP


def axis(height):
    parts = []
    for ratio in (0.5, 1, 2, 4, 8):
        x = place(ratio)
        parts += [f'<line x1="{x:.1f}" y1="40" x2="{x:.1f}" y2="{height}" stroke="#cccccc" '
                  f'stroke-width="{2 if ratio == 1 else 1}"/>',
                  text(x, 36, f"{ratio:g} x", "middle", 10)]
    return parts


def draw(results):
    body, y = [], 50
    for cell in results["cells"]:
        parts, y = group(y, cell)
        body += parts
    title = "Time over libbert's (less is faster), " + results["machine"]["cpu"]
    width = LEFT + WIDTH + RIGHT
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" '
            f'viewBox="0 0 {width} {y}" font-family="sans-serif">')
    back = f'<rect width="{width}" height="{y}" fill="white"/>'
    return "\n".join([head, back, text(8, 18, title, size=14, weight="bold"), *axis(y - 6), *body,
                      "</svg>"]) + "\n"


def main():
    results = json.loads(pathlib.Path(sys.argv[1]).read_text())
    pathlib.Path(sys.argv[2]).write_text(draw(results))


if __name__ == "__main__":
    main()
