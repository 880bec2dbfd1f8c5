#!/bin/sh
# SPDX-License-Identifier: MIT
# The SQLite extension in the sqlite3 shell: functions, tables, errors, and databases whose schema
# or rows mean harm.
set -u
cd "$S" || exit 1
. tests/sqlite/support.sh
command -v sqlite3 >/dev/null || { echo 'skipped: no sqlite3 (Debian: sqlite3)'; exit 77; }
models=$S/tests/data/models
. tests/counting.sh
shell() { # database, SQL; both streams
    LD_PRELOAD=$preload sqlite3 -batch -noheader -cmd ".load '$extension'" "$1" 2>&1 <<SQL
SELECT bert_load('m', '$models/embed/base') IS NULL OR
    bert_load('ner', '$models/task/tag') IS NULL OR bert_load('r', '$models/task/rerank_st') IS NULL OR
    bert_load('c', '$models/task/classify') IS NULL OR bert_load('q', '$models/task/answer') IS NULL;
$2
SQL
}
sql() { # what, expected output, SQL
    is "$1" "0
$2" "$(shell "${db-:memory:}" "$3")"
}
refused() { # what, part of the message, SQL
    said=$(shell "${db-:memory:}" "$3")
    case $said in
    *rror*"$2"*) passed=$((passed + 1)) ;;
    *) is "$1" "an error with $2" "$said" ;;
    esac
}

# ---- Values
sql 'task' 'encoder|text-classification' \
    "SELECT bert_load('a', '$models/embed/base'), bert_load('b', '$models/task/classify');"
sql 'NULL is NULL' '1|1|1|1|1|1' "SELECT bert_embed('m', NULL) IS NULL,
    bert_similarity(NULL, x'00000000') IS NULL, bert_similarity('m', 'a', NULL) IS NULL,
    bert_classify('c', NULL) IS NULL, bert_answer('q', 'a', NULL) IS NULL, bert_tokens('m', NULL) IS NULL;"
sql 'no rows of NULL' '0|0|0' "SELECT (SELECT count(*) FROM bert_entities('ner', NULL)),
    (SELECT count(*) FROM bert_embed_each('m', NULL)), (SELECT count(*) FROM bert_rerank('r', 'a', NULL));"
sql 'a vector is float32' '1|blob' "SELECT length(e) = 4 * json_extract(bert_info('m'), '\$.dimensions'),
    typeof(e) FROM (SELECT bert_embed('m', 'a cat') AS e);"
sql 'numbers are texts' '1|1' "SELECT bert_embed('m', 12) = bert_embed('m', '12'),
    bert_embed('m', 1.5) = bert_embed('m', '1.5');"
sql 'the empty text' '1' "SELECT length(bert_embed('m', '')) > 0;"
sql 'NUL is a character' '1' "SELECT bert_tokens('m', 'a cat' || char(0) || ' a cat') > bert_tokens('m', 'a cat');"
sql 'UTF-16' 'UTF-16le|1' "PRAGMA encoding = 'UTF-16'; CREATE TABLE t(x); INSERT INTO t VALUES('café 😀');
    SELECT (SELECT * FROM pragma_encoding), bert_embed('m', x) = bert_embed('m', 'café 😀') FROM t;"
sql 'ill-formed UTF-8' '1' "SELECT length(bert_embed('m', CAST(x'61ff20c3' AS TEXT))) > 0;"
sql 'similarity of texts and vectors' '1|1|1.0' "SELECT s = bert_similarity('m', 'a', bert_embed('m', 'b')),
    abs(s - bert_similarity(bert_embed('m', 'a'), bert_embed('m', 'b'))) < 1e-6,
    round(bert_similarity(bert_embed('m', 'a'), bert_embed('m', 'a')), 6)
    FROM (SELECT bert_similarity('m', 'a', 'b') AS s);"
sql 'cosine by hand' '0.6|-1.0|0.0|1' "SELECT
    round(bert_similarity(x'0000803f00000000', x'9a99193fcdcc4c3f'), 6),
    bert_similarity(x'0000803f', x'000080bf'), bert_similarity(x'00000000', x'0000803f'),
    bert_similarity(x'0000c07f', x'0000803f') IS NULL;"
sql 'a vector of every length is wholly read' '0' "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    SELECT count(*) FROM (SELECT i, CAST(x'0000803f' || zeroblob(4 * i) AS BLOB) AS a, CAST(zeroblob(4 * i) || x'0000803f' AS BLOB) AS b FROM n)
    WHERE bert_similarity(a, b) <> 0 OR bert_similarity(a, a) <> 1 OR bert_similarity(b, b) <> 1 OR length(a) <> 4 * i + 4;"

# ---- Tables
sql 'embed_each' '0|1
1|1
2|1
3|1
4|1' "SELECT key, embedding IS bert_embed('m', json_extract('[\"a cat\", null, 12, \"x\", \"\\ud83d\\ude00é\\n\"]', '\$[' || key || ']'))
    FROM bert_embed_each('m', '[\"a cat\", null, 12, \"x\", \"\\ud83d\\ude00\\u00e9\\n\"]');"
sql 'embed_each of an object' 'one|a|1
two||0' "SELECT key, text, embedding IS bert_embed('m', 'a') FROM bert_embed_each('m', '{\"one\": \"a\", \"two\": null}');"
sql 'embed_each of nothing' '0|0' "SELECT (SELECT count(*) FROM bert_embed_each('m', ' [ ] ')), (SELECT count(*) FROM bert_embed_each('m', '{}'));"
sql 'NUL in JSON' '1' "SELECT embedding = bert_embed('m', 'a' || char(0) || 'b') FROM bert_embed_each('m', '[\"a\\u0000b\"]');"
sql 'what was cut is told' '1|1' "SELECT truncated > 0, tokens <= json_extract(bert_info('m'), '\$.max_length')
    FROM bert_embed_each('m', (SELECT json_array(replace(hex(zeroblob(5000)), '00', 'a '))));"
sql 'rerank' '1|1' "SELECT group_concat(rank) = '1,2,3' , max(abs(score - bert_rerank('r', 'cats', text))) < 1e-6
    FROM bert_rerank('r', 'cats', '{\"a\": \"dogs\", \"b\": \"more cats\", \"n\": null, \"c\": \"x\"}');"
sql 'rerank, best first' '1|2' "SELECT max(score) = (SELECT score FROM bert_rerank('r', 'cats', '[\"a\", \"dog\", \"x\"]', 1)),
    (SELECT count(*) FROM bert_rerank('r', 'cats', '[\"a\", \"dog\", \"x\"]', 2)) FROM bert_rerank('r', 'cats', '[\"a\", \"dog\", \"x\"]');"
sql 'classify' '1|3' "SELECT (SELECT label FROM bert_classify('c', 'a cat') LIMIT 1) = bert_classify('c', 'a cat'),
    (SELECT count(*) FROM bert_classify('c', 'a cat'));"
sql 'spans cut the text' '0|1' "CREATE TABLE t(x); INSERT INTO t VALUES('Ada was bôrn in 😀 London'), ('x'), (NULL);
    SELECT sum(substr(x, start_char + 1, end_char - start_char) <> entity OR
        CAST(substr(CAST(x AS BLOB), start_byte + 1, end_byte - start_byte) AS TEXT) <> entity), count(*) > 3
    FROM t, bert_entities('ner', x);"
sql 'answers' '1|1|0' "SELECT count(*) = 3, (SELECT bert_answer('q', 'who?', 'built by Horace')) IS answer,
    sum(substr('built by Horace', start_char + 1, end_char - start_char) <> answer)
    FROM (SELECT * FROM bert_answer('q', 'who?', 'built by Horace', 3) ORDER BY score DESC);"
sql 'tokens' '1|1' "SELECT count(*) = bert_tokens('m', 'hellö world'), sum(special) = 2 FROM bert_tokens('m', 'hellö world');"
sql 'joined to what comes later in FROM' '1' "SELECT count(*) > 0 FROM bert_tokens('m', t.x), (SELECT 'a cat' AS x) AS t;"
sql 'arguments can be read' 'm|a' "SELECT model, text FROM bert_tokens('m', 'a') LIMIT 1;"
sql 'a table from a table' '3|1' "CREATE TABLE doc(id INTEGER PRIMARY KEY, body);
    INSERT INTO doc VALUES(1, 'a'), (5, 'b'), (9, NULL);
    CREATE TABLE v AS SELECT CAST(key AS INTEGER) AS id, embedding FROM bert_embed_each('m', (SELECT json_group_object(id, body) FROM doc));
    SELECT count(*), sum(embedding IS NULL) FROM doc JOIN v USING (id) WHERE embedding IS bert_embed('m', body);"

# ---- Errors
refused 'no such model' "bert_embed: no model 'nope'" "SELECT bert_embed('nope', 'a');"
refused 'a NULL name' "bert_embed: the model's name is NULL" "SELECT bert_embed(NULL, 'a');"
refused 'an empty name' '0 bytes' "SELECT bert_load('', '/');"
refused 'a long name' '129 bytes' "SELECT bert_load(substr(hex(zeroblob(100)), 1, 129), '/');"
refused 'a name with a NUL' 'control character 0' "SELECT bert_load('m' || char(0) || 'x', '/');"
refused 'a path with a NUL' 'holds a NUL' "SELECT bert_load('x', '$models/embed/base' || char(0) || 'y');"
refused 'no such path' "bert_load: model 'x': /nowhere: No such file" "SELECT bert_load('x', '/nowhere');"
refused 'no model there' 'config.json' "SELECT bert_load('x', '$S/tests');"
refused 'an unknown option' 'no option "thread"' "SELECT bert_load('x', '/', '{\"thread\": 1}');"
refused 'a bad option' '"threads" is no number' "SELECT bert_load('x', '/', '{\"threads\": 1e9}');"
refused 'a bad precision' '"precision" is none of' "SELECT bert_load('x', '/', '{\"precision\": \"fp8\"}');"
refused 'a model for something else' "bert_classify: model 'm' ($models/embed/base)" "SELECT bert_classify('m', 'a');"
refused 'so too a table' "bert_entities: model 'm' ($models/embed/base)" "SELECT * FROM bert_entities('m', 'a');"
refused 'a BLOB for a text' 'is a BLOB of 3 bytes' "SELECT bert_embed('m', x'616263');"
refused 'a text for a vector' 'the second vector is TEXT' "SELECT bert_similarity(x'0000803f', 'abcd');"
refused 'vectors of two lengths' 'vectors of 1 and 2 numbers' "SELECT bert_similarity(zeroblob(4), zeroblob(8));"
refused 'half a number' 'has 6 bytes' "SELECT bert_similarity(zeroblob(6), zeroblob(8));"
refused "another model's vector" 'a vector of 8 bytes' "SELECT bert_similarity('m', zeroblob(8), 'a');"
refused 'no JSON' 'wants an array or an object at byte 0' "SELECT * FROM bert_embed_each('m', 'a cat');"
for bad in '[' '["a' '["a",]' '["a" "b"]' '["\x"]' '["\u12g4"]' '{"a"}' '{"a":1,}' '{a:1}' '[01]' '[1.]' '[1e]' '[-]' '[nul]' '[true]' \
    '[["a"]]' '[{}]' '["a"]x' '[] []' '[NaN]' "[''a'']" '{"a":[1]}' '["a
b"]'; do
    refused "JSON <$bad>" 'bert_embed_each: the JSON of the texts wants' "SELECT count(*) FROM bert_embed_each('m', '$bad');"
done
refused 'an argument is missing' 'argument 2 of at least 2' "SELECT * FROM bert_entities('ner');"
refused 'no argument' 'argument 1 of at least 2' "SELECT * FROM bert_tokens;"
refused 'top' 'top is no whole number' "SELECT * FROM bert_rerank('r', 'a', '[\"b\"]', 0);"
refused 'a table of its own' 'no such module' "CREATE VIRTUAL TABLE t USING bert_tokens;"
sql 'a failed load leaves the name' "Runtime error near line 4: bert_load: model 'm': /nowhere: No such file or directory [BERT_EIO]
1" "SELECT bert_load('m', '/nowhere');
SELECT length(bert_embed('m', 'a')) > 0;"
sql 'unload' '1
0' "SELECT bert_unload('m'); SELECT bert_unload('m');"

sql 'a name that changes hands is one name' 'encoder
1
0' "SELECT bert_load('m', '$models/embed/base'); SELECT bert_unload('m'); SELECT bert_unload('m');"

# ---- What may be where
refused 'an index over a model' 'non-deterministic' "CREATE TABLE t(x); CREATE INDEX i ON t(bert_embed('m', x));"
refused 'a generated column of a model' 'non-deterministic' "CREATE TABLE t(x, v AS (bert_embed('m', x)));"
refused 'a check by a model' 'CHECK constraint failed' "CREATE TABLE t(x CHECK (bert_tokens('m', x) < 9));
    INSERT INTO t VALUES('a'); INSERT INTO t VALUES('a b c d e f g h i j');"
sql 'an index over vectors' 'ok' "CREATE TABLE t(a, b); CREATE INDEX i ON t(bert_similarity(a, b));
    INSERT INTO t VALUES(bert_embed('m', 'a'), bert_embed('m', 'b')), (NULL, NULL); PRAGMA integrity_check;"
sql 'a trigger may embed' '1' "CREATE TABLE t(x, v); CREATE TRIGGER g AFTER INSERT ON t BEGIN
    UPDATE t SET v = bert_embed('m', new.x) WHERE rowid = new.rowid; END;
    INSERT INTO t(x) VALUES('a cat'); SELECT v = bert_embed('m', 'a cat') FROM t;"

# ---- A schema that means harm
db=$tmp/hostile.db
rm -f "$db"
sqlite3 "$db" "CREATE TABLE t(x); INSERT INTO t VALUES('a');
    CREATE VIEW opens AS SELECT bert_load('m', '/etc') AS x;
    CREATE VIEW shows AS SELECT bert_info() AS x;
    CREATE VIEW drops AS SELECT bert_unload('m') AS x;
    CREATE VIEW embeds AS SELECT bert_embed('m', x) AS x FROM t;
    CREATE VIEW reads AS SELECT embedding AS x FROM bert_embed_each('m', '[\"a\"]');
    CREATE VIEW compares AS SELECT bert_similarity(x'0000803f', x'0000803f') AS x;
    CREATE TABLE u(x);
    CREATE TRIGGER g AFTER INSERT ON u BEGIN SELECT bert_load('m', '/etc'); END;
    CREATE TABLE d(x, y);
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = 'CREATE TABLE d(x, y DEFAULT (bert_load(''m'', ''/etc'')))' WHERE name = 'd';" ||
    is 'the hostile schema' 0 1
for trust in ON OFF; do
    t="PRAGMA trusted_schema = $trust;"
    refused "a view, $trust" 'unsafe use of bert_load()' "$t SELECT * FROM opens;"
    refused "a view of paths, $trust" 'unsafe use of bert_info()' "$t SELECT * FROM shows;"
    refused "a view that unloads, $trust" 'unsafe use of bert_unload()' "$t SELECT * FROM drops;"
    refused "a trigger, $trust" 'unsafe use of bert_load()' "$t INSERT INTO u VALUES(1);"
    refused "a default, $trust" 'unsafe use of bert_load()' "$t INSERT INTO d(x) VALUES(1);"
    sql "a pure function, $trust" '1.0' "$t SELECT * FROM compares;"
done
sql 'a view of a model, trusted' '1|1' "PRAGMA trusted_schema = ON;
    SELECT (SELECT x FROM embeds) = bert_embed('m', 'a'), (SELECT x FROM reads) = bert_embed('m', 'a');"
refused 'a view of a model, not trusted' 'unsafe use of bert_embed()' 'PRAGMA trusted_schema = OFF; SELECT * FROM embeds;'
refused 'a view of a table, not trusted' 'unsafe use of virtual table "bert_embed_each"' 'PRAGMA trusted_schema = OFF; SELECT * FROM reads;'
# Parts of a table that SQLite looks at with the whole schema.
for part in "y AS (bert_load(x, ''/etc''))" "CHECK (bert_load(''m'', ''/etc'') = 1)" "CHECK (bert_unload(''m''))" \
    "CHECK (length(bert_info()) > 9)"; do
    db=$tmp/part.db
    rm -f "$db"
    sqlite3 "$db" "CREATE TABLE n(x); INSERT INTO n VALUES('m'); PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = 'CREATE TABLE n(x, $part)';" || is "$part" 0 1
    refused "$part" 'unsafe use of bert_' 'INSERT INTO n(x) VALUES(1);'
done
unset db

# ---- Rows that mean harm
sql 'rows of every type' 'blob|1
integer|0
null|0
real|0
text|0' "CREATE TABLE t(x); INSERT INTO t VALUES(1), (-0.0), ('a'), (NULL), (x''), (9e999);
    SELECT typeof(x), sum(typeof(x) = 'blob') FROM t GROUP BY 1 HAVING typeof(x) = 'blob' OR bert_tokens('m', x) IS NULL = (typeof(x) = 'null');"
sql 'a text of 20 MB' '1|1' "SELECT length(bert_embed('m', x)) > 0, bert_embed('m', x) = bert_embed('m', substr(x, 1, 2000))
    FROM (SELECT replace(hex(zeroblob(5000000)), '00', 'a b ') AS x);"
sql 'a JSON of a million nulls' '1000000' "SELECT count(*) - count(embedding) FROM bert_embed_each('m', '[' || substr(replace(hex(zeroblob(1000000)), '00', ',null'), 2) || ']');"
refused 'a JSON that nests' 'a string, a number or null at byte 1 (item 0)' \
    "SELECT count(*) FROM bert_embed_each('m', replace(hex(zeroblob(1000000)), '00', '['));"
sql 'a long word' '1' "SELECT length(bert_embed('m', hex(zeroblob(1000000)))) > 0;"

# ---- The page
awk '/^```sql$/ { take = 1; next } /^```/ { take = 0 } take' docs/sqlite.md |
    sed -e "s|models/all-MiniLM-L6-v2|$models/embed/base|; s|models/ranker|$models/task/rerank_st|" \
        -e "s|models/entities|$models/task/tag|; s|models/intents|$models/task/classify|; s|models/answers|$models/task/answer|" >"$tmp/page.sql"
is 'the page has examples' 1 "$(grep -c 'CREATE TRIGGER' "$tmp/page.sql")"
LD_PRELOAD=$preload sqlite3 -batch -bail -cmd ".load '$extension'" :memory: <"$tmp/page.sql" >"$tmp/said" 2>&1 ||
    is "the page's examples" 'no error' "$(tail -n 1 "$tmp/said")"
is 'the page: rows' 1 "$(grep -c '^encoder$' "$tmp/said")"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
