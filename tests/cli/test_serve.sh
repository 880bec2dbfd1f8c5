#!/bin/sh
# SPDX-License-Identifier: MIT
# `bert serve --stdio`: its answers against those of the commands, whatever the order, and what it
# does with cancels, limits, bad lines, signals and closed pipes.  Exit code 77: there is no `bert`,
# since jansson is missing.
set -u
cd "$S" || exit 1
bert=$B/bert
[ -x "$bert" ] || { echo 'skipped: bert was not built'; exit 77; }
. tests/cli/support.sh
task=tests/data/models/task
sparse=$tmp/sparse
cp -r tests/data/models/sparse/base "$sparse"
cp -r tests/data/models/sparse/settings/. "$sparse"

# ---- Tools -----------------------------------------------------------------------
serve() { # arguments; requests on standard input; rc(), $tmp/out, $tmp/err
    "$bert" serve --stdio "$@" >"$tmp/out" 2>"$tmp/err"
    echo $? >"$tmp/rc"
}
rc() { # serve() may be the end of a pipe
    cat "$tmp/rc"
}
ask() { # request, arguments
    request=$1
    shift
    printf '%s\n' "$request" | serve "$@"
}
# What the command prints of the record, with the id in the index's place.
as() { # what, model, request without its braces and id, command and arguments...
    what=$1 with=$2 request=$3
    shift 3
    "$bert" "$@" --json -m "$with" 2>"$tmp/err" | sed 's/^{"index": 0, /{"id": 7, /' >"$tmp/expected"
    ask "{\"id\": 7, $request}" -m "$with"
    is "$what" "0 $(cat "$tmp/expected")" "$(rc) $(cat "$tmp/out")"
}
answers() { # what, exit code, the whole output
    is "$1" "$2 $3" "$(rc) $(cat "$tmp/out")"
}
has() { # what, part
    is "$1: <$2>" yes "$(grep -q -e "$2" "$tmp/out" && echo yes || cat "$tmp/out")"
}

# ---- The command line --------------------------------------------------------------
run 'no --stdio' 2 serve -m "$model"
says 'no HTTP server yet'
run 'no model' 2 serve --stdio
says 'BERT_MODEL'
run 'a second model without a name' 2 serve --stdio -m "$model" -m "$model"
says 'NAME=DIR'
run 'a name twice' 2 serve --stdio -m "a=$model" -m "a=$model"
says "two models 'a'"
run 'a text' 2 serve --stdio -m "$model" x
run 'no such model' 3 serve --stdio -m "$tmp/nowhere"
run 'nothing to do' 0 serve --stdio -m "$model"
is 'nothing to do: nothing said' 0 "$(cat "$tmp/stdout" "$tmp/err" | wc -c | tr -d ' ')"
ask '{"models": true, "id": "m"}' -m "$model" -m "c=$task/classify"
has 'models' '^{"id": "m", "models": \[{"name": "default", "version": 1, .*{"name": "c", "version": 1, '
BERT_MODEL=$model ask '{"id": 1, "task": "embed", "text": "x"}'
has 'the model of the environment' '^{"id": 1, "embedding": '
ask '{"id": 1, "task": "classify", "text": "x", "model": "c"}' -m "c=$task/classify"
has 'the first has its name too' '^{"id": 1, "labels": '

# ---- Every task --------------------------------------------------------------------
text='Ada Lovelace lived in London'
as embed "$model" "\"task\": \"embed\", \"text\": \"$text\"" embed "$text"
as 'embed, options' "$model" "\"task\": \"embed\", \"text\": \"$text\", \"options\": {\"pooling\": \"cls\", \"normalize\": false, \"dimensions\": 5, \"max_length\": 4, \"truncation\": \"left\", \"prompt_name\": \"query\"}" \
    embed --pooling cls --no-normalize --dimensions 5 --max-length 4 --truncation left --prompt-name query "$text"
as 'embed, a prompt' "$model" "\"task\": \"embed\", \"text\": \"$text\", \"options\": {\"normalize\": true, \"prompt\": \"a b \"}" \
    embed --normalize --prompt 'a b ' "$text"
as 'embed, windows' "$model" "\"task\": \"embed\", \"text\": \"$text\", \"options\": {\"windows\": true, \"stride\": 1, \"max_length\": 6}" \
    embed --windows --stride 1 --max-length 6 "$text"
as embed_all "$sparse" "\"task\": \"embed_all\", \"text\": \"$text\"" embed "$text"
as 'embed_all, options' "$sparse" "\"task\": \"embed_all\", \"text\": \"$text\", \"options\": {\"outputs\": \"dense,sparse\", \"max_active\": 3}" \
    embed --outputs dense,sparse --max-active 3 "$text"
as tokens "$model" "\"task\": \"tokens\", \"text\": \"$text\", \"options\": {\"max_length\": 5}" \
    embed --pooling none --max-length 5 "$text"
as chunks "$model" "\"task\": \"chunks\", \"text\": \"$text\", \"options\": {\"chunks\": 3}" embed --chunks 3 "$text"
echo "{\"text\": \"$text\", \"spans\": [[0, 3], [4, 12]]}" >"$tmp/spans"
as spans "$model" "\"task\": \"chunks\", \"text\": \"$text\", \"spans\": [[0, 3], [4, 12]]" \
    embed --jsonl --spans -i "$tmp/spans"
as classify "$task/classify" "\"task\": \"classify\", \"text\": \"$text\"" classify "$text"
as 'classify, options' "$task/classify" "\"task\": \"classify\", \"text\": \"$text\", \"options\": {\"top\": 2, \"function\": \"sigmoid\"}" \
    classify --top 2 --function sigmoid "$text"
echo "{\"text\": \"$text\", \"pair\": \"a cat\"}" >"$tmp/pair"
as 'classify, a pair' "$task/classify" "\"task\": \"classify\", \"text\": \"$text\", \"pair\": \"a cat\"" \
    classify --jsonl -i "$tmp/pair"
"$bert" rerank --json -m "$task/classify_score" --query cats "$text" | sed 's/^{/{"id": 7, /' >"$tmp/expected"
ask "{\"id\": 7, \"task\": \"rerank\", \"query\": \"cats\", \"text\": \"$text\"}" -m "$task/classify_score"
answers rerank 0 "$(cat "$tmp/expected")"
as tag "$task/tag" "\"task\": \"tag\", \"text\": \"$text\", \"options\": {\"aggregate\": \"first\", \"offsets\": \"chars\"}" \
    tag --aggregate first --offsets chars "$text"
as answer "$task/answer" "\"task\": \"answer\", \"question\": \"Where?\", \"text\": \"$text\"" answer --question 'Where?' "$text"
as 'answer, options' "$task/answer" "\"task\": \"answer\", \"question\": \"Where?\", \"context\": \"$text\", \"options\": {\"top\": 2, \"no_null\": true, \"max_answer\": 4}" \
    answer --question 'Where?' --top 2 --no-null --max-answer 4 "$text"
as next "$task/next" "\"task\": \"next\", \"text\": \"$text\", \"pair\": \"a cat\"" next "$text" 'a cat'
as fill "$task/fill" '"task": "fill", "text": "a [MASK] on a mat", "options": {"top": 2}' fill --top 2 'a [MASK] on a mat'
as 'fill, targets' "$task/fill" '"task": "fill", "text": "a [MASK] on a mat", "options": {"targets": "cat,mat"}' \
    fill --targets cat,mat 'a [MASK] on a mat'
as choose "$task/choose" "\"task\": \"choose\", \"text\": \"$text\", \"choices\": [\"a cat\", \"a\", \"the mat\"]" \
    choose "$text" 'a cat' a 'the mat'
"$bert" classify -m "$task/classify" --explain --json --top 1 "$text" | sed 's/.*"explanation"/{"id": 7, "explanation"/' >"$tmp/expected"
ask "{\"id\": 7, \"task\": \"explain\", \"text\": \"$text\"}" -m "$task/classify"
answers explain 0 "$(cat "$tmp/expected")"

# ---- Lists -------------------------------------------------------------------------
joined() { # an object a line, without "index", as a list
    sed 's/^{"index": [0-9]*, /{/' | tr '\n' '|' | sed 's/|$//; s/|/, /g'
}
list='"texts": ["a cat", "the mat on a mat", ""]'
for name in embed classify tag; do
    with=$task/$name
    [ $name != embed ] || with=$model
    expected=$("$bert" $name --json -m "$with" 'a cat' 'the mat on a mat' '' | joined)
    ask "{\"id\": \"l\", \"task\": \"$name\", $list}" -m "$with"
    answers "$name, a list" 0 "{\"id\": \"l\", \"results\": [$expected]}"
done
expected=$("$bert" rerank --json -m "$task/classify_score" --query cats --top 2 'a cat' 'the mat on a mat' '' | tr '\n' '|' | sed 's/|$//; s/|/, /g')
ask "{\"id\": 1, \"task\": \"rerank\", \"query\": \"cats\", $list, \"options\": {\"top\": 2}}" -m "$task/classify_score"
answers 'rerank, a list, best first' 0 "{\"id\": 1, \"results\": [$expected]}"
expected=$("$bert" answer --json -m "$task/answer" --question 'Where?' 'a cat' "$text" | joined)
ask "{\"id\": 1, \"task\": \"answer\", \"question\": \"Where?\", \"contexts\": [\"a cat\", \"$text\"]}" -m "$task/answer"
answers 'answer, one question' 0 "{\"id\": 1, \"results\": [$expected]}"
ask "{\"id\": 1, \"task\": \"answer\", \"questions\": [\"Where?\", \"Where?\"], \"contexts\": [\"a cat\", \"$text\"]}" -m "$task/answer"
answers 'answer, a question each' 0 "{\"id\": 1, \"results\": [$expected]}"
ask '{"id": 1, "task": "fill", "texts": ["a [MASK]", "a cat"]}' -m "$task/fill"
is 'fill, one of two fails' '1 1' "$(rc) $(grep -c '"results": \[{"masks": .*, {"error": {"code": "BERT_EINVAL"' "$tmp/out")"
ask '{"id": 1, "task": "embed", "text": "a b c d e f g", "options": {"max_length": 8, "truncation": "none"}}' -m "$model"
alone=$(sed 's/^{"id": 1, //' "$tmp/out")
ask '{"id": 1, "task": "embed", "texts": ["a", "a b c d e f g"], "options": {"max_length": 8, "truncation": "none"}}' -m "$model"
is 'embed, one of two fails' '1 1' "$(rc) $(grep -c '"results": \[{"embedding": .*, {"error": {"code": "BERT_ERANGE"' "$tmp/out")"
is 'for the reason that it gives alone' "{$alone]}" "$(sed 's/.*, {"error"/{"error"/' "$tmp/out")"
ask '{"id": 1, "task": "embed", "texts": []}' -m "$model"
answers 'an empty list' 0 '{"id": 1, "results": []}'

# ---- Ids ------------------------------------------------------------------------------
while read -r id; do
    ask "{ \"task\" : \"embed\",\"text\":\"\\\"id\\\": 3}\" , \"id\" :$id , \"priority\": \"bulk\"}" -m "$model"
    is "the id $id" "0 {\"id\": $id, \"emb" "$(rc) $(cut -c "1-$((${#id} + 13))" "$tmp/out")"
done <<'IDS'
0
-1.50e+3
123456789012345678901234567890
"a\u00e9\n\"}{, \\"
""
IDS
ask '{"\u0069d": 1.0, "task": "embed", "text": "x"}' -m "$model"
has 'an id under an escaped key' '^{"id": 1.0, '

# ---- Bad lines --------------------------------------------------------------------------
bad() { # what, code, part of the message, line
    ask "$4" -m "$model"
    is "$1" '1 1 0' "$(rc) $(wc -l <"$tmp/out" | tr -d ' ') $(wc -c <"$tmp/err" | tr -d ' ')"
    has "$1" "\"error\": {\"code\": \"$2\", \"message\": \".*$3"
}
bad 'no JSON' BERT_EFORMAT 'bad JSON' '{"id": 1'
has 'no JSON: the line' '^{"id": null, "line": 1, '
bad 'no line' BERT_EFORMAT 'bad JSON' ''
bad 'no object' BERT_EFORMAT 'not a JSON object' '[1]'
bad 'a key twice' BERT_EFORMAT 'duplicate' '{"id": 1, "id": 2}'
bad 'deep' BERT_EFORMAT 'depth' "$(printf '%05000d' 0 | tr 0 '[')"
bad 'no id' BERT_EINVAL 'id.. is missing' '{"task": "embed", "text": "x"}'
bad 'a bad id' BERT_EINVAL 'id.. is neither' '{"id": [1], "task": "embed", "text": "x"}'
bad 'no task' BERT_EINVAL 'task.. is missing' '{"id": 1, "text": "x"}'
has 'no task: the id' '^{"id": 1, "error"'
bad 'no such task' BERT_EINVAL 'no task ..dance' '{"id": 1, "task": "dance", "text": "x"}'
bad 'no text' BERT_EINVAL 'text.. is missing' '{"id": 1, "task": "embed"}'
bad 'a text that is none' BERT_EINVAL 'text.. is not a string' '{"id": 1, "task": "embed", "text": 1}'
bad 'a text among texts' BERT_EINVAL 'texts\[1\]' '{"id": 1, "task": "embed", "texts": ["a", null]}'
bad 'text and texts' BERT_EINVAL 'exclude' '{"id": 1, "task": "embed", "text": "a", "texts": ["a"]}'
bad 'an unknown key' BERT_EINVAL 'unknown key ..colour' '{"id": 1, "task": "embed", "text": "x", "colour": 1}'
bad 'a key of another task' BERT_EINVAL 'unknown key ..pair' '{"id": 1, "task": "embed", "text": "x", "pair": "y"}'
bad 'an unknown option' BERT_EINVAL 'no option ..top' '{"id": 1, "task": "embed", "text": "x", "options": {"top": 1}}'
bad 'a bad option' BERT_EINVAL 'options.pooling: .*middle' '{"id": 1, "task": "embed", "text": "x", "options": {"pooling": "middle"}}'
bad 'an option out of range' BERT_EINVAL "options.dimensions: '0' is not a whole number from 1" '{"id": 1, "task": "embed", "text": "x", "options": {"dimensions": 0}}'
bad 'an option of another type' BERT_EINVAL 'options.max_length' '{"id": 1, "task": "embed", "text": "x", "options": {"max_length": "9"}}'
bad 'options that are none' BERT_EINVAL 'options.. is not an object' '{"id": 1, "task": "embed", "text": "x", "options": [1]}'
bad 'no such prompt' BERT_EINVAL "no prompt 'nobody'" '{"id": 1, "task": "embed", "text": "x", "options": {"prompt_name": "nobody"}}'
bad 'no such model' BERT_EINVAL 'nobody' '{"id": 1, "task": "embed", "text": "x", "model": "nobody"}'
bad 'no head' BERT_EUNSUPPORTED '' '{"id": 1, "task": "classify", "text": "x"}'
bad 'no pair' BERT_EINVAL 'pair.. is missing' '{"id": 1, "task": "next", "text": "x"}'
bad 'texts and pairs' BERT_EINVAL '1 texts have 2' '{"id": 1, "task": "classify", "texts": ["x"], "pairs": ["x", "y"]}'
bad 'bad spans' BERT_EINVAL 'spans\[0\]' '{"id": 1, "task": "chunks", "text": "x", "spans": [[1]]}'
bad 'a bad timeout' BERT_EINVAL 'timeout_ms' '{"id": 1, "task": "embed", "text": "x", "timeout_ms": 0}'
bad 'a bad priority' BERT_EINVAL 'priority' '{"id": 1, "task": "embed", "text": "x", "priority": "high"}'
bad 'a bad cancel' BERT_EINVAL 'cancel.. is no id' '{"cancel": null}'
bad 'a cancel with more' BERT_EINVAL 'unknown key' '{"cancel": 1, "id": 2}'
printf '\357\273\277{"id": 1, "task": "embed", "text": "x"}\r\nno\n{"id": 2, "task": "tokens", "text": "a\\u0000b\377"}' | serve -m "$model"
is 'a byte order mark, NUL, bad UTF-8, no newline' '1 3 1 1' \
    "$(rc) $(wc -l <"$tmp/out" | tr -d ' ') $(grep -c '^{"id": null, "line": 2, ' "$tmp/out") $(grep -c '^{"id": 2, "embedding": ' "$tmp/out")"
awk 'BEGIN { printf "{\"id\": 1, \"task\": \"embed\", \"text\": \""; for (i = 0; i < 1250000; i++) printf "a cat, "; print "\"}" }' | serve -m "$model"
is 'a line of 8 MB' '0 1' "$(rc) $(grep -c '^{"id": 1, "embedding": ' "$tmp/out")"

{ head -c 280000000 /dev/zero; echo; echo '{"id": 2, "models": true}'; } | serve -m "$task/tag"
is 'a line over the limit' '1 2' "$(rc) $(wc -l <"$tmp/out" | tr -d ' ')"
has 'is refused by its number' '"line": 1, "error": {"code": "BERT_ELIMIT", "message": "the line is longer than 256 MiB"}'
has 'and the next one is read' '{"id": 2, '

# ---- Order, cancels, limits ---------------------------------------------------------------
# A text that takes long: many windows of this model.
long() { # id, repetitions, more keys
    awk -v id="$1" -v n="$2" -v more="$3" 'BEGIN { printf "{\"id\": %s, \"task\": \"tag\"%s, \"text\": \"", id, more
        for (i = 0; i < n; i++) printf "a cat on a mat. "; print "\"}" }'
}
short='{"id": 2, "task": "tag", "text": "a cat"}'
(long 1 20000 ''; echo "$short") | serve -m "$task/tag" -t 1
is 'the short one first' '0 2 1 ' "$(rc) $(sed 's/^{"id": \([0-9]\).*/\1/' "$tmp/out" | tr '\n' ' ')"
(long 1 20000 ''; long 1 20000 ''; echo '{"id": 2, "task": "tag", "text": "x"}'; echo '{"cancel": 1}'; echo '{"cancel": 9}') | serve -m "$task/tag" -t 1
is 'cancel: all of the id' '1 2 1' "$(rc) $(grep -c '^{"id": 1, "error": {"code": "BERT_ECANCELED"' "$tmp/out") $(grep -c '^{"id": 2, "entities"' "$tmp/out")"
(long 1 40000 ', "timeout_ms": 1'; echo "$short") | serve -m "$task/tag" -t 1
is 'a timeout' '1 1 1' "$(rc) $(grep -c '^{"id": 1, "error": {"code": "BERT_ETIMEDOUT"' "$tmp/out") $(grep -c '^{"id": 2, "entities"' "$tmp/out")"
(long 1 20000 ''; i=0; while [ $i -lt 50 ]; do long 2 500 ''; i=$((i + 1)); done) >"$tmp/requests"
serve -m "$task/tag" -t 1 --queue 2 --reject <"$tmp/requests"
is '--reject' '1 51 yes' "$(rc) $(wc -l <"$tmp/out" | tr -d ' ') $(grep -q '^{"id": 2, "error": {"code": "BERT_EBUSY"' "$tmp/out" && echo yes)"
serve -m "$task/tag" -t 1 --queue 2 <"$tmp/requests"
is 'a full queue: nothing is lost' '0 51' "$(rc) $(grep -c '"entities"' "$tmp/out")"

# ---- Many ----------------------------------------------------------------------------------
awk 'BEGIN { split("embed tokens classify explain", tasks, " ")
    for (i = 0; i < 1000; i++) {
        t = tasks[i % 4 + 1]
        printf "{\"id\": %d, \"task\": \"%s\", \"text\": \"a cat on mat %d\"%s%s}\n", i, t, i, \
            t == "classify" || t == "explain" ? ", \"model\": \"c\"" : "", i % 5 == 0 ? ", \"priority\": \"bulk\"" : ""
    } }' >"$tmp/requests"
serve -m "$model" -m "c=$task/classify" --workers 2 --queue 50 -t 1 <"$tmp/requests"
is 'a thousand requests' 0 "$(rc)"
sed 's/^{"id": \([0-9]*\), "\([a-z]*\)".*/\1 \2/' "$tmp/out" | sort -n >"$tmp/ids"
awk 'BEGIN { split("embedding embedding labels explanation", keys, " ")
    for (i = 0; i < 1000; i++) print i, keys[i % 4 + 1] }' >"$tmp/expected"
is 'each is answered once, by its task' 0 "$(cmp -s "$tmp/ids" "$tmp/expected"; echo $?)"
sed -n 's/.*"id": \([0-9]*\), "task": "classify".*"text": \("[^"]*"\).*/{"text": \2}/p' "$tmp/requests" >"$tmp/texts"
"$bert" classify -m "$task/classify" --json --jsonl -i "$tmp/texts" | sed 's/^{"index": [0-9]*, //' >"$tmp/expected"
grep '"labels"' "$tmp/out" | sort -t ' ' -k 2n | sed 's/^{"id": [0-9]*, //' >"$tmp/labels"
is 'and with its own answer' 0 "$(cmp -s "$tmp/labels" "$tmp/expected"; echo $?)"

# ---- Signals and pipes ----------------------------------------------------------------------
(echo "$short"; printf '{"id": 3'; sleep 3) | timeout --preserve-status -s INT 1 \
    "$bert" serve --stdio -m "$task/tag" >"$tmp/out" 2>"$tmp/err"
is 'SIGINT while waiting' 130 $?
is 'an answer does not wait for the end of the next line' '1 1 0' \
    "$(wc -l <"$tmp/out" | tr -d ' ') $(grep -c '}$' "$tmp/out") $(wc -c <"$tmp/err" | tr -d ' ')"
(i=0; while [ $i -lt 2000 ]; do long $i 3000 ''; i=$((i + 1)); done; sleep 3) 2>/dev/null \
    | timeout --preserve-status -s TERM 1 "$bert" serve --stdio -m "$task/tag" >"$tmp/out" 2>"$tmp/err"
is 'SIGTERM while working' 143 $?
is 'SIGTERM: whole lines only' "$(wc -l <"$tmp/out" | tr -d ' ')" "$(grep -c '^{.*}$' "$tmp/out")"
(cat "$tmp/requests"; sleep 3) | { "$bert" serve --stdio -m "$model" -m "c=$task/classify" 2>"$tmp/err"; echo $? >"$tmp/rc"; } | head -n 1 >"$tmp/out"
is 'a closed pipe is silent' '0 1 0' "$(cat "$tmp/rc") $(wc -l <"$tmp/out" | tr -d ' ') $(wc -c <"$tmp/err" | tr -d ' ')"
# The reader takes nothing: the pipe is full before the signal comes.
mkfifo "$tmp/stuck"
{ sleep 12; } <"$tmp/stuck" &
(cat "$tmp/requests"; sleep 12) | timeout --preserve-status -k 6 -s TERM 2 \
    "$bert" serve --stdio -m "$model" -m "c=$task/classify" >"$tmp/stuck" 2>"$tmp/err"
is 'SIGTERM while nobody reads' 143 $?
if [ -w /dev/full ]; then
    echo "$short" | "$bert" serve --stdio -m "$task/tag" >/dev/full 2>"$tmp/err"
    is 'a full disk' 1 $?
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
