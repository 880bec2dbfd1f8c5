/* SPDX-License-Identifier: MIT */
/*
 * mask.c - the finders, one over another, and the text with tags.
 *
 * The first finder sees the whole text, each other one the gaps that those before it left, and each
 * goes through its gaps once: the time is a small constant for each byte and finder.
 */
#include "lib/serve/mask.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/serve/mask_view.h"

/* In the order in which they have the place. */
static const struct kind {
    uint32_t kind;
    bert__mask_finder *find;
    const char *tag;
} kinds[BERT__MASK_KINDS] = {
    {BERT_MASK_URL, bert__mask_url, "URL"},    {BERT_MASK_EMAIL, bert__mask_email, "EMAIL"},
    {BERT_MASK_IBAN, bert__mask_iban, "IBAN"}, {BERT_MASK_CARD, bert__mask_card, "CARD"},
    {BERT_MASK_IP, bert__mask_ip, "IP"},       {BERT_MASK_PHONE, bert__mask_phone, "PHONE"},
};

static const struct kind *kind_of(uint32_t kind)
{
    size_t i = 0;

    while (kinds[i].kind != kind)
        i++;
    return &kinds[i];
}

/* ---- Finding ---------------------------------------------------------------------------- */

/* The next of the finders 0 to n - 1. */
static bool next_of(struct bert__masker *m, size_t n, bert_mask_span *out)
{
    struct bert__mask_view v = {m->text.data, 0, 0, m->text.size};
    struct bert__mask_layer *layer;

    if (n == 0)
        return false;
    layer = &m->layer[n - 1];
    v.lo = layer->lo;
    v.hi = layer->has ? layer->pending.bytes.start : m->text.size;
    if (v.lo < v.hi && kind_of(layer->kind)->find(&v, &out->bytes)) {
        out->kind = layer->kind;
        layer->lo = out->bytes.end;
        return true;
    }
    if (!layer->has) {
        layer->lo = m->text.size;
        return false;
    }
    *out = layer->pending;
    layer->lo = out->bytes.end;
    layer->has = next_of(m, n - 1, &layer->pending);
    return true;
}

void bert__mask_start(struct bert__masker *m, bert_text text, uint32_t wanted)
{
    *m = (struct bert__masker){.text = text};
    for (size_t i = 0; i < BERT__MASK_KINDS; i++) {
        if ((wanted & kinds[i].kind) != 0) {
            struct bert__mask_layer *layer = &m->layer[m->layers];

            layer->kind = kinds[i].kind;
            layer->has = next_of(m, m->layers, &layer->pending);
            m->layers++;
        }
    }
}

bool bert__mask_next(struct bert__masker *m, bert_mask_span *out)
{
    return next_of(m, m->layers, out);
}

/* ---- Entities --------------------------------------------------------------------------- */

/* Places of another text would leave this one's in clear. */
static bert_status check_places(const struct bert__mask_entities *e, size_t size, bert_error *err)
{
    size_t start = 0;

    for (size_t i = 0; i < e->n; i++) {
        bert_span at = e->list[i].bytes;

        if (at.end > size || at.start > size || at.start < start)
            return bert__fail(
                err, BERT_EINVAL,
                "entity %zu is at %zu to %zu: not in the order of a text of %zu bytes", i, at.start,
                at.end, size);
        start = at.start;
    }
    return BERT_OK;
}

bert_status bert__mask_entities_read(struct bert__mask_entities *e, const bert_entities *entities,
                                     size_t record, bert_text text, bert_error *err)
{
    bert_status st;

    if (record >= bert_entities_size(entities))
        return bert__fail(err, BERT_EINVAL, "record is %zu; there are %zu", record,
                          bert_entities_size(entities));
    st = bert_entities_status(entities, record);
    if (st != BERT_OK)
        return bert__fail(err, st, "record %zu: %s", record,
                          bert_entities_message(entities, record));
    e->list = bert_entities_list(entities, record);
    e->n = bert_entities_count(entities, record);
    return check_places(e, text.size, err);
}

/* ---- Both together ---------------------------------------------------------------------- */

/* What is masked as one. */
struct part {
    bert_span bytes;
    bert_span longest; /* of those that make it up, whose tag it has */
    uint32_t kind;     /* of that; 0: an entity */
    const char *label; /* of the entity */
};

struct parts {
    struct bert__masker masker;
    const struct bert__mask_entities *entities; /* NULL: none */
    size_t entity;
    bool has;
    bert_mask_span span;
};

static bool chosen(const struct bert__mask_entities *e, const bert_entity *entity)
{
    if (entity->bytes.end <= entity->bytes.start)
        return false;
    for (size_t i = 0; i < e->n_labels; i++) {
        if (strcmp(e->labels[i], entity->label) == 0)
            return true;
    }
    return e->n_labels == 0;
}

static const bert_entity *next_entity(struct parts *p)
{
    const struct bert__mask_entities *e = p->entities;

    while (e != NULL && p->entity < e->n && !chosen(e, &e->list[p->entity]))
        p->entity++;
    return e != NULL && p->entity < e->n ? &e->list[p->entity] : NULL;
}

/* The next by its start, of either source; of two at one place the longer. */
static bool next_single(struct parts *p, struct part *out)
{
    const bert_entity *entity = next_entity(p);

    if (!p->has && entity == NULL)
        return false;
    if (p->has
        && (entity == NULL || p->span.bytes.start < entity->bytes.start
            || (p->span.bytes.start == entity->bytes.start
                && p->span.bytes.end >= entity->bytes.end))) {
        *out = (struct part){p->span.bytes, p->span.bytes, p->span.kind, NULL};
        p->has = bert__mask_next(&p->masker, &p->span);
    } else {
        *out = (struct part){entity->bytes, entity->bytes, 0, entity->label};
        p->entity++;
    }
    return true;
}

static size_t starts_at(struct parts *p)
{
    const bert_entity *entity = next_entity(p);
    size_t start = p->has ? p->span.bytes.start : SIZE_MAX;

    return entity != NULL && entity->bytes.start < start ? entity->bytes.start : start;
}

/* The next part: all that overlaps, with what the longest of it is. */
static bool next_part(struct parts *p, struct part *out)
{
    struct part more;

    if (!next_single(p, out))
        return false;
    while (starts_at(p) < out->bytes.end && next_single(p, &more)) {
        if (more.bytes.end - more.bytes.start > out->longest.end - out->longest.start) {
            out->longest = more.bytes;
            out->kind = more.kind;
            out->label = more.label;
        }
        out->bytes.end = more.bytes.end > out->bytes.end ? more.bytes.end : out->bytes.end;
    }
    return true;
}

/* ---- Writing ---------------------------------------------------------------------------- */

struct writer {
    char *out;
    size_t capacity, size;
};

static void put(struct writer *w, const char *data, size_t n)
{
    if (w->size < w->capacity && n > 0)
        memcpy(w->out + w->size, data, n < w->capacity - w->size ? n : w->capacity - w->size);
    w->size += n;
}

/* A label is a model's: what could be mistaken for the end of the tag, or is no letter, is '_'. */
static void put_label(struct writer *w, const char *label)
{
    for (size_t i = 0; label[i] != '\0' && i < 32; i++) {
        unsigned char c = (unsigned char)label[i];

        put(w, bert__mask_class(c) == BERT__MASK_WORD || c == '-' ? label + i : "_", 1);
    }
}

static void put_tag(struct writer *w, bert_text text, const struct part *part,
                    const struct bert__mask_how *how)
{
    bert_text value = {text.data + part->longest.start, part->longest.end - part->longest.start};
    char pseudonym[16];

    put(w, "[", 1);
    if (part->kind != 0)
        put(w, kind_of(part->kind)->tag, strlen(kind_of(part->kind)->tag));
    else
        put_label(w, part->label);
    if (how->keyed) {
        bert__mask_pseudonym(pseudonym, how->key, part->kind, value);
        put(w, ":", 1);
        put(w, pseudonym, sizeof pseudonym);
    }
    put(w, "]", 1);
}

size_t bert__mask_write(bert_text text, const struct bert__mask_how *how,
                        const struct bert__mask_entities *entities, char *out, size_t capacity)
{
    struct writer w = {out, capacity, 0};
    struct parts p = {.entities = entities};
    struct part part;
    size_t from = 0;

    bert__mask_start(&p.masker, text, how->kinds);
    p.has = bert__mask_next(&p.masker, &p.span);
    while (next_part(&p, &part)) {
        put(&w, text.data + from, part.bytes.start - from);
        put_tag(&w, text, &part, how);
        from = part.bytes.end;
    }
    if (from < text.size)
        put(&w, text.data + from, text.size - from);
    return w.size;
}
