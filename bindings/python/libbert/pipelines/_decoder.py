# SPDX-License-Identifier: MIT
"""Tokens, as the vocabulary spells them, back to text.

The library decodes ids.  Here spellings are decoded: the reference puts the text itself in the
place of unknown tokens, and decodes what it has decoded once more.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Callable

from ..errors import UnsupportedError

if TYPE_CHECKING:
    from ._runner import Runner

Step = Callable[[list[str]], list[str]]

# What the WordPiece decoder cleans up, in this order.
CLEANED = (
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
    (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
)  # fmt: skip
BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Decoder:
    """Joins tokens as the decoder of a tokenizer.json does; without one by spaces."""

    def __init__(self, settings: dict[str, Any] | None) -> None:
        self._step = None if settings is None else _step(settings)

    def __call__(self, tokens: list[str]) -> str:
        return " ".join(tokens) if self._step is None else "".join(self._step(tokens))


def decoder_of(runner: Runner) -> Decoder:
    """That of the tokenizer's files; where there are none, the usual one of its algorithm."""
    found = runner.file("tokenizer.json")
    if found:
        return Decoder(found.get("decoder"))
    kind = {"BPE": "ByteLevel", "Unigram": "Metaspace"}.get(runner.tokenizer.algorithm, "WordPiece")
    return Decoder({"type": kind})


def _step(settings: dict[str, Any]) -> Step:
    kind = settings.get("type")
    make = _STEPS.get(kind or "")
    if make is None:
        raise UnsupportedError(f"the tokenizer's decoder is a {kind!r}, which is not handled")
    return make(settings)


def _sequence(settings: dict[str, Any]) -> Step:
    steps = [_step(part) for part in settings["decoders"]]

    def run(tokens: list[str]) -> list[str]:
        for step in steps:
            tokens = step(tokens)
        return tokens

    return run


def _wordpiece(settings: dict[str, Any]) -> Step:
    prefix, clean = settings.get("prefix", "##"), settings.get("cleanup", True)

    def one(i: int, token: str) -> str:
        if i:
            token = token[len(prefix):] if token.startswith(prefix) else " " + token
        return _cleaned(token) if clean else token

    return lambda tokens: [one(i, token) for i, token in enumerate(tokens)]


def _cleaned(text: str) -> str:
    for dirty, clean in CLEANED:
        text = text.replace(dirty, clean)
    return text


@cache
def _byte_letters() -> dict[str, int]:
    """The letter for each byte: itself if it is printable, else the next one from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in set(printable)]
    letters = {chr(byte): byte for byte in printable}
    letters.update({chr(256 + i): byte for i, byte in enumerate(hidden)})
    return letters


def _byte_level(_: dict[str, Any]) -> Step:
    letters = _byte_letters()

    def data(token: str) -> bytes:
        try:
            return bytes([letters[letter] for letter in token])
        except KeyError:  # not of the vocabulary
            return token.encode("utf-8", "replace")

    return lambda tokens: [b"".join(map(data, tokens)).decode("utf-8", "replace")]


def _metaspace(settings: dict[str, Any]) -> Step:
    mark = settings.get("replacement", "\u2581")
    scheme = settings.get("prepend_scheme")
    if scheme is None:
        scheme = "always" if settings.get("add_prefix_space", True) else "never"
    first = " " if scheme == "never" else ""
    return lambda tokens: [
        token.replace(mark, " " if i else first) for i, token in enumerate(tokens)
    ]


def _bpe(settings: dict[str, Any]) -> Step:
    suffix = settings.get("suffix", "</w>")

    def run(tokens: list[str]) -> list[str]:
        last = len(tokens) - 1
        return [token.replace(suffix, "" if i == last else " ") for i, token in enumerate(tokens)]

    return run


def _replace(settings: dict[str, Any]) -> Step:
    pattern, content = settings["pattern"], settings["content"]
    if "String" in pattern:
        return lambda tokens: [token.replace(pattern["String"], content) for token in tokens]
    found = re.compile(pattern["Regex"])
    return lambda tokens: [found.sub(lambda _: content, token) for token in tokens]


def _strip(settings: dict[str, Any]) -> Step:
    content, start, stop = settings["content"], settings["start"], settings["stop"]

    def one(token: str) -> str:
        left = 0
        while left < start and token[left:left + 1] == content:
            left += 1
        right = len(token)
        while len(token) - right < stop and right > left and token[right - 1] == content:
            right -= 1
        return token[left:right]

    return lambda tokens: [one(token) for token in tokens]


def _byte_fallback(_: dict[str, Any]) -> Step:
    def text(data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            return "\ufffd" * len(data)

    def run(tokens: list[str]) -> list[str]:
        found: list[str] = []
        data = b""
        for token in tokens:
            byte = BYTE_TOKEN.fullmatch(token)
            if byte:
                data += bytes([int(byte[1], 16)])
                continue
            found += [text(data)] * bool(data) + [token]
            data = b""
        return found + [text(data)] * bool(data)

    return run


_STEPS: dict[str, Callable[[dict[str, Any]], Step]] = {
    "Sequence": _sequence,
    "WordPiece": _wordpiece,
    "ByteLevel": _byte_level,
    "Metaspace": _metaspace,
    "BPEDecoder": _bpe,
    "Replace": _replace,
    "Strip": _strip,
    "ByteFallback": _byte_fallback,
    "Fuse": lambda _: lambda tokens: ["".join(tokens)],
}
