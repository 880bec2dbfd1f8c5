#!/bin/sh
# SPDX-License-Identifier: MIT
# The `bert` command: its contract on options, input, output, exit codes and signals,
# and (cases.c) its answers against the reference's.  The model is a tiny one of
# tests/data.  Exit code 77: there is no `bert`, since jansson is missing.
set -u
cd "$S" || exit 1
bert=$B/bert
[ -x "$bert" ] || { echo 'skipped: bert was not built'; exit 77; }
. tests/cli/support.sh
nl='
'
tab=$(printf '\t')

# ---- Tools -----------------------------------------------------------------------
# Run bert; $rc, $tmp/out, $tmp/err.
run() {
    "$bert" "$@" >"$tmp/out" 2>"$tmp/err"
    rc=$?
}
has() { # what, part, file
    if grep -q -e "$2" "$3"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAIL %s: no <%s> in <%s>\n' "$1" "$2" "$(head -c 300 "$3")"
    fi
}
same() { # what, file, file
    is "$1" 0 "$(cmp -s "$2" "$3"; echo $?)"
}
lines() {
    wc -l <"$1" | tr -d ' '
}
leftovers() { # temporary files of bert in a folder
    find "$1" -name '.bert-*' | wc -l | tr -d ' '
}

# ---- The command line --------------------------------------------------------------
usage() { # what must be in the message, arguments...
    part=$1
    shift
    run "$@" </dev/null
    is "usage: $*" 2 "$rc"
    has "usage: $*" "$part" "$tmp/err"
    is "usage, output: $*" 0 "$(wc -c <"$tmp/out" | tr -d ' ')"
}
usage 'no command'
usage "no command 'nonsense'" nonsense
usage 'unknown option' --nonsense
usage 'nonsense' embed --nonsense -m "$model"
usage "'-Z'" embed -Z -m "$model"
usage 'needs a value' embed -m
usage 'needs a value' embed --model
usage 'takes no value' embed --json=1 -m "$model"
usage 'BERT_MODEL' embed x
usage '12x' embed -m "$model" -t 12x x
usage '99999999999999999999' embed -m "$model" --max-length 99999999999999999999 x
usage "'-1'" embed -m "$model" --max-tokens -1 x
usage "''" embed -m "$model" --dimensions '' x
usage ' 1' embed -m "$model" --dimensions ' 1' x
usage '33' embed -m "$model" --dimensions 33 x
usage 'middle' embed -m "$model" --truncation middle x
usage 'fp64' embed -m "$model" --precision fp64 x
usage 'pentium' embed -m "$model" --cpu pentium x
usage "'nobody'; .bert info. lists" embed -m "$model" --prompt-name nobody x
usage 'stride' embed -m "$model" --windows --stride 62 x
usage 'stride' embed -m "$model" --windows --max-length 10 --stride 8 x
usage 'windows' embed -m "$model" --stride 2 x
usage 'format' embed -m "$model" --json --format npy x
usage 'pooling' embed -m "$model" --pooling none --format csv x
usage 'two texts' similarity -m "$model" x
usage 'query' search -m "$model" x
usage "'0'" search -m "$model" --query x --top 0 y
usage 'nonsense' forward -m "$model" --outputs logits,nonsense x
task=tests/data/models/task
usage 'nonsense' classify -m "$task/classify" --function nonsense x
usage 'two texts' next -m "$task/next" x
usage 'prompt and its choices' choose -m "$task/choose" x
usage 'max_length' choose -m "$task/choose" --max-length 2 x y
usage 'none of the targets' fill -m "$task/fill" --targets ' , ' 'a [MASK]'
usage "'0'" fill -m "$task/fill" --top 0 'a [MASK]'
usage 'query' rerank -m "$task/classify_score" x
usage "'0'" rerank -m "$task/classify_score" --query x --top 0 x
usage 'max_length' rerank -m "$task/classify_score" --query x --max-length 2 x
usage "'0'" classify -m "$task/classify" --top 0 x
usage 'max_length' classify -m "$task/classify" --max-length 1 x
usage 'TEXT' info -m "$model" x
usage '1,,2' bench -m "$model" --lengths 1,,2
usage '3,32,5,8' bench --random 3,32,5,8
usage "'0'" bench -m "$model" --seconds 0
usage "'1e3'" bench -m "$model" --seconds 1e3
usage 'words' tag -m "$task/tag" --aggregate words x
usage 'stride is 62; windows have room for 62' tag -m "$task/tag" --stride 62 x
usage 'stride' tag -m "$task/tag" --max-length 10 --stride 8 x
usage 'max_length' tag -m "$task/tag" --max-length 2 x
usage 'question is missing' answer -m "$task/answer" x
usage "'0'" answer -m "$task/answer" --question x --top 0 x
usage "'0'" answer -m "$task/answer" --question x --max-answer 0 x
usage 'stride' answer -m "$task/answer" --question x --max-length 10 --stride 7 x
for command in '' info tokenize decode forward embed similarity search classify rerank tag answer next choose fill pack calibrate manifest mask serve bench; do
    # shellcheck disable=SC2086
    run $command --help
    is "$command --help" 0 "$rc"
    has "$command --help" 'Usage: bert' "$tmp/out"
    # shellcheck disable=SC2086
    run $command --version
    has "$command --version" '^bert [0-9]' "$tmp/out"
done
run --help
is 'help lists no command that is not there' '' "$(grep -E 'nonsense' "$tmp/out")"
run help embed
has 'help embed' 'Usage: bert embed' "$tmp/out"
run embed -m "$model" --truncation none --max-length 4 one 'a cat on a mat'
has 'a message names the record once' '^bert: record 1: the text has' "$tmp/err"
run embed -m "$model" -- --json
is '-- ends options' 0 "$rc"
is '-- ends options, lines' 1 "$(lines "$tmp/out")"

# ---- Opening -----------------------------------------------------------------------
refused() { # what must be in the message, arguments...
    part=$1
    shift
    run "$@" </dev/null
    is "refused: $*" 3 "$rc"
    has "refused: $*" "$part" "$tmp/err"
    has "refused: $*" 'bert: .* \[BERT_E[A-Z]*\]$' "$tmp/err"
    is "refused, output: $*" 0 "$(wc -c <"$tmp/out" | tr -d ' ')"
}
refused "$tmp/nowhere" info -m "$tmp/nowhere"
refused "$tmp/nowhere" tokenize --tokenizer "$tmp/nowhere" x
refused "$tmp/nowhere" embed -m "$model" -i "$tmp/nowhere"
refused 'irectory' embed -m "$model" -i "$tmp"
refused 'test_cli.sh: a file, and no directory with config.json' embed -m tests/cli/test_cli.sh x
refused 'no text-classification head: tensors classifier.* are absent' classify -m "$model" x
refused 'text-classification head: tensors classifier' classify -m tests/data/models/head/next x
refused 'no text-classification head: tensors classifier.* are absent' rerank -m "$model" --query x x
refused 'no next-sentence head: tensors cls.seq_relationship.* are absent' next -m "$model" a b
refused 'no fill-mask head: tensors cls.predictions.transform.dense.\*, cls.predictions.decoder.\*' fill -m "$model" x
refused 'no multiple-choice head: tensors classifier.\* are absent' choose -m "$model" a b
refused 'no next-sentence head' next -m "$task/fill_own" a b
mkdir "$tmp/unnamed"
cp "$task/classify"/* "$tmp/unnamed"
sed 's/BertForSequenceClassification/BertModel/' "$task/classify/config.json" >"$tmp/unnamed/config.json"
refused 'tensors classifier.* are not looked for.*name BertForSequenceClassification' \
    classify -m "$tmp/unnamed" x
refused 'tensors qa_outputs.* are absent' answer -m "$tmp/unnamed" --question x x
refused 'one label' rerank -m "$task/classify" --query x x
mkdir "$tmp/unknown"
cp "$task/rerank_old"/* "$tmp/unknown"
sed 's/linear.Identity/activation.Softmax/' "$task/rerank_old/config.json" >"$tmp/unknown/config.json"
refused 'activation.Softmax' rerank -m "$tmp/unknown" --query x x
run rerank -m "$tmp/unknown" --raw --query x x
is 'rerank --raw asks for no activation' 0 "$rc"
cp "$task/rerank_saved"/* "$tmp/unknown"
sed 's/activation.ELU/activation.Softmax/' "$task/rerank_saved/config_sentence_transformers.json" \
    >"$tmp/unknown/config_sentence_transformers.json"
refused "$tmp/unknown/config_sentence_transformers.json: .*activation.Softmax" \
    rerank -m "$tmp/unknown" --query x x
refused 'no token-classification head: tensors classifier.* are absent' tag -m "$model" x
refused 'no question-answering head: tensors qa_outputs.* are absent' answer -m "$model" --question x x
refused 'are those of its text-classification head' tag -m "$task/classify" x
refused 'tokenizer' answer -m tests/data/models/head/span --question x x
refused 'are those of its token-classification head' classify -m tests/data/models/head/token x
refused 'tokenizer' classify -m tests/data/models/head/text x
cp -r "$model" "$tmp/broken"
head -c 1000 "$model/model.safetensors" >"$tmp/broken/model.safetensors"
refused 'broken/model.safetensors' embed -m "$tmp/broken" x
rm "$tmp/broken/model.safetensors"
: >"$tmp/broken/pytorch_model.bin"
refused 'BERT_EUNSUPPORTED' embed -m "$tmp/broken" x
cp "$model/model.safetensors" "$tmp/broken"
rm "$tmp/broken/tokenizer.json" "$tmp/broken/tokenizer_config.json"
refused 'tokenizer' embed -m "$tmp/broken" x
echo '{"input_ids": [1, 2]}' >"$tmp/in"
run forward --jsonl -m "$tmp/broken" -i "$tmp/in"
is 'ids need no tokenizer' 0 "$rc"
run embed -m "$model" --precision auto x
is '--precision auto' 0 "$rc"
for precision in fp32 bf16 int8; do
    run embed -m "$model" --precision "$precision" x
    is "--precision $precision" 0 "$rc"
    run info -m "$model" --precision "$precision" --json
    is "info --precision $precision" 1 "$(grep -c "\"precision\": \"$precision\"" "$tmp/out")"
done
BERT_MODEL=$model run embed x
is 'BERT_MODEL' 0 "$rc"
BERT_MODEL=$tmp/nowhere run embed -m "$model" x
is '--model goes before BERT_MODEL' 0 "$rc"

# ---- Input -------------------------------------------------------------------------
printf 'one\ntwo\n' >"$tmp/a"
printf 'one\r\ntwo' >"$tmp/b"
run embed -m "$model" --json -i "$tmp/a"
cp "$tmp/out" "$tmp/expected"
run embed -m "$model" --json -i "$tmp/b"
same 'CR LF, and no newline at the end' "$tmp/expected" "$tmp/out"
run embed -m "$model" --json one two
same 'arguments' "$tmp/expected" "$tmp/out"
run embed -m "$model" --json <"$tmp/a"
same 'standard input' "$tmp/expected" "$tmp/out"
run embed -m "$model" --json -i - <"$tmp/a"
same '-i -' "$tmp/expected" "$tmp/out"
(printf 'o'; sleep 0.1; printf 'ne\ntw'; sleep 0.1; printf 'o') | "$bert" embed -m "$model" --json >"$tmp/out"
same 'a slow pipe' "$tmp/expected" "$tmp/out"
run embed -m "$model" --json </dev/null
is 'no input, exit code' 0 "$rc"
is 'no input, no output' 0 "$(lines "$tmp/out")"
printf '\n\r\n\n' | "$bert" embed -m "$model" --json >"$tmp/out"
is 'empty lines are texts' 3 "$(lines "$tmp/out")"
printf 'a\0b\377\n\357\277\275' >"$tmp/bytes"
run tokenize -m "$model" --json -i "$tmp/bytes"
is 'any bytes' 0 "$rc"
is 'any bytes, lines' 2 "$(lines "$tmp/out")"
run search -m "$model" --json --query a -i "$tmp/bytes"
has 'NUL in the output' 'a\\u0000b�"' "$tmp/out"
i=0
while [ $i -lt 2000 ]; do
    echo "line $i"
    i=$((i + 1))
done >"$tmp/many"
run embed -m "$model" --json --dimensions 1 -i "$tmp/many"
is 'many lines' 2000 "$(lines "$tmp/out")"
is 'in the order of the input' '{"index": 1999,' "$(tail -n 1 "$tmp/out" | cut -c 1-15)"
head -c 3000000 /dev/zero | tr '\0' 'a' >"$tmp/long"
run tokenize -m "$model" --count -i "$tmp/long"
is 'a line of 3 MB' 3 "$(cat "$tmp/out")"
cat >"$tmp/jsonl" <<'END'
{"text": "one"}
not json
{"text": 5}
{"other": "x"}
["x"]

{"text": "a", "text": "b"}
{"text": "\ud800"}
{"text": "two", "number": 100000000000000000000000000000}
END
run embed -m "$model" --json --jsonl -i "$tmp/jsonl"
is 'bad JSON, exit code' 1 "$rc"
is 'bad JSON, lines' 9 "$(lines "$tmp/out")"
is 'bad JSON, errors' 7 "$(grep -c '"error": {"code": "BERT_E[A-Z]*", "message": "' "$tmp/out")"
is 'bad JSON, nothing aside' '' "$(cat "$tmp/err")"
has 'the record after is answered' '^{"index": 8, "embedding"' "$tmp/out"
printf '\357\273\277{"text": "a\\u0000b\377"}\n' >"$tmp/in"
run search -m "$model" --json --jsonl --query x -i "$tmp/in"
has 'JSON: byte order mark, NUL, ill-formed UTF-8' '"text": "a\\u0000b�"}' "$tmp/out"
run embed -m "$model" --jsonl -i "$tmp/jsonl"
is 'as text: lines' 9 "$(lines "$tmp/out")"
is 'as text: errors' 7 "$(grep -c '^error: BERT_E' "$tmp/out")"
is 'as text: messages' 7 "$(grep -c '^bert: record [0-9]*: .* \[BERT_E[A-Z]*\]$' "$tmp/err")"

# ---- Output ------------------------------------------------------------------------
run embed -m "$model" one two
cp "$tmp/out" "$tmp/expected"
run embed -m "$model" -o "$tmp/file" one two
is '-o, exit code' 0 "$rc"
same '-o' "$tmp/expected" "$tmp/file"
is '-o, nothing else' '0 0' "$(wc -c <"$tmp/out" | tr -d ' ') $(leftovers "$tmp")"
echo old >"$tmp/file"
chmod 640 "$tmp/file"
ln -s file "$tmp/link"
run embed -m "$model" -o "$tmp/link" one two
same '-o through a link' "$tmp/expected" "$tmp/file"
is 'the link stays' file "$(readlink "$tmp/link")"
is 'the mode stays' -rw-r----- "$(find "$tmp/file" -printf '%M')"
echo old >"$tmp/file"
run embed -m "$model" -i "$tmp/nowhere" -o "$tmp/file"
is 'no input: the old file stays' old "$(cat "$tmp/file")"
(
    ulimit -f 8
    "$bert" embed -m "$model" -i "$tmp/many" -o "$tmp/file" 2>"$tmp/err"
    echo $? >"$tmp/rc" 
)
is 'a file that gets too large' 1 "$(cat "$tmp/rc")"
has 'a file that gets too large' 'BERT_EIO' "$tmp/err"
is 'the old file stays, and no other' 'old 0' "$(cat "$tmp/file") $(leftovers "$tmp")"
run embed -m "$model" -o "$tmp/nowhere/file" one
is 'no such folder' 1 "$rc"
run embed -m "$model" -o "$tmp" one
is 'a folder' 1 "$rc"
if [ -w /dev/full ]; then
    run embed -m "$model" -o /dev/full one
    is '-o on a device' 1 "$rc"
    "$bert" embed -m "$model" one >/dev/full 2>"$tmp/err"
    is 'a full device' 1 $?
    has 'a full device' BERT_EIO "$tmp/err"
fi
run embed -m "$model" -o /dev/null one
is '/dev/null' 0 "$rc"
is '/dev/null stays a device' 0 "$(test -c /dev/null; echo $?)"
run embed -m "$model" -o /dev/stdout one two
same '/dev/stdout' "$tmp/expected" "$tmp/out"
"$bert" embed -m "$model" one >&- 2>"$tmp/err"
is 'standard output closed' 1 $?
"$bert" embed -m "$model" <&- 2>"$tmp/err"
is 'standard input closed' 3 $?
mkfifo "$tmp/fifo"
cat "$tmp/fifo" >"$tmp/got" &
run embed -m "$model" -o "$tmp/fifo" one two
wait
same '-o on a pipe' "$tmp/expected" "$tmp/got"
"$bert" embed -m "$model" -i "$tmp/many" 2>"$tmp/err" | head -n 1 >"$tmp/out"
is 'a closed pipe is silent' '1 ' "$(lines "$tmp/out") $(cat "$tmp/err")"
run embed -m "$model" --json --progress -i "$tmp/a"
has '--progress' '2 records' "$tmp/err"
run embed -m "$model" --json -i "$tmp/a"
is 'no progress unasked' '' "$(cat "$tmp/err")"

printf 'one\n%0200d\n' 7 | sed 's/0/0 /g' >"$tmp/long_second"

cp -r tests/data/models/sparse/base "$tmp/sparse"
cp -r tests/data/models/sparse/max/. "$tmp/sparse"

# ---- Formats -------------------------------------------------------------------------
header() { # of a NumPy file
    head -c 128 "$1" | tail -c 118 | tr -d ' \n'
}
run embed -m "$model" --format npy -o "$tmp/npy" -i "$tmp/a"
is 'npy' "{'descr':'<f4','fortran_order':False,'shape':(2,32),}" "$(header "$tmp/npy")"
is 'npy, size' $((128 + 2 * 32 * 4)) "$(wc -c <"$tmp/npy" | tr -d ' ')"
"$bert" embed -m "$model" --format npy -i "$tmp/a" | cat >"$tmp/out"
same 'npy through a pipe' "$tmp/npy" "$tmp/out"
run embed -m "$model" --format bin -i "$tmp/a"
tail -c 256 "$tmp/npy" >"$tmp/rows"
same 'bin' "$tmp/rows" "$tmp/out"
run embed -m "$model" --format npy -o "$tmp/npy" </dev/null
is 'npy without rows' "{'descr':'<f4','fortran_order':False,'shape':(0,32),}" "$(header "$tmp/npy")"
run embed -m "$model" --format npy --quantize int8 -o "$tmp/npy" -i "$tmp/many"
is 'npy, int8' "{'descr':'|i1','fortran_order':False,'shape':(2000,32),}" "$(header "$tmp/npy")"
run embed -m "$model" --format npy --quantize ubinary --dimensions 9 -o "$tmp/npy" -i "$tmp/a"
is 'npy, ubinary' "{'descr':'|u1','fortran_order':False,'shape':(2,2),}" "$(header "$tmp/npy")"
run embed -m "$model" --json --quantize int8 one
is 'int8 of one vector' 1 "$rc"
for kind in int8 uint8; do
    run embed -m "$model" --format npy --quantize $kind -o "$tmp/own" --save-ranges "$tmp/ranges" -i "$tmp/many"
    is "$kind, ranges saved" "0 {'descr':'<f4','fortran_order':False,'shape':(2,32),}" "$rc $(header "$tmp/ranges")"
    run embed -m "$model" --format npy --quantize $kind -o "$tmp/given" --ranges "$tmp/ranges" -i "$tmp/many"
    same "$kind by ranges" "$tmp/own" "$tmp/given"
    run embed -m "$model" --format npy --quantize $kind -o "$tmp/given" --calibrate "$tmp/many" -i "$tmp/many"
    same "$kind by calibration" "$tmp/own" "$tmp/given"
    run embed -m "$model" --json --quantize $kind --calibrate "$tmp/many" one
    is "$kind of one vector" 0 "$rc"
done
run embed -m "$model" --format bin --quantize binary -o "$tmp/given" one
run embed -m "$model" --format bin --quantize ubinary -o "$tmp/own" one
is 'binary and ubinary differ by the highest bit' 4 "$(cmp -l "$tmp/own" "$tmp/given" | awk '{ d = $2 - $3; if (d == 200 || d == -200) n++ } END { print n }')"
printf '{"text": "a cat on a mat", "spans": [[0, 5], [6, 14], [5, 6]]}\n{"text": "a", "spans": [[0, 2]]}\n{"text": "a"}\n{"text": "a", "spans": [[0]]}\n{"text": "a", "spans": []}\n' >"$tmp/spans"
run embed -m "$model" --json --jsonl --spans -i "$tmp/spans"
is 'embed --spans' '1 5 3' "$rc $(lines "$tmp/out") $(grep -c '"error": {"code": "BERT_EINVAL", "message": ".*spans' "$tmp/out")"
is 'embed --spans, keys' 'index chunks start end tokens embedding start end tokens embedding start end tokens embedding tokens' \
    "$(head -n 1 "$tmp/out" | grep -o '"[a-z_]*":' | tr -d '":' | tr '\n' ' ' | sed 's/ $//')"
has 'embed --spans, bytes' '{"start": 6, "end": 14, "tokens": [1-9]' "$tmp/out"
has 'embed --spans, no token' '{"start": 5, "end": 6, "tokens": 0, "embedding": \[0,0,' "$tmp/out"
is 'embed --spans, none' '{"index": 4, "chunks": [], "tokens": 3}' "$(tail -n 1 "$tmp/out" | sed 's/"tokens": [0-9]*/"tokens": 3/')"
run embed -m "$model" --json --chunks 2 'a cat on a mat' "$(tr '\n' ' ' <"$tmp/many")"
is 'embed --chunks: a text over the limit' '1 2 1' "$rc $(lines "$tmp/out") $(grep -c 'BERT_ERANGE.*windows' "$tmp/out")"
run embed -m "$model" --chunks 2 --windows --stride 4 'a cat on a mat' "$(head -n 50 "$tmp/many" | tr '\n' ' ')"
is 'embed --chunks --windows' '0 2' "$rc $(lines "$tmp/out")"
usage 'needs --jsonl' embed -m "$model" --spans x
usage 'exclude' embed -m "$model" --chunks 2 --quantize int8 x
usage 'exclude' embed -m "$model" --chunks 2 --truncation left x
usage 'exclude' embed -m "$model" --chunks 2 --pooling none x
usage "'0'" embed -m "$model" --chunks 0 x
usage 'weights of terms' embed -m "$tmp/sparse" --chunks 2 x
usage 'exclude' embed -m "$model" --quantize int8 --ranges x --calibrate y z
usage 'only for --quantize' embed -m "$model" --quantize ubinary --save-ranges x z
refused 'shape is not (2, 31)' embed -m "$model" --quantize int8 --dimensions 31 --ranges "$tmp/ranges" x
refused 'not a NumPy file' embed -m "$model" --quantize int8 --ranges "$tmp/many" x
refused "$tmp/nowhere" embed -m "$model" --quantize int8 --ranges "$tmp/nowhere" x
refused 'no texts' embed -m "$model" --quantize int8 --calibrate /dev/null x
refused 'record 1: the text has' embed -m "$model" --quantize int8 --truncation none --max-length 20 --calibrate "$tmp/long_second" x
head -c 140 "$tmp/ranges" >"$tmp/cut"
refused 'size' embed -m "$model" --quantize int8 --ranges "$tmp/cut" x
run embed -m "$model" --format csv -i "$tmp/a"
is 'csv' '2 31' "$(lines "$tmp/out") $(head -n 1 "$tmp/out" | tr -cd , | wc -c | tr -d ' ')"
run embed -m "$model" --format csv --truncation none --max-length 4 one 'a cat on a mat and more'
is 'csv: a row for a text that failed' '1 2 nan,nan' \
    "$rc $(lines "$tmp/out") $(tail -n 1 "$tmp/out" | cut -c 1-7)"
run tokenize -m "$model" 'a cat' ''
printf 'one\ttwo\n' >"$tmp/pair"
is 'tokenize as text' "[CLS] a c ##a ##t [SEP]	[" "$(head -n 1 "$tmp/out" | sed 's/a c.*\[SEP\]/a c ##a ##t [SEP]/; s/\[[0-9].*/[/')"
run tokenize -m "$model" --ids-only 'a cat'
"$bert" decode -m "$model" <"$tmp/out" >"$tmp/text"
is 'decode of tokenize' 'a cat' "$(cat "$tmp/text")"
run tokenize -m "$model" --json 'a cat'
"$bert" decode -m "$model" <"$tmp/out" >"$tmp/text"
is 'decode of tokenize --json' 'a cat' "$(cat "$tmp/text")"
run decode -m "$model" --json '[5, -1]' '[1.5]' '[99999999999]' '5' '[]' '{"ids": [99999]}'
is 'decode: what is no list of ids' '1 4' "$rc $(grep -c '"error": {"code": "BERT_E' "$tmp/out")"
run search -m "$model" --query 'a cat' --top 2 'a dog' 'a cat' 'a cat' 'prices'
is 'search: ties by index' 2 "$(lines "$tmp/out")"
is 'search: as text' 'a cat' "$(head -n 1 "$tmp/out" | cut -f 2)"
run search -m "$model" --query 'a cat' --top 1 --json 'a cat' 'a cat'
is 'search: the first of equals' '{"index": 0,' "$(cut -c 1-12 "$tmp/out")"
run search -m "$model" --query x "a${nl}b"
is 'search: a line a result' 'a\nb' "$(cut -f 2 "$tmp/out")"
run forward -m "$model" 'a cat'
has 'forward as text' '^last_hidden_state\[[0-9]*\]\[32\] ' "$tmp/out"
run forward -m "$model" --outputs logits 'a cat'
is 'forward, no head' 3 "$rc"
has 'forward, no head' 'gives no logits.*BERT_EUNSUPPORTED' "$tmp/err"
is 'forward, no head, output' 0 "$(wc -c <"$tmp/out" | tr -d ' ')"
head=tests/data/models/head
ids='{"input_ids": [1, 2, 3]}'
forward_keys() { # model, keys, arguments...
    of=$1 keys=$2
    shift 2
    printf '%s\n' "$ids" >"$tmp/in"
    run forward --json --jsonl -m "$head/$of" -i "$tmp/in" "$@"
    is "forward $of" 0 "$rc"
    is "forward $of, keys" "index $keys" "$(grep -o '"[a-z_]*":' "$tmp/out" | tr -d '":' | tr '\n' ' ' | sed 's/ $//')"
}
forward_keys text logits
forward_keys span 'start_logits end_logits'
forward_keys pretraining 'prediction_logits seq_relationship_logits'
forward_keys next 'logits attentions' --attentions
forward_keys token 'last_hidden_state logits' --outputs logits,last_hidden_state
run forward --json --jsonl -m "$head/token" -i "$tmp/in" --outputs pooler_output
is 'forward, no pooler' 3 "$rc"
mkdir "$tmp/headless"
sed 's/BertForTokenClassification/BertForMaskedLM/' "$head/token/config.json" >"$tmp/headless/config.json"
cp "$head/token/model.safetensors" "$tmp/headless"
run forward --json --jsonl -m "$tmp/headless" -i "$tmp/in" --outputs logits
is 'forward, head not whole' 3 "$rc"
has 'forward, head not whole' 'BertForMaskedLM lacks cls.predictions.transform.dense.weight' "$tmp/err"
run forward --json --jsonl -m "$tmp/headless" -i "$tmp/in"
is 'forward, head not whole, encoder' 0 "$rc"
has 'forward, head not whole, encoder' '"last_hidden_state"' "$tmp/out"
run info --families
is 'info --families: exit' 0 "$rc"
is 'info --families: a line a row' "$(($(grep -c '^BERT__ARCH' lib/arch/arch_list.inc) + 1))" "$(lines "$tmp/out")"
has 'info --families: heading' '^model_type  *code  *position  *distance  *norm  *ffn  *tasks$' "$tmp/out"
has 'info --families: bert' '^bert  *-  *absolute  *none  *post LayerNorm  *plain  *text-classification ' "$tmp/out"
has 'info --families: code' '^bert  *JinaBertConfig  *none  *alibi  *post LayerNorm  *gated' "$tmp/out"
has 'info --families: windows' '^modernbert .* rotary+windows  *pre LayerNorm  *gated' "$tmp/out"
run info --families --json
has 'info --families --json' '{"model_type": "eurobert", "code": "EuroBertConfig", "position": "none", "distance": "rotary", "norm": "pre RMSNorm", "ffn": "gated", "tasks": \["text-classification", "token-classification", "fill-mask"\]}' "$tmp/out"
usage 'TEXT' info --families x
run info --build
is 'info --build: exit' 0 "$rc"
has 'info --build: version' "^version: $("$bert" --version | sed 's/^bert //')\$" "$tmp/out"
has 'info --build: features' '^features: kernels.scalar .*model.safetensors' "$tmp/out"
run info --build --json
has 'info --build --json' '^{"build": "version: .*\\nkernels: scalar.*\\n", "features": \["kernels.scalar", .*"model.packed", .*\]}$' "$tmp/out"
usage 'TEXT' info --build x
run info -m "$model" -v
has 'info -v' '^tokenizer  *WordPiece' "$tmp/out"
run bench --random 1,32,4,64 --lengths 4,8 --batches 1,2 --seconds 0.01 --json
is 'bench' '0 4' "$rc $(grep -c '^{"index": [0-3], "model": "1,32,4,64", "precision": "fp32", "cpu": "[a-z0-9_]*", "threads": [0-9]*, "length": [48], "batch": [12], "ms_p50": [^,]*, "ms_min": [^,]*, "ms_p95": [^,]*, "tokens_per_s": [^,]*, "gflops": [^,]*, "peak_gflops": [^,]*}$' "$tmp/out")"
run bench -m "$model" --texts "$tmp/many" --batches 8 --seconds 0.01
is 'bench --texts' '0 2' "$rc $(lines "$tmp/out")"
run bench -m "$model" --lengths 8,65 --batches 1 --seconds 0.01 --json
is 'bench over the positions' '1 1' "$rc $(grep -c BERT_ERANGE "$tmp/out")"

run classify -m "$task/classify" 'a cat' 'a mat'
is 'classify as text' '0 2 3' "$rc $(lines "$tmp/out") $(head -n 1 "$tmp/out" | tr '\t' '\n' | grep -c ' [01]\.[0-9]*$')"
run classify -m "$task/classify" --truncation none --top 1 'a cat' "$(cat "$tmp/many")" 'a mat'
is 'classify: an error of one record' '1 3 1' \
    "$rc $(lines "$tmp/out") $(grep -c '^error: BERT_ERANGE: ' "$tmp/out")"
run classify -m "$task/explain" --json --explain 'a cat on a mat' ''
is 'classify --explain' '0 2' "$rc $(lines "$tmp/out")"
has 'classify --explain, tokens' '], "explanation": \[{"text": "a", "start": 0, "end": 1, "score": 0\.[0-9e-]*}, {"text": "c' "$tmp/out"
is 'classify --explain, no text' ', "explanation": []}' "$(tail -n 1 "$tmp/out" | sed 's/.*\]\(, "exp\)/\1/')"
run classify -m "$task/classify" --json --explain --pair "a${tab}cat"
has 'classify --explain, pair' '"explanation": \[{"text": "a", "sequence": 0, "start": 0, "end": 1, "score": 0\.[0-9]*}, {"text": "c[at]*", "sequence": 1, "start": 0' "$tmp/out"
usage 'needs --json' classify -m "$task/classify" --explain x
run rerank -m "$task/classify_score" --query 'a cat' --top 2 'a dog' 'a cat' 'a cat'
is 'rerank: as text' '0 2' "$rc $(grep -c '^0\.[0-9]*	a ' "$tmp/out")"
run rerank -m "$task/classify_score" --json --query 'a cat' 'a cat' 'a cat'
is 'rerank: the first of equals' '{"index": 0,' "$(head -n 1 "$tmp/out" | cut -c 1-12)"
run tag -m "$task/tag" 'The
bank rose' ''
is 'tag as text' '0 2 1' "$rc $(lines "$tmp/out") $(head -n 1 "$tmp/out" | grep -c '^PER [01][.][0-9]* The$')"
run answer -m "$task/answer" --question 'who wrote it ?' --json ''
is 'answer: an empty text' '{"index": 0, "answer": "", "score": 1, "start": 0, "end": 0}' "$(cat "$tmp/out")"
run answer -m "$task/answer" --question 'who wrote it ?' --json --no-null '' '   '
is 'answer: none at all' '0 {"index": 0, "answer": null} {"index": 1, "answer": null}' "$rc $(tr '\n' ' ' <"$tmp/out" | sed 's/ $//')"
run answer -m "$task/answer" --question 'who wrote it ?' --json --no-null --top 2 ''
is 'answers: none at all' '{"index": 0, "answers": []}' "$(cat "$tmp/out")"
printf '{"text": "a cat"}\n{"context": "a cat", "question": "who?"}\n{"text": 1, "question": "who?"}\n' >"$tmp/in"
run answer -m "$task/answer" --json --jsonl -i "$tmp/in"
is 'answer: records with a question and without' '1 1 2' "$rc $(grep -c '"answer"' "$tmp/out") $(grep -c BERT_EINVAL "$tmp/out")"
has 'answer: a record without a question' 'no \\"question\\"' "$tmp/out"
run answer -m "$task/answer" --question who --top 3 'a cat on a mat' 'a dog'
is 'answer as text' '0 2 6' "$rc $(lines "$tmp/out") $(head -n 1 "$tmp/out" | tr '\t' '\n' | grep -c .)"
run next -m "$task/next" 'a cat' 'on a mat'
is 'next: as text' '0 1' "$rc $(grep -c '^[01]\.[0-9]*$' "$tmp/out")"
run choose -m "$task/choose" 'a cat' 'on a mat' 'of the sea'
is 'choose: as text' '0 1' "$rc $(grep -c '^[01]\.[0-9]*	o[nf] .*$' "$tmp/out")"
run fill -m "$task/fill" --top 2 'a [MASK] on a [MASK]' 'no mask' 'a [MASK]'
is 'fill: as text' '1 3 2' "$rc $(lines "$tmp/out") $(head -n 1 "$tmp/out" | tr '\t' '\n' | grep -c '[01]\.[0-9]*, .* [01]\.[0-9]*$')"
has 'fill: a text without a mask' 'record 1: the text has no mask \[BERT_EINVAL\]' "$tmp/err"
printf '%s\n' "$ids" >"$tmp/in"
run forward --json --jsonl -m "$task/fill" -i "$tmp/in"
is 'forward: a masked LM with a head for the next sentence' 'index logits' \
    "$(grep -o '"[a-z_]*":' "$tmp/out" | tr -d '":' | tr '\n' ' ' | sed 's/ $//')"
run info --json -m "$task/classify_plain"
has 'info: labels of no name' '"labels": \["LABEL_0", "LABEL_1"\]' "$tmp/out"
run classify --json -m "$task/classify" -i "$tmp/many"
cp "$tmp/out" "$tmp/expected"
run classify --json -m "$task/classify" -t 1 --max-tokens 64 -i "$tmp/many" -o "$tmp/file"
same 'classify: -o, one thread, small batches' "$tmp/expected" "$tmp/file"

# ---- Weights of terms ------------------------------------------------------------------
sparse=$tmp/sparse
cp -r tests/data/models/sparse/base "$sparse"
cp -r tests/data/models/sparse/settings/. "$sparse"
run embed -m "$sparse" --json 'a cat' ''
is 'embed of a SparseEncoder' '0 2' "$rc $(grep -c '"indices": \[.*"values": \[.*"tokens": ' "$tmp/out")"
run embed -m "$sparse" --max-active 3 'a cat'
is 'embed --max-active' '0 3' "$rc $(tr ' ' '\n' <"$tmp/out" | grep -c '^[0-9]*:[0-9.]*$')"
run embed -m "$sparse" --outputs dense,sparse --json 'a cat'
is 'embed --outputs' '0 1' "$rc $(grep -c '"index": 0, "embedding": \[.*"indices": \[.*"values": ' "$tmp/out")"
run embed -m "$sparse" --pooling mean --json 'a cat'
is 'embed --pooling of a SparseEncoder' '0 1' "$rc $(grep -c '"embedding"' "$tmp/out")"
run similarity -m "$sparse" --json 'a cat on a mat' 'a cat'
cp "$tmp/out" "$tmp/expected"
printf 'a cat on a mat\ta cat\n' >"$tmp/pair"
run similarity -m "$sparse" --json -i "$tmp/pair"
same 'similarity of a SparseEncoder' "$tmp/expected" "$tmp/out"
has 'similarity: a dot product over 1' '"score": [0-9][0-9]*\.' "$tmp/out"
usage 'one vector a text' embed -m "$sparse" --quantize int8 x
usage 'one vector a text' embed -m "$sparse" --windows x
usage 'lists' embed -m "$sparse" --format csv x
usage 'none of dense' embed -m "$model" --outputs dance x
usage 'exclude' embed -m "$model" --outputs dense --pooling none x
run embed -m "$model" --outputs sparse x
is 'embed --outputs sparse without the head' '3 0' "$rc $(lines "$tmp/out")"

run search -m "$sparse" --query 'a cat' --json 'the bank' 'a cat on a mat' 'prices rose'
is 'search of a SparseEncoder' '0 1' "$rc $(head -n 1 "$tmp/out" | grep -c '"index": 1, .*a cat on a mat')"

# ---- Vectors of tokens ----------------------------------------------------------------
colbert=$tmp/colbert
cp -r tests/data/models/multi/base "$colbert"
cp -r tests/data/models/multi/stanford/. "$colbert"
run info -m "$colbert" --json -v
has 'info: kinds of embeddings' '"task": "embedding".*"similarity": "maxsim".*"outputs": \["dense", "multi"\]' "$tmp/out"
run info -m "$colbert"
has 'info: kinds of embeddings, as text' '^outputs  *dense, multi$' "$tmp/out"
run embed -m "$colbert" --json --role query 'a cat' ''
is 'embed of a ColBERT model' '0 2' "$rc $(grep -c '"vectors": \[\[.*\]\], "tokens": ' "$tmp/out")"
is 'embed --role query: as many vectors as it is widened to' '17 17' \
    "$(while read -r line; do printf '%s\n' "$line" | tr ']' '\n' | grep -c '\['; done <"$tmp/out" | tr '\n' ' ' | sed 's/ $//')"
run embed -m "$colbert" --role document 'a cat'
is 'embed --role document, as text' '0 5' "$rc $(tr ']' '\n' <"$tmp/out" | grep -c '\[')"
run similarity -m "$colbert" --json 'a cat on a mat' 'a cat'
cp "$tmp/out" "$tmp/expected"
run similarity -m "$colbert" --json -i "$tmp/pair"
same 'similarity of a ColBERT model' "$tmp/expected" "$tmp/out"
run search -m "$colbert" --query 'a cat on a mat' --json -i "$tmp/many"
is 'search of a ColBERT model' '0 10' "$rc $(grep -c '"score": ' "$tmp/out")"
run search -m "$colbert" --query 'a cat on a mat' --json 'a cat'
is 'search and similarity agree' "$(sed 's/.*"score": //; s/}.*//' "$tmp/expected")" \
    "$(sed 's/.*"score": //; s/,.*//' "$tmp/out")"
usage 'ROLE\|role' embed -m "$colbert" --role passage x
m3=tests/data/models/multi/m3
run embed -m "$m3" --json --outputs dense,sparse,multi 'a cat'
is 'embed --outputs of bge-m3' '0 1' "$rc $(grep -c '"embedding": \[.*"indices": \[.*"values": \[.*"vectors": \[\[.*"tokens": 5' "$tmp/out")"
for kind in dense sparse multi; do
    run similarity -m "$m3" --outputs $kind --json 'a cat' 'a cat on a mat'
    is "similarity --outputs $kind" '0 1' "$rc $(grep -c '"score": [0-9]' "$tmp/out")"
done
usage 'one of dense' similarity -m "$m3" --outputs dense,multi a b
run embed -m "$model" --outputs multi x
is 'embed --outputs multi without the head' '3 0' "$rc $(lines "$tmp/out")"
has 'embed --outputs multi: what is missing' 'colbert_linear' "$tmp/err"

# ---- The same bits -------------------------------------------------------------------
run embed -m "$model" --json -i "$tmp/many"
cp "$tmp/out" "$tmp/expected"
run embed -m "$model" --json -t 1 --max-tokens 64 -i "$tmp/many"
same 'one thread, small batches' "$tmp/expected" "$tmp/out"
run embed -m "$model" --json -t 3 --max-tokens 8192 -i "$tmp/many"
same 'three threads, large batches' "$tmp/expected" "$tmp/out"

# ---- Signals ---------------------------------------------------------------------------
# A pipe that stays open: bert waits for more when the signal comes.
(printf 'one\ntwo\nthr'; sleep 3) | timeout --preserve-status -s INT 1 \
    "$bert" embed -m "$model" --json >"$tmp/out" 2>"$tmp/err"
is 'SIGINT while reading' 130 $?
is 'SIGINT: whole lines only' '2 2' "$(lines "$tmp/out") $(grep -c '}$' "$tmp/out")"
is 'SIGINT: silent' '' "$(cat "$tmp/err")"
echo old >"$tmp/file"
while cat "$tmp/many"; do :; done 2>/dev/null | timeout --preserve-status -s INT 1 \
    "$bert" embed -m "$model" --json -o "$tmp/file" 2>"$tmp/err"
is 'SIGINT while working' 130 $?
is 'SIGINT: the old file stays, and no other' 'old 0' "$(cat "$tmp/file") $(leftovers "$tmp")"
(sleep 3) | timeout --preserve-status -s TERM 1 "$bert" embed -m "$model" -o "$tmp/file"
is 'SIGTERM' '143 0' "$? $(leftovers "$tmp")"

# ---- Against the reference --------------------------------------------------------------
# shellcheck disable=SC2086
if $CC -std=c11 -D_GNU_SOURCE $CFLAGS -o "$tmp/cases" tests/cli/cases.c $LDFLAGS -ljansson -lm; then
    "$tmp/cases" "$bert" "$model" tests/data/cli/cases.jsonl
    is 'cases of the reference' 0 $?
    for cases in tests/data/cli/tasks/*.jsonl; do
        name=$(basename "$cases" .jsonl)
        "$tmp/cases" "$bert" "$task/$name" "$cases"
        is "cases of the reference, $name" 0 $?
    done
    # And that it can fail: one digit of one expected vector, one id, one key.
    sed -n '/"name":"embed-mean"/s/"embedding":\[-*[0-9]/&1/p' tests/data/cli/cases.jsonl >"$tmp/wrong"
    "$tmp/cases" "$bert" "$model" "$tmp/wrong" >"$tmp/out"
    has 'a wrong float is found' 'embedding\[0\]' "$tmp/out"
    sed -n '/"name":"tokenize"/s/"ids":\[2,/"ids":[3,/p' tests/data/cli/cases.jsonl >"$tmp/wrong"
    "$tmp/cases" "$bert" "$model" "$tmp/wrong" >"$tmp/out"
    has 'a wrong id is found' 'ids\[0\]' "$tmp/out"
    sed -n '/"name":"similarity"/s/"score"/"scores"/p' tests/data/cli/cases.jsonl >"$tmp/wrong"
    "$tmp/cases" "$bert" "$model" "$tmp/wrong" >"$tmp/out"
    is 'a wrong key is found' 1 $?
else
    is 'cases.c compiles' 0 1
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
