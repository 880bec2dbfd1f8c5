# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# What the functions give; sourced by extension.sh.
gives 'version' "$("$bert" --version | sed 's/^[^0-9]*//;q')" "SELECT bert_version();"
gives 'preloaded' 'encoder|t|text-classification|t|["no", "maybe so", "\"ja\" ☃"]' \
    "SELECT bert_info('m')->>'task', bert_info('m')->'preloaded' = 'true', bert_info('c')->>'task',
    bert_info('ner')->'preloaded' = 'false', bert_info('c')->'labels';"
gives 'a vector' '1|t|real[]' "SELECT array_ndims(e), array_length(e, 1) = (bert_info('m')->>'dimensions')::int, pg_typeof(e)
    FROM bert_embed('m', 'a cat') AS e;"
gives 'the library gives the same' 't' "SELECT max(abs(a - b)) < 1e-6 FROM unnest(bert_embed('m', 'a cat'),
    ARRAY[$("$bert" embed -t 1 -m "$data/embed/base" --json 'a cat' | sed 's/.*"embedding": *\[\([^]]*\)\].*/\1/')]::real[]) AS v(a, b);"
gives 'the settings are those of the page' "$(sed -n 's/^| `\(bert\.[a-z_]*\)` .*/\1/p' docs/postgres.md | sort)" "SELECT name FROM pg_settings
    WHERE name LIKE 'bert.%' ORDER BY name COLLATE \"C\";"
gives 'NULL is NULL' 't|t|t|t|0|0' "SELECT bert_embed('m', NULL::text) IS NULL, bert_similarity(NULL, ARRAY[1.0]::real[]) IS NULL,
    bert_similarity('m', 'a', NULL) IS NULL, bert_classify('c', NULL) IS NULL,
    (SELECT count(*) FROM bert_entities('ner', NULL)), (SELECT count(*) FROM bert_rerank('r', 'a', NULL));"
gives 'an array of texts' '2|3|t|t|t' "SELECT array_ndims(e), array_length(e, 1), array_length(e, 2) = (bert_info('m')->>'dimensions')::int,
    (SELECT array_agg(x) FROM unnest(e[1:1]) AS x) = bert_embed('m', 'a cat'),
    (SELECT array_agg(x) FROM unnest(e[3:3]) AS x) = bert_embed('m', 'a dog') FROM bert_embed('m', ARRAY['a cat', 'x', 'a dog']) AS e;"
gives 'a row of NULLs' 't|t|t' "SELECT e[2][1] IS NULL AND e[2][2] IS NULL,
    (SELECT array_agg(x) FROM unnest(e[1:1]) AS x) = bert_embed('m', 'a cat'),
    (SELECT array_agg(x) FROM unnest(e[3:3]) AS x) = bert_embed('m', 'a dog') FROM bert_embed('m', ARRAY['a cat', NULL, 'a dog']) AS e;"
gives 'arrays of nothing' '{}|t|0|2' "SELECT bert_embed('m', '{}'::text[]), (bert_embed('m', ARRAY[NULL]::text[]))[1][1] IS NULL,
    (SELECT count(*) FROM bert_embed_each('m', '{}')), (SELECT count(*) FROM bert_embed_each('m', '{NULL,NULL}') WHERE embedding IS NULL);"
gives 'embed_each' '300|1|300|0|3' "SELECT count(*), min(ord), max(ord), count(*) FILTER (WHERE embedding IS DISTINCT FROM bert_embed('m', t[ord])),
    count(*) FILTER (WHERE embedding IS NULL)
    FROM (SELECT array_agg(CASE WHEN i % 100 > 0 THEN 'text ' || i END ORDER BY i) AS t FROM generate_series(1, 300) AS i) AS s, bert_embed_each('m', t);"
gives 'odd texts' 't|t|t|t' "SELECT bert_embed('m', '') IS NOT NULL, bert_embed('m', repeat('a', 100000)) IS NOT NULL,
    bert_embed('m', E'\\x01\\x7f\\u202e😀') IS NOT NULL, bert_embed('m', repeat('ab cd ', 40000)) IS NOT NULL;"
gives 'similarity' 't|t|0.6|-1|0' "SELECT abs(bert_similarity('m', 'a', 'b') - bert_similarity(bert_embed('m', 'a'), bert_embed('m', 'b'))) < 1e-6,
    bert_similarity('euclid', 'a', 'b') < 0, bert_similarity('{1,0}', '{0.6,0.8}'), bert_similarity('{1}', '{-1}'), bert_similarity('{0}', '{1}');"
gives 'rerank' '1,2,3|t|t|{1,2,4}' "SELECT string_agg(rank::text, ',' ORDER BY rank), bool_and(body = (ARRAY['dogs', 'more cats', NULL, 'x'])[ord]),
    array_agg(score ORDER BY rank) = array_agg(score ORDER BY score DESC), array_agg(ord ORDER BY ord)
    FROM bert_rerank('r', 'cats', ARRAY['dogs', 'more cats', NULL, 'x']);"
gives 'classify' '3|t|t' "SELECT jsonb_array_length(c), abs((SELECT sum((x->>'score')::real) FROM jsonb_array_elements(c) AS x) - 1) < 1e-5,
    (c->0->>'score')::real >= (c->1->>'score')::real FROM bert_classify('c', 'a cat') AS c;"
gives 'all digits of a score' 't' "SELECT (bert_classify('c', 'a cat')->0->>'score')::real = $("$bert" classify -t 1 -m "$data/task/classify" --json 'a cat' | sed 's/[^}]*"score": *\([^}]*\)}.*/\1/')::real;"
gives 'classify a pair' 't' "SELECT bert_classify('c', 'a cat', 'a dog') <> bert_classify('c', 'a cat');"
gives 'spans cut the text' 't|t' "SELECT bool_and(substr(x, start_char + 1, end_char - start_char) = entity), count(*) > 2
    FROM (VALUES ('Ada was bôrn in 😀 London'), ('x'), (NULL)) AS t(x), bert_entities('ner', x);"
gives 'a constant is embedded once' 't' "SELECT count(DISTINCT bert_embed('m', 'a cat')) = 1 FROM doc;"
gives 'the last vector is of its text' '0' "DO \$\$ DECLARE v real[]; BEGIN
    CREATE TEMP TABLE bad(i int);
    FOR i IN 1..20 LOOP v := bert_embed('m', 'text ' || i % 3);
        IF v <> (SELECT embedding FROM bert_embed_each('m', ARRAY['text ' || i % 3])) THEN INSERT INTO bad VALUES(i); END IF; END LOOP; END \$\$;
    SELECT count(*) FROM bad;"
gives 'parallel workers' '2000|0|t' "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
    SET max_parallel_workers_per_gather = 2;
    CREATE TEMP TABLE plan(line text);
    DO \$\$ DECLARE l text; BEGIN FOR l IN EXPLAIN SELECT sum(bert_similarity(bert_embed('m', body), bert_embed('m', 'a cat'))) FROM doc
        LOOP INSERT INTO plan VALUES(l); END LOOP; END \$\$;
    SELECT count(e), count(*) FILTER (WHERE e <> bert_embed('m', body)), (SELECT bool_or(line LIKE '%Parallel Seq Scan%') FROM plan)
    FROM (SELECT body, bert_embed('m', body) AS e FROM doc WHERE bert_embed('m', body) IS NOT NULL OFFSET 0) AS s;"
gives 'LATIN1 and UTF8 agree' 't' "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C';
\\c latin
CREATE EXTENSION bert;
SET client_encoding = 'UTF8';
SELECT bert_embed('m', 'café')::text = '$(sql "SELECT bert_embed('m', 'café');")';"
refused 'a label that LATIN1 lacks' 22P05 'has no equivalent in encoding "LATIN1"' "\\c latin
SELECT bert_classify('c', 'a');"
sql "CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C';
\\c bytes
CREATE EXTENSION bert;" >/dev/null
gives 'SQL_ASCII that is UTF-8' 't' "\\c bytes
SELECT bert_embed('m', 'café') IS NOT NULL;"
gives 'its spans cut the text' 't|t' "\\c bytes
SELECT bool_and(substr(x, start_char + 1, end_char - start_char) = entity), max(start_char) > 10 FROM (VALUES ('Ada é London Bob')) AS t(x), bert_entities('ner', x);"
refused 'SQL_ASCII that is not' 22021 'invalid byte sequence for encoding "UTF8"' "\\c bytes
SELECT bert_embed('m', E'caf\\351');"
