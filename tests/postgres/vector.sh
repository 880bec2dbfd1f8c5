# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# The vectors in pgvector, where the server has it; sourced by extension.sh.
if [ "$(sql "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector';")" = 1 ]; then
    gives 'a vector goes there and back' '300|t' "CREATE EXTENSION vector;
CREATE TABLE near(id int, e real[], v vector(32));
INSERT INTO near SELECT ord, embedding, embedding FROM bert_embed_each('m', (SELECT array_agg(body ORDER BY id) FROM doc WHERE id <= 300));
SELECT count(*), bool_and(v::real[] = e AND e::vector = v) FROM near;"
    gives 'its distance is ours' 't' "SELECT max(abs((v <=> q::vector) - (1 - bert_similarity(e, q)))) < 1e-5 FROM near, bert_embed('m', 'a number') AS q;"
    for index in 'hnsw (v vector_cosine_ops)' 'ivfflat (v vector_cosine_ops) WITH (lists = 1)'; do
        gives "a search by $index" 't|t' "CREATE INDEX nearest ON near USING $index;
SET enable_seqscan = off;
CREATE TEMP TABLE plan(line text);
DO \$\$ DECLARE l text; BEGIN FOR l IN EXPLAIN SELECT id FROM near ORDER BY v <=> (SELECT bert_embed('m', 'text number 7')::vector) LIMIT 1
    LOOP INSERT INTO plan VALUES(l); END LOOP; END \$\$;
SELECT (SELECT bool_or(line LIKE '%Index Scan using nearest%') FROM plan),
    (SELECT id FROM near ORDER BY v <=> (SELECT bert_embed('m', 'text number 7')::vector) LIMIT 1) = 7;
DROP INDEX nearest;"
    done
    refused 'a vector of another size' 22000 'expected 31 dimensions, not 32' "SELECT bert_embed('m', 'a')::vector(31);"
else
    echo 'not run: pgvector, which this server lacks'
fi
