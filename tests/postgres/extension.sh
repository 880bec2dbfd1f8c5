#!/bin/sh
# SPDX-License-Identifier: MIT
# The PostgreSQL extension on a server of its own: functions, errors, privileges, interrupts, backends
# that are killed, memory that backends share.
# It was installed by `make install` of bindings/postgres, whose installcheck this is; uninstalled.sh
# does both in a copy of the server.
#   S            source folder
#   B            build folder; empty: the command that is installed
set -u
cd "$S" || exit 1
. tests/postgres/server.sh
bert=${B:+$B/}bert
[ -e "$("$PG_CONFIG" --pkglibdir)/bert.so" ] || { echo 'not installed: make install first'; exit 1; }
data=$S/tests/data/models
for pair in m:embed/base ner:task/tag r:task/rerank_st c:task/classify; do
    place "$data/${pair#*:}" "${pair%%:*}"
done
# A model whose similarity is a negative distance.
mkdir "$tmp/models/euclid" && cp -r "$data/embed/base/"* "$data/embed/euclidean/"* "$tmp/models/euclid"
mkdir "$tmp/models/broken" && echo '{' >"$tmp/models/broken/config.json"
mkdir "$tmp/secret" && cp -rL "$tmp/models/m" "$tmp/secret/m"
chmod -R a+rX "$tmp/models" "$tmp/secret"
big=m
if [ -d "${BERT_TEST_MODEL-}" ]; then
    place "$BERT_TEST_MODEL" minilm
    big=minilm
fi
make_server "shared_preload_libraries = 'bert'
bert.model_directory = '$tmp/models'
bert.preload_models = 'm, c$([ $big = m ] || echo ", $big")'"

. tests/counting.sh
gives() { # what, expected output, SQL
    is "$1" "$2" "$(sql "$3")"
}
refused() { # what, SQLSTATE, part of the message, SQL
    said=$(sql "$4")
    case $said in
    *"ERROR:  $2: "*"$3"*) passed=$((passed + 1)) ;;
    *) is "$1" "$2 with $3" "$said" ;;
    esac
}
at_most() { # what, limit, number; a sanitizer takes time and memory
    if [ "$3" -le "$2" ] || [ -n "${SERVER_PRELOAD-}" ]; then
        passed=$((passed + 1))
    else
        is "$1" "at most $2" "$3"
    fi
}

is 'the extension is made' '' "$(sql 'CREATE EXTENSION bert;')"
sql "CREATE ROLE app LOGIN; CREATE TABLE doc(id int PRIMARY KEY, body text);
INSERT INTO doc SELECT i, 'text number ' || i FROM generate_series(1, 2000) AS i; ANALYZE doc;"
postmaster=$(head -n 1 "$tmp/server/data/postmaster.pid")
. tests/postgres/values.sh
. tests/postgres/errors.sh
. tests/postgres/hostile.sh
. tests/postgres/statements.sh
. tests/postgres/vector.sh
. tests/postgres/page.sh
. tests/postgres/cancel.sh
. tests/postgres/processes.sh
is 'the postmaster lives' "$postmaster" "$(head -n 1 "$tmp/server/data/postmaster.pid")"
is 'no assertion and no leak was told' 0 "$(grep -c 'PANIC\|TRAP:\|resource was not closed\|reference leak' "$tmp/server/log")"
is 'no sanitizer spoke' '' "$(grep -A 15 'AddressSanitizer\|runtime error:' "$tmp/server/log" | head -n 60)"
is 'no crash but the one that was asked for' "${crashes-0}" "$(grep -c 'was terminated by signal' "$tmp/server/log")"
. tests/postgres/without_preload.sh
printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
