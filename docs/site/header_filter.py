# SPDX-License-Identifier: MIT
"""A public header as Doxygen is to read it:  header_filter.py HEADER

The headers' comments are written to be read as they are.  Here "Since 0.1." becomes a paragraph,
the statuses of @return and a header's terms lists, and of several declarations under one comment
each gets it.
"""

from __future__ import annotations

import re
import sys

COMMENT = re.compile(r"/\*\*(?!<).*?\*/", re.S)
SINCE = re.compile(r"\s*(?:\*\s*)?\bSince (\d+\.\d+)\.")
RETURN = re.compile(r"^( *\*\s*)@return +((?:.|\n)*?)(?=^ *\*\s*(?:@|$)|^ *\*/|\Z)", re.M)
STATUS = re.compile(r"(BERT_[A-Z]+)(?:,? (.*))?$", re.S)
# "Threads:  one caller at a time ..." of what is said of a whole header.
TERM = re.compile(r"^( \* )([A-Z][a-z]+): +(?=\S)", re.M)
# A declaration that follows another's on the next line, as those in one breath do.
NEXT = re.compile(
    r"(/\*\*(?!<)(?:(?!\*/).)*\*/\n)((?:BERT_API|typedef struct \w+ \w+;)[^;{]*;?\n)"
    r"((?:(?:BERT_API[^;{]*;|typedef struct \w+ \w+;)\n)+)",
    re.S,
)


def statuses(match: re.Match[str]) -> str:
    """`BERT_OK; BERT_EINVAL, bad options; ...` one below the other."""
    start, said = match.groups()
    text = " ".join(line.strip().lstrip("*").strip() for line in said.split("\n")).strip()
    if not re.match(r"BERT_OK\b.*; ", text):
        return match[0]
    text, _, rest = text.partition(". ")
    items: list[str] = []
    for part in text.rstrip(".").split("; "):
        status = STATUS.match(part)
        if status:
            items.append(f"- #{status[1]}" + (f": {status[2]}" if status[2] else ""))
        elif part.startswith(("and as ", "as ")):
            items.append("- " + part.removeprefix("and "))
        else:
            items[-1] += "; " + part
    after = f"{start}\n{start}{rest.strip()}\n" if rest else ""
    return f"{start}@return\n" + "".join(f"{start}{item}\n" for item in items) + after


def comment(match: re.Match[str]) -> str:
    text = match[0]
    since = SINCE.findall(text)
    if "@file" in text:
        return TERM.sub(r"\1- **\2:** ", text)
    # A paragraph of its own for what comes before the parameters.
    text = re.sub(r"^( *\*)( *@(?:param|return)\b)", r"\1\n\1\2", text, count=1, flags=re.M)
    if since:
        text = SINCE.sub("", text)
        text = RETURN.sub(statuses, text)
        return text[:-2].rstrip(" *\n") + f"\n *\n * _Since {since[-1]}._\n */"
    return RETURN.sub(statuses, text)


def each(match: re.Match[str]) -> str:
    said, first, others = match.groups()
    return said + first + "".join(said + other for other in re.findall(r".*?;\n", others, re.S))


def filtered(text: str) -> str:
    return COMMENT.sub(comment, NEXT.sub(each, text))


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as header:
        sys.stdout.write(filtered(header.read()))
