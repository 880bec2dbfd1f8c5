/* SPDX-License-Identifier: MIT */
/* calibration.c - reading a calibration. */
#include "lib/model/calibration.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json_file.h"
#include "lib/base/size.h"

struct reading {
    struct bert__calibration *to;
    struct bert__arena *arena;
    struct bert__alloc *alloc;
    bert_error *err;
};

static bert_status bad(const struct reading *r, const char *layer, const char *what)
{
    return bert__fail(r->err, BERT_EFORMAT, "%s: layer \"%s\": %s", r->to->path, layer, what);
}

static bert_status read_outliers(const struct reading *r, const struct bert__json *list,
                                 struct bert__calibrated *layer)
{
    size_t n = list != NULL ? list->u.array.count : 0;
    uint32_t *columns;

    if (n == 0)
        return BERT_OK;
    if (n > BERT__OUTLIERS_MOST || n >= layer->inputs)
        return bad(r, layer->layer, "too many outliers");
    columns = bert__arena_get(r->arena, n * sizeof *columns);
    if (columns == NULL)
        return bert__alloc_fail(r->alloc, r->to->path, r->err);
    for (size_t i = 0; i < n; i++) {
        const struct bert__json *item = &list->u.array.items[i];

        if (item->type != BERT__JSON_NUMBER || !item->is_integer || item->u.integer < 0
            || item->u.integer >= (int64_t)layer->inputs
            || (i > 0 && item->u.integer <= (int64_t)columns[i - 1]))
            return bad(r, layer->layer, "outliers are to be ascending numbers of its inputs");
        columns[i] = (uint32_t)item->u.integer;
    }
    layer->outliers = columns;
    layer->n_outliers = (uint32_t)n;
    return BERT_OK;
}

static bert_status read_layer(const struct reading *r, const struct bert__json *from,
                              struct bert__calibrated *layer)
{
    const struct bert__json *outliers = NULL;
    const char *path = r->to->path;
    bert_text name = {NULL, 0};
    double clip = INFINITY;
    bert_status st = from->type == BERT__JSON_OBJECT
                         ? bert__json_read_string(from, path, "layer", &name, r->err)
                         : BERT_OK;

    if (st != BERT_OK)
        return st;
    if (name.data == NULL || memchr(name.data, 0, name.size) != NULL)
        return bert__fail(r->err, BERT_EFORMAT,
                          "%s: each of layers needs the name of its \"layer\"", path);
    layer->layer = bert__arena_string(r->arena, name.data, name.size);
    if (layer->layer == NULL)
        return bert__alloc_fail(r->alloc, path, r->err);
    st = bert__json_read_u32(from, path, "inputs", 1, UINT32_MAX, &layer->inputs, r->err);
    if (st == BERT_OK)
        st = bert__json_read_double(from, path, "clip", &clip, r->err);
    if (st == BERT_OK)
        st = bert__json_read_container(from, path, "outliers", BERT__JSON_ARRAY, &outliers, r->err);
    if (st != BERT_OK)
        return st;
    if (layer->inputs == 0)
        return bad(r, layer->layer, "\"inputs\" is missing");
    if (!(clip >= (double)FLT_MIN) || (clip > (double)FLT_MAX && !isinf(clip)))
        return bad(r, layer->layer, "\"clip\" is to be above 0");
    layer->clip = (float)clip;
    return read_outliers(r, outliers, layer);
}

static bert_status read_layers(const struct reading *r, const struct bert__json *list)
{
    size_t bytes;

    if (list == NULL || list->u.array.count == 0 || list->u.array.count > UINT32_MAX)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"layers\" is missing or empty", r->to->path);
    r->to->n = (uint32_t)list->u.array.count;
    if (bert__size_mul(r->to->n, sizeof *r->to->layers, &bytes))
        r->to->layers = bert__arena_get(r->arena, bytes);
    if (r->to->layers == NULL)
        return bert__alloc_fail(r->alloc, r->to->path, r->err);
    memset(r->to->layers, 0, bytes);
    for (uint32_t i = 0; i < r->to->n; i++) {
        bert_status st = read_layer(r, &list->u.array.items[i], &r->to->layers[i]);

        if (st != BERT_OK)
            return st;
    }
    return BERT_OK;
}

static bert_status read_root(const struct reading *r, const struct bert__json *root)
{
    const struct bert__json *layers = NULL;
    uint32_t version = 0;
    bert_status st;

    if (!bert__json_equals(bert__json_find(root, "format"), BERT__CALIBRATION_FORMAT))
        return bert__fail(r->err, BERT_EFORMAT, "%s: no calibration: \"format\" is to be \"%s\"",
                          r->to->path, BERT__CALIBRATION_FORMAT);
    st = bert__json_read_u32(root, r->to->path, "version", 0, UINT32_MAX, &version, r->err);
    if (st == BERT_OK && version != BERT__CALIBRATION_VERSION)
        return bert__fail(r->err, BERT_EUNSUPPORTED, "%s: version %lu is not known", r->to->path,
                          (unsigned long)version);
    if (st == BERT_OK)
        st = bert__json_read_container(root, r->to->path, "layers", BERT__JSON_ARRAY, &layers,
                                       r->err);
    return st == BERT_OK ? read_layers(r, layers) : st;
}

bert_status bert__calibration_read(struct bert__calibration *out, struct bert__arena *arena,
                                   struct bert__alloc *alloc, const char *path, bert_error *err)
{
    struct reading r = {out, arena, alloc, err};
    struct bert__json_file file = {NULL, path};
    struct bert__source *source;
    const char *name;
    bert_status st;

    memset(out, 0, sizeof *out);
    st = bert__source_open_path(&source, alloc, path, BERT__CONFIG_BYTES, err);
    if (st != BERT_OK)
        return st;
    name = bert__source_single(source);
    if (name == NULL)
        st = bert__fail(err, BERT_EFORMAT, "%s: a folder or a packed model, no calibration", path);
    else
        st = bert__json_file(&file, arena, source, "", name, 0, BERT__CONFIG_BYTES,
                             BERT__JSON_OBJECT, err);
    bert__source_close(source);
    if (st != BERT_OK)
        return st;
    out->path = bert__arena_string(arena, path, strlen(path));
    return out->path != NULL ? read_root(&r, file.root) : bert__alloc_fail(alloc, path, err);
}

bert_status bert__calibration_of(const struct bert__calibration *c, const char *layer,
                                 uint32_t inputs, const struct bert__calibrated **out,
                                 bert_error *err)
{
    *out = NULL;
    for (uint32_t i = 0; i < c->n; i++) {
        struct bert__calibrated *found = &c->layers[i];

        if (strcmp(found->layer, layer) != 0)
            continue;
        if (found->inputs != inputs)
            return bert__fail(err, BERT_EFORMAT,
                              "%s: layer \"%s\" has %lu inputs; the model's has %lu", c->path,
                              layer, (unsigned long)found->inputs, (unsigned long)inputs);
        found->used = true;
        *out = found;
        return BERT_OK;
    }
    return BERT_OK;
}

bert_status bert__calibration_check_used(const struct bert__calibration *c, bert_error *err)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (!c->layers[i].used)
            return bert__fail(err, BERT_EFORMAT,
                              "%s: the model has no layer \"%s\": it was made for another one",
                              c->path, c->layers[i].layer);
    return BERT_OK;
}
