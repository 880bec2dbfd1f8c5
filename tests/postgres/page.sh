# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# The examples of docs/postgres.md, and memory over many calls; sourced by extension.sh.
for pair in ranker:task/rerank_st entities:task/tag intents:task/classify; do
    place "$data/${pair#*:}" "${pair%%:*}"
done
[ -e "$tmp/models/minilm" ] || place "$data/embed/base" minilm
page=$(awk '/^```sql$/ { take = 1; next } /^```/ { take = 0 } take' docs/postgres.md)
is 'the page has examples' 1 "$(echo "$page" | grep -c 'CREATE TRIGGER')"
said=$(sql "$page
UPDATE passage SET body = 'A dog sleeps on the mat.' WHERE id = 1;
SELECT 'current: ' || bool_and(embedding = bert_embed('minilm', body)) FROM passage;")
case $said in
*ERROR:*) is "the page's examples" 'no error' "$said" ;;
esac
is 'the page: its trigger' 1 "$(echo "$said" | grep -c '^current: true$')"

# What a backend holds after some calls and errors is what it holds after many.
resident="(SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'RssAnon:\\s+(\\d+)'))[1]::int)"
calls="DO \$\$ BEGIN FOR i IN 1..1000 LOOP
    PERFORM bert_embed('m', 'text ' || i), bert_classify('c', 'text ' || i), bert_embed('m', ARRAY['a', NULL, 'text ' || i]);
    PERFORM * FROM bert_entities('ner', 'Ada in London ' || i); PERFORM * FROM bert_rerank('r', 'cats', ARRAY['dogs ' || i]);
    BEGIN PERFORM bert_classify('m', 'a'); EXCEPTION WHEN feature_not_supported THEN END;
    BEGIN PERFORM bert_embed('broken', 'a'); EXCEPTION WHEN config_file_error THEN END; END LOOP; END \$\$;"
grown=$(sql "$calls CREATE TEMP TABLE before AS SELECT $resident AS kb; $calls $calls SELECT $resident - kb FROM before;")
printf 'memory after 10,000 more calls and 4,000 errors: %s KiB more\n' "$grown"
at_most 'memory does not grow' 2048 "${grown:-9999}"
