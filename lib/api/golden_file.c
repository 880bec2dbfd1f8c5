/* SPDX-License-Identifier: MIT */
/* golden_file.c - golden inputs as JSON, written and read. */
#include <math.h>
#include <string.h>

#include "lib/api/golden.h"
#include "lib/base/error.h"
#include "lib/base/json_file.h"
#include "lib/base/size.h"

static const char *const precisions[BERT__GOLDEN_PRECISIONS] = {"fp32", "bf16", "int8"};

const char *bert__golden_precision(uint32_t place)
{
    return precisions[place];
}

/* ---- Writing -------------------------------------------------------------------- */

static void add_item(struct bert__json_text *text, uint32_t fields,
                     const struct bert__golden_item *item)
{
    bert__json_add(text, "{");
    if ((fields & BERT__GOLDEN_LABEL) != 0) {
        bert__json_add(text, "\"label\": ");
        bert__json_add_text(text, item->label.data, item->label.size);
        bert__json_add(text, ", ");
    }
    if ((fields & BERT__GOLDEN_PLACE) != 0)
        bert__json_add(text, "\"start\": %llu, \"end\": %llu, ", (unsigned long long)item->start,
                       (unsigned long long)item->end);
    if ((fields & BERT__GOLDEN_TOKEN) != 0)
        bert__json_add(text, "\"mask\": %llu, \"id\": %llu, ", (unsigned long long)item->mask,
                       (unsigned long long)item->id);
    bert__json_add(text, "\"score\": ");
    bert__json_add_number(text, item->score);
    bert__json_add(text, "}");
}

static void add_answer(struct bert__json_text *text, uint32_t fields,
                       const struct bert__golden_answer *answer)
{
    if ((fields & BERT__GOLDEN_VECTOR) != 0) {
        bert__json_add(text, ", \"vector\": [");
        for (size_t i = 0; i < answer->width; i++) {
            bert__json_add(text, i > 0 ? ", " : "");
            bert__json_add_number(text, (double)answer->vector[i]);
        }
    } else {
        bert__json_add(text, ", \"answers\": [");
        for (size_t i = 0; i < answer->n; i++) {
            bert__json_add(text, i > 0 ? ", " : "");
            add_item(text, fields, &answer->items[i]);
        }
    }
    bert__json_add(text, "]");
}

static void add_tolerances(struct bert__json_text *text, const struct bert__golden *g)
{
    bert__json_add(text, "\"tolerances\": {");
    for (int i = 0; i < BERT__GOLDEN_PRECISIONS; i++) {
        bert__json_add(text, "%s\"%s\": {\"difference\": ", i > 0 ? ", " : "", precisions[i]);
        bert__json_add_number(text, g->tolerances[i].difference);
        bert__json_add(text, ", \"cosine\": ");
        bert__json_add_number(text, g->tolerances[i].cosine);
        bert__json_add(text, "}");
    }
    bert__json_add(text, "},\n");
}

void bert__golden_describe(struct bert__json_text *text, const struct bert__golden *g)
{
    const struct bert__golden_task *task = bert__golden_task(g->task);

    bert__json_add(text,
                   "{\"format\": \"%s\", \"version\": %d, \"created_by\": \"%s\",\n"
                   "\"task\": \"%s\", \"precision\": \"%s\",\n",
                   BERT__GOLDEN_FORMAT, BERT__GOLDEN_VERSION, bert_version(), task->name,
                   precisions[g->precision - BERT_PRECISION_FP32]);
    add_tolerances(text, g);
    bert__json_add(text, "\"inputs\": [");
    for (size_t i = 0; i < g->n; i++) {
        bert__json_add(text, "%s\n{\"text\": ", i > 0 ? "," : "");
        bert__json_add_text(text, g->texts[i].data, g->texts[i].size);
        if (g->pairs != NULL) {
            bert__json_add(text, ", \"pair\": ");
            bert__json_add_text(text, g->pairs[i].data, g->pairs[i].size);
        }
        add_answer(text, task->fields, &g->answers[i]);
        bert__json_add(text, "}");
    }
    bert__json_add(text, "]}\n");
}

/* ---- Reading: an answer ------------------------------------------------------------ */

struct reading {
    struct bert__golden *to;
    struct bert__arena *arena;
    const char *path;
    uint32_t fields;
    bert_error *err;
};

static bert_status bad(const struct reading *r, size_t i, const char *what)
{
    return bert__fail(r->err, BERT_EFORMAT, "%s: inputs[%zu]: %s", r->path, i, what);
}

static void *get(const struct reading *r, size_t n, size_t size)
{
    size_t bytes;

    return bert__size_mul(n, size, &bytes) ? bert__arena_get(r->arena, bytes) : NULL;
}

static bert_status no_memory(const struct reading *r)
{
    return bert__alloc_fail(r->arena->alloc, r->path, r->err);
}

static bool read_number(const struct bert__json *value, double *out)
{
    if (!bert__json_is(value, BERT__JSON_NUMBER))
        return false;
    *out = bert__json_number(value);
    return isfinite(*out);
}

static bool read_count(const struct bert__json *value, uint64_t *out)
{
    if (!bert__json_is(value, BERT__JSON_NUMBER) || !value->is_integer || value->u.integer < 0)
        return false;
    *out = (uint64_t)value->u.integer;
    return true;
}

static bert_status read_item(const struct reading *r, size_t i, const struct bert__json *from,
                             struct bert__golden_item *out)
{
    const struct bert__json *label = bert__json_find(from, "label");

    memset(out, 0, sizeof *out);
    if (!read_number(bert__json_find(from, "score"), &out->score))
        return bad(r, i, "an answer's \"score\" is missing or no number");
    if ((r->fields & BERT__GOLDEN_LABEL) != 0) {
        if (!bert__json_is(label, BERT__JSON_STRING))
            return bad(r, i, "an answer's \"label\" is missing or no string");
        out->label = label->u.string;
    }
    if ((r->fields & BERT__GOLDEN_PLACE) != 0
        && (!read_count(bert__json_find(from, "start"), &out->start)
            || !read_count(bert__json_find(from, "end"), &out->end)))
        return bad(r, i, "an answer's \"start\" or \"end\" is missing or no whole number");
    if ((r->fields & BERT__GOLDEN_TOKEN) != 0
        && (!read_count(bert__json_find(from, "mask"), &out->mask)
            || !read_count(bert__json_find(from, "id"), &out->id)))
        return bad(r, i, "an answer's \"mask\" or \"id\" is missing or no whole number");
    return BERT_OK;
}

static bert_status read_items(const struct reading *r, size_t i, const struct bert__json *list)
{
    struct bert__golden_answer *answer = &r->to->answers[i];
    bert_status st = BERT_OK;

    if (!bert__json_is(list, BERT__JSON_ARRAY))
        return bad(r, i, "\"answers\" is missing or no array");
    answer->n = list->u.array.count;
    answer->items = get(r, answer->n, sizeof *answer->items);
    if (answer->items == NULL)
        return no_memory(r);
    for (size_t k = 0; k < answer->n && st == BERT_OK; k++)
        st = read_item(r, i, &list->u.array.items[k], &answer->items[k]);
    return st;
}

static bert_status read_vector(const struct reading *r, size_t i, const struct bert__json *list)
{
    struct bert__golden_answer *answer = &r->to->answers[i];
    float *vector;

    if (!bert__json_is(list, BERT__JSON_ARRAY) || list->u.array.count == 0)
        return bad(r, i, "\"vector\" is missing or no array");
    answer->width = list->u.array.count;
    vector = get(r, answer->width, sizeof *vector);
    if (vector == NULL)
        return no_memory(r);
    for (size_t k = 0; k < answer->width; k++) {
        double number;

        if (!read_number(&list->u.array.items[k], &number) || !isfinite((float)number))
            return bad(r, i, "\"vector\" holds what is no number");
        vector[k] = (float)number;
    }
    answer->vector = vector;
    return BERT_OK;
}

/* ---- Reading: inputs ---------------------------------------------------------------- */

static bert_status read_input(const struct reading *r, size_t i, const struct bert__json *from,
                              bert_text *texts, bert_text *pairs)
{
    const struct bert__json *text = bert__json_find(from, "text"),
                            *pair = bert__json_find(from, "pair");

    if (!bert__json_is(text, BERT__JSON_STRING))
        return bad(r, i, "\"text\" is missing or no string");
    texts[i] = text->u.string;
    if (pairs != NULL && !bert__json_is(pair, BERT__JSON_STRING))
        return bad(r, i, "\"pair\" is missing or no string");
    if (pairs == NULL && pair != NULL)
        return bad(r, i,
                   "there is a \"pair\", which the task, or the first of the inputs, has not");
    if (pairs != NULL)
        pairs[i] = pair->u.string;
    return (r->fields & BERT__GOLDEN_VECTOR) != 0
               ? read_vector(r, i, bert__json_find(from, "vector"))
               : read_items(r, i, bert__json_find(from, "answers"));
}

static bert_status read_inputs(const struct reading *r, const struct bert__json *list)
{
    const struct bert__golden_task *task = bert__golden_task(r->to->task);
    bool has_pairs;
    bert_text *texts, *pairs = NULL;
    bert_status st = BERT_OK;

    if (!bert__json_is(list, BERT__JSON_ARRAY) || list->u.array.count == 0)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"inputs\" is missing or empty", r->path);
    has_pairs = task->pairs == BERT__PAIR_MUST
                || (task->pairs == BERT__PAIR_MAY
                    && bert__json_find(&list->u.array.items[0], "pair") != NULL);
    r->to->n = list->u.array.count;
    texts = get(r, r->to->n, sizeof *texts);
    if (has_pairs)
        pairs = get(r, r->to->n, sizeof *pairs);
    r->to->answers = get(r, r->to->n, sizeof *r->to->answers);
    if (texts == NULL || (has_pairs && pairs == NULL) || r->to->answers == NULL)
        return no_memory(r);
    memset(r->to->answers, 0, r->to->n * sizeof *r->to->answers);
    for (size_t i = 0; i < r->to->n && st == BERT_OK; i++)
        st = read_input(r, i, &list->u.array.items[i], texts, pairs);
    r->to->texts = texts;
    r->to->pairs = pairs;
    return st;
}

static bert_status read_tolerances(const struct reading *r, const struct bert__json *all)
{
    for (int i = 0; i < BERT__GOLDEN_PRECISIONS; i++) {
        const struct bert__json *one = bert__json_find(all, precisions[i]);
        struct bert__golden_tolerance *out = &r->to->tolerances[i];

        if (!read_number(bert__json_find(one, "difference"), &out->difference)
            || !read_number(bert__json_find(one, "cosine"), &out->cosine) || out->difference < 0
            || out->cosine > 1)
            return bert__fail(r->err, BERT_EFORMAT,
                              "%s: \"tolerances\": \"%s\" is to hold a \"difference\" of at least "
                              "0 and a \"cosine\" of at most 1",
                              r->path, precisions[i]);
    }
    return BERT_OK;
}

/* ---- Reading: the whole ---------------------------------------------------------------- */

static bert_status read_version(const struct reading *r, const struct bert__json *root)
{
    uint32_t version = 0;
    bert_status st;

    if (!bert__json_equals(bert__json_find(root, "format"), BERT__GOLDEN_FORMAT))
        return bert__fail(r->err, BERT_EFORMAT, "%s: no golden inputs: \"format\" is to be \"%s\"",
                          r->path, BERT__GOLDEN_FORMAT);
    st = bert__json_read_u32(root, r->path, "version", 1, UINT32_MAX, &version, r->err);
    if (st == BERT_OK && version == 0)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"version\" is missing", r->path);
    if (st == BERT_OK && version != BERT__GOLDEN_VERSION)
        return bert__fail(r->err, BERT_EUNSUPPORTED, "%s: version %lu is not known", r->path,
                          (unsigned long)version);
    return st;
}

static bert_status read_task(struct reading *r, const struct bert__json *root)
{
    const struct bert__json *name = bert__json_find(root, "task"),
                            *precision = bert__json_find(root, "precision");
    const struct bert__golden_task *row;

    for (uint32_t i = 1; (row = bert__golden_task(i)) != NULL; i++)
        if (bert__json_equals(name, row->name)) {
            r->to->task = i;
            r->fields = row->fields;
        }
    for (uint32_t i = 0; i < BERT__GOLDEN_PRECISIONS; i++)
        if (bert__json_equals(precision, precisions[i]))
            r->to->precision = BERT_PRECISION_FP32 + i;
    if (r->to->task == 0)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"task\" is missing or not known", r->path);
    if (r->to->precision == 0)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"precision\" is missing or not known",
                          r->path);
    return BERT_OK;
}

bert_status bert__golden_read(struct bert__golden *out, struct bert__arena *arena, const char *path,
                              bert_error *err)
{
    struct reading r = {out, arena, path, 0, err};
    struct bert__json_file file = {NULL, path};
    struct bert__source *source;
    bert_status st;

    memset(out, 0, sizeof *out);
    st = bert__source_open_path(&source, arena->alloc, path, BERT__CONFIG_BYTES, err);
    if (st != BERT_OK)
        return st;
    if (bert__source_single(source) == NULL)
        st =
            bert__fail(err, BERT_EFORMAT, "%s: a folder or a packed model, no golden inputs", path);
    else
        st = bert__json_file(&file, arena, source, "", bert__source_single(source), 0,
                             BERT__CONFIG_BYTES, BERT__JSON_OBJECT, err);
    bert__source_close(source);
    if (st == BERT_OK)
        st = read_version(&r, file.root);
    if (st == BERT_OK)
        st = read_task(&r, file.root);
    if (st == BERT_OK)
        st = read_tolerances(&r, bert__json_find(file.root, "tolerances"));
    return st == BERT_OK ? read_inputs(&r, bert__json_find(file.root, "inputs")) : st;
}
