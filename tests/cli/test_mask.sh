#!/bin/sh
# SPDX-License-Identifier: MIT
# `bert mask`: lines in, masked lines out; JSON with spans; kinds, keys, messages.
# Exit code 77: there is no `bert`, since jansson is missing.
set -u
cd "$S" || exit 1
bert=$B/bert
[ -x "$bert" ] || { echo 'skipped: bert was not built'; exit 77; }
. tests/cli/support.sh
text='ada@example.org at 10.0.0.1'

gives() { # what, expected output, arguments
    what=$1 want=$2
    shift 2
    run "$what" 0 mask "$@"
    is "$what, output" "$want" "$(cat "$tmp/stdout")"
}
gives 'arguments' "$(printf '%s\n' '[EMAIL] at [IP]' '' 'none')" "$text" '' none
gives 'kinds' '[EMAIL] at 10.0.0.1' --kinds email,phone "$text"
gives 'JSON' '{"index": 0, "text": "é [EMAIL]", "spans": [{"kind": "email", "start": 3, "end": 18}]}' \
    --json 'é ada@example.org'
gives 'JSON without any' '{"index": 0, "text": "none", "spans": []}' --json none
gives 'a newline in a text' 'a\n[IP]' "a
10.0.0.1"

printf 'x\t\001\377 ada@example.org\r\n\nno end 10.0.0.1' >"$tmp/in"
printf 'x\t\001\377 [EMAIL]\n\nno end [IP]\n' >"$tmp/want"
"$bert" mask <"$tmp/in" >"$tmp/stdout" 2>"$tmp/err"
is 'other bytes pass' 0 "$(cmp -s "$tmp/stdout" "$tmp/want"; echo $?)"
"$bert" mask -i "$tmp/in" -o "$tmp/file" 2>"$tmp/err"
is 'from and to a file' 0 "$(cmp -s "$tmp/file" "$tmp/want"; echo $?)"
printf '{"text": "a\\n10.0.0.1"}\n{"txt": 1}\n' >"$tmp/jsonl"
"$bert" mask --jsonl --json <"$tmp/jsonl" >"$tmp/stdout" 2>"$tmp/err"
is 'a bad record' 1 $?
is 'JSON Lines' '{"index": 0, "text": "a\n[IP]", "spans": [{"kind": "ip", "start": 2, "end": 10}]}' \
    "$(head -n 1 "$tmp/stdout")"
is 'its error' 1 "$(sed -n 2p "$tmp/stdout" | grep -c '"code": "BERT_EFORMAT"\|"code": "BERT_EINVAL"')"

printf '0123456789abcdef' >"$tmp/key"
run 'pseudonyms' 0 mask --key "$tmp/key" 'a ada@example.org' 'b Ada@EXAMPLE.org'
is 'equal ones' 1 "$(sed 's/^. \[EMAIL:[a-p]\{16\}\]$/&/; s/^. //' "$tmp/stdout" | sort -u | wc -l | tr -d ' ')"
run 'a short key' 3 mask --key /dev/null x
says '16 bytes.*less.*BERT_EFORMAT'
run 'a long key' 3 mask --key "$tmp/in" x
says 'this file more'
run 'no key' 3 mask --key "$tmp/nowhere" x
says 'nowhere: can.t be opened'
run 'unknown kind' 2 mask --kinds email,name x
says "'name' is none of email"
run 'no kind' 2 mask --kinds '' x
says "'' is none of"
run 'no such input' 3 mask -i "$tmp/nowhere"
says 'nowhere'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
