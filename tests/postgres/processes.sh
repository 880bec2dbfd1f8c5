# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154,SC2034
# Interrupts, threads, killed backends and shared memory; sourced by extension.sh.
late_ms() { # SQL that runs long: by how much it ends after its time
    sql "SET statement_timeout = 300;
DO \$\$ DECLARE began timestamptz := clock_timestamp(); BEGIN
    PERFORM $1;
    RAISE EXCEPTION 'it ended';
EXCEPTION WHEN query_canceled THEN
    RAISE INFO '%', (extract(epoch FROM clock_timestamp() - began) * 1000)::int - 300; END \$\$;" | sed -n 's/^INFO: *00000: *\([0-9-]*\)$/\1/p'
}
usual_late() { # the second of three, since others use the machine too
    for _ in 1 2 3; do late_ms "$1"; done | sort -n | sed -n 2p
}
long="(SELECT array_agg('a text of some words, number ' || i || repeat(' and more', i % 200)) FROM generate_series(1, 20000) AS i)"
sql 'CREATE TABLE nulls AS SELECT array_fill(NULL::text, ARRAY[10000000]) AS bodies;'
for call in "bert_embed('$big', $long)" "count(*) FROM bert_embed_each('$big', $long)" \
    "count(*) FROM bert_rerank('r', 'cats', $long)" "count(*) FROM generate_series(1, 100) AS i, bert_rerank('r', 'cat ' || i, array_fill(repeat('a', 260000), ARRAY[40]))" \
    "count(bert_embed('m', repeat('é', 130000 - i))) FROM generate_series(1, 1000) AS i" \
    "count(bert_embed('m', repeat('word ', 50000) || i)) FROM generate_series(1, 1000) AS i" \
    "count(*) FROM generate_series(1, 100) AS i, bert_entities('ner', repeat('Ada in London. ', 17000) || i)" \
    "count(bert_classify('c', repeat('a ', 130000), repeat('b ', 130000) || i)) FROM generate_series(1, 1000) AS i" \
    "count(*) FROM nulls, bert_embed_each('m', bodies)"; do
    late=$(usual_late "$call")
    printf 'statement_timeout: %s ms late: %.60s\n' "$late" "$call"
    at_most "ends in time: $call" "${LATE-250}" "${late:-9999}"
done

backend() { # name, SQL; in the background
    PGAPPNAME=$1 psql -X -q -A -t -v ON_ERROR_STOP=1 >"$tmp/$1.out" 2>&1 <<SQL &
SELECT bert_embed('$big', 'a') IS NOT NULL;
$2
SQL
}
long_call() { # name, SQL; $client runs it, and $pid has begun it
    backend "$1" "$2"
    client=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        pid=$(sql "SELECT pid FROM pg_stat_activity WHERE application_name = '$1' AND state = 'active'
            AND query LIKE '%/* long */%' AND query_start < now() - interval '200 ms';")
        [ -z "$pid" ] || break
        sleep 0.3
    done
}
work="SELECT /* long */ count(*) FROM bert_embed_each('$big', $long);"

long_call canceled "$work"
gives 'pg_cancel_backend' 't' "SELECT pg_cancel_backend($pid);"
wait $client
is 'said so' 1 "$(grep -c 'canceling statement due to user request' "$tmp/canceled.out")"

long_call terminated "$work"
is 'a backend has no thread' 1 "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | grep -c .)"
gives 'pg_terminate_backend' 't' "SELECT pg_terminate_backend($pid, 5000);"
wait $client
is 'said so too' 1 "$(grep -c 'terminating connection due to administrator command' "$tmp/terminated.out")"

long_call threads "SET bert.threads = 2; $work"
is 'but those that were asked for' 2 "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | grep -c .)"
gives 'a backend with threads ends' 't' "SELECT pg_terminate_backend($pid, 5000);"
wait $client

long_call left "$work"
kill -KILL $client
wait $client 2>/dev/null
gives 'without a client a call ends by its timeout' 't' "SELECT pg_terminate_backend($pid, 5000);"

# One call of the library that takes many seconds: others must not wait for its end.
one="SET bert.max_text = '64MB'; SELECT /* long */ count(*) FROM bert_entities('ner', repeat('Ada in London. ', 4000000));"
sql 'CREATE DATABASE passing;'
long_call busy "$one"
is 'DROP DATABASE beside a long call' '' "$(sql 'SET statement_timeout = 5000; DROP DATABASE passing;')"
gives 'which goes on' '1' "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND state = 'active' AND query LIKE '%/* long */%';"
gives 'its memory is asked for' 't' "SELECT pg_log_backend_memory_contexts($pid);"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    ! grep -q 'logging memory contexts of PID '"$pid" "$tmp/server/log" || break
    sleep 0.1
done
is 'and told' 1 "$(grep -c "logging memory contexts of PID $pid" "$tmp/server/log")"
gives 'it is canceled' 't' "SELECT pg_cancel_backend($pid);"
wait $client

long_call gone "SET client_connection_check_interval = 50; $one"
kill -KILL $client
wait $client 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -d "/proc/$pid" ] || break
    sleep 0.1
done
is 'a client that left ends its call' 1 "$(grep -c 'FATAL:  connection to client lost' "$tmp/server/log")"
gives 'and its backend' '0' "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid;"
sql "SELECT pg_terminate_backend($pid, 5000);" >/dev/null

# ---- Memory of eight backends
memory() { # field of smaps_rollup, pid: KiB
    sed -n "s/^$1: *\([0-9]*\) kB/\1/p" "/proc/$2/smaps_rollup"
}
eight() { # model; prints
    clients=''
    for _ in 1 2 3 4 5 6 7 8; do
        PGAPPNAME=eight psql -X -q -A -t >/dev/null 2>&1 <<SQL &
SELECT bert_embed('$1', 'a short text');
SELECT pg_sleep(60);
SQL
        clients="$clients $!"
    done
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        pids=$(sql "SELECT pid FROM pg_stat_activity WHERE application_name = 'eight' AND wait_event = 'PgSleep';")
        [ "$(echo "$pids" | grep -c .)" -lt 8 ] || break
        sleep 0.5
    done
    pss=0 rss=0
    for pid in $pids; do
        pss=$((pss + $(memory Pss "$pid")))
        rss=$((rss + $(memory Rss "$pid")))
    done
    printf '8 backends with %s: %d MiB resident, %d MiB of their own share (PSS)\n' "$1" $((rss / 1024)) $((pss / 1024))
    sql "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'eight';" >/dev/null
    # shellcheck disable=SC2086
    wait $clients 2>/dev/null
}
if [ "$big" = minilm ]; then
    eight minilm
    at_most 'preloaded weights are shared (MiB)' 330 $((pss / 1024))
    "$bert" pack -t 1 "$BERT_TEST_MODEL" "$tmp/models/packed" && chmod 644 "$tmp/models/packed"
    eight packed
    at_most 'mapped weights are shared (MiB)' 330 $((pss / 1024))
    place "$BERT_TEST_MODEL" own
    eight own
fi

# ---- A crash that the server recovers from
long_call killed "$work"
kill -KILL "$pid"
wait $client
crashes=1
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ "$(sql 'SELECT 1;')" != 1 ] || break
    sleep 0.3
done
gives 'after a kill -9 the models are still there' 'true|t' "SELECT bert_info('m')->'preloaded', bert_embed('m', 'a') IS NOT NULL;"
