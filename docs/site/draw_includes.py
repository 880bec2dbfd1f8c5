# SPDX-License-Identifier: MIT
"""docs/architecture.svg, from the #include lines that there are:  draw_includes.py SOURCE [--check]

Which arrows there are, and their numbers, is counted; where a room and an arrow are is said below.
An arrow that has no place, or a place whose arrow is gone, is an error.
"""

from __future__ import annotations

import pathlib
import re
import sys
from collections import Counter
from dataclasses import dataclass

UNIT, LEFT, WIDTH, HEIGHT = 95, 40, 1220, 1176
BAR = 12.0  # width of what spans the picture, in units


@dataclass
class Room:
    name: str
    says: str
    x: float  # both in units
    right: float
    y: int
    color: str
    height: int = 60


YELLOW, GREEN, BLUE, RED, GREY, VIOLET = (
    "#fdf3d0",
    "#e2f2e1",
    "#dbeafb",
    "#fbe3dd",
    "#e8eaed",
    "#ece4f7",
)
ROOMS = [
    Room("include", "bert.h, bert/*.h, bert.hpp: the interface", 0, BAR, 192, BLUE),
    Room("lib/serve", "the engine, metrics, drift, masking", 0, 4.3, 312, YELLOW),
    Room("lib/api", "behind each function: validate, then delegate", 0, BAR, 432, YELLOW),
    Room("lib/head", "pooling and modules, task heads", 3, 6.3, 552, VIOLET),
    Room("tokenizer", "text to ids", 7, 9.75, 552, VIOLET),
    Room("lib/graph", "plan: steps and buffers; exec: one loop over them", 4, 10.5, 672, VIOLET),
    Room("lib/model", "config, weights, modules", 1.5, 5.2, 792, RED),
    Room("lib/backend", "table of a compute backend, threads, packing", 6, BAR, 792, RED),
    Room("lib/arch", "a const row per family", 0, 3.3, 912, RED),
    Room("kernels", "a table per instruction set", 6, 9.2, 912, RED),
    Room("kernels/blas", "a module, by dlopen", 10.1, BAR, 912, RED),
    Room("lib/base", "memory, errors, checked sizes, files, JSON, threads", 0, BAR, 1018, GREY),
]  # fmt: skip
# Above the interface is whoever uses it, in folders of their own, which are found.
HOSTS = {
    "examples": "a program a task",
    "examples/bert": "the command",
    "examples/usecases": "a dozen programs",
    "examples/engine_load": "load on an engine",
    "examples/languages": "C++, Rust, Go, Java",
    "bindings/sqlite": "SQL functions",
    "bindings/postgres": "an extension",
    "bindings/python": "by ctypes",
}
# Where an arrow goes down or up, in units; None: it goes sideways.
LANES = {
    ("lib/serve", "include"): 2,
    ("lib/api", "include"): 8,
    ("lib/serve", "lib/api"): 1.2,
    ("lib/api", "lib/serve"): 2.8,
    ("lib/api", "lib/head"): 4.6,
    ("lib/api", "tokenizer"): 8.2,
    ("lib/api", "lib/graph"): 10,
    ("lib/api", "lib/backend"): 11.3,
    ("lib/api", "lib/model"): 2,
    ("lib/api", "lib/arch"): 0.7,
    ("lib/head", "tokenizer"): None,
    ("lib/head", "lib/graph"): 5.2,
    ("lib/head", "lib/model"): 3.5,
    ("lib/graph", "lib/model"): 4.6,
    ("lib/graph", "lib/backend"): 8.2,
    ("lib/model", "lib/arch"): 2.4,
    ("lib/backend", "kernels"): 7.6,
    ("kernels/blas", "kernels"): None,
}
# These have a tag in the room instead: nearly all include them.
TAGGED = ("lib/base", "include")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
SUFFIXES = (".c", ".h", ".hpp", ".cpp", ".inc")


# ---- What there is -----------------------------------------------------------


def room_of(path: str) -> str:
    parts = path.split("/")[:-1]
    deep = parts and (
        parts[0] in ("lib", "examples", "bindings") or parts[:2] == ["kernels", "blas"]
    )
    return "/".join(parts[:2]) if deep else parts[0] if parts else ""


def included(source: pathlib.Path, file: pathlib.Path, quote: str, name: str) -> str:
    """The room of what a line includes; "" for the system's headers and for config.h."""
    if quote == "<":
        return "include" if re.match(r"bert(/|\.h)", name) else ""
    beside = file.parent / name
    if "/" not in name and beside.exists():
        return room_of(str(beside.relative_to(source)))
    return room_of(name)


def count(source: pathlib.Path) -> tuple[set[str], Counter[tuple[str, str]]]:
    """Rooms, and how many #include lines of one name a header of another."""
    rooms, arrows = set(), Counter[tuple[str, str]]()
    folders = ("include", "lib", "tokenizer", "kernels", "examples", "bindings")
    for file in sorted(path for folder in folders for path in (source / folder).rglob("*")):
        if file.suffix not in SUFFIXES:
            continue
        room = room_of(str(file.relative_to(source)))
        rooms.add(room)
        for quote, name in INCLUDE.findall(file.read_text(encoding="utf-8")):
            other = included(source, file, quote, name)
            if other and other != room:
                arrows[room, other] += 1
    return rooms, arrows


def is_host(room: str) -> bool:
    return room.split("/")[0] in ("examples", "bindings")


def with_hosts(rooms: set[str]) -> list[Room]:
    """All rooms; hosts side by side."""
    hosts = sorted({room for room in rooms if is_host(room)} | {"bindings/python"})
    step = BAR / len(hosts)
    drawn = [
        Room(name, HOSTS.get(name, ""), i * step + 0.05, (i + 1) * step - 0.05, 76, GREEN)
        for i, name in enumerate(hosts)
    ]
    return drawn + ROOMS


def check_places(rooms: set[str], arrows: Counter[tuple[str, str]]) -> None:
    known = {room.name for room in ROOMS}
    wrong = [
        f"no place for the folder {room}"
        for room in sorted(rooms)
        if room not in known and not is_host(room)
    ]
    wrong += [f"no such folder any more: {room}" for room in sorted(known - rooms)]
    wrong += [
        f"{a} includes {b}: the design has no such arrow"
        for a, b in sorted(arrows)
        if is_host(a) and b != "include"
    ]
    inner = {
        pair for pair in arrows if not is_host(pair[0]) and (pair in LANES or pair[1] not in TAGGED)
    }
    wrong += [f"no place for the arrow from {a} to {b}" for a, b in sorted(inner - {*LANES})]
    wrong += [f"no such arrow any more: from {a} to {b}" for a, b in sorted({*LANES} - inner)]
    if wrong:
        raise SystemExit("draw_includes.py: " + "\n  ".join(wrong))


# ---- The picture -------------------------------------------------------------


def px(units: float) -> float:
    return round(LEFT + units * UNIT, 1)


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    said = said.replace("&", "&amp;").replace("<", "&lt;")
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{named}>{said}</text>'


def box(x: float, y: float, width: float, height: float, more: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" {more}/>'


def tag_width(said: str) -> int:
    return 7 * len(said) + 14


def tag(right: float, y: float, target: str, n: int) -> str:
    """How often a room includes one that nearly all include."""
    said = f"{target.removeprefix('lib/')} {n}"
    width = tag_width(said)
    color = "#c3d9f3" if target == "include" else "#d2d6db"
    return box(right - width, y, width, 20, f'rx="10" fill="{color}"') + text(
        right - width / 2, y + 14.5, said, "tag", "middle"
    )


def room_lines(room: Room, arrows: Counter[tuple[str, str]]) -> list[str]:
    x, width = px(room.x), px(room.right) - px(room.x)
    dashed = ' stroke-dasharray="5 3"' if room.name == "bindings/python" else ""
    drawn = f'rx="6" fill="{room.color}" stroke="#59636e"{dashed}'
    lines = [box(x, room.y, width, room.height, drawn)]
    if is_host(room.name):
        above, _, name = room.name.rpartition("/")
        lines += [text(x + width / 2, room.y + 17, above and above + "/", "says", "middle")]
        lines += [text(x + width / 2, room.y + 34, name, "name", "middle")]
        lines += [text(x + width / 2, room.y + 51, room.says, "says", "middle")]
        return lines
    lines += [
        text(x + 12, room.y + 23, room.name, "name"),
        text(x + 12, room.y + 43, room.says, "says"),
    ]
    right = x + width - 10
    for target in TAGGED:
        if (room.name, target) in arrows and (room.name, target) not in LANES:
            n = arrows[room.name, target]
            lines.append(tag(right, room.y + 8, target, n))
            right -= tag_width(f"{target.removeprefix('lib/')} {n}") + 6
    return lines


def arrow_lines(x1: float, y1: float, x2: float, y2: float, n: int | None) -> list[str]:
    dashed = ' stroke-dasharray="5 3"' if n is None else ""
    lines = [
        f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" class="arrow" marker-end="url(#head)"{dashed}/>'
    ]
    if n is not None:
        x, y, width = (x1 + x2) / 2, (y1 + y2) / 2, 9 * len(str(n)) + 12
        lines += [
            box(x - width / 2, y - 10, width, 20, 'rx="4" fill="#fff"'),
            text(x, y + 5, str(n), "number", "middle"),
        ]
    return lines


def between(a: Room, b: Room, lane: float | None, n: int | None) -> list[str]:
    if lane is None:
        y = a.y + a.height / 2
        return arrow_lines(
            *((px(a.right), y, px(b.x), y) if a.x < b.x else (px(a.x), y, px(b.right), y)), n
        )
    down = a.y < b.y
    return arrow_lines(
        px(lane), a.y + a.height if down else a.y, px(lane), b.y if down else b.y + b.height, n
    )


STYLE = """text { font-family: "DejaVu Sans", Verdana, sans-serif; font-size: 12.5px }
.title { font-size: 19px; font-weight: bold }
.name { font-size: 15px; font-weight: bold }
.says { fill: #4d5661 }
.tag { font-size: 12px }
.number { font-size: 13px; font-weight: bold }
.arrow { stroke: #3b4754; stroke-width: 1.6; fill: none }"""


def legend() -> list[str]:
    y = 1108
    return [
        *arrow_lines(px(0), y, px(0.9), y, 7),
        text(
            px(1.05),
            y + 5,
            "7 #include lines of the folder at the arrow's foot name headers of the other",
        ),
        *arrow_lines(px(7.2), y, px(8.1), y, None),
        text(px(8.25), y + 5, "no #include: prototypes made from the headers"),
        tag(px(0.9), y + 20, "lib/base", 21),
        text(
            px(1.05),
            y + 35,
            "an arrow to lib/base or include, which nearly all folders have, is a tag in the room",
        ),
        text(
            px(0),
            y + 58,
            "Left out: tests, system headers, config.h. Drawn by docs/site/draw_includes.py.",
        ),
    ]


def draw(rooms: set[str], arrows: Counter[tuple[str, str]]) -> str:
    check_places(rooms, arrows)
    drawn = with_hosts(rooms)
    by_name = {room.name: room for room in drawn}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">',
        "<title>Who includes whom in libbert</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
        '<path d="M0 0L9 4L0 8z" fill="#3b4754"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(px(0), 40, "Who includes whom", "title"),
    ]
    for room in drawn:
        lines += room_lines(room, arrows)
        if is_host(room.name):
            n = arrows.get((room.name, "include"))
            lines += between(room, by_name["include"], (room.x + room.right) / 2, n)
    for (a, b), lane in LANES.items():
        lines += between(by_name[a], by_name[b], lane, arrows[a, b])
    return "\n".join([*lines, *legend(), "</svg>", ""])


def main() -> int:
    source = pathlib.Path(sys.argv[1]).resolve()
    picture = source / "docs/architecture.svg"
    drawn = draw(*count(source))
    if "--check" in sys.argv[2:]:
        if picture.read_text(encoding="utf-8") == drawn:
            return 0
        print(
            "docs/architecture.svg is not what the #include lines say; make architecture draws it"
        )
        return 1
    picture.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
