#!/bin/sh
# SPDX-License-Identifier: MIT
# Run by `make check`: every test program (out/*) and script (tests/*/test_*.sh),
# from the source folder, and a closing line.  Exit 77 of a test means: skipped.
#   S, B    source and build folder
#   TESTS   parts of names: only tests that have one of them
#   WITHOUT likewise: no test that has one of them
# Tests see, besides S and B:
#   BERT_TEST_MODEL   folder of all-MiniLM-L6-v2; what needs it skips where there is none
#   BERT_SHARED_DATA  folder of large test data, likewise
set -u
BERT_TEST_MODEL=${BERT_TEST_MODEL-$S/models/all-MiniLM-L6-v2}
BERT_SHARED_DATA=${BERT_SHARED_DATA-$S/../shared/data}
export S B CC CXX NM CPPFLAGS CFLAGS LDFLAGS LIBS BERT_TEST_MODEL BERT_SHARED_DATA
cd "$S" || exit 1
for folder in "$BERT_TEST_MODEL" "$BERT_SHARED_DATA"; do
    [ -d "$folder" ] || printf 'note: no folder %s; the tests that need it will say so\n' "$folder"
done
has_part() { # name, parts
    name=$1
    shift
    for part; do
        case $name in *"$part"*) return 0 ;; esac
    done
    return 1
}
chosen() {
    # shellcheck disable=SC2086 # lists of words
    { [ -z "${TESTS-}" ] || has_part "$1" $TESTS; } && ! has_part "$1" ${WITHOUT-}
}
passed=0 skipped='' failed=''
for t in "$@"; do
    chosen "$t" || continue
    printf '== %s\n' "$t"
    began=$(date +%s)
    case $t in
    *.sh) timeout "${TEST_TIMEOUT-900}" sh "$S/$t" ;;
    *) timeout "${TEST_TIMEOUT-900}" "$B/$t" ;;
    esac
    rc=$?
    took=$(($(date +%s) - began))
    [ $took -le 10 ] || printf '== %s took %d s\n' "$t" $took
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
