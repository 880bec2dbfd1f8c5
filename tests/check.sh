#!/bin/sh
# SPDX-License-Identifier: MIT
# Run by `make check`: every test program (out/*) and script (tests/*/test_*.sh),
# from the source folder, and a closing line.  Exit 77 of a test means: skipped.
#   S, B  source and build folder;  TESTS  pattern: only those whose name has it
set -u
BERT_SHARED_DATA=${BERT_SHARED_DATA-$S/../shared/data}
export S B CC CXX NM CFLAGS LDFLAGS LIBS BERT_SHARED_DATA
cd "$S" || exit 1
passed=0 skipped='' failed=''
for t in "$@"; do
    case $t in *"${TESTS-}"*) ;; *) continue ;; esac
    printf '== %s\n' "$t"
    case $t in
    *.sh) timeout "${TEST_TIMEOUT-900}" sh "$S/$t" ;;
    *) timeout "${TEST_TIMEOUT-900}" "$B/$t" ;;
    esac
    rc=$?
    case $rc in
    0) passed=$((passed + 1)) ;;
    77) skipped="$skipped $t" ;;
    *) failed="$failed $t($rc)" ;;
    esac
done
[ -z "$skipped" ] || printf '== skipped:%s\n' "$skipped"
if [ -n "$failed" ]; then
    printf '== FAILED:%s\n' "$failed"
    exit 1
fi
printf '== all %d passed\n' "$passed"
