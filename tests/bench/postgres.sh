#!/bin/sh
# SPDX-License-Identifier: MIT
# make bench-postgres: how long a semantic search in PostgreSQL takes, over ROWS texts [5000] of
# wikitext with BERT_TEST_MODEL, preloaded, one thread, no index: medians of 25.  Run by
# tests/postgres/uninstalled.sh, on a server of its own.
set -eu
cd "$S"
. tests/postgres/server.sh
BERT_TEST_MODEL=${BERT_TEST_MODEL-$S/models/all-MiniLM-L6-v2}
rows=${ROWS:-5000}
texts=${BERT_SHARED_DATA-$S/../shared/data}/text/wikitext2-test.txt
[ -d "$BERT_TEST_MODEL" ] || { echo 'no model: sh examples/fetch-model.sh gets it'; exit 1; }
place "$BERT_TEST_MODEL" m
make_server "shared_preload_libraries = 'bert'
bert.model_directory = '$tmp/models'
bert.preload_models = 'm'"

show() { # what, SQL, how often
    printf '\\timing on\n' >"$tmp/timed.sql"
    for _ in $(seq "$3"); do printf '%s\n' "$2"; done >>"$tmp/timed.sql"
    psql -X -q -A -t -v ON_ERROR_STOP=1 -o /dev/null -c 'SET jit = off' -f "$tmp/timed.sql" >"$tmp/times"
    sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$tmp/times" | sort -n |
        awk -v what="$1" '{ t[NR] = $1 } END { printf "%-58s %9.1f ms  (%.1f to %.1f)\n", what, t[int((NR + 1) / 2)], t[1], t[NR] }'
}

psql -X -q -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION bert' -c 'CREATE TABLE line(body text)'
if [ -f "$texts" ]; then
    sed 's/\\/\\\\/g; s/ \. / .\n/g' "$texts" | awk 'length > 20' | head -n "$rows" | psql -X -q -c '\copy line FROM STDIN'
fi
sql "INSERT INTO line SELECT 'a text of some words, number ' || i FROM generate_series(1, $rows - (SELECT count(*) FROM line)) AS i;
CREATE TABLE passage AS SELECT row_number() OVER () AS id, body, NULL::real[] AS e FROM line;"
psql -X -A -t -c "SELECT 'PostgreSQL ' || current_setting('server_version') || ', ' || (bert_info('m')->>'cpu') || ', ' || (bert_info('m')->>'precision') || ', ' || count(*) || ' rows' FROM passage"
show 'all vectors by bert_embed_each(), once' "WITH all_of AS (SELECT array_agg(body ORDER BY id) AS bodies FROM passage)
UPDATE passage SET e = v.embedding FROM all_of, bert_embed_each('m', bodies) AS v WHERE v.ord = passage.id;" 1
[ "$(sql 'SELECT count(*) FROM passage WHERE e IS NULL;')" = 0 ] || { echo 'rows without a vector'; exit 1; }
sql 'VACUUM FULL passage; ANALYZE passage;'
query="(SELECT bert_embed('m', 'a ship that sank in a storm'))"
show "the query's vector alone" "SELECT $query;" 25
show 'rows read, nothing compared' 'SELECT max(e[1]) FROM passage;' 25
show 'search by a text, ten best' "SELECT id FROM passage ORDER BY bert_similarity(e, $query) DESC LIMIT 10;" 25
