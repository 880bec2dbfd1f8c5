/* SPDX-License-Identifier: MIT */
/* ids.c - the hot path of the tasks: ids of one text or a pair, cut to a length. */
#include "lib/base/error.h"
#include "tokenizer/scratch.h"
#include "tokenizer/truncate.h"

/* Is this the id of a special token, typed or added? */
static bool is_special(const bert_tokenizer *tok, int32_t id)
{
    const struct bert__layout *t = &tok->postprocessor.layouts[0][1];
    const struct bert__added_token *added = bert__added_by_id(&tok->added, id);

    for (uint32_t i = 0; i < t->n_parts; i++) {
        for (uint32_t j = 0; j < t->parts[i].n_tokens; j++) {
            if (t->parts[i].tokens[j].id == id)
                return true;
        }
    }
    return added != NULL && added->special;
}

/* The template around ids that stand where its first sequence goes; returns the total. */
static uint32_t wrap(const struct bert__layout *t, uint32_t n, int32_t *ids, int32_t *type_ids,
                     int32_t *last)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < t->n_parts; i++) {
        const struct bert__part *part = &t->parts[i];
        uint32_t k = part->kind == BERT__PART_SPECIAL ? part->n_tokens : n;

        for (uint32_t j = 0; j < k; j++, at++) {
            if (part->kind == BERT__PART_SPECIAL)
                ids[at] = part->tokens[j].id;
            type_ids[at] = part->type_id;
        }
    }
    *last = at > 0 ? ids[at - 1] : -1;
    return at;
}

/* Special tokens before the text: where its ids go. */
static uint32_t text_at(const struct bert__layout *t)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < t->n_parts && t->parts[i].kind == BERT__PART_SPECIAL; i++)
        at += t->parts[i].n_tokens;
    return at;
}

/* Encode a text with its special tokens into ids of at most max_length. */
static bert_status encode(const bert_tokenizer *tok, struct bert__token_scratch *scratch,
                          bert_text text, uint32_t max_length, uint32_t side, int32_t *ids,
                          int32_t *type_ids, uint32_t *n, uint64_t *truncated, int32_t *last,
                          bert_error *err)
{
    const struct bert__layout *t = &tok->postprocessor.layouts[0][1];
    struct bert__id_sink sink = {.ids = ids + text_at(t),
                                 .room = max_length - t->n_special,
                                 .left = side == BERT_TRUNCATE_LEFT};
    bert_status status;
    uint32_t kept;

    if (truncated == NULL && !sink.left)
        sink.stop = sink.room > 0 ? sink.room : 1;
    status = bert__tokenize_sink(tok, scratch, text, &sink, err);
    if (status != BERT_OK)
        return status;
    kept = sink.n < sink.room ? (uint32_t)sink.n : (uint32_t)sink.room;
    if (truncated != NULL)
        *truncated = sink.n - kept;
    *n = wrap(t, kept, ids, type_ids, last);
    return BERT_OK;
}

/* Prompt and text as one text. */
static bert_status join(struct bert__token_scratch *s, bert_text prompt, bert_text text,
                        bert_text *out, bert_error *err)
{
    size_t size;

    if (!bert__size_add(prompt.size, text.size, &size)
        || !bert__reserve(s->alloc, &s->joined, &s->joined_cap, size, 1))
        return bert__alloc_fail(s->alloc, "prompt and text", err);
    memcpy(s->joined, prompt.data, prompt.size);
    if (text.size > 0)
        memcpy(s->joined + prompt.size, text.data, text.size);
    *out = (bert_text){s->joined, size};
    return BERT_OK;
}

bert_status bert__tokenize_ids(const bert_tokenizer *tok, struct bert__token_scratch *scratch,
                               bert_text prompt, bert_text text, uint32_t max_length, uint32_t side,
                               int32_t *ids, int32_t *type_ids, uint32_t *n, uint64_t *truncated,
                               uint32_t *prompt_tokens, bert_error *err)
{
    const struct bert__layout *t = &tok->postprocessor.layouts[0][1];
    bert_status status;
    int32_t last;

    *n = 0;
    if (truncated != NULL)
        *truncated = 0;
    if (prompt_tokens != NULL)
        *prompt_tokens = 0;
    if (t->n_sequences != 1)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "the tokenizer's template holds the text %lu times",
                          (unsigned long)t->n_sequences);
    if (max_length < t->n_special)
        return bert__fail(err, BERT_EINVAL, "max_length is %lu; the special tokens alone are %lu",
                          (unsigned long)max_length, (unsigned long)t->n_special);
    if (prompt.size > 0 && prompt_tokens != NULL) {
        status =
            encode(tok, scratch, prompt, max_length, side, ids, type_ids, n, truncated, &last, err);
        if (status != BERT_OK)
            return status;
        *prompt_tokens = *n > 0 && is_special(tok, last) ? *n - 1 : *n;
    }
    if (prompt.size > 0) {
        status = join(scratch, prompt, text, &text, err);
        if (status != BERT_OK)
            return status;
    }
    return encode(tok, scratch, text, max_length, side, ids, type_ids, n, truncated, &last, err);
}

/* ---- Pairs ----------------------------------------------------------------- */

/* The two texts of a pair: the ids that may be kept of each, and how many there are. */
struct sides {
    struct bert__id_sink sinks[2];
    struct bert__windows windows[2];
    bool left;
};

static bert_status collect(const bert_tokenizer *tok, struct bert__token_scratch *scratch,
                           const bert_text texts[2], uint32_t room, struct sides *s,
                           bert_error *err)
{
    bert_status status = BERT_OK;

    for (int i = 0; i < 2 && status == BERT_OK; i++) {
        struct bert__sequence *q = &scratch->sequences[i];

        if (!bert__reserve(scratch->alloc, &q->ids, &q->ids_cap, room, sizeof *q->ids))
            return bert__alloc_fail(scratch->alloc, "tokenizing a pair", err);
        s->sinks[i] = (struct bert__id_sink){.ids = q->ids, .room = room, .left = s->left};
        status = bert__tokenize_sink(tok, scratch, texts[i], &s->sinks[i], err);
    }
    return status;
}

/* The kept ids of text i to `out`; returns their number. */
static uint32_t put_text(const struct sides *s, int i, int32_t *out)
{
    const struct bert__id_sink *sink = &s->sinks[i];
    size_t held = sink->n < sink->room ? (size_t)sink->n : sink->room;
    size_t kept = s->windows[i].length < held ? s->windows[i].length : held;

    if (kept > 0)
        memcpy(out, sink->ids + (s->left ? held - kept : 0), kept * sizeof *out);
    return (uint32_t)kept;
}

static uint32_t wrap_pair(const struct bert__layout *t, const struct sides *s, int32_t *ids,
                          int32_t *type_ids)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < t->n_parts; i++) {
        const struct bert__part *part = &t->parts[i];
        uint32_t k = part->n_tokens;

        if (part->kind != BERT__PART_SPECIAL)
            k = put_text(s, part->kind == BERT__PART_SECOND, ids + at);
        for (uint32_t j = 0; j < k; j++, at++) {
            if (part->kind == BERT__PART_SPECIAL)
                ids[at] = part->tokens[j].id;
            type_ids[at] = part->type_id;
        }
    }
    return at;
}

/* Does the template hold each text once? */
static bool is_plain_pair(const struct bert__layout *t)
{
    uint32_t n[2] = {0, 0};

    for (uint32_t i = 0; i < t->n_parts; i++) {
        if (t->parts[i].kind != BERT__PART_SPECIAL)
            n[t->parts[i].kind == BERT__PART_SECOND]++;
    }
    return n[0] == 1 && n[1] == 1;
}

bert_status bert__tokenize_pair_ids(const bert_tokenizer *tok, struct bert__token_scratch *scratch,
                                    bert_text text, bert_text pair, uint32_t max_length,
                                    uint32_t side, int32_t *ids, int32_t *type_ids, uint32_t *n,
                                    uint64_t *truncated, bert_error *err)
{
    const struct bert__layout *t = &tok->postprocessor.layouts[1][1];
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    struct sides s = {.left = side == BERT_TRUNCATE_LEFT};
    size_t lengths[2];
    bert_status status;

    *n = 0;
    *truncated = 0;
    if (!is_plain_pair(t))
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "the tokenizer's template for pairs doesn't hold each text once");
    if (max_length < t->n_special)
        return bert__fail(err, BERT_EINVAL, "max_length is %lu; the special tokens alone are %lu",
                          (unsigned long)max_length, (unsigned long)t->n_special);
    status = collect(tok, scratch, (bert_text[]){text, pair}, max_length - t->n_special, &s, err);
    if (status != BERT_OK)
        return status;
    for (int i = 0; i < 2; i++)
        lengths[i] = (size_t)s.sinks[i].n;
    o.max_length = max_length;
    o.side = side;
    status = bert__truncate(tok, &o, true, lengths, s.windows, err);
    if (status != BERT_OK)
        return status;
    *n = wrap_pair(t, &s, ids, type_ids);
    *truncated = s.sinks[0].n + s.sinks[1].n - (*n - t->n_special);
    return BERT_OK;
}
