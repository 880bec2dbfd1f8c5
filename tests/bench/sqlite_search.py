# SPDX-License-Identifier: MIT
"""Times of a semantic search in SQL: sqlite_search.py EXTENSION ROWS [SQLITE-VEC]."""
import json
import os
import re
import sqlite3
import statistics
import sys
import time

EXTENSION, ROWS = sys.argv[1], int(sys.argv[2])
QUERIES = ["a ship that sank in a storm", "who won the battle?", "an album of songs",
           "the life of birds", "a road through the mountains", "a king and his sons",
           "how the film was received", "a game for one player"]
ORDER = " ORDER BY score DESC LIMIT 10"


def connect():
    con = sqlite3.connect(":memory:", isolation_level=None)
    con.enable_load_extension(True)
    for path in [EXTENSION] + sys.argv[3:]:
        con.load_extension(path)
    con.execute("SELECT bert_load('m', ?)", (os.environ["BERT_TEST_MODEL"],)).fetchone()
    con.execute("CREATE TABLE passage(id INTEGER PRIMARY KEY, body TEXT, embedding BLOB)")
    return con


def texts():
    """As many distinct sentences; numbered again and again where there are too few."""
    found = ["a sentence without a source"]
    path = os.path.join(os.environ["BERT_SHARED_DATA"], "text/wikitext2-test.txt")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            found = [t.strip() for t in re.split(r"(?<= \.) |\n", file.read())]
    found = list(dict.fromkeys(t for t in found if len(t) > 20))
    return [found[i % len(found)] + (" %d" % i if i >= len(found) else "") for i in range(ROWS)]


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(what, con, sql, arguments):
    times = [seconds(lambda: con.execute(sql, a).fetchall()) for _ in range(5) for a in arguments]
    print("%-58s %9.3f ms  (%.3f to %.3f)" % (what, 1e3 * statistics.median(times),
                                              1e3 * min(times), 1e3 * max(times)))


def main():
    con = connect()
    passages = texts()
    took = seconds(lambda: con.execute(
        "INSERT INTO passage SELECT key, text, embedding FROM bert_embed_each('m', ?)",
        (json.dumps(passages),)))
    info = json.loads(con.execute("SELECT bert_info('m')").fetchone()[0])
    tokens = con.execute("SELECT sum(bert_tokens('m', body)) FROM passage").fetchone()[0]
    print("SQLite %s, %s, %s, %d dimensions" % (sqlite3.sqlite_version, info["cpu"],
                                                info["precision"], info["dimensions"]))
    print("%d rows of %d tokens embedded and stored in %.1f s (%.0f rows/s)"
          % (ROWS, tokens, took, ROWS / took))
    queries = [(q,) for q in QUERIES]
    vectors = [con.execute("SELECT bert_embed('m', ?)", q).fetchone() for q in queries]
    print("per query, median (least to most) of %d:" % (5 * len(queries)))
    show("the query's vector alone", con, "SELECT bert_embed('m', ?)", queries)
    show("rows read, nothing compared", con, "SELECT max(length(embedding)) FROM passage", [()])
    show("search by a vector", con,
         "SELECT id, bert_similarity(embedding, ?) AS score FROM passage" + ORDER, vectors)
    show("search by a text", con, "SELECT id, bert_similarity(embedding, bert_embed('m', ?)) "
         "AS score FROM passage" + ORDER, queries)
    show("search by a text, by the model's similarity", con,
         "SELECT id, bert_similarity('m', embedding, bert_embed('m', ?)) AS score FROM passage"
         + ORDER, queries)
    if sys.argv[3:]:
        show("search by a vector, sqlite-vec's vec_distance_cosine()", con,
             "SELECT id, -vec_distance_cosine(embedding, ?) AS score FROM passage" + ORDER,
             vectors)


main()
