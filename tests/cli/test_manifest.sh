#!/bin/sh
# SPDX-License-Identifier: MIT
# `bert manifest`: exit codes, messages, what is left behind; golden inputs of every task.
# Exit code 77: there is no `bert`, since jansson is missing.
set -u
cd "$S" || exit 1
bert=$B/bert
[ -x "$bert" ] || { echo 'skipped: bert was not built'; exit 77; }
. tests/cli/support.sh
mkdir "$tmp/out"
task=tests/data/models/task
printf 'a cat on a mat\n\nprices rose again\r\nthe bank , it said\n' >"$tmp/texts"
printf 'a cat on a mat\tit slept\nwho wrote it ?\tthe bank , it said\n' >"$tmp/pairs"
printf 'the [MASK] rose\n[MASK] [MASK]\n' >"$tmp/masks"
: >"$tmp/empty"
shows() { # part of what is printed
    is "it prints <$1>" 1 "$(grep -c -e "$1" "$tmp/stdout")"
}
silent() {
    is 'nothing is printed' 0 "$(wc -c <"$tmp/stdout" | tr -d ' ')"
}

# ---- Usage and failures
run 'no model' 2 manifest
says 'no model'
run 'an argument' 2 manifest -m "$model" x
says 'not expected'
run 'check and golden' 2 manifest -m "$model" --check --golden "$tmp/texts"
says 'exclude each other'
run 'no such model' 3 manifest -m "$tmp/nowhere"
says 'nowhere: .*BERT_EIO'
silent
run 'no model in it' 3 manifest -m "$tmp/out"
says 'no model in it'
run 'no manifest' 3 manifest -m "$model" --check
says 'bert_manifest.json: no such file'
silent
run 'no such texts' 3 manifest -m "$model" --golden "$tmp/none"
says 'none'
run 'no texts' 3 manifest -m "$model" --golden "$tmp/empty"
says 'there is no text in it'
is 'nothing is left' 0 "$(find "$model" -name '*golden*' -o -name '*manifest*' | wc -l | tr -d ' ')"

# ---- A directory
run 'written' 0 manifest -m "$model"
shows '^digest      [0-9a-f]\{64\}$'
is 'one file' 1 "$(find "$model" -name '*manifest*' | wc -l | tr -d ' ')"
cp "$tmp/stdout" "$tmp/a"
run 'checked' 0 manifest -m "$model" --check
is 'the same digest' 0 "$(cmp -s "$tmp/stdout" "$tmp/a"; echo $?)"
if sha256sum /dev/null >/dev/null 2>&1; then
    # shellcheck disable=SC2046 # names are words
    sum=$(cd "$model" && sha256sum $(sed -n 's/.*"name": "\([^"]*\)".*/\1/p' bert_manifest.json) | sha256sum)
    is 'the digest is sha256sum'"'"'s' "digest      ${sum%% *}" "$(cat "$tmp/a")"
fi
cp "$model/bert_manifest.json" "$tmp/manifest"
BERT_MODEL=$model run 'by the environment, -v' 0 manifest --check -v
says '^bert: config.json: .* bytes, SHA-256'
run 'golden' 0 manifest -m "$model" --golden "$tmp/texts"
shows '^golden      3 texts$'
run 'golden, checked' 0 manifest -m "$model" --check
shows '^cosine      1.000000, at least 0.9999$'
run 'as JSON' 0 manifest -m "$model" --check --json
shows '^{"digest": "[0-9a-f]\{64\}", "golden": 3, "difference": [0-9.e-]*, "cosine": 1}$'
run 'in bf16' 0 manifest -m "$model" --check --precision bf16
shows 'at most 0.03$'
is 'another manifest' 1 "$(cmp -s "$model/bert_manifest.json" "$tmp/manifest"; echo $?)"
run 'no TAB' 3 manifest -m "$model" --golden "$tmp/texts" --pair
says 'text 0 has no TAB'

# ---- What was changed is named
cp "$model/golden.json" "$tmp/golden"
cp "$model/bert_manifest.json" "$tmp/manifest"
sed 's/"vector": \[[^,]*,/"vector": [7,/' "$tmp/golden" >"$model/golden.json"
run 'golden inputs changed' 3 manifest -m "$model" --check
says 'golden.json: .*BERT_EFORMAT'
silent
run 'and listed so' 0 manifest -m "$model"
run 'other answers' 3 manifest -m "$model" --check
says '^bert: 3 of 3 golden inputs have other answers; the first:$'
says 'inputs\[0\]: .*BERT_EFORMAT'
is 'no text in the messages' 0 "$(grep -c -e 'cat on' -e rose "$tmp/err")"
silent
cp "$tmp/golden" "$model/golden.json"
cp "$tmp/manifest" "$model/bert_manifest.json"
for file in config.json model.safetensors; do
    cp "$model/$file" "$tmp/kept"
    { head -c 20 "$tmp/kept"; printf '~'; tail -c +22 "$tmp/kept"; } >"$model/$file"
    run "$file changed" 3 manifest -m "$model" --check
    says "$file: changed: .*BERT_EFORMAT"
    silent
    rm "$model/$file"
    run "$file gone" 3 manifest -m "$model" --check
    says "$file: missing"
    ln -s "$tmp/kept" "$model/$file"
    run "$file elsewhere" 3 manifest -m "$model" --check
    says "$file: a symbolic link leads out"
    run "$file elsewhere, taken" 0 manifest -m "$model" --check --links
    rm "$model/$file"
    cp "$tmp/kept" "$model/$file"
done
: >"$model/merges.txt"
run 'a new file' 3 manifest -m "$model" --check
says 'merges.txt: would be read'
rm "$model/merges.txt"
run 'as it was' 0 manifest -m "$model" --check
if [ "$(id -u)" != 0 ]; then
    chmod a-w "$model"
    run 'a folder that is not to be written' 1 manifest -m "$model"
    says "can't be written: permission denied"
    chmod u+w "$model"
fi

# ---- A packed file
run 'pack' 0 pack "$model" "$tmp/out/m.bert"
run 'golden' 0 manifest -m "$tmp/out/m.bert" --golden "$tmp/texts"
there 'beside it' 'm.bert m.bert.golden.json m.bert.manifest.json '
run 'checked' 0 manifest -m "$tmp/out/m.bert" --check
shows '^golden      3 texts$'
printf x >>"$tmp/out/m.bert"
run 'longer' 3 manifest -m "$tmp/out/m.bert" --check
says 'm.bert: .* in the manifest'
run 'not a packed file' 3 manifest -m "$tmp/texts"
says 'neither a model'

# ---- Every task
for case in 'classify texts' 'classify pairs --pair' 'rerank_st pairs --pair' 'tag texts' 'answer pairs' 'fill masks' \
    'next pairs'; do
    # shellcheck disable=SC2086 # words
    set -- $case
    rm -rf "$tmp/task"
    cp -r "$task/$1" "$tmp/task"
    # shellcheck disable=SC2086
    run "$case" 0 manifest -m "$tmp/task" --golden "$tmp/$2" ${3:-}
    run "$case, checked" 0 manifest -m "$tmp/task" --check
    shows '^golden      [23] texts$'
done
run 'none for it' 3 manifest -m "$task/choose" --golden "$tmp/texts"
says 'multiple-choice'
is 'nothing is left' 0 "$(find "$task/choose" -name '*golden*' -o -name '*manifest*' | wc -l | tr -d ' ')"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
