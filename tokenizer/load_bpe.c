/* SPDX-License-Identifier: MIT */
/* load_bpe.c - a BPE model of tokenizer.json. */
#include "lib/base/error.h"
#include "tokenizer/load.h"

static const char what[] = "the model";

/* ---- Merges -------------------------------------------------------------------- */

struct merges {
    const struct bert__json **items; /* strings "a b", or arrays ["a", "b"] */
};

/* The texts on both sides of the one space. */
static struct bert__bpe_merge split(bert_text line)
{
    const char *space = memchr(line.data, ' ', line.size);
    size_t n = (size_t)(space - line.data);

    return (struct bert__bpe_merge){{line.data, n}, {space + 1, line.size - n - 1}};
}

static struct bert__bpe_merge next_merge(const void *list, size_t i)
{
    const struct bert__json *m = ((const struct merges *)list)->items[i];

    if (m->type == BERT__JSON_STRING)
        return split(m->u.string);
    return (struct bert__bpe_merge){m->u.array.items[0].u.string, m->u.array.items[1].u.string};
}

static bool is_pair(const struct bert__json *m)
{
    const char *space;

    if (m->type == BERT__JSON_ARRAY)
        return m->u.array.count == 2 && m->u.array.items[0].type == BERT__JSON_STRING
               && m->u.array.items[1].type == BERT__JSON_STRING;
    space = m->u.string.size > 0 ? memchr(m->u.string.data, ' ', m->u.string.size) : NULL;
    return space != NULL
           && memchr(space + 1, ' ', m->u.string.size - (size_t)(space + 1 - m->u.string.data))
                  == NULL;
}

/* A line that says the version of the file it came from. */
static bool is_version(const struct bert__json *m)
{
    return m->type == BERT__JSON_STRING && m->u.string.size >= 8
           && memcmp(m->u.string.data, "#version", 8) == 0;
}

static bert_status collect(const struct bert__load *l, const struct bert__json *list,
                           struct merges *out, size_t *n)
{
    const struct bert__json *first = list->u.array.items;
    size_t bytes;

    *n = 0;
    if (!bert__size_mul(list->u.array.count, sizeof *out->items, &bytes))
        return bert__load_nomem(l);
    out->items = bert__arena_get(l->files, bytes);
    if (out->items == NULL)
        return bert__load_nomem(l);
    for (size_t i = 0; i < list->u.array.count; i++) {
        const struct bert__json *m = &list->u.array.items[i];

        if ((m->type != BERT__JSON_STRING && m->type != BERT__JSON_ARRAY) || m->type != first->type)
            return bert__fail(l->err, BERT_EFORMAT,
                              "%s: merge %zu is %s; expected all \"a b\", or all [\"a\", \"b\"]",
                              l->path, i + 1, bert__json_type_name(m));
        if (is_version(m))
            continue;
        if (!is_pair(m))
            return bert__fail(l->err, BERT_EFORMAT, "%s: merge %zu is not two tokens", l->path,
                              i + 1);
        out->items[(*n)++] = m;
    }
    return BERT_OK;
}

/* ---- Options ------------------------------------------------------------------- */

/* A string, or nothing where absent or null. */
static bert_status read_affix(const struct bert__load *l, const struct bert__json *model,
                              const char *key, bert_text *out)
{
    bert_text text = {NULL, 0};
    bert_status status = bert__json_read_string(model, l->path, key, &text, l->err);

    if (status == BERT_OK && text.size > BERT__BPE_AFFIX)
        return bert__fail(l->err, BERT_ELIMIT, "%s: \"%s\" of %s has %zu bytes; at most %d",
                          l->path, key, what, text.size, BERT__BPE_AFFIX);
    if (status == BERT_OK && !bert__load_copy(l, text, out))
        status = bert__load_nomem(l);
    return status;
}

/* Dropout is random: the reference has no answer to be equal to. */
static bert_status check_dropout(const struct bert__load *l, const struct bert__json *model)
{
    double dropout = 0;
    bert_status status = bert__json_read_double(model, l->path, "dropout", &dropout, l->err);

    if (status == BERT_OK && dropout != 0)
        return bert__fail(l->err, BERT_EUNSUPPORTED,
                          "%s: \"dropout\" of %s is not 0: its tokens are random; set it to null",
                          l->path, what);
    return status;
}

static bert_status read_unk(const struct bert__load *l, const struct bert__json *model,
                            int32_t *out)
{
    bert_text token = {NULL, 0};
    bert_status status = bert__json_read_string(model, l->path, "unk_token", &token, l->err);

    *out = -1;
    if (status != BERT_OK || bert__json_find(model, "unk_token") == NULL)
        return status;
    return bert__load_find(l, "unknown token", token, out);
}

static bert_status read_options(const struct bert__load *l, const struct bert__json *model,
                                struct bert__bpe_options *o)
{
    bert_status status = check_dropout(l, model);

    if (status == BERT_OK)
        status = bert__json_read_bool(model, l->path, "fuse_unk", &o->fuse_unk, l->err);
    if (status == BERT_OK)
        status = bert__json_read_bool(model, l->path, "byte_fallback", &o->byte_fallback, l->err);
    if (status == BERT_OK)
        status = bert__json_read_bool(model, l->path, "ignore_merges", &o->ignore_merges, l->err);
    if (status == BERT_OK)
        status = read_affix(l, model, "continuing_subword_prefix", &o->prefix);
    if (status == BERT_OK)
        status = read_affix(l, model, "end_of_word_suffix", &o->suffix);
    return status;
}

bert_status bert__load_bpe(const struct bert__load *l, const struct bert__json *model)
{
    struct bert__bpe_options options = {.byte_level = l->tok->pretokenizer.byte_level};
    struct merges merges = {NULL};
    const struct bert__json *list;
    size_t n = 0;
    bert_status status = read_options(l, model, &options);

    if (status == BERT_OK)
        status = bert__load_model_vocab(l, model);
    if (status == BERT_OK)
        status = read_unk(l, model, &options.unk_id);
    if (status == BERT_OK)
        status = bert__load_kind(l, model, what, "merges", BERT__JSON_ARRAY, &list);
    if (status == BERT_OK)
        status = collect(l, list, &merges, &n);
    if (status != BERT_OK)
        return status;
    l->tok->model.kind = BERT__MODEL_BPE;
    return bert__bpe_init(&l->tok->model.u.bpe, l->tok->alloc, &l->tok->vocab, &options, next_merge,
                          &merges, n, l->path, l->err);
}
