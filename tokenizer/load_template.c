/* SPDX-License-Identifier: MIT */
/* load_template.c - "post_processor" of tokenizer.json. */
#include <stdio.h>

#include "lib/base/error.h"
#include "tokenizer/load.h"

static const char what[] = "the post-processor";

enum { MAX_PARTS = 4096, MAX_STEPS = 16, MAX_DEPTH = 8 };

/* ---- TemplateProcessing --------------------------------------------------- */

/* Special tokens by name, as the file's map has them. */
static bert_status load_special(const struct bert__load *l, const struct bert__json *map,
                                bert_text name, struct bert__part *part)
{
    const struct bert__json *entry = NULL, *ids, *tokens;
    struct bert__special *specials;
    char text[84], label[120];
    bert_status status;

    for (size_t i = 0; i < map->u.object.count && entry == NULL; i++) {
        const struct bert__json_member *m = &map->u.object.members[i];

        if (m->key.size == name.size && memcmp(m->key.data, name.data, name.size) == 0)
            entry = &m->value;
    }
    snprintf(label, sizeof label, "special token \"%s\"",
             bert__printable(text, name.data, name.size));
    if (entry == NULL)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s names %s, which it does not define",
                          l->path, what, label);
    status = bert__load_kind(l, entry, label, "ids", BERT__JSON_ARRAY, &ids);
    if (status == BERT_OK)
        status = bert__load_kind(l, entry, label, "tokens", BERT__JSON_ARRAY, &tokens);
    if (status != BERT_OK)
        return status;
    if (ids->u.array.count != tokens->u.array.count || ids->u.array.count > MAX_PARTS)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s has %zu ids and %zu tokens", l->path, label,
                          ids->u.array.count, tokens->u.array.count);
    part->n_tokens = (uint32_t)ids->u.array.count;
    specials = bert__arena_get(&l->tok->arena, part->n_tokens * sizeof *specials);
    if (specials == NULL)
        return bert__load_nomem(l);
    part->tokens = specials;
    for (uint32_t i = 0; i < part->n_tokens && status == BERT_OK; i++) {
        const struct bert__json *token = &tokens->u.array.items[i];

        if (token->type != BERT__JSON_STRING)
            return bert__fail(l->err, BERT_EFORMAT, "%s: a token of %s is %s", l->path, label,
                              bert__json_type_name(token));
        if (!bert__load_copy(l, token->u.string, &specials[i].text))
            return bert__load_nomem(l);
        status = bert__load_id_value(l, &ids->u.array.items[i], label, &specials[i].id);
    }
    return status;
}

static bert_status load_part(const struct bert__load *l, const struct bert__json *piece,
                             const struct bert__json *map, struct bert__part *part)
{
    const struct bert__json *special = bert__json_get(piece, "SpecialToken");
    const struct bert__json *sequence = bert__json_get(piece, "Sequence");
    bert_text id;
    bert_status status;

    if ((special == NULL) == (sequence == NULL))
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: a part of %s is neither a \"SpecialToken\" nor a \"Sequence\"",
                          l->path, what);
    if (special == NULL)
        special = sequence;
    status = bert__load_text(l, special, "a part of the post-processor", "id", &id);
    if (status == BERT_OK)
        status =
            bert__load_id(l, special, "a part of the post-processor", "type_id", &part->type_id);
    if (status != BERT_OK)
        return status;
    if (sequence == NULL) {
        part->kind = BERT__PART_SPECIAL;
        return load_special(l, map, id, part);
    }
    if (id.size != 1 || (id.data[0] != 'A' && id.data[0] != 'B')) {
        char text[84];

        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: %s holds sequence \"%s\"; there are \"A\" and \"B\"", l->path, what,
                          bert__printable(text, id.data, id.size));
    }
    part->kind = id.data[0] == 'A' ? BERT__PART_FIRST : BERT__PART_SECOND;
    return BERT_OK;
}

static bert_status load_parts(const struct bert__load *l, const struct bert__json *post,
                              const char *key, const struct bert__json *map,
                              struct bert__template *out)
{
    const struct bert__json *pieces;
    struct bert__part *parts;
    bert_status status = bert__load_kind(l, post, what, key, BERT__JSON_ARRAY, &pieces);

    if (status != BERT_OK)
        return status;
    if (pieces->u.array.count > MAX_PARTS)
        return bert__fail(l->err, BERT_ELIMIT, "%s: \"%s\" of %s has %zu parts", l->path, key, what,
                          pieces->u.array.count);
    out->n_parts = (uint32_t)pieces->u.array.count;
    parts = bert__arena_get(&l->tok->arena, out->n_parts * sizeof *parts);
    if (parts == NULL)
        return bert__load_nomem(l);
    memset(parts, 0, out->n_parts * sizeof *parts);
    out->parts = parts;
    for (uint32_t i = 0; i < out->n_parts && status == BERT_OK; i++)
        status = load_part(l, &pieces->u.array.items[i], map, &parts[i]);
    for (uint32_t i = 0; i < out->n_parts && status == BERT_OK; i++) {
        if (parts[i].kind == BERT__PART_SECOND && key[0] == 's')
            status = bert__fail(l->err, BERT_EFORMAT, "%s: \"single\" of %s holds sequence \"B\"",
                                l->path, what);
    }
    return status;
}

static bert_status load_template(const struct bert__load *l, const struct bert__json *post,
                                 struct bert__post_step *out)
{
    const struct bert__json *map;
    bert_status status = bert__load_kind(l, post, what, "special_tokens", BERT__JSON_OBJECT, &map);

    if (status == BERT_OK && map->u.object.count > MAX_PARTS)
        status = bert__fail(l->err, BERT_ELIMIT, "%s: %s has %zu special tokens", l->path, what,
                            map->u.object.count);
    if (status == BERT_OK)
        status = load_parts(l, post, "single", map, &out->template[0]);
    if (status == BERT_OK)
        status = load_parts(l, post, "pair", map, &out->template[1]);
    return status;
}

/* ---- The others ------------------------------------------------------------ */

/* ["[SEP]", 102] */
static bert_status load_named(const struct bert__load *l, const struct bert__json *post,
                              const char *key, struct bert__special *out)
{
    const struct bert__json *pair;
    bert_status status = bert__load_kind(l, post, what, key, BERT__JSON_ARRAY, &pair);

    if (status != BERT_OK)
        return status;
    if (pair->u.array.count != 2 || pair->u.array.items[0].type != BERT__JSON_STRING)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"%s\" of %s must be a token and its id",
                          l->path, key, what);
    if (!bert__load_copy(l, pair->u.array.items[0].u.string, &out->text))
        return bert__load_nomem(l);
    return bert__load_id_value(l, &pair->u.array.items[1], key, &out->id);
}

static bert_status load_cls_sep(const struct bert__load *l, const struct bert__json *post,
                                struct bert__post_step *out)
{
    bert_status status = load_named(l, post, "cls", &out->cls);

    return status == BERT_OK ? load_named(l, post, "sep", &out->sep) : status;
}

static bert_status load_flags(const struct bert__load *l, const struct bert__json *post,
                              struct bert__post_step *out)
{
    bert_status status = bert__load_bool(l, post, what, "trim_offsets", &out->trim_offsets);

    if (status != BERT_OK)
        return status;
    return bert__load_bool(l, post, what, "add_prefix_space", &out->prefix_space);
}

static bert_status load_step(const struct bert__load *l, const struct bert__json *post,
                             struct bert__post_step *out)
{
    bert_text type;
    bert_status status = bert__load_text(l, post, what, "type", &type);

    if (status != BERT_OK)
        return status;
    if (bert__load_is(type, "TemplateProcessing")) {
        out->kind = BERT__POST_TEMPLATE;
        return load_template(l, post, out);
    }
    if (bert__load_is(type, "BertProcessing")) {
        out->kind = BERT__POST_BERT;
        return load_cls_sep(l, post, out);
    }
    if (bert__load_is(type, "ByteLevel")) {
        out->kind = BERT__POST_BYTE_LEVEL;
        return load_flags(l, post, out);
    }
    if (!bert__load_is(type, "RobertaProcessing"))
        return bert__load_unsupported(l, "post-processor", type);
    out->kind = BERT__POST_ROBERTA;
    status = load_cls_sep(l, post, out);
    if (status != BERT_OK
        || (bert__json_get(post, "trim_offsets") != NULL
            && bert__json_get(post, "add_prefix_space") != NULL))
        return status == BERT_OK ? load_flags(l, post, out) : status;
    out->kind = BERT__POST_BERT; /* so the reference, which goes by the keys */
    return bert__load_note(l,
                           "%s: RobertaProcessing without trim_offsets and add_prefix_space is "
                           "BertProcessing",
                           l->path);
}

/* ---- One, or a Sequence ---------------------------------------------------- */

/* The steps of a Sequence, of Sequences in it too, behind the *n that are there. */
static bert_status load_steps(const struct bert__load *l, const struct bert__json *post,
                              unsigned depth, struct bert__post_step *out, uint32_t *n)
{
    const struct bert__json *list;
    bert_status status = BERT_OK;

    if (post->type != BERT__JSON_OBJECT)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s is %s; expected an object", l->path, what,
                          bert__json_type_name(post));
    if (*n == MAX_STEPS || depth == MAX_DEPTH)
        return bert__fail(l->err, BERT_ELIMIT, "%s: more than %d post-processors", l->path,
                          MAX_STEPS);
    if (!bert__json_equals(bert__json_get(post, "type"), "Sequence"))
        return load_step(l, post, &out[(*n)++]);
    status = bert__load_kind(l, post, what, "processors", BERT__JSON_ARRAY, &list);
    for (size_t i = 0; status == BERT_OK && i < list->u.array.count; i++)
        status = load_steps(l, &list->u.array.items[i], depth + 1, out, n);
    return status;
}

bert_status bert__load_post_steps(const struct bert__load *l, const struct bert__post_step *steps,
                                  uint32_t n, bool present)
{
    return bert__post_compile(&l->tok->postprocessor, steps, n, present, &l->tok->arena, l->files,
                              l->path, l->err);
}

bert_status bert__load_bert_template(const struct bert__load *l, const struct bert__special *cls,
                                     const struct bert__special *sep)
{
    struct bert__post_step step = {.kind = BERT__POST_BERT, .cls = *cls, .sep = *sep};

    return bert__load_post_steps(l, &step, 1, true);
}

bert_status bert__load_postprocessor(const struct bert__load *l, const struct bert__json *post)
{
    struct bert__post_step steps[MAX_STEPS];
    uint32_t n = 0;
    bool present = post != NULL && post->type != BERT__JSON_NULL;
    bert_status status = BERT_OK;

    memset(steps, 0, sizeof steps);
    if (present)
        status = load_steps(l, post, 0, steps, &n);
    return status == BERT_OK ? bert__load_post_steps(l, steps, n, present) : status;
}
