# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# What is refused, and with which SQLSTATE; sourced by extension.sh.
refused 'no such model' 42704 'model "nope" does not exist' "SELECT bert_embed('nope', 'a');"
for name in '../secret/m' '/etc/passwd' 'm/../m' '.' '..' '.hidden' '' 'm/' 'm m' '~' 'é' "$tmp/models/m"; do
    refused "the name $name" 42602 'is no name of a model' "SELECT bert_embed('$name', 'a');"
done
refused 'a long name' 42602 'is no name of a model' "SELECT bert_embed(repeat('m', 1000000), 'a');"
refused 'a broken model' F0000 'could not load model "broken"' "SELECT bert_embed('broken', 'a');"
refused 'no head' 0A000 'model "m": ' "SELECT bert_classify('m', 'a');"
refused 'no head for entities' 0A000 'model "m": ' "SELECT * FROM bert_entities('m', 'a');"
refused 'no head for ranking' 0A000 'model "m": ' "SELECT * FROM bert_rerank('m', 'a', ARRAY['b']);"
refused 'several labels' 0A000 'model "c": ' "SELECT * FROM bert_rerank('c', 'a', ARRAY['b']);"
refused 'two dimensions' 2202E 'has 2 dimensions' "SELECT bert_embed('m', ARRAY[['a'], ['b']]);"
refused 'two dimensions of a vector' 2202E 'array of 2 dimensions' "SELECT bert_similarity('{{1}}', '{1}');"
refused 'an empty vector' 2202E 'array of 0 dimensions' "SELECT bert_similarity('{}', '{}');"
refused 'a vector with NULL' 22004 'has NULL in it' "SELECT bert_similarity('{1,NULL}', '{1,2}');"
refused 'vectors of two sizes' 22000 'vectors of 2 and 3 numbers' "SELECT bert_similarity('{1,2}', '{1,2,3}');"
refused 'too large a value' 54000 '' "SELECT bert_embed('m', array_fill('a'::text, ARRAY[20000000]));"
refused 'a long text' 54000 'a text of 1048577 bytes' "SELECT bert_embed('m', repeat('a', 1048577));"
refused 'a long text in an array' 54000 'a text of 1048577 bytes' "SELECT bert_embed('m', ARRAY['a', repeat('a', 1048577)]);"
gives 'one at the limit' 't|t' "SELECT bert_embed('m', repeat('a', 1048576)) IS NOT NULL, bert_classify('c', repeat('a ', 131072)) IS NOT NULL;"
gives 'a limit that is raised' 't' "SET bert.max_text = '3MB'; SELECT bert_embed('m', repeat('a', 3145728)) IS NOT NULL;"
refused 'little memory' 54000 'BERT_ELIMIT' "SET bert.max_memory = '1MB'; SET bert.batch_tokens = 65536; SELECT bert_embed('m', 'a');"
gives 'and more is enough' 't' "SET bert.max_memory = '1MB'; SET bert.batch_tokens = 65536;
\\set ON_ERROR_STOP 0
\\o /dev/null
DO \$\$ BEGIN PERFORM bert_embed('m', 'a'); EXCEPTION WHEN program_limit_exceeded THEN END \$\$;
\\o
RESET bert.max_memory; RESET bert.batch_tokens; SELECT bert_embed('m', 'a') IS NOT NULL;"

# ---- Privileges
app() { # SQL as one who is no superuser
    echo "SET SESSION AUTHORIZATION app; $1"
}
gives 'others use the functions' 't' "$(app "SELECT bert_embed('m', 'a') IS NOT NULL;")"
for setting in "model_directory = '$tmp/secret'" 'threads = 2' 'batch_tokens = 100' "max_text = '1GB'" "max_memory = '2GB'"; do
    refused "${setting%% *} is the superuser's" 42501 'permission denied to set parameter' "$(app "SET bert.$setting;")"
done
refused 'preloads are the start'"'"'s' 55P02 'cannot be changed without restarting' "SET bert.preload_models = 'm';"
refused 'a relative directory' 22023 'invalid value for parameter' "SET bert.model_directory = 'models';"
refused 'no other settings' 42602 'reserved prefix' "SET bert.other = 1;"
refused 'the directory is not shown' 42501 '' "$(app 'SHOW bert.model_directory;')"
for call in "bert_embed('broken', 'a')" "bert_classify('m', 'a')" "bert_embed('nope', 'a')" "* FROM bert_entities('c', 'a')" "* FROM bert_rerank('ner', 'a', '{b}')"; do
    is "nor is it in messages: $call" '1 0' "$(sql "$(app "SELECT $call;")" >"$tmp/said"; grep -c ERROR "$tmp/said") $(grep -c "$tmp" "$tmp/said")"
done
refused 'the file is' F0000 'could not load model "broken": broken/config.json' "$(app "SELECT bert_embed('broken', 'a');")"
refused 'no directory' 55000 'bert.model_directory is not set' "SET bert.model_directory = ''; SELECT bert_embed('m', 'a');"
gives 'a superuser chooses another' 'false' "SET bert.model_directory = '$tmp/secret'; SELECT bert_info('m')->'preloaded';"
refused 'no other model there' 42704 '' "SET bert.model_directory = '$tmp/secret'; SELECT bert_embed('c', 'a');"
refused 'no index on a model' 42P17 'must be marked IMMUTABLE' "CREATE INDEX ON doc (bert_embed('m', body));"

# ---- A module that was not preloaded, and settings made before it came
gives 'errors in a transaction' '20' "CREATE TEMP TABLE seen(i int);
DO \$\$ BEGIN FOR i IN 1..20 LOOP BEGIN
    IF i % 2 = 0 THEN PERFORM bert_classify('m', 'a'); ELSE PERFORM bert_embed('broken', 'a'); END IF;
    EXCEPTION WHEN feature_not_supported OR config_file_error THEN INSERT INTO seen VALUES(i); END; END LOOP; END \$\$;
SELECT count(*) FROM seen;"
