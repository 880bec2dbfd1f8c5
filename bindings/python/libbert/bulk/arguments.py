# SPDX-License-Identifier: MIT
"""The command's arguments."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import usage

PROGRAM = "libbert.bulk"
ROWS_PER_BATCH = 256
"""Enough to sort by length; few enough for a progress bar and Ctrl-C."""
TRUNCATIONS = {"right": "cut_right", "left": "cut_left", "none": "error"}
POOLINGS = ("model", "mean", "cls", "max", "mean_sqrt_len", "weighted", "last")

_ABOUT = """\
Embed a folder of shards (.ndjson, .jsonl, .txt, each also .gz, and .parquet): a file of vectors for
each, with row i for its row i. A run that was killed goes on when the same command is given again:
finished shards stay as they are, the one that was under way is done anew.
"""
_EXITS = """\
Exit status: 0 all rows have vectors; 1 some rows were bad, or output could not be written; 2 usage;
3 the model or some input can't be read, or is not what the job began with; 130 interrupted.
"""


@dataclass(frozen=True)
class Arguments:
    """What one run is asked for; `chosen` is what its results depend on."""

    input: Path
    output: Path
    model: Path
    column: str
    id_column: str | None
    format: str
    precision: str
    embed: dict[str, Any]
    threads: int
    rows_per_batch: int
    stop: bool
    restart: bool
    progress: bool
    quiet: bool

    @property
    def chosen(self) -> dict[str, Any]:
        """Options that the results depend on, by the names of their flags."""
        named = {name.replace("_", "-"): value for name, value in self.embed.items()}
        named["truncation"] = {v: k for k, v in TRUNCATIONS.items()}[named.pop("overlong")]
        return {
            "column": self.column,
            "id-column": self.id_column,
            "format": self.format,
            "precision": self.precision,
            **named,
        }


def _count(least: int) -> Any:
    def parse(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is under {least}")
        return value

    parse.__name__ = "number"  # argparse: "invalid number value"
    return parse


def make_parser(embed: bool = False) -> argparse.ArgumentParser:
    """`embed`: of `python -m libbert embed`, which takes the folders as options."""
    parser = argparse.ArgumentParser(
        "python -m libbert embed" if embed else f"python -m {PROGRAM}",
        description=_ABOUT,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    read: dict[str, Any] = {"type": Path, "help": "folder of shards, with its subfolders"}
    write: dict[str, Any] = {"type": Path, "help": "folder of the vectors; made if missing"}
    if embed:
        add("--input-dir", dest="input", metavar="DIR", required=True, **read)
        add("--output-dir", dest="output", metavar="DIR", required=True, **write)
    else:
        add("input", metavar="INPUT_DIR", **read)
        add("output", metavar="OUTPUT_DIR", **write)
    add("-m", "--model", metavar="DIR", type=Path, help="model directory or packed file "
        "[$BERT_MODEL]")  # fmt: skip
    add("--column", default="text", metavar="NAME", help="key or column of the texts [text]")
    add("--id-column", metavar="NAME", help="key or column that is copied beside the vectors")
    add("--format", choices=("npy", "parquet"), default="npy", help="of the vectors [npy]")
    add("--precision", choices=("auto", "fp32", "bf16", "int8"), default="fp32", help="[fp32]")
    add("--pooling", choices=POOLINGS, default="model", help="[the model's own modules]")
    add("--normalize", action=argparse.BooleanOptionalAction, default=None,
        help="vectors of length 1, or not")  # fmt: skip
    add("--dimensions", type=_count(1), default=0, metavar="N", help="keep the first N")
    add("--max-length", type=_count(1), default=0, metavar="N", help="tokens of a text at most")
    add("--truncation", choices=tuple(TRUNCATIONS), default="right",
        help="where long texts are cut; none: they are bad rows [right]")  # fmt: skip
    add("--prompt", metavar="TEXT", help="put before each text")
    add("--prompt-name", metavar="NAME", help="one of the model's prompts")
    add("-t", "--threads", type=_count(0), default=0, metavar="N", help="[all that may be used]")
    add("--rows-per-batch", type=_count(1), default=ROWS_PER_BATCH, metavar="N",
        help=f"rows in memory at once [{ROWS_PER_BATCH}]")  # fmt: skip
    add("--errors", choices=("skip", "stop"), default="skip",
        help="a bad row gets zeros and a line in _errors/, or ends the job [skip]")  # fmt: skip
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--resume", action="store_true", help="go on with the job (the default)")
    begin.add_argument("--restart", action="store_true", help="begin anew; old results go")
    add("--progress", action="store_true", help="show progress though it is no terminal")
    add("-q", "--quiet", action="store_true", help="say nothing but errors")
    return parser


def parse(argv: Sequence[str] | None, embed: bool = False) -> Arguments:
    """Arguments of a command line; SystemExit as argparse has it, BulkError."""
    parsed = make_parser(embed).parse_args(argv)
    model = parsed.model or os.environ.get("BERT_MODEL")
    if not model:
        raise usage("no model; --model DIR or BERT_MODEL names it")
    if parsed.format == "parquet" and parsed.id_column == "embedding":
        raise usage('--id-column is "embedding", the name of the vectors\' own column')
    options = {
        "pooling": parsed.pooling,
        "normalize": parsed.normalize,
        "dimensions": parsed.dimensions,
        "max_length": parsed.max_length,
        "overlong": TRUNCATIONS[parsed.truncation],
        "prompt": parsed.prompt,
        "prompt_name": parsed.prompt_name,
    }
    return Arguments(
        parsed.input, parsed.output, Path(model), parsed.column, parsed.id_column, parsed.format,
        parsed.precision, options, parsed.threads, parsed.rows_per_batch, parsed.errors == "stop",
        parsed.restart, parsed.progress, parsed.quiet,
    )  # fmt: skip
