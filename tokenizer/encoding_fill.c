/* SPDX-License-Identifier: MIT */
/* encoding_fill.c - filling one window. */
#include "tokenizer/encoding_job.h"
#include "tokenizer/trim.h"

static bert_text surface(const struct bert__encode_job *j, int k, size_t token)
{
    const struct bert__sequence *s = &j->sequences[k];
    size_t lo = 0, hi = s->n_surfaces;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (s->surfaces[mid].token < token)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < s->n_surfaces && s->surfaces[lo].token == token)
        return (bert_text){j->pools[k] + s->surfaces[lo].at, s->surfaces[lo].size};
    return bert__tokenizer_spelling(j->tok, s->ids[token]);
}

static void put(bert_encoding *e, size_t at, const struct bert__special *token, int32_t type_id,
                bool masked, bool real)
{
    e->ids[at] = token->id;
    e->type_ids[at] = type_id;
    e->offsets[at] = (bert_span){0, 0};
    e->special_mask[at] = masked;
    e->attention_mask[at] = real;
    e->word_ids[at] = -1;
    if (e->texts != NULL)
        e->texts[at] = token->text;
}

static size_t put_pads(const struct bert__encode_job *j, bert_encoding *e, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(e, at + i, &j->tok->padding.token, j->tok->padding.type_id, true, false);
    return at + n;
}

/* Trim the offsets of n tokens at `at`, which `texts` may know better than the vocabulary. */
static void trim(const struct bert__encode_job *j, bert_encoding *e, size_t at, size_t n,
                 const struct bert__part *part)
{
    const struct bert__input *in = j->inputs[part->kind];
    bool chars = j->options->offset_unit == BERT_OFFSET_CHARS;

    for (size_t i = at; i < at + n && bert__watch_goes_on_at(j->watch, i - at); i++) {
        struct bert__spaces spaces = e->texts != NULL ? bert__trim_spaces_of(e->texts[i])
                                                      : bert__trim_spaces(j->tok, e->ids[i]);
        const bert_text *text = &in->texts[in->words ? e->word_ids[i] : 0];

        if (spaces.front > 0 || spaces.back > 0)
            bert__trim(part->trims, part->n_trims, spaces, i == at, chars ? NULL : text,
                       &e->offsets[i]);
    }
}

/* Window `i` of a text at `at`; returns where it ends. */
static size_t put_text(const struct bert__encode_job *j, bert_encoding *e, size_t at,
                       const struct bert__part *part, size_t i, int32_t type)
{
    const struct bert__sequence *s = &j->sequences[part->kind];
    size_t begin, end, n;

    bert__window(&j->windows[part->kind], i, &begin, &end);
    n = end - begin;
    if (n == 0)
        return at;
    memcpy(e->ids + at, s->ids + begin, n * sizeof *e->ids);
    memcpy(e->offsets + at, s->offsets + begin, n * sizeof *e->offsets);
    memcpy(e->word_ids + at, s->words + begin, n * sizeof *e->word_ids);
    memset(e->special_mask + at, 0, n);
    memset(e->attention_mask + at, 1, n);
    for (size_t from = 0, to; from < n && bert__watch_goes_on(j->watch); from = to) {
        to = n - from < BERT__WATCH_STEPS ? n : from + BERT__WATCH_STEPS;
        for (size_t k = from; k < to; k++)
            e->type_ids[at + k] = type;
        for (size_t k = from; e->texts != NULL && k < to; k++)
            e->texts[at + k] = surface(j, part->kind, begin + k);
    }
    if (part->n_trims > 0)
        trim(j, e, at, n, part);
    return at + n;
}

/* Does the range hold in a window of these choices? */
static bool holds(const struct bert__range *r, const size_t choice[BERT__MAX_TEXTS])
{
    return choice[r->text] == 0 ? r->first : r->further;
}

/*
 * The reference asks for sequences 0, 1, ... as many as it knows ranges of, and takes an
 * unknown one to cover all.
 */
static void put_sequence_ids(const struct bert__encode_job *j, bert_encoding *e,
                             const size_t choice[BERT__MAX_TEXTS])
{
    const struct bert__layout *t = j->layout;
    uint32_t known = 0;

    memset(e->sequence_ids, -1, e->n);
    for (uint32_t i = 0; i < t->n_ranges; i++) {
        bool again = !holds(&t->ranges[i], choice);

        for (uint32_t k = 0; k < i && !again; k++)
            again = t->ranges[k].id == t->ranges[i].id && holds(&t->ranges[k], choice);
        known += !again;
    }
    for (uint32_t s = 0; s < (known > 0 ? known : 1); s++) {
        size_t begin = 0, end = e->n;

        for (uint32_t i = 0; i < t->n_ranges; i++) {
            const struct bert__range *r = &t->ranges[i];

            if (r->id != s || !holds(r, choice))
                continue;
            begin = j->starts[r->begin];
            end = j->starts[r->end];
        }
        memset(e->sequence_ids + begin, (int)s, end - begin);
    }
}

/* What of its text a window holds: see bert_encoding_kept(). */
static bert_span kept(const struct bert__encode_job *j, int k, size_t window)
{
    const struct bert__sequence *s = &j->sequences[k];
    const struct bert__input *in = j->inputs[k];
    size_t begin, end;
    bert_span all = {0, s->length};

    bert__window(&j->windows[k], window, &begin, &end);
    if (begin == end && s->n > 0) {
        all.start = all.end = j->windows[k].left ? s->length : 0;
        return all;
    }
    if (begin > 0)
        all.start = in->words ? (size_t)s->words[begin] : s->offsets[begin].start;
    if (end < s->n)
        all.end = in->words ? (size_t)s->words[end - 1] + 1 : s->offsets[end - 1].end;
    return all;
}

void bert__window_fill(const struct bert__encode_job *j, bert_encoding *e, size_t w)
{
    const struct bert__layout *t = j->layout;
    size_t choice[BERT__MAX_TEXTS] = {0}, pads = e->n - bert__window_size(j, w), at = 0;
    size_t held[2] = {0, 0};

    bert__windows_choose(j, w, choice);
    if (j->tok->padding.left)
        at = put_pads(j, e, at, pads);
    for (uint32_t i = 0; i < t->n_parts; i++) {
        const struct bert__part *part = &t->parts[i];
        int32_t type = choice[part->text] == 0 ? part->type_id : part->further_type;
        size_t begin = j->starts[i] = at;

        if (part->kind == BERT__PART_SPECIAL) {
            for (uint32_t s = 0; s < part->n_tokens; s++)
                put(e, at++, &part->tokens[s], type, part->masked, true);
            continue;
        }
        at = put_text(j, e, at, part, choice[part->text], type);
        e->kept[part->kind] = kept(j, part->kind, choice[part->text]);
        if (held[part->kind] < at - begin) /* a layout may hold a text twice */
            held[part->kind] = at - begin;
    }
    j->starts[t->n_parts] = at;
    e->truncated = j->windows[0].n - held[0] + j->windows[1].n - held[1];
    if (!j->tok->padding.left)
        put_pads(j, e, at, pads);
    put_sequence_ids(j, e, choice);
}
