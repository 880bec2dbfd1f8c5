# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# Kinds of statements, dump and restore, settings and models that change; sourced by extension.sh.
gives 'a prepared statement' "t
t
t" "SET plan_cache_mode = force_generic_plan;
PREPARE p(text) AS SELECT bert_embed('m', \$1) = (SELECT embedding FROM bert_embed_each('m', ARRAY[\$1]));
EXECUTE p('a'); EXECUTE p('b'); EXECUTE p('a');"
gives 'rows in a list of columns' '3|t' "SELECT count(*), bool_and((r).score IS NOT NULL)
    FROM (SELECT bert_rerank('r', 'cats', '{dogs,birds,NULL,cats}') AS r) AS s;"
gives 'a cursor that outlives its transaction' "1
2" "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT ord FROM bert_embed_each('m', '{a,b,c}'); FETCH c; COMMIT; FETCH c; CLOSE c;"
gives 'an array that begins elsewhere' '1,2' "SELECT string_agg(ord::text, ',') FROM bert_embed_each('m', '[5:6]={a,b}'::text[]);"
gives 'an index on a similarity' 't' "CREATE TEMP TABLE t AS SELECT ARRAY[i, 1]::real[] AS e FROM generate_series(-500, 500) AS i;
CREATE INDEX ON t (bert_similarity(e, '{1,0}')); ANALYZE t; SET enable_seqscan = off;
SELECT count(*) = 500 FROM t WHERE bert_similarity(e, '{1,0}') > 0;"
gives 'numbers that are none' 'NaN|NaN|1' "SELECT bert_similarity('{NaN,1}', '{1,1}'), bert_similarity('{Infinity}', '{1}'), bert_similarity('{1e38,1e38}', '{1e38,1e38}');"
# Workers that take part, and none of which has loaded a model for itself.
gives 'a plan with workers' '2 of 2|t' "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off;
CREATE TEMP TABLE plan(line text);
DO \$\$ DECLARE l text; BEGIN FOR l IN EXPLAIN (ANALYZE, VERBOSE, TIMING off)
    SELECT body FROM doc WHERE bert_similarity('m', body, 'a cat') > 2 OR bert_similarity(bert_embed('m', body), bert_embed('m', 'a cat')) > 2
    OR bert_info('m')->'preloaded' <> 'true'
    LOOP INSERT INTO plan VALUES(l); END LOOP; END \$\$;
SELECT (SELECT substring(line FROM 'Workers Launched: (.*)') || ' of 2' FROM plan WHERE line LIKE '%Workers Launched%'),
    (SELECT bool_and(substring(line FROM 'rows=(\\d+)')::int = 0) FROM plan WHERE line ~ 'Worker \\d+: +actual');"

# ---- Dump and restore; an extension that goes and comes back
sql "CREATE DATABASE first; \\c first
CREATE EXTENSION bert; CREATE SCHEMA aside; CREATE TABLE kept AS SELECT body, bert_embed('m', body) AS e FROM (VALUES ('a cat'), ('a dog')) AS t(body);
CREATE VIEW near AS SELECT body, bert_similarity(e, bert_embed('m', 'a cat')) AS score FROM kept;
CREATE INDEX ON kept (bert_similarity(e, e)); CREATE DATABASE second TEMPLATE template0;" >/dev/null
"$bin/pg_dump" -d first >"$tmp/dump" 2>&1
is 'a dump restores' '' "$(psql -X -q -v ON_ERROR_STOP=1 -d second -f - <"$tmp/dump" 2>&1 | grep -v '^ *set_config\|^-*$\|^ *$\|^(1 row)$')"
gives 'and has all' '2|t|1' "\\c second
SELECT count(*), bool_and(e = bert_embed('m', body)), (SELECT max(score) FROM near) FROM kept;"
refused 'what is used stays' 2BP01 'cannot drop extension bert' "\\c second
DROP EXTENSION bert;"
gives 'and goes with it' '0|2' "\\c second
SET client_min_messages = warning;
DROP EXTENSION bert CASCADE;
SELECT count(*), (SELECT count(*) FROM kept) FROM pg_proc WHERE proname LIKE 'bert%';"
gives 'another schema, in the same session' 't' "\\c second
CREATE EXTENSION bert SCHEMA aside; SELECT aside.bert_embed('m', 'a cat') = e FROM kept WHERE body = 'a cat';"
refused 'making it is for superusers' 42501 'permission denied to create extension' "\\c second
DROP EXTENSION bert; SET SESSION AUTHORIZATION app; CREATE EXTENSION bert;"

# ---- Settings that change under a running backend
reload() { # settings, in a file that the server reads last
    echo "$1" >"$tmp/server/data/late.conf"
    chmod a+r "$tmp/server/data/late.conf"
    sql 'SELECT pg_reload_conf();' >/dev/null
}
echo "include_if_exists 'late.conf'" >>"$tmp/server/data/postgresql.conf"
mkfifo "$tmp/to"
psql -X -q -A -t <"$tmp/to" >"$tmp/session" 2>&1 &
client=$!
exec 9>"$tmp/to"
asks() { # SQL for the session that lives on: its last line
    turn=$(($(grep -c '^done ' "$tmp/session") + 1))
    echo "$1; SELECT 'done $turn';" >&9
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        ! grep -qx "done $turn" "$tmp/session" || break
        sleep 0.1
    done
    grep -B 1 -x "done $turn" "$tmp/session" | sed -n 1p
}
vector=$(asks "SELECT bert_embed('m', 'a cat')")
asks "SELECT bert_info('ner') IS NOT NULL" >/dev/null
reload "bert.threads = 2
bert.batch_tokens = 100
bert.max_memory = '500MB'
bert.max_text = '1kB'
bert.preload_models = 'm'"
sleep 0.3
is 'a reload is seen' '2|100|500MB|1kB' "$(asks "SELECT current_setting('bert.threads'), current_setting('bert.batch_tokens'),
    current_setting('bert.max_memory'), current_setting('bert.max_text')")"
is 'and gives the same vector' "$vector" "$(asks "SELECT bert_embed('m', 'a cat')")"
is 'but for models that are loaded at the start' 1 "$(grep -c 'parameter "bert.preload_models" cannot be changed without restarting' "$tmp/server/log")"
reload "bert.model_directory = 'models'
bert.threads = 0"
sleep 0.3
is 'nothing bad is taken' "$tmp/models|2" "$(asks "SELECT current_setting('bert.model_directory'), current_setting('bert.threads')")"
reload "bert.model_directory = '$tmp/secret'"
sleep 0.3
is 'another directory is' 'false' "$(asks "SELECT bert_info('m')->'preloaded'")"
reload ''
sleep 0.3
is 'and the first again' 'true' "$(asks "SELECT bert_info('m')->'preloaded'")"

# ---- A model that is replaced by another, and one that goes
rm -rf "$tmp/models/now" "$tmp/models/next"
cp -rL "$tmp/models/m" "$tmp/models/now"
cp -rL "$tmp/models/c" "$tmp/models/next"
is 'a model' 'encoder' "$(asks "SELECT bert_info('now')->>'task'")"
mv "$tmp/models/now" "$tmp/models/.old"
mv "$tmp/models/next" "$tmp/models/now"
is 'a backend keeps it' "$vector" "$(asks "SELECT bert_embed('now', 'a cat')")"
gives 'a new one has the other' 'text-classification' "SELECT bert_info('now')->>'task';"
rm -rf "$tmp/models/now" "$tmp/models/.old"
is 'it goes on without its files' "$vector" "$(asks "SELECT bert_embed('now', 'a cat')")"
refused 'others miss it' 42704 '' "SELECT bert_embed('now', 'a');"
exec 9>&-
wait $client
