# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# Input that nobody would write, and ways around the settings; sourced by extension.sh.
calls="SELECT bert_embed('m', x), bert_classify('c', x), bert_similarity('m', x, 'a') FROM t;
SELECT count(*) FROM t, bert_embed_each('m', ARRAY[x, NULL, x]); SELECT count(*) FROM t, bert_rerank('r', x, ARRAY['a', x]);
SELECT count(*) FROM t, bert_entities('ner', x);"
same() { # what, an SQL expression of a text: each function takes it
    is "$1" 0 "$(sql "CREATE TEMP TABLE t AS SELECT $2 AS x; $calls" | grep -c 'ERROR\|server closed\|FATAL')"
}
same 'nothing' "''::text"
same 'spaces' "repeat(E' \\\\t\\\\n\\\\u3000', 1000)"
same 'every character below U+800' "(SELECT string_agg(chr(i), '') FROM generate_series(1, 2047) AS i)"
same 'characters of four bytes' "repeat(chr(128512) || chr(1114111), 10000)"
same 'accents without a letter' "repeat(chr(769), 20000)"
same 'a word without an end' "repeat('z', 200000)"
same 'special tokens' "'[CLS] [SEP] [MASK] [PAD] [UNK] </s> <mask> ##a'"
same 'directions, joiners, private ones' "repeat(chr(8238) || chr(8205) || chr(65039) || chr(57344) || chr(917505), 1000)"
same 'a value out of line' "(SELECT string_agg(md5(i::text), ' ') FROM generate_series(1, 5000) AS i)"
for call in "bert_embed('m', x)" "bert_classify('c', x)" "bert_classify('c', 'a', x)" "bert_similarity('m', 'a', x)" "bert_embed('m', ARRAY['a', x])" \
    "bert_embed_each('m', ARRAY[x])" "bert_rerank('r', 'a', ARRAY[x])" "bert_rerank('r', x, '{a}')" "bert_entities('ner', x)"; do
    refused "10 MB: $call" 54000 'a text of 10485760 bytes; bert.max_text is 1024 kB' "SELECT $call FROM repeat('Ada in London. ', 699051) AS y, left(y, 10485760) AS x;"
done
refused '10 MB as a name' 42602 'is no name of a model' "SELECT bert_info(repeat('m', 10485760));"
gives '10 MB where it is allowed' 't' "SET bert.max_text = '11MB'; SELECT bert_embed('m', repeat('Ada in London. ', 699050)) IS NOT NULL;"
gives '100,000 elements' '100000|100000' "SELECT count(*), count(embedding) FROM bert_embed_each('m', array_fill('a b'::text, ARRAY[100000]));"
gives 'and as one value' '100000' "SELECT array_length(bert_embed('m', array_fill(''::text, ARRAY[100000])), 1);"
gives 'NULLs alone' '100000|0' "SELECT count(*), count(embedding) FROM bert_embed_each('m', array_fill(NULL::text, ARRAY[100000]));"
for call in bert_embed_each bert_rerank; do
    query=$([ $call = bert_embed_each ] || echo ", 'a'")
    model=$([ $call = bert_embed_each ] && echo m || echo r)
    refused "three dimensions: $call" 2202E 'has 3 dimensions' "SELECT $call('$model'$query, array_fill('a'::text, ARRAY[2,2,2]));"
done

# ---- A model whose files hold what no encoding has: told, never a crash
rm -rf "$tmp/models/odd"
mkdir "$tmp/models/odd"
printf '{"model_type": "b\303\251rt \342\230\203 \377\376"}' >"$tmp/models/odd/config.json"
refused 'a file that is no UTF-8' F0000 'could not load model "odd"' "SELECT bert_info('odd');"
printf '{"model_type": "b\303\251rt \342\230\203"}' >"$tmp/models/odd/config.json"
refused 'a type of model that is none' 0A000 'bért ☃' "SELECT bert_info('odd');"
refused 'the same in LATIN1' 0A000 'b??rt ???' "\\c latin
SELECT bert_info('odd');"
for broken in '' '[]' '{"model_type": "bert"}' '{"model_type": "bert", "hidden_size": -1}' '{"model_type": "bert", "hidden_size": 1e99}'; do
    echo "$broken" >"$tmp/models/odd/config.json"
    said=$(sql "SELECT bert_info('odd');")
    case $said in *'ERROR:  '[05F]*': could not load model "odd": '*) passed=$((passed + 1)) ;; *) is "a config of <$broken>" 'an error' "$said" ;; esac
done
mkfifo "$tmp/models/pipe"
said=$(sql "SET statement_timeout = 2000; SELECT bert_info('pipe');")
case $said in *'ERROR:  '*) passed=$((passed + 1)) ;; *) is 'a pipe for a model' 'an error' "$said" ;; esac
rm -rf "$tmp/models/pipe" "$tmp/models/odd"

# ---- Ways around who may set the directory
for way in "ALTER ROLE app SET bert.model_directory = '$tmp/secret';" "ALTER DATABASE postgres SET bert.model_directory = '$tmp/secret';" \
    "SELECT set_config('bert.model_directory', '$tmp/secret', false);" "SET LOCAL bert.model_directory = '$tmp/secret';" \
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET bert.model_directory = '$tmp/secret' AS 'SELECT 1';" \
    "ALTER SYSTEM SET bert.model_directory = '$tmp/secret';"; do
    # As the owner of a database and a schema.
    is "refused: $way" 1 "$(sql "ALTER DATABASE postgres OWNER TO app; GRANT CREATE ON SCHEMA public TO app; $(app "$way")" | grep -c '^ERROR:  42501: ')"
done
sql 'ALTER DATABASE postgres OWNER TO postgres; REVOKE CREATE ON SCHEMA public FROM app;'
is 'nor as the connection begins' 1 "$(PGUSER=app PGOPTIONS="-c bert.model_directory=$tmp/secret" sql 'SELECT 1;' | grep -c 'permission denied to set parameter "bert.model_directory"')"
