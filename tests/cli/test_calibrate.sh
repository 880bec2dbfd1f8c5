#!/bin/sh
# SPDX-License-Identifier: MIT
# `bert calibrate` and --calibration: exit codes, messages, what is left behind.
# Exit code 77: there is no `bert`, since jansson is missing.
set -u
cd "$S" || exit 1
bert=$B/bert
[ -x "$bert" ] || { echo 'skipped: bert was not built'; exit 77; }
. tests/cli/support.sh
mkdir "$tmp/out"
file=$tmp/out/int8.json
printf 'a cat on a mat\n\nprices rose again\r\nthe bank , it said\n' >"$tmp/texts"
: >"$tmp/empty"

run 'no argument' 2 calibrate
says 'a model and a file'
run 'no model' 2 calibrate "$file" -i "$tmp/texts"
says 'no model'
for option in '--percentile 101' '--percentile 0' '--outlier-ratio 1' '--outlier-ratio x' '--outliers 257'; do
    # shellcheck disable=SC2086 # two words
    run "$option" 2 calibrate $option "$model" "$file" -i "$tmp/texts"
done
run 'no such input' 3 calibrate "$model" "$file" -i "$tmp/nowhere"
says 'nowhere'
run 'no texts' 3 calibrate "$model" "$file" -i "$tmp/empty"
says 'there is no text in it'
run 'no such model' 3 calibrate "$tmp/no-model" "$file" -i "$tmp/texts"
says 'no-model'
run 'no such folder' 1 calibrate "$model" "$tmp/none/x.json" -i "$tmp/texts"
says 'none/x.json: .*BERT_EIO'
there 'nothing is left' ''

run 'calibrate' 0 calibrate "$model" "$file" -i "$tmp/texts" --outlier-ratio 1.1
is 'it says nothing' 0 "$(cat "$tmp/stdout" "$tmp/err" | wc -c | tr -d ' ')"
there 'one file' 'int8.json '
is 'three texts' 1 "$(grep -c '"texts": 3,' "$file")"
is 'some outliers' 1 "$(grep -q 'outliers": \[[0-9]' "$file" && echo 1)"
"$bert" calibrate "$model" "$tmp/out/again.json" --outlier-ratio 1.1 -t 3 <"$tmp/texts" >"$tmp/stdout" 2>"$tmp/err"
is 'from standard input, on three threads: the same file' 0 "$(cmp -s "$file" "$tmp/out/again.json"; echo $?)"
run 'int8' 0 embed -m "$model" --precision int8 --json 'a cat on a mat'
cp "$tmp/stdout" "$tmp/plain"
run 'calibrated' 0 embed -m "$model" --precision int8 --calibration "$file" --json 'a cat on a mat'
is 'another answer' 1 "$(cmp -s "$tmp/stdout" "$tmp/plain"; echo $?)"
run 'fp32' 3 embed -m "$model" --calibration "$file" 'a cat'
says 'a calibration is for int8'
run 'not a calibration' 3 embed -m "$model" --precision int8 --calibration "$model/config.json" 'a cat'
says 'config.json: no calibration'
run 'packed' 3 pack --precision int8 --calibration "$file" "$model" "$tmp/out/model.bert"
says "can't be packed"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
