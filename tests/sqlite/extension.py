# SPDX-License-Identifier: MIT
"""The SQLite extension in Python's sqlite3.

extension.py EXTENSION MODELS; BERT_TEST_MODEL and BERT_SHARED_DATA, where they are not empty.
"""
import json
import math
import os
import random
import re
import shutil
import sqlite3
import struct
import sys
import tempfile
import threading
import time
import unittest

EXTENSION, MODELS = sys.argv[1:3]
BASE = MODELS + "/embed/base"
TAG = MODELS + "/task/tag"
SEARCH = """SELECT id, bert_similarity(embedding, bert_embed('m', ?)) AS score
            FROM passage ORDER BY score DESC, id LIMIT ?"""


def connect(path=":memory:", **models):
    con = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    con.enable_load_extension(True)
    con.load_extension(EXTENSION)
    con.enable_load_extension(False)
    for name, model in models.items():
        con.execute("SELECT bert_load(?, ?)", (name, model)).fetchone()
    return con


def one(con, sql, *values):
    return con.execute(sql, values).fetchone()[0]


def texts(n):
    """Sentences of wikitext, or made up ones where it isn't there; no two are the same."""
    path = os.path.join(os.environ["BERT_SHARED_DATA"], "text/wikitext2-test.txt")
    found = []
    if os.environ["BERT_SHARED_DATA"] and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            found = re.split(r"(?<= \.) |\n", file.read())
    found = [t.strip() for t in found if len(t.strip()) > 20]
    found += ["passage %d of the %dth chapter" % (i, i % 97) for i in range(n)]
    return list(dict.fromkeys(found))[:n]


def store(con, passages):
    con.execute("CREATE TABLE passage(id INTEGER PRIMARY KEY, body TEXT, embedding BLOB)")
    con.execute("INSERT INTO passage SELECT key, text, embedding FROM bert_embed_each('m', ?)",
                (json.dumps(passages),))


def floats(blob):
    return struct.unpack("<%df" % (len(blob) // 4), blob)


def cosine(a, b):
    dot = math.fsum(x * y for x, y in zip(a, b))
    return dot / math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b))


class Search(unittest.TestCase):
    def test_five_thousand_rows(self):
        con = connect(m=BASE)
        store(con, texts(5000))
        self.assertEqual(one(con, "SELECT count(DISTINCT body) FROM passage"), 5000)
        width = json.loads(one(con, "SELECT bert_info('m')"))["dimensions"]
        self.assertEqual(one(con, "SELECT count(*) FROM passage WHERE length(embedding) = ?",
                             4 * width), 5000)
        query = floats(one(con, "SELECT bert_embed('m', ?)", "an old ship"))
        want = sorted(((cosine(query, floats(v)), i)
                       for i, v in con.execute("SELECT id, embedding FROM passage")), reverse=True)
        have = con.execute(SEARCH, ("an old ship", 10)).fetchall()
        for (score, _), (_, ours) in zip(want, have):
            self.assertAlmostEqual(score, ours, places=5)
        # A batch gives the bits of each text alone.
        sample = con.execute("SELECT body, embedding FROM passage WHERE id % 251 = 0").fetchall()
        self.assertGreater(len(sample), 10)
        for body, vector in sample:
            self.assertEqual(one(con, "SELECT bert_embed('m', ?)", body), vector)
        con.close()

    def test_with_a_real_model(self):
        if not os.environ["BERT_TEST_MODEL"]:
            self.skipTest("no model")
        con = connect(m=os.environ["BERT_TEST_MODEL"])
        store(con, texts(60) + ["A cat sleeps on the mat.", "The share price fell by a tenth.",
                                "He plays the guitar in a band."])
        for query, want in (("a kitten lies on the rug", "A cat sleeps on the mat."),
                            ("stock market losses", "The share price fell by a tenth."),
                            ("a musician", "He plays the guitar in a band.")):
            best = con.execute(SEARCH, (query, 1)).fetchone()[0]
            self.assertEqual(one(con, "SELECT body FROM passage WHERE id = ?", best), want)
        con.close()


class Statements(unittest.TestCase):
    def test_parameters_and_rows(self):
        con = connect(m=BASE)
        rows = [("a cat",), (None,), (7,), ("nul\0nul",), ("é😀",)]
        con.execute("CREATE TABLE t(x, v)")
        con.executemany("INSERT INTO t VALUES(?1, bert_embed('m', ?1))", rows)
        for x, v in con.execute("SELECT x, v FROM t"):
            self.assertEqual(v is None, x is None)
            self.assertEqual(one(con, "SELECT bert_embed('m', ?)", x), v)

    def test_a_constant_text_of_another_model(self):
        con = connect(m=BASE, other=TAG)
        rows = con.execute("SELECT column1, length(bert_embed(column1, 'a cat')), "
                           "bert_embed(column1, 'a cat') "
                           "FROM (VALUES('m'), ('other'), ('m'), ('other'))").fetchall()
        for name, _, vector in rows:
            self.assertEqual(one(con, "SELECT bert_embed(?, 'a cat')", name), vector)
        self.assertNotEqual(rows[0][2], rows[1][2])

    def test_an_error_in_a_transaction(self):
        con = connect(m=BASE)
        con.execute("CREATE TABLE t(v)")
        con.execute("BEGIN")
        con.execute("INSERT INTO t VALUES(bert_embed('m', 'a'))")
        with self.assertRaisesRegex(sqlite3.OperationalError, "is a BLOB of 1 bytes"):
            con.execute("INSERT INTO t VALUES(bert_embed('m', x'00'))")
        self.assertTrue(con.in_transaction)
        con.execute("COMMIT")
        self.assertEqual(one(con, "SELECT count(*) FROM t"), 1)

    def test_a_model_is_replaced(self):
        con = connect(m=BASE)
        before = one(con, "SELECT bert_embed('m', 'a cat')")
        cursor = con.execute("SELECT embedding FROM bert_embed_each('m', '[\"a cat\",\"a cat\"]')")
        first = cursor.fetchone()[0]
        con.execute("SELECT bert_load('m', ?)", (TAG,)).fetchone()
        self.assertEqual([first, cursor.fetchone()[0]], [before, before])
        self.assertNotEqual(one(con, "SELECT bert_embed('m', 'a cat')"), before)

    def test_a_statement_that_runs_sees_a_new_model(self):
        """Functions of one value look the name up for each row."""
        con = connect(m=BASE)
        cursor = con.execute("SELECT bert_embed('m', 'a cat') FROM bert_tokens('m', 'a b c d e')")
        before = cursor.fetchone()[0]
        con.execute("SELECT bert_load('m', ?)", (TAG,)).fetchone()
        rows = [row[0] for row in cursor]
        self.assertEqual(rows[-1], one(con, "SELECT bert_embed('m', 'a cat')"))
        self.assertNotEqual(rows[-1], before)

    def test_files_that_change_in_place(self):
        """The old model, which is in use, is not taken for what lies there now."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(BASE, folder, dirs_exist_ok=True)
            shutil.copytree(MODELS + "/embed/mean", folder, dirs_exist_ok=True)
            first = connect(m=folder)
            before = one(first, "SELECT bert_embed('m', 'a cat')")
            path = folder + "/1_Pooling/config.json"
            with open(path, encoding="utf-8") as file:
                config = file.read()
            self.assertIn('"mean"', config)
            os.chmod(path, 0o644)
            with open(path, "r+", encoding="utf-8") as file:
                file.write(config.replace('"mean"', '"max" '))
            second = connect(m=folder)
            self.assertNotEqual(one(second, "SELECT bert_embed('m', 'a cat')"), before)
            self.assertEqual(one(first, "SELECT bert_embed('m', 'a cat')"), before)

    def test_an_authorizer(self):
        con = connect()

        def allow(action, _first, name, *_rest):
            denied = action == sqlite3.SQLITE_FUNCTION and name == "bert_load"
            return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

        con.set_authorizer(allow)
        with self.assertRaisesRegex(sqlite3.DatabaseError, "not authorized"):
            con.execute("SELECT bert_load('m', ?)", (BASE,))

    def test_without_nested_statements(self):
        """An authorizer that lets no SELECT through but the program's own: the watch is blind."""
        con = connect(ner=TAG)
        con.set_authorizer(lambda action, *_: sqlite3.SQLITE_DENY
                           if action == sqlite3.SQLITE_RECURSIVE else sqlite3.SQLITE_OK)
        self.assertGreater(one(con, "SELECT count(*) FROM bert_entities('ner', ?)", "Ada " * 3000),
                           0)


def refuse(constant):
    raise ValueError(constant)


def replaced(value):
    """Lone surrogates as U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", value) if isinstance(value, str) else value


def read_json(document):
    """Keys and texts by Python's reader; None where the extension must refuse the document."""
    try:
        value = json.loads(document, parse_constant=refuse, parse_int=lambda n: (n,),
                           parse_float=lambda n: (n,), object_pairs_hook=lambda pairs: {1: pairs})
    except ValueError:
        return None
    items = value[1] if isinstance(value, dict) else value
    if not isinstance(items, list):
        return None
    items = items if isinstance(value, dict) else list(enumerate(items))
    if any(isinstance(x, (bool, list, dict)) for _, x in items):
        return None
    return [(replaced(k), x[0] if isinstance(x, tuple) else replaced(x)) for k, x in items]


class Documents(unittest.TestCase):
    PARTS = ["[", "]", "{", "}", ",", ":", '"', '"a"', '"b\\n"', '"\\ud83d\\ude00"', '"\\ud83d"',
             '"\\ude00x"', '"\\ud83d\\u0041"', '"\\u0000"', "null", "true", "1", "-0", "0.5", "1e9",
             "-", "01", "1E+2", ".5", " ", "\n", "\\", "\u00e9", "\x01", '"k":', '"":1', "\\u12"]

    def test_json_as_python_reads_it(self):
        con = connect(m=BASE)
        con.text_factory = bytes
        choose = random.Random(1)
        accepted = 0
        for _ in range(5000):
            document = "".join(choose.choices(self.PARTS, k=choose.randrange(6)))
            document = choose.choice(["%s", "[%s]", "[%s,1]", '{"k":%s}']) % document
            want = read_json(document)
            try:
                have = [(k if isinstance(k, int) else k.decode(), t if t is None else t.decode())
                        for k, t in con.execute("SELECT key, text FROM bert_embed_each('m', ?)",
                                                (document,))]
            except sqlite3.OperationalError as error:
                self.assertRegex(str(error), "the JSON of the texts wants")
                have = None
            self.assertEqual(have, want, document)
            accepted += want is not None
        self.assertGreater(accepted, 300)


class Interrupts(unittest.TestCase):
    MUCH = "Ada met the king of Prussia in 1843. " * 40000
    SLOW = "SELECT count(*) FROM bert_entities('ner', ?)"

    def test_interrupt(self):
        con = connect(ner=TAG)
        done = threading.Event()

        def stop():
            while not done.wait(0.1):
                con.interrupt()

        thread = threading.Thread(target=stop)
        thread.start()
        try:
            with self.assertRaisesRegex(sqlite3.OperationalError, "interrupted"):
                con.execute(self.SLOW, (self.MUCH,)).fetchone()
        finally:
            done.set()
            thread.join()
        self.assertGreaterEqual(one(con, self.SLOW, "Ada"), 0)

    def test_progress_handler(self):
        con = connect(ner=TAG)
        end = time.monotonic() + 0.05
        con.set_progress_handler(lambda: time.monotonic() > end, 1000)
        with self.assertRaisesRegex(sqlite3.OperationalError, "interrupted"):
            con.execute(self.SLOW, (self.MUCH,)).fetchone()
        con.set_progress_handler(None, 0)
        self.assertGreaterEqual(one(con, self.SLOW, "Ada"), 0)


class Connections(unittest.TestCase):
    def test_threads_share_a_model(self):
        want = one(connect(m=BASE), "SELECT bert_embed('m', 'a cat')")
        wrong = []

        def work():
            con = connect(m=BASE)
            for i in range(20):
                # Another text each time, then the same: nothing may come from a neighbour.
                con.execute("SELECT bert_embed('m', ?)", ("text %d" % i,)).fetchone()
                if one(con, "SELECT bert_embed('m', ?)", "a cat") != want:
                    wrong.append(i)
            con.close()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_names(self):
        first, second = connect(m=BASE), connect(m=BASE, n=BASE)
        names = "SELECT json_extract(bert_info('m'), '$.names')"
        self.assertEqual(one(first, names), 3)
        self.assertEqual(one(second, "SELECT bert_unload('n')"), 1)
        self.assertEqual(one(first, names), 2)
        second.close()
        self.assertEqual(one(first, names), 1)
        self.assertEqual(one(first, "SELECT bert_unload('m')"), 1)
        info = json.loads(one(first, "SELECT bert_info()"))
        self.assertEqual(info["models"], [])
        first.close()

    def test_many_connections_one_after_the_other(self):
        for _ in range(50):
            con = connect(m=BASE)
            con.execute("SELECT bert_embed('m', 'a')").fetchone()
            con.close()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
