/* SPDX-License-Identifier: MIT */
/* bert_similarity(). */
#include <math.h>
#include <string.h>

#include "bindings/sqlite/functions.h"

/* Of gcc and clang.  Two, since gcc keeps wider ones than the target's in memory. */
typedef float floats __attribute__((vector_size(2 * sizeof(float))));
typedef double doubles __attribute__((vector_size(2 * sizeof(double))));

enum { PAIR = sizeof(floats) /* bytes */ };

struct sums {
    double ab, aa, bb;
};

struct lanes {
    doubles ab, aa, bb;
};

/* With two numbers of each, from bytes that may lie anywhere in a page of the database. */
static inline struct lanes add_pair(struct lanes s, const unsigned char *a, const unsigned char *b)
{
    doubles u, v;
    floats x, y;

    memcpy(&x, a, PAIR);
    memcpy(&y, b, PAIR);
    bert__sql_swap_floats(&x, 2);
    bert__sql_swap_floats(&y, 2);
    u = __builtin_convertvector(x, doubles);
    v = __builtin_convertvector(y, doubles);
    s.ab += u * v;
    s.aa += u * u;
    s.bb += v * v;
    return s;
}

static struct sums add_up(const unsigned char *a, const unsigned char *b, size_t n)
{
    struct lanes s = {{0}, {0}, {0}}, t = s; /* two, so that one needn't wait for the other */
    unsigned char tail[4 * PAIR] = {0};
    size_t at = 0, bytes = n * sizeof(float);
    struct sums out;

    for (; bytes - at >= 2 * PAIR; at += 2 * PAIR) {
        s = add_pair(s, a + at, b + at);
        t = add_pair(t, a + at + PAIR, b + at + PAIR);
    }
    memcpy(tail, a + at, bytes - at);
    memcpy(tail + 2 * PAIR, b + at, bytes - at);
    s = add_pair(s, tail, tail + 2 * PAIR);
    t = add_pair(t, tail + PAIR, tail + 3 * PAIR);
    out.ab = s.ab[0] + s.ab[1] + t.ab[0] + t.ab[1];
    out.aa = s.aa[0] + s.aa[1] + t.aa[0] + t.aa[1];
    out.bb = s.bb[0] + s.bb[1] + t.bb[0] + t.bb[1];
    return out;
}

/* As the library's, of zeros too. */
static double cosine(const struct sums *s)
{
    return s->ab / (fmax(sqrt(s->aa), 1e-12) * fmax(sqrt(s->bb), 1e-12));
}

static int check_vector(sqlite3_value *value, const char *which, struct bert__sql_error *error)
{
    int type = sqlite3_value_type(value), size;

    if (type != SQLITE_BLOB)
        return bert__sql_fail(error,
                              "bert_similarity: the %s vector is %s, not a BLOB; bert_embed() "
                              "makes vectors, and bert_similarity(model, text, text) takes texts",
                              which, type == SQLITE_TEXT ? "TEXT" : "a number");
    size = sqlite3_value_bytes(value);
    if (size == 0 || size % 4 != 0)
        return bert__sql_fail(error,
                              "bert_similarity: the %s vector has %d bytes, no whole number of "
                              "float32",
                              which, size);
    return SQLITE_OK;
}

static int check_vectors(sqlite3_value **values, struct bert__sql_error *error)
{
    int rc = check_vector(values[0], "first", error);

    if (rc == SQLITE_OK)
        rc = check_vector(values[1], "second", error);
    if (rc == SQLITE_OK && sqlite3_value_bytes(values[0]) != sqlite3_value_bytes(values[1]))
        rc = bert__sql_fail(error, "bert_similarity: vectors of %d and %d numbers",
                            sqlite3_value_bytes(values[0]) / 4, sqlite3_value_bytes(values[1]) / 4);
    return rc;
}

void bert__sql_cosine(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct bert__sql_error error = {SQLITE_OK, NULL};
    struct sums s;

    (void)n;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL
        || sqlite3_value_type(values[1]) == SQLITE_NULL)
        return;
    if (check_vectors(values, &error) != SQLITE_OK) {
        bert__sql_result_error(context, &error);
        return;
    }
    s = add_up(sqlite3_value_blob(values[0]), sqlite3_value_blob(values[1]),
               (size_t)sqlite3_value_bytes(values[0]) / 4);
    sqlite3_result_double(context, (double)(float)cosine(&s));
}

/* ---- Of texts, or of a text and a vector ---------------------------------------- */

struct sides {
    float *vectors; /* [2][size] */
    size_t size;
    bert_text texts[2];
    size_t row[2]; /* of the texts, in vectors */
    size_t n;
};

/* A vector is copied; a text is noted. */
static int read_side(const struct bert__sql_use *use, struct sides *sides, size_t i,
                     sqlite3_value *value, struct bert__sql_error *error)
{
    size_t bytes = sides->size * sizeof(float);
    bool null;
    int rc;

    if (sqlite3_value_type(value) == SQLITE_BLOB) {
        if ((size_t)sqlite3_value_bytes(value) != bytes)
            return bert__sql_fail(error,
                                  "bert_similarity: a vector of %d bytes; those of model '%s' (%s) "
                                  "have %llu",
                                  sqlite3_value_bytes(value), use->name, use->model->path,
                                  (unsigned long long)bytes);
        memcpy(sides->vectors + i * sides->size, sqlite3_value_blob(value), bytes);
        bert__sql_swap_floats(sides->vectors + i * sides->size, sides->size);
        return SQLITE_OK;
    }
    rc = bert__sql_text(value, use->function, "text", &sides->texts[sides->n], &null, error);
    sides->row[sides->n++] = i;
    return rc;
}

/* One text, or both at once. */
static int embed_sides(const struct bert__sql_use *use, struct sides *sides,
                       struct bert__sql_error *error)
{
    struct bert__sql_session *session;
    bert_status status;
    bert_error err;

    if (sides->n == 0)
        return SQLITE_OK;
    session = bert__sql_use_enter(use, error);
    if (session == NULL)
        return error->code;
    status = bert_embed(session->session, sides->texts, sides->n, NULL,
                        sides->vectors + sides->row[0] * sides->size, sides->n * sides->size, NULL,
                        &err);
    bert__sql_use_leave(use, session);
    return status == BERT_OK ? SQLITE_OK : bert__sql_use_fail(use, &err, error);
}

static int compare(const struct bert__sql_use *use, sqlite3_value **values, double *out,
                   struct bert__sql_error *error)
{
    struct sides sides = {0};
    float score;
    bert_error err;
    int rc;

    if (bert_embed_size(use->model->model, NULL, &sides.size, &err) != BERT_OK)
        return bert__sql_use_fail(use, &err, error);
    sides.vectors = sqlite3_malloc64(2 * sides.size * sizeof(float));
    if (sides.vectors == NULL)
        return bert__sql_no_memory(error);
    rc = read_side(use, &sides, 0, values[0], error);
    if (rc == SQLITE_OK)
        rc = read_side(use, &sides, 1, values[1], error);
    if (rc == SQLITE_OK)
        rc = embed_sides(use, &sides, error);
    if (rc == SQLITE_OK
        && bert_similarity(bert_model_embedding_similarity(use->model->model, BERT_EMBEDDING_DENSE),
                           sides.vectors, sides.vectors + sides.size, sides.size, &score, &err)
               != BERT_OK)
        rc = bert__sql_use_fail(use, &err, error);
    if (rc == SQLITE_OK)
        *out = (double)score;
    sqlite3_free(sides.vectors);
    return rc;
}

void bert__sql_similar(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct bert__sql_error error = {SQLITE_OK, NULL};
    struct bert__sql_use use;
    double score = 0;
    int rc =
        bert__sql_use_begin(&use, sqlite3_user_data(context), "bert_similarity", values[0], &error);
    bool null = sqlite3_value_type(values[1]) == SQLITE_NULL
                || sqlite3_value_type(values[2]) == SQLITE_NULL;

    (void)n;
    if (rc == SQLITE_OK && !null)
        rc = compare(&use, values + 1, &score, &error);
    if (rc != SQLITE_OK)
        bert__sql_result_error(context, &error);
    else if (!null)
        sqlite3_result_double(context, score);
    bert__sql_use_end(&use);
}
