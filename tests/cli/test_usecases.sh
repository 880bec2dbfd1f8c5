#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/usecases/*.c: each compiles in strict C11 against the public headers, has at most 150 lines,
# says how it is called, and what is wrong; those that take a head run on tiny models.  With
# BERT_TEST_MODEL each command of docs/usecases.md prints what the page says, its numbers to 0.003.
set -u
cd "$S" || exit 1
. tests/cli/support.sh
build="$CC -std=c11 $CFLAGS -Wall -Wextra -Wshadow -Wconversion -Werror -Iinclude"
data=examples/usecases/data task=tests/data/models/task
$build -c -o "$tmp/support.o" examples/usecases/support.c || exit 1
for source in examples/usecases/*.c; do
    program=$(basename "$source" .c)
    [ "$program" != support ] || continue
    # shellcheck disable=SC2086
    $build -o "$tmp/usecase-$program" "$source" "$tmp/support.o" $LDFLAGS -L"$B/out" -Wl,-rpath,"$B/out" -lbert -lm
    is "$source compiles" 0 $?
    is "$source is short" 1 "$(awk 'END { print NR <= 150 }' "$source")"
    "$tmp/usecase-$program" >"$tmp/out" 2>"$tmp/err"
    is "$program without arguments" '2 1' "$? $(grep -c "^usage: $program " "$tmp/err")"
    is "$program is in the page" 1 "$(awk -v c="\$ out/usecase-$program " 'index($0, c) { n = 1 } END { print n + 0 }' docs/usecases.md)"
done

# Models with a head, tiny and random: what comes is the reference's for tests/data/cli/tasks.
printf 'a cat on a mat\na cat on a mat\n' >"$tmp/lines"
is 'entities' 'PER  a: line 1, 2' "$("$tmp/usecase-entities" "$task/tag" "$tmp/lines" 0.38)"
is 'entities, none' 'none' "$("$tmp/usecase-entities" "$task/tag" "$tmp/lines" 0.9)"
is 'moderation, a head' 'review 0.46  a cat on a mat' "$("$tmp/usecase-moderation" "$task/classify" no "$tmp/lines" 0.45 0.65 | head -n 1)"
is 'document_qa, a reader' '  0.1053  cat on' "$("$tmp/usecase-document_qa" "$model" "$task/answer" "$tmp/lines" \
    'who wrote the first program?' | tail -n 1)"

fails() { # what, part of the message, program, arguments
    what=$1 part=$2 program=$3
    shift 3
    "$tmp/usecase-$program" "$@" >"$tmp/out" 2>"$tmp/err"
    is "$what" '1 1' "$? $(grep -c -e "$part" "$tmp/err")"
}
fails 'no model' 'nowhere: ' semantic_search "$tmp/nowhere" "$tmp/lines" x
fails 'no file' 'nowhere: can.t be opened' semantic_search "$model" "$tmp/nowhere" x
fails 'a model without the head' 'no token-classification head' entities "$task/classify" "$tmp/lines"
fails 'no such label' 'maybe: the model has no such label' moderation "$task/classify" maybe "$tmp/lines"
fails 'no such title' 'x: the file has no such title' recommend "$model" "$data/books.txt" x
printf '\n' >"$tmp/blank"
fails 'no lines' 'blank: has no lines' semantic_search "$model" "$tmp/blank" x
fails 'no clauses' 'blank: has no clauses' clauses "$model" "$tmp/blank" "$tmp/lines"
echo text,label >"$tmp/heading"
fails 'no examples' 'there are none' intents "$model" "$tmp/heading" "$tmp/heading"
fails 'no rows' 'heading: has no lines below' features "$model" "$tmp/heading" 2
fails 'too many groups' 'no more than texts' clusters "$model" "$tmp/lines" 3
# Files of another format, which must not pass for data.
for program in moderation conversation recommend multilingual; do
    fails "$program, no tab" 'lines: line 1 has no tab' $program "$model" "$tmp/lines" "$tmp/lines"
done
fails 'no comma' 'lines: line 1 has no comma' intents "$model" "$tmp/lines" "$tmp/lines"
printf 'a,b\ntext,1\n' >"$tmp/words.csv"
fails 'no number in front' 'begin with a number' features "$model" "$tmp/words.csv" 2
printf 'good\ta\ngood\tb\n' >"$tmp/good"
fails 'examples of one kind' 'both kinds' moderation "$model" "$tmp/good" "$tmp/lines"
fails 'no number' 'x: is no number' moderation "$task/classify" no "$tmp/lines" x 1
fails 'limits that are crossed' 'REVIEW is above BLOCK' moderation "$task/classify" no "$tmp/lines" 0.9 0.1
fails 'no number' 'x: is no number' entities "$task/tag" "$tmp/lines" x

# Empty lines count, the ends of lines of another system don't, and a full disk is told.
printf '\r\n\na cat on a mat\r\n\r\na cat on a mat' >"$tmp/gaps"
is 'numbers of lines' 'PER  a: line 3, 5' "$("$tmp/usecase-entities" "$task/tag" "$tmp/gaps" 0.38)"
is 'clauses between \r\n' '2 clauses' "$("$tmp/usecase-clauses" "$model" "$tmp/gaps" "$tmp/lines" | head -n 1 | cut -c 1-9)"
is 'no \r' 0 "$("$tmp/usecase-semantic_search" "$model" "$tmp/gaps" x | grep -c "$(printf '\r')")"
if [ -e /dev/full ]; then
    "$tmp/usecase-semantic_search" "$model" "$tmp/lines" x >/dev/full 2>"$tmp/err"
    is 'a full disk' '1 1' "$? $(grep -c 'output: can.t be written' "$tmp/err")"
fi
printf 'a\351<b&\001\357\277\277\nna\303\257ve > \355\240\200\n' >"$tmp/bytes"
"$tmp/usecase-clusters" "$model" "$tmp/bytes" 2 "$tmp/bytes.svg" >/dev/null
is 'XML of any bytes' "<title>a?&lt;b&amp;????</title><title>na$(printf '\303\257')ve &gt; ???</title>" \
    "$(LC_ALL=C grep -ao '<title>.*</title>' "$tmp/bytes.svg" | tr -d '\n')"

# Prints what differs: numbers with a decimal point by more than 0.003, anything else at all.
cat >"$tmp/compare.awk" <<'EOF'
function number(s) { return s ~ /^-?[0-9]+\.[0-9]+$/ }
function differs(a, b,    n, i, x, y) {
    gsub(/[,:]/, " & ", a)
    gsub(/[,:]/, " & ", b)
    n = split(a, x, " ")
    if (n != split(b, y, " "))
        return 1
    for (i = 1; i <= n; i++)
        if (number(x[i]) && number(y[i]) ? (x[i] - y[i]) ^ 2 > 0.003 ^ 2 : x[i] "" != y[i] "")
            return 1
    return 0
}
FNR == NR { expected[FNR] = $0; n = FNR; next }
{ m = FNR }
differs(expected[FNR], $0) { print "expected <" expected[FNR] ">, have <" $0 ">" }
END { if (n != m) print "expected " n " lines, have " m + 0 }
EOF
printf '0.500  a\n1 b\n' >"$tmp/a"
printf '0.502 a\n1 b\n' >"$tmp/b"
printf '0.504  a\n2 b\n3\n' >"$tmp/c"
is 'near is equal' 0 "$(awk -f "$tmp/compare.awk" "$tmp/a" "$tmp/b" | wc -l | tr -d ' ')"
is 'far is not' 4 "$(awk -f "$tmp/compare.awk" "$tmp/a" "$tmp/c" | wc -l | tr -d ' ')"

# The page: $tmp/page/N.sh is the N-th command, N.out what follows it.
mkdir "$tmp/page"
awk -v dir="$tmp/page" -v programs="$tmp/" '
/^    \$ / { n++; sub(/^    \$ out\//, programs); print >(dir "/" n ".sh"); printf "" >(dir "/" n ".out"); on = 1; next }
/^    / && on { print substr($0, 5) >(dir "/" n ".out"); next }
{ on = 0 }' docs/usecases.md
# With a sanitizer they take a minute, and what they print is no news.
case $CFLAGS in *-fsanitize*) BERT_TEST_MODEL=none ;; esac
export MODEL="$BERT_TEST_MODEL" SHARED="$BERT_SHARED_DATA" TMP="$tmp"
ran=0
for command in "$tmp"/page/*.sh; do
    what=$(sed 's|.*/usecase-\([a-z_]*\).*|\1|' "$command")
    # shellcheck disable=SC2016 # as the page has them
    if [ ! -d "$MODEL" ] || grep -q ' models/' "$command" || { grep -qF '$SHARED' "$command" && [ ! -d "$SHARED" ]; }; then
        echo "not run, for want of the model or the data: $what"
        continue
    fi
    sh "$command" >"$tmp/have" 2>"$tmp/err"
    is "$what of the page" 0 $?
    awk -f "$tmp/compare.awk" "${command%.sh}.out" "$tmp/have" >"$tmp/differ"
    is "$what as the page has it" '' "$(head -n 3 "$tmp/differ")"
    ran=$((ran + 1))
done
if [ -d "$MODEL" ]; then
    is 'the picture has each line' "$(wc -l <examples/collection.txt | tr -d ' ')" "$(grep -c '<circle' "$tmp/clusters.svg")"
    is 'the picture of the page' "$(grep -c '<circle' docs/usecases-clusters.svg)" "$(grep -c '<circle' "$tmp/clusters.svg")"
fi
printf '%d passed, %d failed, %d commands of the page\n' "$passed" "$failed" "$ran"
[ "$failed" -eq 0 ]
