/* SPDX-License-Identifier: MIT */
/* load_template.c - post-processors, all as templates. */
#include <stdio.h>

#include "lib/base/error.h"
#include "tokenizer/load.h"

static const char what[] = "the post-processor";

enum { MAX_PARTS = 4096 };

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

static void count_parts(struct bert__template *t)
{
    t->n_special = 0;
    t->n_sequences = 0;
    for (uint32_t i = 0; i < t->n_parts; i++) {
        if (t->parts[i].kind == BERT__PART_SPECIAL)
            t->n_special += t->parts[i].n_tokens;
        else
            t->n_sequences++;
    }
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
    count_parts(out);
    return status;
}

static bert_status load_template(struct bert__load *l, const struct bert__json *post)
{
    struct bert__postprocessor *p = &l->tok->postprocessor;
    const struct bert__json *map;
    bert_status status = bert__load_kind(l, post, what, "special_tokens", BERT__JSON_OBJECT, &map);

    p->present = true;
    if (status == BERT_OK && map->u.object.count > MAX_PARTS)
        status = bert__fail(l->err, BERT_ELIMIT, "%s: %s has %zu special tokens", l->path, what,
                            map->u.object.count);
    if (status == BERT_OK)
        status = load_parts(l, post, "single", map, &p->single);
    if (status == BERT_OK)
        status = load_parts(l, post, "pair", map, &p->pair);
    return status;
}

/* ---- BertProcessing ------------------------------------------------------- */

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

bert_status bert__load_bert_template(struct bert__load *l, const struct bert__special *cls,
                                     const struct bert__special *sep)
{
    struct bert__postprocessor *p = &l->tok->postprocessor;
    struct bert__special *tokens = bert__arena_get(&l->tok->arena, 2 * sizeof *tokens);
    struct bert__part *parts = bert__arena_get(&l->tok->arena, 5 * sizeof *parts);

    if (tokens == NULL || parts == NULL)
        return bert__load_nomem(l);
    tokens[0] = *cls;
    tokens[1] = *sep;
    parts[0] = (struct bert__part){BERT__PART_SPECIAL, 0, &tokens[0], 1};
    parts[1] = (struct bert__part){BERT__PART_FIRST, 0, NULL, 0};
    parts[2] = (struct bert__part){BERT__PART_SPECIAL, 0, &tokens[1], 1};
    parts[3] = (struct bert__part){BERT__PART_SECOND, 1, NULL, 0};
    parts[4] = (struct bert__part){BERT__PART_SPECIAL, 1, &tokens[1], 1};
    p->present = true;
    p->single = (struct bert__template){parts, 3, 2, 1};
    p->pair = (struct bert__template){parts, 5, 3, 2};
    return BERT_OK;
}

static bert_status load_bert(struct bert__load *l, const struct bert__json *post)
{
    struct bert__special cls, sep;
    bert_status status = load_named(l, post, "cls", &cls);

    if (status == BERT_OK)
        status = load_named(l, post, "sep", &sep);
    return status == BERT_OK ? bert__load_bert_template(l, &cls, &sep) : status;
}

/* ---- None, or one of those ------------------------------------------------- */

bert_status bert__load_postprocessor(struct bert__load *l, const struct bert__json *post)
{
    static const struct bert__part bare[2] = {{BERT__PART_FIRST, 0, NULL, 0},
                                              {BERT__PART_SECOND, 1, NULL, 0}};
    struct bert__postprocessor *p = &l->tok->postprocessor;
    bert_text type;
    char name[84];
    bert_status status;

    if (post == NULL || post->type == BERT__JSON_NULL) {
        p->single = (struct bert__template){bare, 1, 0, 1};
        p->pair = (struct bert__template){bare, 2, 0, 2};
        return BERT_OK;
    }
    status = bert__load_text(l, post, what, "type", &type);
    if (status != BERT_OK)
        return status;
    if (bert__json_equals(bert__json_get(post, "type"), "TemplateProcessing"))
        return load_template(l, post);
    if (bert__json_equals(bert__json_get(post, "type"), "BertProcessing"))
        return load_bert(l, post);
    return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: the post-processor \"%s\" is not supported",
                      l->path, bert__printable(name, type.data, type.size));
}
