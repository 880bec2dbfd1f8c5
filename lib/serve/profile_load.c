/* SPDX-License-Identifier: MIT */
/* profile_load.c - reading a profile. */
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json_file.h"
#include "lib/serve/drift.h"

struct reading {
    bert_profile *p;
    const char *file;
    bert_error *err;
};

/* ---- Members ------------------------------------------------------------------------------- */

static bert_status bad(const struct reading *r, const char *key, const char *what)
{
    return bert__fail(r->err, BERT_EFORMAT, "%s: \"%s\" %s", r->file, key, what);
}

static bert_status need(const struct reading *r, const struct bert__json *object, const char *key,
                        enum bert__json_type type, const struct bert__json **out)
{
    const struct bert__json *value = bert__json_get(object, key);

    *out = NULL;
    if (value == NULL)
        return bad(r, key, "is missing");
    if (value->type != type)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"%s\" is %s", r->file, key,
                          bert__json_type_name(value));
    *out = value;
    return BERT_OK;
}

static bert_status as_count(const struct reading *r, const struct bert__json *value,
                            const char *key, uint64_t low, uint64_t high, uint64_t *out)
{
    if (value->type != BERT__JSON_NUMBER || !value->is_integer || value->u.integer < 0
        || (uint64_t)value->u.integer < low || (uint64_t)value->u.integer > high)
        return bert__fail(r->err, BERT_EFORMAT,
                          "%s: \"%s\" is to be a whole number from %llu to %llu", r->file, key,
                          (unsigned long long)low, (unsigned long long)high);
    *out = (uint64_t)value->u.integer;
    return BERT_OK;
}

static bert_status as_real(const struct reading *r, const struct bert__json *value, const char *key,
                           float *out)
{
    double number = value->type == BERT__JSON_NUMBER ? bert__json_number(value) : INFINITY;

    *out = (float)number;
    return isfinite(*out) ? BERT_OK : bad(r, key, "is to be a number that a float holds");
}

static bert_status read_real(const struct reading *r, const struct bert__json *object,
                             const char *key, float *out)
{
    const struct bert__json *value;
    bert_status st = need(r, object, key, BERT__JSON_NUMBER, &value);

    return st == BERT_OK ? as_real(r, value, key, out) : st;
}

/* A list of exactly n numbers. */
static bert_status as_reals(const struct reading *r, const struct bert__json *list, const char *key,
                            float *out, size_t n)
{
    bert_status st = BERT_OK;

    if (list->type != BERT__JSON_ARRAY || list->u.array.count != n)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"%s\" is to hold %zu numbers", r->file, key,
                          n);
    for (size_t i = 0; i < n && st == BERT_OK; i++)
        st = as_real(r, &list->u.array.items[i], key, &out[i]);
    return st;
}

static float *floats(const struct reading *r, size_t rows, size_t n)
{
    return bert__alloc_items(r->p->alloc, rows * n, sizeof(float)); /* 64 * 8192 at most */
}

static bert_status no_memory(const struct reading *r)
{
    return bert__alloc_fail(r->p->alloc, r->file, r->err);
}

static bert_status read_reals(const struct reading *r, const struct bert__json *object,
                              const char *key, float **out, size_t n)
{
    const struct bert__json *list;
    bert_status st = need(r, object, key, BERT__JSON_ARRAY, &list);

    if (st != BERT_OK)
        return st;
    *out = floats(r, n, 1);
    return *out != NULL ? as_reals(r, list, key, *out, n) : no_memory(r);
}

/* A list of at most `most` rows of n numbers. */
static bert_status read_rows(const struct reading *r, const struct bert__json *object,
                             const char *key, size_t most, size_t n, float **out, uint32_t *rows)
{
    const struct bert__json *list;
    bert_status st = need(r, object, key, BERT__JSON_ARRAY, &list);

    if (st != BERT_OK)
        return st;
    if (list->u.array.count > most)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"%s\" has %zu rows; at most %zu", r->file,
                          key, list->u.array.count, most);
    *rows = (uint32_t)list->u.array.count;
    *out = floats(r, *rows, n);
    if (*out == NULL)
        return no_memory(r);
    for (uint32_t i = 0; i < *rows && st == BERT_OK; i++)
        st = as_reals(r, &list->u.array.items[i], key, *out + i * n, n);
    return st;
}

/* ---- The head ---------------------------------------------------------------------------------
 */

static bert_status check_format(const struct reading *r, const struct bert__json *root)
{
    uint32_t version = 0;
    bert_status st;

    if (!bert__json_equals(bert__json_find(root, "format"), BERT__PROFILE_FORMAT))
        return bert__fail(r->err, BERT_EFORMAT, "%s: no profile: \"format\" is to be \"%s\"",
                          r->file, BERT__PROFILE_FORMAT);
    st = bert__json_read_u32(root, r->file, "version", 0, UINT32_MAX, &version, r->err);
    if (st == BERT_OK && version != BERT__PROFILE_VERSION)
        return bert__fail(r->err, BERT_EUNSUPPORTED, "%s: version %lu is not known", r->file,
                          (unsigned long)version);
    return st;
}

static bert_status read_model(const struct reading *r, const struct bert__json *root)
{
    const struct bert__json *model;
    bert_status st = need(r, root, "model", BERT__JSON_STRING, &model);
    char *copy;

    if (st != BERT_OK)
        return st;
    if (model->u.string.size > BERT__MODEL_BYTES
        || memchr(model->u.string.data, 0, model->u.string.size) != NULL)
        return bad(r, "model", "is too long, or has a NUL");
    copy = bert__alloc_string(r->p->alloc, model->u.string.data, model->u.string.size);
    if (copy == NULL)
        return no_memory(r);
    bert__alloc_free(r->p->alloc, r->p->model);
    r->p->model = copy;
    return BERT_OK;
}

static bert_status read_counts(const struct reading *r, const struct bert__json *root)
{
    enum { DIMENSIONS, LABELS, WINDOW, REPLICATES, OBSERVED, EMBEDDED, NONFINITE, BASE, BASE_E };
    const uint64_t large = (uint64_t)1 << 53;
    const struct {
        const char *key;
        uint64_t low, high;
    } rows[] = {{"dimensions", 0, BERT__DIMENSIONS_MOST},
                {"labels", 0, BERT__LABELS_MOST},
                {"window", BERT__WINDOW_LEAST, BERT__WINDOW_MOST},
                {"replicates", BERT__REPLICATES_LEAST, BERT__REPLICATES_MOST},
                {"observations", 1, large},
                {"embeddings", 0, large},
                {"nonfinite", 0, large},
                {"base", BERT__WINDOW_LEAST, BERT__SAMPLE_MOST},
                {"base_embeddings", 0, BERT__SAMPLE_MOST}};
    const struct bert__json *value;
    uint64_t found[sizeof rows / sizeof *rows];
    bert_status st = BERT_OK;

    for (size_t i = 0; i < sizeof rows / sizeof *rows && st == BERT_OK; i++) {
        st = need(r, root, rows[i].key, BERT__JSON_NUMBER, &value);
        if (st == BERT_OK)
            st = as_count(r, value, rows[i].key, rows[i].low, rows[i].high, &found[i]);
    }
    if (st != BERT_OK)
        return st;
    r->p->dimensions = (uint32_t)found[DIMENSIONS];
    r->p->labels = (uint32_t)found[LABELS];
    r->p->window = (uint32_t)found[WINDOW];
    r->p->replicates = (uint32_t)found[REPLICATES];
    r->p->observed = found[OBSERVED];
    r->p->embedded = found[EMBEDDED];
    r->p->nonfinite = found[NONFINITE];
    r->p->n_base = (uint32_t)found[BASE];
    r->p->n_base_embedded = (uint32_t)found[BASE_E];
    if (found[BASE] > found[OBSERVED] || found[EMBEDDED] > found[OBSERVED])
        return bad(r, "observations", "is less than \"base\" or \"embeddings\"");
    if (found[BASE_E] > found[EMBEDDED] || found[BASE_E] > found[BASE])
        return bad(r, "base_embeddings", "is more than \"embeddings\" or \"base\"");
    return BERT_OK;
}

/* ---- Histograms ---------------------------------------------------------------------------------
 */

/* Which one it is; BERT__BINNED: none. */
static uint32_t histogram_of(const struct bert__json *from, uint32_t n_axes)
{
    const struct bert__json *name = bert__json_get(from, "name");

    for (uint32_t i = 0; i < BERT__FIELDS; i++)
        if (bert__json_equals(name, bert__field_name(i)))
            return i;
    return bert__json_equals(name, "axis") ? BERT__FIELDS + n_axes : BERT__BINNED;
}

static bert_status read_edges(const struct reading *r, const struct bert__json *from,
                              uint32_t number)
{
    struct bert__bins *h = &r->p->histograms[number];
    const struct bert__json *edges;
    bert_status st = need(r, from, "edges", BERT__JSON_ARRAY, &edges);

    if (st != BERT_OK)
        return st;
    if (number == BERT__LABEL ? edges->u.array.count != 0 || r->p->labels == 0
                              : edges->u.array.count < 1 || edges->u.array.count > BERT__EDGES_MOST)
        return bad(r, "edges", "has too few or too many numbers");
    h->n_edges = (uint32_t)edges->u.array.count;
    h->n_bins = number == BERT__LABEL ? r->p->labels + 1 : h->n_edges + 1;
    st = as_reals(r, edges, "edges", h->edges, h->n_edges);
    for (uint32_t i = 1; i < h->n_edges && st == BERT_OK; i++)
        if (!(h->edges[i] > h->edges[i - 1]))
            st = bad(r, "edges", "does not ascend");
    if (st == BERT_OK && number < BERT__FIELDS)
        st = read_real(r, from, "mean", &r->p->means[number]);
    return st;
}

static bert_status read_bins(const struct reading *r, const struct bert__json *from,
                             struct bert__bins *h)
{
    const struct bert__json *counts;
    bert_status st = need(r, from, "counts", BERT__JSON_ARRAY, &counts);

    if (st == BERT_OK && counts->u.array.count != h->n_bins)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"counts\" is to hold %lu numbers", r->file,
                          (unsigned long)h->n_bins);
    for (uint32_t i = 0; i < h->n_bins && st == BERT_OK; i++) {
        uint64_t n = 0;

        st = as_count(r, &counts->u.array.items[i], "counts", 0, r->p->n_base - h->n, &n);
        r->p->counts[h->first + i] = (uint32_t)n;
        h->n += (uint32_t)n;
    }
    return st;
}

static bert_status read_histograms(const struct reading *r, const struct bert__json *root)
{
    const struct bert__json *list, *from[BERT__BINNED] = {NULL};
    bert_status st = need(r, root, "histograms", BERT__JSON_ARRAY, &list);
    uint32_t n_axes = 0;

    for (size_t i = 0; st == BERT_OK && i < list->u.array.count; i++) {
        const struct bert__json *item = &list->u.array.items[i];
        uint32_t number = histogram_of(item, n_axes);

        if (number >= BERT__BINNED || from[number] != NULL)
            return bad(r, "histograms", "has one of no known name, or one twice");
        from[number] = item;
        n_axes += number >= BERT__FIELDS;
        st = read_edges(r, item, number);
    }
    if (st == BERT_OK && n_axes != r->p->directions)
        return bad(r, "histograms", "is to have one for each of \"axes\"");
    if (st == BERT_OK && !bert__profile_place_counts(r->p))
        return no_memory(r);
    for (uint32_t i = 0; st == BERT_OK && i < BERT__BINNED; i++)
        if (from[i] != NULL)
            st = read_bins(r, from[i], &r->p->histograms[i]);
    return st;
}

/* ---- Embeddings and thresholds
 * --------------------------------------------------------------------- */

static bert_status read_kernel(const struct reading *r, const struct bert__json *root)
{
    const struct bert__json *kernel = bert__json_get(root, "kernel");
    bert_profile *p = r->p;
    bert_status st;

    if (kernel == NULL)
        return BERT_OK;
    st = need(r, root, "kernel", BERT__JSON_OBJECT, &kernel);
    if (st == BERT_OK)
        st = read_rows(r, kernel, "rows", BERT__KERNEL_ROWS, p->dimensions, &p->kernel_rows,
                       &p->n_kernel);
    if (st == BERT_OK)
        st = read_real(r, kernel, "gamma", &p->gamma);
    if (st == BERT_OK)
        st = read_real(r, kernel, "self", &p->self);
    if (st == BERT_OK && !(p->gamma > 0))
        return bad(r, "gamma", "is to be above 0");
    return st;
}

static bert_status read_vectors(const struct reading *r, const struct bert__json *root)
{
    bert_profile *p = r->p;
    size_t most = p->dimensions < BERT__DIRECTIONS_MOST ? p->dimensions : BERT__DIRECTIONS_MOST;
    bert_status st;

    if (p->dimensions == 0)
        return p->embedded == 0 ? BERT_OK
                                : bad(r, "embeddings", "is to be 0: so is \"dimensions\"");
    st = read_reals(r, root, "mean", &p->vector_mean, p->dimensions);
    if (st == BERT_OK)
        st = read_reals(r, root, "variance", &p->vector_variance, p->dimensions);
    if (st == BERT_OK)
        st = read_rows(r, root, "axes", most, p->dimensions, &p->axes, &p->directions);
    return st == BERT_OK ? read_kernel(r, root) : st;
}

static bert_status read_threshold(const struct reading *r, const struct bert__json *from)
{
    const struct bert__json *name = bert__json_get(from, "statistic");
    uint32_t i = 0;
    bert_status st;

    while (i < BERT_DRIFT_STATISTICS && !bert__json_equals(name, bert__statistic_name(i)))
        i++;
    if (i == BERT_DRIFT_STATISTICS || (r->p->known & 1u << i) != 0)
        return bad(r, "thresholds", "has one of no known statistic, or one twice");
    r->p->known |= 1u << i;
    st = read_real(r, from, "median", &r->p->middle[i]);
    if (st == BERT_OK)
        st = read_real(r, from, "spread", &r->p->spread[i]);
    if (st == BERT_OK && !(r->p->spread[i] > 0))
        return bad(r, "spread", "is to be above 0");
    return st;
}

static bert_status read_thresholds(const struct reading *r, const struct bert__json *root)
{
    bert_profile *p = r->p;
    const struct bert__json *list;
    bert_status st = need(r, root, "thresholds", BERT__JSON_ARRAY, &list);

    for (size_t i = 0; st == BERT_OK && i < list->u.array.count; i++)
        st = read_threshold(r, &list->u.array.items[i]);
    p->n_tail = bert__profile_tail_size(p->replicates);
    if (st == BERT_OK)
        st = read_reals(r, root, "largest_z", &p->tail, p->n_tail);
    for (uint32_t i = 1; st == BERT_OK && i < p->n_tail; i++)
        if (p->tail[i] > p->tail[i - 1])
            st = bad(r, "largest_z", "does not descend");
    return st;
}

/* ---- The file
 * -------------------------------------------------------------------------------------- */

static bert_status read_root(const struct reading *r, const struct bert__json *root)
{
    bert_status st = check_format(r, root);

    if (st == BERT_OK)
        st = read_model(r, root);
    if (st == BERT_OK)
        st = read_counts(r, root);
    if (st == BERT_OK)
        st = read_vectors(r, root);
    if (st == BERT_OK)
        st = read_histograms(r, root);
    return st == BERT_OK ? read_thresholds(r, root) : st;
}

static bert_status read_file(bert_profile *p, const char *path, struct bert__arena *arena,
                             bert_error *err)
{
    struct reading r = {p, path, err};
    struct bert__json_file file = {NULL, path};
    struct bert__source *source;
    const char *name;
    bert_status st = bert__source_open_path(&source, p->alloc, path, BERT__CONFIG_BYTES, err);

    if (st != BERT_OK)
        return st;
    name = bert__source_single(source);
    if (name == NULL)
        st = bert__fail(err, BERT_EFORMAT, "%s: a folder or a packed model, no profile", path);
    else
        st = bert__json_file(&file, arena, source, "", name, 0, BERT__CONFIG_BYTES,
                             BERT__JSON_OBJECT, err);
    bert__source_close(source);
    return st == BERT_OK ? read_root(&r, file.root) : st;
}

bert_status bert__profile_load(bert_profile **out, const char *path,
                               const bert_allocator *allocator, uint64_t max_bytes, bert_error *err)
{
    const bert_text nameless = {"", 0};
    struct bert__arena arena;
    bert_status st;
    bert_profile *p = bert__profile_new(allocator, max_bytes, nameless, &st, err);

    if (p == NULL)
        return st;
    bert__arena_init(&arena, p->alloc);
    st = read_file(p, path, &arena, err);
    bert__arena_free(&arena);
    if (st != BERT_OK) {
        bert__profile_unref(p);
        return st;
    }
    p->finished = true;
    *out = p;
    return BERT_OK;
}
