#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the documentation's site, warnings being errors, and looks whether it is whole:
# sh tests/docs/site.sh OUT
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
sh "$root/docs/site/build.sh" "$1"
PYTHONDONTWRITEBYTECODE=1 python3 "$root/tests/docs/check_site.py" "$root" "$1/site"
