/* SPDX-License-Identifier: MIT */
/*
 * postprocess.c - chained post-processors to layouts.
 *
 * The reference runs them over encodings; here they run once, over pieces that stand for
 * encodings: each holds at most one text, whose further windows differ from the first only
 * in types and ranges.
 */
#include "tokenizer/postprocess.h"

#include <string.h>

#include "lib/base/error.h"

enum { MAX_PIECES = 1 << 14, MAX_STEPS = 32, PIECE_RANGES = 4 };

/* Parts [begin, end) of a piece are sequence `id`. */
struct span {
    uint32_t id, begin, end;
};

struct spans {
    struct span items[PIECE_RANGES];
    uint32_t n;
};

/* What stands for an encoding. */
struct piece {
    struct bert__part *parts;
    uint32_t n_parts;
    uint32_t text;          /* index of the part that is a text; n_parts: none is */
    struct spans ranges[2]; /* of the first window, of further ones */
};

struct compiler {
    struct piece *pieces;
    uint32_t n;
    bool pair, special;
    struct bert__arena *arena, *scratch;
    const char *path;
    bert_error *err;
};

static bert_status no_memory(const struct compiler *c)
{
    return bert__alloc_fail(c->arena->alloc, c->path, c->err);
}

static bert_status refuse(const struct compiler *c, const char *why)
{
    return bert__fail(c->err, BERT_EUNSUPPORTED, "%s: the post-processors in their order %s",
                      c->path, why);
}

/* Book parts [begin, end) as sequence id; false: too many ids. */
static bool book(struct spans *s, uint32_t id, uint32_t begin, uint32_t end)
{
    uint32_t i = 0;

    while (i < s->n && s->items[i].id != id)
        i++;
    if (i == PIECE_RANGES)
        return false;
    s->items[i] = (struct span){id, begin, end};
    if (i == s->n)
        s->n++;
    return true;
}

/* ---- Steps ------------------------------------------------------------------ */

static bool trim(struct compiler *c, struct piece *p, const struct bert__post_step *step)
{
    struct bert__part *part = &p->parts[p->text];
    struct bert__trim *trims;

    if (p->text == p->n_parts)
        return true;
    trims = bert__arena_get(c->arena, (part->n_trims + 1) * sizeof *trims);
    if (trims == NULL)
        return false;
    if (part->n_trims > 0)
        memcpy(trims, part->trims, part->n_trims * sizeof *trims);
    trims[part->n_trims] = (struct bert__trim){step->prefix_space, p->text > 0};
    part->trims = trims;
    part->n_trims++;
    return true;
}

static bert_status trim_all(struct compiler *c, const struct bert__post_step *step)
{
    for (uint32_t i = 0; i < c->n && step->trim_offsets; i++) {
        if (!trim(c, &c->pieces[i], step))
            return no_memory(c);
    }
    return BERT_OK;
}

static bert_status byte_level(struct compiler *c, const struct bert__post_step *step)
{
    bert_status status = trim_all(c, step);

    for (uint32_t i = 0; i < c->n && status == BERT_OK; i++) {
        if (!book(&c->pieces[i].ranges[0], i, 0, c->pieces[i].n_parts))
            return refuse(c, "give a text too many sequence ids");
    }
    return status;
}

static void set_types(struct piece *p, int32_t type_id)
{
    for (uint32_t i = 0; i < p->n_parts; i++)
        p->parts[i].type_id = type_id;
}

/* Room for one more part on both sides, whose masks go; the parts are copied. */
static bool widen(struct compiler *c, struct piece *p)
{
    struct bert__part *parts = bert__arena_get(c->scratch, (p->n_parts + 2) * sizeof *parts);

    if (parts == NULL)
        return false;
    memset(parts, 0, (p->n_parts + 2) * sizeof *parts);
    memcpy(parts + 1, p->parts, p->n_parts * sizeof *parts);
    for (uint32_t i = 1; i <= p->n_parts; i++)
        parts[i].masked = false;
    p->parts = parts;
    return true;
}

/* Put special tokens around piece i: the front one only `if_first`. */
static bert_status wrap(struct compiler *c, uint32_t i, const struct bert__special *front,
                        const struct bert__special *back, int32_t type)
{
    struct piece *p = &c->pieces[i];
    uint32_t shift = front != NULL, n = p->n_parts;

    if (!widen(c, p))
        return no_memory(c);
    p->parts[0] = p->parts[n + 1] =
        (struct bert__part){BERT__PART_SPECIAL, true, 0, type, type, front, 1, NULL, 0};
    p->parts[n + 1].tokens = back;
    p->parts += 1 - shift;
    p->text += p->text == n ? shift + 1 : shift;
    p->n_parts = n + shift + 1;
    for (int k = 0; k < 2; k++) {
        p->ranges[k].n = 0;
        book(&p->ranges[k], i > 0, shift, shift + n);
    }
    return BERT_OK;
}

static const struct bert__special *keep(struct compiler *c, const struct bert__special *s)
{
    struct bert__special *copy = bert__arena_get(c->arena, sizeof *copy);

    if (copy != NULL)
        *copy = *s;
    return copy;
}

/* Bert: [CLS] A [SEP] B [SEP].  Roberta: <s> A </s> </s> B </s>, all types 0. */
static bert_status classic(struct compiler *c, const struct bert__post_step *step)
{
    bool roberta = step->kind == BERT__POST_ROBERTA;
    const struct bert__special *cls = keep(c, &step->cls), *sep = keep(c, &step->sep);
    bert_status status = roberta ? trim_all(c, step) : BERT_OK;

    if (cls == NULL || sep == NULL)
        return no_memory(c);
    for (uint32_t i = 0; i < c->n && roberta; i++)
        set_types(&c->pieces[i], 0);
    if (!c->special)
        return status;
    for (uint32_t i = 0; i < c->n && status == BERT_OK; i++) {
        status = wrap(c, i, i == 0 ? cls : roberta ? sep : NULL, sep, !roberta && i > 0);
        for (uint32_t k = 0; k < c->pieces[i].n_parts && roberta; k++)
            c->pieces[i].parts[k].further_type = 0;
    }
    return status;
}

/* A special part as a piece of its own. */
static bool special_piece(struct compiler *c, const struct bert__part *part, struct piece *out)
{
    out->parts = bert__arena_get(c->scratch, sizeof *out->parts);
    if (out->parts == NULL)
        return false;
    *out->parts = *part;
    out->parts->masked = true;
    out->parts->further_type = part->type_id;
    out->n_parts = out->text = 1;
    return true;
}

static bool text_piece(struct compiler *c, const struct bert__part *part, struct piece *out)
{
    struct piece *from = &c->pieces[part->kind];

    set_types(from, part->type_id); /* stays, as in the reference, for later copies */
    book(&from->ranges[0], (uint32_t)part->kind, 0, from->n_parts);
    *out = *from;
    out->parts = bert__arena_get(c->scratch, from->n_parts * sizeof *out->parts);
    if (out->parts != NULL)
        memcpy(out->parts, from->parts, from->n_parts * sizeof *out->parts);
    return out->parts != NULL;
}

static bert_status template(struct compiler *c, const struct bert__post_step *step)
{
    const struct bert__template *t = &step->template[c->n == 2];
    struct piece *pieces = bert__arena_get(c->scratch, (t->n_parts + 1) * sizeof *pieces);
    uint32_t n = 0;

    if (c->n != 1 && c->n != 2)
        return refuse(c, "put a TemplateProcessing where there are neither one nor two parts");
    if (pieces == NULL)
        return no_memory(c);
    memset(pieces, 0, (t->n_parts + 1) * sizeof *pieces);
    for (uint32_t i = 0; i < t->n_parts; i++) {
        const struct bert__part *part = &t->parts[i];
        bool ok = true;

        if (part->kind != BERT__PART_SPECIAL)
            ok = text_piece(c, part, &pieces[n++]);
        else if (c->special)
            ok = special_piece(c, part, &pieces[n++]);
        if (!ok)
            return no_memory(c);
    }
    c->pieces = pieces;
    c->n = n;
    return BERT_OK;
}

static bert_status run_step(struct compiler *c, const struct bert__post_step *step)
{
    if (step->kind == BERT__POST_TEMPLATE)
        return template(c, step);
    return step->kind == BERT__POST_BYTE_LEVEL ? byte_level(c, step) : classic(c, step);
}

/* ---- The result -------------------------------------------------------------- */

/* Append the ranges of a piece that begins at part `base`. */
static uint32_t flatten_ranges(const struct piece *p, uint32_t base, uint32_t text,
                               struct bert__range *out)
{
    uint32_t n = 0;

    for (int k = 0; k < 2; k++) {
        for (uint32_t i = 0; i < p->ranges[k].n; i++) {
            const struct span *s = &p->ranges[k].items[i];

            out[n++] =
                (struct bert__range){s->id, base + s->begin, base + s->end, text, k == 0, k == 1};
        }
    }
    return n;
}

/* Pieces without a text have one window: their ranges always hold. */
static void hold_always(struct bert__range *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        r[i].further = r[i].first;
        r[i].text = 0;
    }
}

static bert_status flatten(struct compiler *c, struct bert__layout *out)
{
    uint32_t n_parts = 0, n_ranges = 0;
    struct bert__part *parts;
    struct bert__range *ranges;

    for (uint32_t i = 0; i < c->n; i++) {
        n_parts += c->pieces[i].n_parts;
        n_ranges += c->pieces[i].ranges[0].n + c->pieces[i].ranges[1].n;
    }
    parts = bert__arena_get(c->arena, n_parts * sizeof *parts);
    ranges = bert__arena_get(c->arena, n_ranges * sizeof *ranges);
    if (parts == NULL || ranges == NULL)
        return no_memory(c);
    *out = (struct bert__layout){.parts = parts, .ranges = ranges};
    for (uint32_t i = 0; i < c->n; i++) {
        const struct piece *p = &c->pieces[i];
        struct bert__range *r = ranges + out->n_ranges;
        uint32_t n = flatten_ranges(p, out->n_parts, out->n_sequences, r);

        memcpy(parts + out->n_parts, p->parts, p->n_parts * sizeof *parts);
        for (uint32_t k = 0; k < p->n_parts; k++)
            parts[out->n_parts + k].text = p->text < p->n_parts ? out->n_sequences : 0;
        if (p->text == p->n_parts)
            hold_always(r, n);
        else
            out->n_sequences++;
        out->n_ranges += n;
        out->n_parts += p->n_parts;
    }
    for (uint32_t i = 0; i < n_parts; i++)
        out->n_special += parts[i].kind == BERT__PART_SPECIAL ? parts[i].n_tokens : 0;
    return BERT_OK;
}

/* Special tokens that the steps say they add. */
static uint32_t announced(const struct bert__post_step *step, bool pair)
{
    const struct bert__template *t = &step->template[pair];
    uint32_t n = 0;

    if (step->kind == BERT__POST_BYTE_LEVEL)
        return 0;
    if (step->kind != BERT__POST_TEMPLATE)
        return (step->kind == BERT__POST_ROBERTA ? 2u : 1u) * pair + 2;
    for (uint32_t i = 0; i < t->n_parts; i++)
        n += t->parts[i].kind == BERT__PART_SPECIAL ? t->parts[i].n_tokens : 0;
    return n;
}

/* One piece for each text. */
static bool start(struct compiler *c, bool present)
{
    c->n = c->pair ? 2 : 1;
    c->pieces = bert__arena_get(c->scratch, c->n * sizeof *c->pieces);
    if (c->pieces == NULL)
        return false;
    memset(c->pieces, 0, c->n * sizeof *c->pieces);
    for (uint32_t i = 0; i < c->n; i++) {
        struct piece *p = &c->pieces[i];

        p->parts = bert__arena_get(c->scratch, sizeof *p->parts);
        if (p->parts == NULL)
            return false;
        *p->parts = (struct bert__part){
            (enum bert__part_kind)i, false, 0, (int32_t)i, (int32_t)i, NULL, 0, NULL, 0};
        p->n_parts = 1;
        if (c->pair || present)
            book(&p->ranges[0], i, 0, 1);
        if (present)
            book(&p->ranges[1], i, 0, 1);
    }
    return true;
}

static bert_status compile(struct compiler *c, const struct bert__post_step *steps, uint32_t n,
                           bool present, struct bert__layout *out)
{
    uint32_t special = 0;
    bert_status status = start(c, present) ? BERT_OK : no_memory(c);

    for (uint32_t i = 0; i < n && status == BERT_OK; i++) {
        status = run_step(c, &steps[i]);
        special += announced(&steps[i], c->pair);
        if (status == BERT_OK && c->n > MAX_PIECES)
            status = refuse(c, "make too many parts");
    }
    if (status == BERT_OK)
        status = flatten(c, out);
    if (status != BERT_OK)
        return status;
    if (c->special && out->n_special != special)
        return refuse(c, "add other numbers of special tokens than they say");
    if (out->n_sequences > BERT__MAX_TEXTS || out->n_ranges > 2 * BERT__MAX_RANGES)
        return refuse(c, "hold the texts too many times");
    return BERT_OK;
}

bert_status bert__post_compile(struct bert__postprocessor *out, const struct bert__post_step *steps,
                               uint32_t n, bool present, struct bert__arena *arena,
                               struct bert__arena *scratch, const char *path, bert_error *err)
{
    struct compiler c = {.arena = arena, .scratch = scratch, .path = path, .err = err};
    bert_status status = BERT_OK;

    if (n > MAX_STEPS)
        return bert__fail(err, BERT_ELIMIT, "%s: %lu post-processors; at most %d are taken", path,
                          (unsigned long)n, MAX_STEPS);
    for (int i = 0; i < 4 && status == BERT_OK; i++) {
        c.pair = i & 1;
        c.special = i >> 1;
        status = compile(&c, steps, n, present, &out->layouts[c.pair][c.special]);
    }
    for (uint32_t i = 0; i < n; i++)
        out->trims |= steps[i].trim_offsets;
    return status;
}
