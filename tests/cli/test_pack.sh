#!/bin/sh
# SPDX-License-Identifier: MIT
# `bert pack`, and its file in a model's place: the reference's cases, exit codes, what is left
# behind.  Exit code 77: there is no `bert`, since jansson is missing.
set -u
cd "$S" || exit 1
bert=$B/bert
[ -x "$bert" ] || { echo 'skipped: bert was not built'; exit 77; }
. tests/cli/support.sh
mkdir "$tmp/out"
file=$tmp/out/model.bert
task=tests/data/models/task

# ---- Usage and failures
run 'no argument' 2 pack
says 'a model and a file'
run 'three arguments' 2 pack a b c
run 'no model' 2 pack "$file"
says 'BERT_MODEL'
run 'an unknown level' 2 pack --cpu pentium "$model" "$file"
run 'no such model' 3 pack "$tmp/nowhere" "$file"
says 'nowhere'
run 'no such folder' 1 pack "$model" "$tmp/nowhere/x"
says 'nowhere/x: .*BERT_EIO'
there 'nothing is left' ''

# ---- Packed
run 'pack' 0 pack "$model" "$file"
is 'pack says nothing' 0 "$(cat "$tmp/stdout" "$tmp/err" | wc -c | tr -d ' ')"
there 'one file' 'model.bert '
cp "$file" "$tmp/first"
BERT_MODEL=$model run 'the model by the environment' 0 pack "$file"
is 'the same bytes again' 0 "$(cmp -s "$file" "$tmp/first"; echo $?)"
run 'info' 0 info -m "$file" --json
cp "$tmp/stdout" "$tmp/info"
run 'info of the directory' 0 info -m "$model" --json
is 'info says the same but of memory' "$(sed 's/"bytes": [0-9]*//' "$tmp/stdout")" \
    "$(sed 's/"bytes": [0-9]*//' "$tmp/info")"
run 'verify' 0 info -m "$file" --verify
for option in --json --no-map --verify --repack; do
    for command in embed tokenize; do
        [ $command = embed ] || [ $option = --json ] || continue
        run "$command $option" 0 $command -m "$file" $option --json 'a cat on a mat'
        cp "$tmp/stdout" "$tmp/a"
        run "$command of the directory" 0 $command -m "$model" --json 'a cat on a mat'
        is "$command: the same bytes" 0 "$(cmp -s "$tmp/stdout" "$tmp/a"; echo $?)"
    done
done
BERT_MODEL=$file run 'BERT_MODEL' 0 embed x

# ---- For something else
run 'scalar' 0 pack --cpu scalar "$model" "$tmp/out/scalar.bert"
run 'scalar, asked for' 0 info -m "$tmp/out/scalar.bert" --cpu scalar
if "$bert" info -m "$model" | grep -q '^cpu.* scalar$'; then
    echo 'one level only: nothing is refused'
else
    run 'scalar on a better level' 3 info -m "$tmp/out/scalar.bert"
    says 'packed for .* scalar in fp32'
    run 'repacked' 0 embed -m "$tmp/out/scalar.bert" --repack --json x
    cp "$tmp/stdout" "$tmp/a"
    run 'the directory' 0 embed -m "$model" --json x
    is 'repacked: the same bytes' 0 "$(cmp -s "$tmp/stdout" "$tmp/a"; echo $?)"
    run 'packed anew' 0 pack --repack "$tmp/out/scalar.bert" "$tmp/out/scalar.bert"
    is 'the same bytes as at once' 0 "$(cmp -s "$tmp/out/scalar.bert" "$file"; echo $?)"
fi
run 'int8' 0 pack --precision int8 "$model" "$tmp/out/int8.bert"
run 'int8 is known from the file' 0 info -m "$tmp/out/int8.bert" --json
is 'its precision' 1 "$(grep -c '"precision": "int8"' "$tmp/stdout")"
run 'int8, fp32 asked for' 3 info -m "$tmp/out/int8.bert" --precision fp32
says 'in int8'

# ---- Damaged
size=$(wc -c <"$file" | tr -d ' ')
head -c $((size - 1)) "$file" >"$tmp/out/cut.bert"
run 'cut' 3 info -m "$tmp/out/cut.bert"
says 'complete'
{ head -c 100000 "$file"; printf 'x'; tail -c +100002 "$file"; } >"$tmp/out/bad.bert"
run 'damaged weights load' 0 info -m "$tmp/out/bad.bert"
run 'and are found by --verify' 3 info -m "$tmp/out/bad.bert" --verify
says 'is damaged'
run 'a directory in its place' 1 pack "$model" "$tmp/out"

# ---- Against the reference
# shellcheck disable=SC2086
if $CC -std=c11 -D_GNU_SOURCE $CFLAGS -o "$tmp/cases" tests/cli/cases.c $LDFLAGS -ljansson -lm; then
    "$tmp/cases" "$bert" "$file" tests/data/cli/cases.jsonl
    is 'cases of the reference' 0 $?
    for cases in tests/data/cli/tasks/*.jsonl; do
        name=$(basename "$cases" .jsonl)
        run "pack $name" 0 pack "$task/$name" "$tmp/out/task.bert"
        "$tmp/cases" "$bert" "$tmp/out/task.bert" "$cases"
        is "cases of the reference, $name" 0 $?
    done
else
    is 'cases.c compiles' 0 1
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
