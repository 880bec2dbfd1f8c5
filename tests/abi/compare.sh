#!/bin/sh
# SPDX-License-Identifier: MIT
# May programs that were linked with OLD run with NEW?  Both are dumps of dump.sh.
#   sh tests/abi/compare.sh OLD NEW      1: no, and abidiff's report says why
# What is new is let through: functions, enumerators, fields at the end of structs that tell their size.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
known=$(mktemp)
trap 'rm -f "$known"' EXIT
awk -f "$here/known.awk" "$1" "$2" >"$known"
abidiff --harmless --no-default-suppression --no-added-syms --no-show-locs "$1" "$known" || exit 1
