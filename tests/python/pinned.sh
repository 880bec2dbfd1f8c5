#!/bin/sh
# SPDX-License-Identifier: MIT
# An environment of Python with pinned packages, kept from one run to the next; sourced.

# pinned DIR REQUIREMENTS: made anew where it has others
pinned() {
    [ "$(cat "$1/wanted" 2>/dev/null)" != "$2" ] || return 0
    rm -rf "$1"
    "${PYTHON-python3}" -m venv "$1"
    # shellcheck disable=SC2086 # a list of words
    "$1/bin/pip" -q --disable-pip-version-check install $2
    printf '%s\n' "$2" >"$1/wanted"
}
