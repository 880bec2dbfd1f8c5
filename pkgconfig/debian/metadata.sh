#!/bin/sh
# SPDX-License-Identifier: MIT
# The METADATA that pip and importlib.metadata read, of PYPROJECT:  metadata.sh PYPROJECT
set -eu
value() { # key: of a line KEY = "VALUE"
    sed -n "s/^$1 = \"\(.*\)\"$/\1/p" "$project"
}
project=$1
printf 'Metadata-Version: 2.1\nName: %s\nVersion: %s\nSummary: %s\nLicense: %s\nRequires-Python: %s\n' \
    "$(value name)" "$(value version)" "$(value description)" "$(value license)" "$(value requires-python)"
sed -n 's/^dependencies = \[\(.*\)\]$/\1/p' "$project" | tr ',' '\n' | sed 's/^ *"\(.*\)"$/Requires-Dist: \1/'
