# SPDX-License-Identifier: MIT
"""What was printed beside what the page says."""

from __future__ import annotations

import re


def near(expected: str, have: str) -> bool:
    """Decimals may be off by one in the last place: on another CPU sums have another order."""
    step = 10.0 ** -len(expected.partition(".")[2])
    return len(expected) == len(have) and abs(float(expected) - float(have)) < 1.5 * step


def line_fits(expected: str, have: str) -> bool:
    if expected == have:
        return True
    pattern, wanted, at = "", [], 0
    for match in re.finditer(r"\.\.\.|-?\d+\.(\d+)", expected):
        pattern += re.escape(expected[at : match.start()])
        pattern += rf"(-?\d+\.\d{{{len(match[1])}}})" if match[1] else "(.*)"
        wanted.append(match[0])
        at = match.end()
    found = re.fullmatch(pattern + re.escape(expected[at:]), have)
    return found is not None and all(
        said == "..." or near(said, have) for said, have in zip(wanted, found.groups())
    )


def fits(expected: list[str], have: list[str]) -> bool:
    """A line `...` stands for any lines, also for none."""
    if not expected:
        return not have
    if expected[0].strip() == "...":
        return any(fits(expected[1:], have[skip:]) for skip in range(len(have) + 1))
    return (
        bool(have)
        and line_fits(expected[0].rstrip(), have[0].rstrip())
        and fits(expected[1:], have[1:])
    )


def difference(expected: list[str], printed: str) -> str:
    """Empty where they agree."""
    have = printed.splitlines()
    while have and not have[-1].strip():
        have.pop()
    expected = list(expected)
    while expected and not expected[-1].strip():
        expected.pop()
    if fits(expected, have):
        return ""
    show = [f"  expected: {line}" for line in expected] + [f"  printed:  {line}" for line in have]
    return "\n".join(show)
