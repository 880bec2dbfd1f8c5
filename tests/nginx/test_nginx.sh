#!/bin/sh
# SPDX-License-Identifier: MIT
# The nginx module: built as users build it, and a server on a socket of its own, met by many at
# once, by clients that leave, by hostile bytes, by reloads and by the death of its worker.
set -u
cd "$S" || exit 1
nginx=$(command -v nginx || echo /usr/sbin/nginx)
source=${NGINX_SRC-/usr/share/nginx/src}
[ -x "$nginx" ] || { echo 'skipped: no nginx (Debian: nginx)'; exit 77; }
[ -e "$source/src/core/nginx.h" ] || { echo "skipped: no headers of nginx (Debian: nginx-dev)"; exit 77; }
[ -x "$B/bert" ] || { echo 'skipped: the bert command was not built'; exit 77; }
command -v curl >/dev/null || { echo 'skipped: no curl'; exit 77; }
command -v bash >/dev/null || { echo 'skipped: no bash, which has the flags of nginx-dev'; exit 77; }
preload='' long=60000 # texts that take seconds
case ${CFLAGS-} in
*-fsanitize=thread*) echo 'skipped: nginx does not go with ThreadSanitizer'; exit 77 ;;
*-fsanitize=*address*)
    preload=$($CC -print-file-name=libasan.so)
    [ -e "$preload" ] || { echo 'skipped: no libasan.so to load first'; exit 77; }
    long=10000
    # What nginx itself keeps at its end is no leak of ours.
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" ;;
esac
tmp=$(mktemp -d "${TMPDIR:-/tmp}/bert-nginx-XXXXXXXX") # no ".S", see examples/nginx/Makefile
server=''
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$tmp"' EXIT
. tests/counting.sh
models=$S/tests/data/models

# ---- Build: by links, since nginx's configure can't hold a path with a space
ln -s "$S/examples/nginx" "$tmp/module"
ln -s "$S/include" "$tmp/include"
ln -s "$B/out" "$tmp/lib"
ln -s "$models" "$tmp/models"
mkdir "$tmp/prompts"
cp -r "$models/embed/base/." "$models/embed/prompts/." "$tmp/prompts/"
make -s -f "$tmp/module/Makefile" BUILD="$tmp/build" NGINX_SRC="$source" CC="${CC:-cc}" CFLAGS="${CFLAGS--O2}" \
    BERT_CFLAGS="-I$tmp/include" BERT_LIBS="-L$tmp/lib -Wl,-rpath,$tmp/lib -lbert -ljansson" >"$tmp/build.log" 2>&1 || {
    tail -n 20 "$tmp/build.log"
    is 'the module is built' 0 1
    exit 1
}

# ---- A server
paths='access_log access.log; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;'
begin() { # of its configuration: server {} follows
    cat <<CONF
load_module $tmp/build/ngx_http_bert_module.so;
daemon off; worker_processes ${workers-1}; pid nginx.pid; error_log error.log info;
$([ "$(id -u)" != 0 ] || echo 'user root;')
events { worker_connections 512; }
http {
$paths client_max_body_size 32m;
CONF
}
{
    begin
    cat <<'CONF'
bert_model e models/embed/base;
bert_model p prompts;
bert_model c models/task/classify precision=fp32;
bert_model r models/task/rerank_st;
bert_engine threads=1 queue=64;
bert_max_texts 200000;
server { listen unix:http; listen unix:http2 http2;
location /embed { bert_embed e; }
location /query { bert_embed p prompt=query; }
location /float32 { bert_embed e format=float32; }
location /small { bert_embed e; client_max_body_size 10; bert_max_texts 2; }
location /few { bert_embed e; bert_max_texts 2; }
location /soon { bert_embed e; bert_timeout 30ms; }
location /classify { bert_classify c; }
location /top { bert_classify c top=1; limit_except POST { deny all; } }
location /rerank { bert_rerank r; }
location /best { bert_rerank r top=1; }
location /metrics { bert_metrics; }
}}
CONF
} | sed "s|unix:|unix:$tmp/|g" >"$tmp/nginx.conf"

run() { # arguments of nginx
    cd "$tmp" && LD_PRELOAD=$preload exec "$nginx" -p "$tmp" -c "${conf-$tmp/nginx.conf}" -e error.log "$@"
}
children() {
    ps -o pid= --ppid "$server" | tr -d ' '
}
until_true() { # command: within 20 s
    tries=0
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 400 ] || return 1
        sleep 0.05
    done
}
start() {
    (run) & # the shell itself becomes the server
    server=$!
    until_true [ -S "$tmp/http" ] || { is 'the server starts' 0 1; cat "$tmp/error.log"; exit 1; }
}
get() { # path, arguments of curl
    where=$1
    shift
    curl -s -m 60 --unix-socket "$tmp/http" "http://server$where" "$@"
}
json() { # path, body
    get "$1" -H 'Content-Type: application/json' -d "$2"
}
status() { # path, arguments of curl
    get "$@" -o "$tmp/body" -w '%{http_code}'
}
vector() { # of an answer, on stdin
    sed 's/.*"embedding": \[\([^]]*\)\].*/\1/'
}
counter() { # name
    get /metrics | sed -n "s|^bert_$1 ||p"
}
start

# ---- Answers are those of the command
want=$("$B/bert" embed -m "$models/embed/base" --json 'a cat' | vector)
is 'a text' "$want" "$(get /embed -d 'a cat' | vector)"
is 'a text as JSON' "$want" "$(json /embed '{"text": "a cat"}' | vector)"
is 'in chunks' "$want" "$(get /embed -H 'Transfer-Encoding: chunked' -d 'a cat' | vector)"
is 'in a list' "$want" "$(json /embed '{"texts": ["a cat"]}' | vector)"
is 'a list has results' '{"results": []}' "$(json /embed '{"texts": []}')"
is 'as floats' "$(echo "$want" | tr ',' '\n' | awk '{ printf "%.5g\n", $1 }')" \
    "$(get /float32 -d 'a cat' | od -A n -v -t f4 | tr -s ' ' '\n' | awk 'NF { printf "%.5g\n", $1 }')"
is 'float32 of nothing' '200 0' "$(get /float32 -H 'Content-Type: application/json' -d '{"texts": []}' -w '%{http_code} %{size_download}')"
is 'a prompt' "$("$B/bert" embed -m "$tmp/prompts" --prompt-name query --json 'a cat' | vector)" "$(get /query -d 'a cat' | vector)"
answer() { # task of the server's lines, its model, the rest of the request
    printf '{"id": 1, "task": "%s", %s}\n' "$1" "$3" | "$B/bert" serve --stdio -m "$2" | sed 's/"id": 1, //; s/, "text": "[^"]*"//g'
}
is 'many' "$(answer embed "$models/embed/base" '"texts": ["a cat", "", "a\u0000b", "\ud83d\ude00"]')" \
    "$(json /embed '{"texts": ["a cat", "", "a\u0000b", "\ud83d\ude00"]}')"
is 'labels' "$(answer classify "$models/task/classify" '"text": "a cat"')" "$(get /classify -d 'a cat')"
is 'labels of many' "$(answer classify "$models/task/classify" '"texts": ["a", "b"]')" "$(json /classify '{"texts": ["a", "b"]}')"
is 'the best label' 1 "$(get /top -d 'a cat' | grep -o '"label"' | wc -l)"
is 'a ranking' "$(answer rerank "$models/task/rerank_st" '"query": "cats", "texts": ["dogs", "a cat", "x"]')" \
    "$(json /rerank '{"query": "cats", "texts": ["dogs", "a cat", "x"]}')"
is 'the best of a ranking' 1 "$(json /best '{"query": "cats", "texts": ["dogs", "a cat", "x"]}' | grep -o '"index"' | wc -l)"
is 'HTTP/2' "$want" "$(curl -s --http2-prior-knowledge --unix-socket "$tmp/http2" http://server/embed -d 'a cat' | vector)"

# ---- Bad requests
refused() { # what, status and part of the body, path, arguments of curl
    what=$1 expected=$2
    shift 2
    have="$(status "$@") $(cat "$tmp/body")"
    case $have in
    ${expected%% *}*"${expected#* }"*) passed=$((passed + 1)) ;;
    *) is "$what" "$expected" "$have" ;;
    esac
}
bad() { # what, part of the message, path, JSON
    refused "$1" "400 $2" "$3" -H 'Content-Type: application/json; charset=utf-8' --data-binary "$4"
}
refused 'GET' '405 ' /embed
refused 'limit_except' '403 ' /top -X PUT -d a
refused 'a body over the limit' '413 ' /small -d 'a body of more than ten bytes'
refused 'too many texts' '413 bert_max_texts is 2' /few -H 'Content-Type: application/json' -d '{"texts": ["a", "b", "c"]}'
bad 'no JSON' 'no JSON, at byte' /embed 'a cat'
bad 'an empty body' 'no JSON' /embed ''
bad 'a list alone' 'no JSON object' /embed '["a"]'
bad 'no text' 'no \"text\"' /embed '{}'
bad 'a number' '\"text\" is no string' /embed '{"text": 1}'
bad 'a number in a list' '\"texts\"[1] is no string' /embed '{"texts": ["a", null]}'
bad 'texts that are none' '\"texts\" is no list' /embed '{"texts": "a"}'
bad 'both' 'unknown key' /embed '{"text": "a", "texts": []}'
bad 'an unknown key' 'unknown key' /embed '{"text": "a", "query": "b"}'
bad 'a key twice' 'no JSON' /embed '{"text": "a", "text": "b"}'
bad 'no query' 'no \"query\"' /rerank '{"texts": ["a"]}'
refused 'a ranking of a text' '400 application/json' /rerank -d 'a cat'
printf '{"text": "a\377b"}' >"$tmp/bytes"
bad 'JSON that is not UTF-8' 'no JSON in UTF-8, at byte' /embed "@$tmp/bytes"
printf '{"text": "\\ud800"}' >"$tmp/bytes"
bad 'half a surrogate' 'no JSON' /embed "@$tmp/bytes"
head -c 300000 /dev/zero | tr '\0' '[' >"$tmp/bytes"
bad 'JSON that nests' 'no JSON' /embed "@$tmp/bytes"
head -c 100000 /dev/urandom >"$tmp/bytes"
bad 'noise' 'no JSON' /embed "@$tmp/bytes"
is 'noise as a text' 200 "$(status /embed --data-binary "@$tmp/bytes")"
printf 'a \377 cat' >"$tmp/bytes"
is 'ill-formed UTF-8 is U+FFFD, as everywhere' "$("$B/bert" embed -m "$models/embed/base" --json "$(cat "$tmp/bytes")" | vector)" \
    "$(get /embed --data-binary "@$tmp/bytes" | vector)"
is 'the empty text' 200 "$(status /embed -X POST)"
is 'no text is in the log' 0 "$(grep -c 'body of more\|a cat' "$tmp/error.log")"

# ---- Many at once
awk -v n="$long" 'BEGIN { printf "{\"texts\": [\"a\""; for (i = 0; i < n; i++) printf ", \"the cat sat on mat number %d\"", i; print "]}" }' >"$tmp/long.json"
awk 'BEGIN { printf "{\"texts\": [\"a cat\""; for (i = 0; i < 999; i++) printf ", \"the cat sat on mat number %d\"", i; print "]}" }' >"$tmp/file.json"
is 'a body in a file' "$want" "$(json /embed "@$tmp/file.json" | sed 's/\], "tokens".*/]/' | vector)"
many() { # requests, at once: how many had which status, for each of them the vector of its text
    # shellcheck disable=SC2016 # of the inner shell
    seq "$1" | xargs -P "$2" -n 1 sh -c 'curl -s -m 60 --unix-socket "$0/http" http://server/embed -d "cat $1" -w "%{http_code}\n" -o "$0/out.$1"' "$tmp" |
        sort | uniq -c | tr -s ' '
}
is '320 requests, 32 at once' ' 320 200' "$(many 320 32)"
seq 320 | sed 's/^/cat /' >"$tmp/texts"
"$B/bert" embed -m "$models/embed/base" --json -i "$tmp/texts" | vector >"$tmp/want"
for i in $(seq 320); do vector <"$tmp/out.$i"; done | cmp - "$tmp/want"
is 'each has its own answer' 0 $?

# ---- Slow ones: deadlines, a full queue, clients that leave
slow() { # path, arguments of curl
    status "$@" -H 'Content-Type: application/json' -H 'Expect:' --data-binary "@$tmp/long.json"
}
is 'the deadline' 504 "$(slow /soon)"
is 'the deadline has a message' 1 "$(grep -c BERT_ETIMEDOUT "$tmp/body")"
before=$(counter 'requests_failed_total{code="BERT_ECANCELED"}')
is 'a client leaves' 000 "$(slow /embed -m 0.3)"
canceled() {
    [ "$(counter 'requests_failed_total{code="BERT_ECANCELED"}')" -gt "${before:-0}" ]
}
until_true canceled
is 'its job is canceled' 0 $?
before=$(counter 'requests_failed_total{code="BERT_ECANCELED"}')
curl -s -m 0.3 --http2-prior-knowledge --unix-socket "$tmp/http2" http://server/embed -H 'Content-Type: application/json' \
    --data-binary "@$tmp/long.json" >"$tmp/body"
until_true canceled
is 'so too in HTTP/2' 0 $?
is 'the server goes on' "$want" "$(get /embed -d 'a cat' | vector)"
if [ -z "$preload" ]; then # 70 bodies of 4 MB
    for i in $(seq 70); do
        curl -s -m 20 --unix-socket "$tmp/http" http://server/embed -H 'Content-Type: application/json' -H 'Expect:' \
            --data-binary "@$tmp/long.json" -D "$tmp/head.$i" -o "$tmp/full.$i" &
        echo $!
    done >"$tmp/clients"
    full() {
        grep -l '^HTTP/1.1 503' "$tmp"/head.*
    }
    until_true full
    is 'a full queue' 0 $?
    name=$(full | head -n 1)
    is 'Retry-After' 1 "$(grep -c '^Retry-After: 1' "$name")"
    is 'why' 1 "$(grep -c BERT_EBUSY "$tmp/full.${name##*.}")"
    # shellcheck disable=SC2046 # a list
    kill $(cat "$tmp/clients") 2>/dev/null
    empty() {
        [ "$(counter requests_queued)" = 0 ]
    }
    until_true empty
    is 'the queue is empty once all have left' 0 $?
fi

# ---- Reloads
one_worker() {
    [ "$(children | wc -l)" = "${workers-1}" ]
}
reload() {
    old=$(children | sort | tr '\n' ' ')
    kill -HUP "$server"
    new() {
        [ "$(children | sort | tr '\n' ' ')" != "$old" ] && one_worker
    }
    until_true new
}
slow /embed >"$tmp/slow" &
waiting=$!
sleep 0.3
reload
wait $waiting
is 'a request that runs while the server reloads' 200 "$(cat "$tmp/slow")"
resident() {
    awk '/^RssAnon/ { print $2 }' "/proc/$server/status"
}
descriptors() {
    find "/proc/$server/fd" -type l | wc -l
}
reload
rss=$(resident) fds=$(descriptors)
many 400 8 >"$tmp/many" &
load=$!
for i in $(seq 10); do
    reload || is "reload $i" 0 1
done
wait $load
is 'requests during ten reloads' ' 400 200' "$(cat "$tmp/many")"
is 'the master has no thread but its own' 1 "$(find "/proc/$server/task" -mindepth 1 -maxdepth 1 | wc -l)"
is 'no descriptor is left' "$fds" "$(descriptors)"
grown=$(($(resident) - rss))
printf 'the master grew by %d KiB over ten reloads\n' $grown
[ -n "$preload" ] || is 'no memory is left' 1 $((grown < 1024))
sed -i 's|bert_model c .*|bert_model c /nowhere;|' "$tmp/nginx.conf"
kill -HUP "$server"
told() {
    grep -q '"bert_model" directive: model "c": /nowhere' "$tmp/error.log"
}
until_true told
is 'a bad configuration is told' 0 $?
is 'and the old one serves' 200 "$(status /classify -d 'a cat')"

# ---- The death of a worker
old=$(children)
kill -9 "$old"
reborn() {
    [ -n "$(children)" ] && [ "$(children)" != "$old" ]
}
until_true reborn
is 'a killed worker' 0 $?
is 'its successor answers' "$want" "$(get /embed -d 'a cat' | vector)"
slow /embed >"$tmp/slow" &
waiting=$!
sleep 0.3
kill -TERM "$server"
wait "$server"
is 'the end, with a request under way' 0 $?
server=''
wait $waiting
is 'no alert' 0 "$(grep -c '\[alert\].*socket\|\[crit\]\|AddressSanitizer\|runtime error' "$tmp/error.log")"

# ---- Configurations that are wrong
wrong() { # what, message, lines of http {}, of a location
    begin >"$tmp/wrong.conf"
    printf '%s\nserver { listen unix:%s/wrong; location / { %s } } }\n' "$3" "$tmp" "${4-}" >>"$tmp/wrong.conf"
    said=$(conf=$tmp/wrong.conf && run -t 2>&1)
    case $said in
    *"$2"*"in $tmp/wrong.conf:"*) passed=$((passed + 1)) ;;
    *) is "$1" "$2" "$said" ;;
    esac
}
e="bert_model e $tmp/models/embed/base; bert_model c $tmp/models/task/classify;"
wrong 'no such path' '"bert_model" directive: model "e": /nowhere: can' 'bert_model e /nowhere;'
wrong 'no model there' 'config.json' 'bert_model e /etc;'
wrong 'a name twice' '"bert_model" directive: there are two models "e"' "$e bert_model e /;"
wrong 'a precision' '"precision=fp8" is not precision=fp32' 'bert_model e / precision=fp8;'
wrong 'a setting' '"bert_engine" directive: "thread=1" is no setting' 'bert_engine thread=1;'
wrong 'a count' '"threads=-1" is no setting' 'bert_engine threads=-1;'
wrong 'a large count' '"threads=4294967296" is no setting' 'bert_engine threads=4294967296;'
wrong 'a count that no engine takes' '"bert_engine" directive: bert_engine_options.threads is 100000; at most' 'bert_engine threads=100000;'
wrong 'no name' '"bert_model" directive: the model'"'"'s name is empty' 'bert_model "" /etc;'
wrong 'a time' '"queue_time=soon" is no setting' 'bert_engine queue_time=soon;'
wrong 'no such model' '"bert_embed" directive: no "bert_model x ..." before it' "$e" 'bert_embed x;'
wrong 'two tasks' 'is one of two tasks' "$e" 'bert_embed e; bert_classify c;'
wrong 'a task and metrics' 'is one of two handlers' "$e" 'bert_embed e; bert_metrics;'
wrong 'a task and a proxy' 'is one of two handlers' "$e" 'proxy_pass http://unix:/nowhere; bert_embed e;'
wrong 'a prompt' '"bert_embed" directive: model "e": the model has no prompt named "query"' "$e" 'bert_embed e prompt=query;'
wrong 'a format' '"format=xml" is not' "$e" 'bert_embed e format=xml;'
wrong 'top' '"top=0" is not top=N' "$e" 'bert_classify c top=0;'
wrong 'a model for something else' '"bert_classify" directive: model "e" is for encoder' "$e" 'bert_classify e;'
wrong 'labels for a ranking' 'has 3 labels, not one' "$e" 'bert_rerank c;'
wrong 'batches that no memory holds' '"bert_engine batch_tokens=4294967295": model "e" needs more memory' "$e bert_engine batch_tokens=4294967295;" 'bert_embed e;'
wrong 'metrics of nothing' '"bert_metrics" without a "bert_model"' '' 'bert_metrics;'
wrong 'no time' 'are at least 1' "$e" 'bert_embed e; bert_timeout 0;'

awk '/^```nginx$/ { take = 1; next } /^```/ { take = 0 } take' docs/servers.md |
    sed -e "s|^load_module .*|load_module $tmp/build/ngx_http_bert_module.so;|; s|^http {|& $paths|" \
        -e "s|/srv/models/minilm.bert|$tmp/models/embed/base|; s|/srv/models/ranker|$tmp/models/task/rerank_st|" \
        -e "s|listen .*|listen unix:$tmp/page;|" >"$tmp/page.conf"
is "the page's configuration is there" 4 "$(grep -c 'location = .* bert_' "$tmp/page.conf")"
is "the page's configuration" 0 "$( (conf=$tmp/page.conf && run -t -g 'pid nginx.pid;') >"$tmp/err" 2>&1; echo $?)"

# ---- Two workers, and none
workers=2
{ begin; echo "$e"; echo "server { listen unix:$tmp/http; location /embed { bert_embed e; } } }"; } >"$tmp/nginx.conf"
rm -f "$tmp/http"
start
is 'two workers' ' 320 200' "$(many 320 32)"
kill -QUIT "$server"
wait "$server"
is 'they end' 0 $?
sed -i 's/^daemon off;/daemon off; master_process off;/' "$tmp/nginx.conf"
rm -f "$tmp/http"
start
is 'one process alone' "$want" "$(get /embed -d 'a cat' | vector)"
kill -QUIT "$server"
wait "$server"
is 'it ends' 0 $?
server=''
is 'no alert of those' 0 "$(grep -c '\[alert\].*socket\|\[crit\]\|AddressSanitizer\|runtime error' "$tmp/error.log")"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
