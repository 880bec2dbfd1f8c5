#!/bin/sh
# SPDX-License-Identifier: MIT
# `bert profile`: a profile made and checked against, exit codes, messages, what is left behind.
# Exit code 77: there is no `bert`, since jansson is missing.
set -u
cd "$S" || exit 1
bert=$B/bert
[ -x "$bert" ] || { echo 'skipped: bert was not built'; exit 77; }
. tests/cli/support.sh
mkdir "$tmp/out"
file=$tmp/out/profile.json
# Words of the tiny model's vocabulary, the same mixture all along; then others.
awk 'BEGIN { split("a cat on mat prices rose again the bank who wrote it", w, " "); r = 1
    for (i = 0; i < 300; i++) { line = ""
        for (k = 0; k < 3 + r % 5; k++) { r = (r * 1103 + 12345) % 65536; line = line " " w[1 + r % 12] }
        print substr(line, 2) } }' >"$tmp/texts"
awk 'BEGIN { for (i = 0; i < 100; i++) print "@ $ ☃ 雪 ☃ @ $ ☃ 雪 ☃ @ $ ☃ 雪 ☃ zzz" }' >"$tmp/others"
head -n 30 "$tmp/texts" >"$tmp/few"

run 'no output' 2 profile -m "$model" -i "$tmp/texts"
says 'needs a file'
run 'no model' 2 profile -o "$file" -i "$tmp/texts"
says 'no model'
for option in '--window 0' '--window 19' '--sample 100' '--step 5' '--false-alarms 0.1' '--json' '--seed x'; do
    # shellcheck disable=SC2086 # two words
    run "$option" 2 profile -m "$model" $option -o "$file" -i "$tmp/texts"
done
run 'no such input' 3 profile -m "$model" -o "$file" -i "$tmp/nowhere"
says 'nowhere'
run 'too few texts' 3 profile -m "$model" --window 20 -o "$file" -i "$tmp/few"
says '30 observations; windows of 20 need 120'
run 'no such folder' 1 profile -m "$model" --window 20 -o "$tmp/none/x.json" -i "$tmp/texts"
says 'none/x.json: .*BERT_EIO'
there 'nothing is left' ''

run 'profile' 0 profile -m "$model" --window 20 --name tiny -o "$file" -i "$tmp/texts"
is 'it says nothing' 0 "$(cat "$tmp/stdout" "$tmp/err" | wc -c | tr -d ' ')"
there 'one file' 'profile.json '
is 'no text is in it' 0 "$(grep -c 'prices' "$file")"
"$bert" profile -m "$model" --window 20 --name tiny -o "$tmp/out/again.json" -t 3 <"$tmp/texts" >"$tmp/stdout" 2>"$tmp/err"
is 'from standard input, on three threads: the same file' 0 "$(cmp -s "$file" "$tmp/out/again.json"; echo $?)"
"$bert" profile -m "$model" --window 20 --name tiny --seed 5 -o "$tmp/out/again.json" -i "$tmp/texts"
is 'another seed: another file' 1 "$(cmp -s "$file" "$tmp/out/again.json"; echo $?)"

run 'check' 0 profile -m "$model" --name tiny --check "$file" -i "$tmp/texts"
is 'a line a window' 57 "$(wc -l <"$tmp/stdout" | tr -d ' ')"
is 'its first' '0-19' "$(head -n 1 "$tmp/stdout" | cut -f 1)"
is 'its last' '280-299' "$(tail -n 1 "$tmp/stdout" | cut -f 1)"
is 'nearly all are alike' 1 "$(awk -F '\t' '$2 == "alike" { n++ } END { print (n >= 55) }' "$tmp/stdout")"
run 'check others' 0 profile -m "$model" --name tiny --check "$file" --step 20 -i "$tmp/others"
is 'all are drift' 5 "$(grep -c 'drift: .*mmd [0-9.e-]* ([0-9.e-]*)' "$tmp/stdout")"
run 'as JSON' 0 profile -m "$model" --name tiny --check "$file" --step 20 --false-alarms 0.01 --json -i "$tmp/others"
is 'five lines' 5 "$(grep -c '^{"window": [0-4], "first": [0-9]*, "last": [0-9]*, "drifting": true, "fired": \["psi_.*"mmd"\], "values": {"psi_.*}, "thresholds": {.*}, "means": {"tokens": \[' "$tmp/stdout")"
run 'too few for a window' 0 profile -m "$model" --name tiny --check "$file" 'a cat'
says '1 records make no window of 20'
run 'another name' 3 profile -m "$model" --check "$file" -i "$tmp/texts"
says 'the profile is of "tiny"'
run 'another size' 3 profile -m "$model" --name tiny --dimensions 8 --check "$file" -i "$tmp/texts"
says 'profile.json: a profile of 32 dimensions'
run 'another window' 3 profile -m "$model" --name tiny --window 30 --check "$file" -i "$tmp/texts"
says "the profile's thresholds are for 20"
run 'no profile' 3 profile -m "$model" --check "$model/config.json" -i "$tmp/texts"
says 'config.json: no profile'
run 'check and sample' 2 profile -m "$model" --check "$file" --sample 1000 -i "$tmp/texts"

# A classifier: labels, confidence, entropy, and no vectors.
task=tests/data/models/task/classify
run 'a classifier' 0 profile -m "$task" --window 20 -o "$file" -i "$tmp/texts"
is 'its histograms' 'confidence entropy label score tokens unknown ' \
    "$(tr '{' '\n' <"$file" | sed -n 's/.*"name": "\([a-z]*\)".*/\1/p' | sort | tr '\n' ' ')"
run 'check it' 0 profile -m "$task" --check "$file" --json -i "$tmp/others"
is 'with the name of its folder' 1 "$(grep -c '"model": "classify"' "$file")"
is 'means' 17 "$(grep -c '"means": {"score": .*"confidence": .*"entropy": .*"tokens": ' "$tmp/stdout")"
printf '{"text": "a cat"}\n{"no": 1}\n' >"$tmp/mixed"
run 'a record that is none' 1 profile -m "$task" --check "$file" --jsonl -i "$tmp/mixed"
says 'record 1'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
