/* SPDX-License-Identifier: MIT */
/* encoding.c - from texts to an encoding: its memory, its life. */
#include "tokenizer/encoding.h"

#include "lib/base/error.h"
#include "tokenizer/encoding_job.h"

enum { MANY_PARTS = 64 };

/* ---- Memory --------------------------------------------------------------- */

/* Arrays of all windows, one after the other, largest elements first. */
static bool allocate_arrays(const struct bert__encode_job *j, bert_encoding *root)
{
    static const size_t plain = sizeof(bert_span) + 3 * sizeof(int32_t) + 3;
    size_t bytes, each = plain + (j->texts ? sizeof(bert_text) : 0);
    char *p;

    if (!bert__size_mul(j->n_tokens, each, &bytes))
        return false;
    root->arrays = p = bert__alloc(j->tok->alloc, bytes);
    if (p == NULL)
        return false;
    root->offsets = (void *)p;
    p += j->n_tokens * sizeof(bert_span);
    if (j->texts) {
        root->texts = (void *)p;
        p += j->n_tokens * sizeof(bert_text);
    }
    root->ids = (void *)p;
    root->type_ids = root->ids + j->n_tokens;
    root->word_ids = root->type_ids + j->n_tokens;
    root->special_mask = (void *)(root->word_ids + j->n_tokens);
    root->attention_mask = root->special_mask + j->n_tokens;
    root->sequence_ids = (int8_t *)(root->attention_mask + j->n_tokens);
    return true;
}

/* Window e's part of the arrays begins `at` tokens in. */
static void point_at(bert_encoding *e, const bert_encoding *root, size_t at)
{
    e->offsets = root->offsets + at;
    e->texts = root->texts == NULL ? NULL : root->texts + at;
    e->ids = root->ids + at;
    e->type_ids = root->type_ids + at;
    e->word_ids = root->word_ids + at;
    e->special_mask = root->special_mask + at;
    e->attention_mask = root->attention_mask + at;
    e->sequence_ids = root->sequence_ids + at;
}

/* Copy the texts of odd tokens, which the scratch will overwrite. */
static bool copy_surfaces(struct bert__encode_job *j, bert_encoding *root)
{
    const struct bert__sequence *a = &j->sequences[0], *b = &j->sequences[1];
    size_t second = j->inputs[1] != NULL ? b->surface_used : 0;

    if (!j->texts)
        return true;
    root->surface_text = bert__alloc(j->tok->alloc, a->surface_used + second);
    if (root->surface_text == NULL)
        return false;
    j->pools[0] = root->surface_text;
    j->pools[1] = root->surface_text + a->surface_used;
    if (a->surface_used > 0)
        memcpy(root->surface_text, a->surface_text, a->surface_used);
    if (second > 0)
        memcpy(root->surface_text + a->surface_used, b->surface_text, second);
    return true;
}

static void free_root(struct bert__alloc *alloc, bert_encoding *root)
{
    bert__alloc_free(alloc, root->surface_text);
    bert__alloc_free(alloc, root->arrays);
    bert__alloc_free(alloc, root);
}

static bert_status fill(const struct bert__encode_job *j, bert_encoding *root)
{
    size_t at = 0;

    for (size_t w = 0; w < j->n_windows; w++) {
        if (!bert__watch_goes_on(j->watch))
            break;
        root[w].n = bert__window_padded(j, w);
        point_at(&root[w], root, at);
        bert__window_fill(j, &root[w], w);
        root[w].tokenizer = (bert_tokenizer *)j->tok;
        at += root[w].n;
    }
    root->windows = root + 1;
    root->n_windows = j->n_windows - 1;
    return bert__watch_ended(j->watch, j->err);
}

static bert_status build(struct bert__encode_job *j, bert_encoding **out)
{
    struct bert__alloc *alloc = j->tok->alloc;
    bert_encoding *root = bert__alloc_array(alloc, j->n_windows, sizeof *root);
    size_t few[MANY_PARTS];
    bool many = j->layout->n_parts >= MANY_PARTS;
    bert_status status;

    if (root == NULL)
        return bert__alloc_fail(alloc, "encoding", j->err);
    j->starts = few;
    if (many)
        j->starts = bert__alloc_items(alloc, j->layout->n_parts + 1, sizeof *j->starts);
    if (j->starts == NULL || !allocate_arrays(j, root) || !copy_surfaces(j, root))
        status = bert__alloc_fail(alloc, "encoding", j->err);
    else
        status = fill(j, root);
    bert__alloc_free(alloc, many ? j->starts : NULL);
    if (status != BERT_OK) {
        free_root(alloc, root);
        return status;
    }
    bert__tokenizer_ref((bert_tokenizer *)j->tok);
    *out = root;
    return BERT_OK;
}

void bert__encoding_free(bert_encoding *e)
{
    bert_tokenizer *tok;

    if (e == NULL)
        return;
    tok = e->tokenizer;
    free_root(tok->alloc, e);
    bert__tokenizer_unref(tok);
}

bert_text bert__encoding_token(const bert_encoding *e, size_t i)
{
    if (i >= e->n)
        return (bert_text){NULL, 0};
    return e->texts != NULL ? e->texts[i] : bert__tokenizer_spelling(e->tokenizer, e->ids[i]);
}

/* ---- Entry ---------------------------------------------------------------- */

static bool is_odd(const bert_tokenizer *tok, const struct bert__special *s)
{
    bert_text spelt = bert__tokenizer_spelling(tok, s->id);

    return spelt.size != s->text.size
           || (spelt.size > 0 && memcmp(spelt.data, s->text.data, spelt.size) != 0);
}

/* Will any token have a text that the vocabulary doesn't give for its id? */
static bool any_odd(const struct bert__encode_job *j)
{
    const struct bert__layout *t = j->layout;

    if (j->sequences[0].n_surfaces > 0 || (j->inputs[1] != NULL && j->sequences[1].n_surfaces > 0))
        return true;
    if (j->options->pad_length > 0 && is_odd(j->tok, &j->tok->padding.token))
        return true;
    for (uint32_t i = 0; i < t->n_parts; i++) {
        for (uint32_t k = 0; k < t->parts[i].n_tokens; k++) {
            if (is_odd(j->tok, &t->parts[i].tokens[k]))
                return true;
        }
    }
    return false;
}

static bert_status start(struct bert__encode_job *j, const struct bert__input *text,
                         const struct bert__input *pair)
{
    const bert_tokenize_options *o = j->options;

    j->inputs[0] = text;
    j->inputs[1] = pair;
    j->layout = &j->tok->postprocessor.layouts[pair != NULL][!o->no_special];
    if (o->pad_length > 0 && !j->tok->padding.present)
        return bert__fail(j->err, BERT_EINVAL,
                          "pad_length is %lu; the tokenizer has no padding token",
                          (unsigned long)o->pad_length);
    return BERT_OK;
}

/* Tokens of a text after which no more need be read; 0: all must be. */
static uint64_t last_needed(const struct bert__encode_job *j)
{
    const bert_tokenize_options *o = j->options;

    if (o->max_length == 0 || o->overflow || o->side == BERT_TRUNCATE_LEFT || j->inputs[1] != NULL
        || !o->stop_early)
        return 0;
    return (uint64_t)o->max_length + 1; /* one more tells that something is cut */
}

/* Tokens of text i into its sequence, with offsets in the unit that is asked for. */
static bert_status tokenize(const struct bert__encode_job *j, struct bert__token_scratch *scratch,
                            int i)
{
    const struct bert__input *in = j->inputs[i];
    struct bert__sequence *s = &scratch->sequences[i];
    bool chars = j->options->offset_unit == BERT_OFFSET_CHARS;
    uint64_t stop = last_needed(j);
    size_t done = 0;
    bert_status status = BERT_OK;

    bert__sequence_clear(s);
    s->length = in->words ? in->n : chars ? bert__count_chars(in->texts[0]) : in->texts[0].size;
    for (size_t k = 0; k < in->n && status == BERT_OK && (stop == 0 || s->n < stop); k++) {
        status = bert__tokenize_sequence(j->tok, scratch, in->texts[k], stop, s, j->err);
        if (status == BERT_OK && chars)
            bert__offsets_to_chars(s, done, in->texts[k]);
        for (; done < s->n; done++) {
            if (in->words)
                s->words[done] = (int32_t)k;
        }
    }
    return status;
}

bert_status bert__encode_with(const bert_tokenizer *tok, struct bert__token_scratch *s,
                              const struct bert__input *text, const struct bert__input *pair,
                              const bert_tokenize_options *o, bert_encoding **out, bert_error *err)
{
    struct bert__encode_job j = {
        .tok = tok, .options = o, .sequences = s->sequences, .watch = s->watch, .err = err};
    bert_status status = start(&j, text, pair);
    size_t n[2];

    if (status == BERT_OK)
        status = tokenize(&j, s, 0);
    if (status == BERT_OK && pair != NULL)
        status = tokenize(&j, s, 1);
    n[0] = s->sequences[0].n;
    n[1] = pair != NULL ? s->sequences[1].n : 0;
    if (status == BERT_OK)
        status = bert__truncate(tok, o, pair != NULL, n, j.windows, err);
    if (status == BERT_OK)
        status = bert__windows_count(&j);
    if (status != BERT_OK)
        return status;
    j.texts = any_odd(&j);
    return build(&j, out);
}

bert_status bert__encode(const bert_tokenizer *tok, struct bert__watch *watch,
                         const struct bert__input *text, const struct bert__input *pair,
                         const bert_tokenize_options *o, bert_encoding **out, bert_error *err)
{
    struct bert__token_scratch *s;
    bert_status status = bert__tokenizer_take(tok, &s, err);

    if (status != BERT_OK)
        return status;
    s->watch = watch;
    status = bert__encode_with(tok, s, text, pair, o, out, err);
    s->watch = NULL;
    bert__tokenizer_give(tok, s);
    return status;
}

/* ---- Counting ------------------------------------------------------------- */

static bert_status count(const struct bert__encode_job *j, struct bert__token_scratch *scratch,
                         int i, size_t *out)
{
    const struct bert__input *in = j->inputs[i];
    const bert_tokenize_options *o = j->options;
    struct bert__id_sink sink = {.ids = NULL};
    bert_status status = BERT_OK;

    *out = 0;
    if (i == 0 && j->inputs[1] == NULL && o->max_length > 0)
        sink.stop = (uint64_t)o->max_length + 1; /* more are cut, from whichever side */
    for (size_t k = 0; k < in->n && status == BERT_OK; k++) {
        status = bert__tokenize_sink(j->tok, scratch, in->texts[k], &sink, j->err);
        *out += (size_t)sink.n;
        if (sink.stop > 0 && *out >= sink.stop)
            break;
    }
    return status;
}

bert_status bert__count(const bert_tokenizer *tok, struct bert__watch *watch,
                        const struct bert__input *text, const struct bert__input *pair,
                        const bert_tokenize_options *o, size_t *out, bert_error *err)
{
    struct bert__encode_job j = {.tok = tok, .options = o, .err = err};
    struct bert__token_scratch *s;
    size_t n[2] = {0, 0};
    bert_status status = start(&j, text, pair);

    if (status == BERT_OK)
        status = bert__tokenizer_take(tok, &s, err);
    if (status != BERT_OK)
        return status;
    s->watch = watch;
    status = count(&j, s, 0, &n[0]);
    if (status == BERT_OK && pair != NULL)
        status = count(&j, s, 1, &n[1]);
    s->watch = NULL;
    bert__tokenizer_give(tok, s);
    if (status == BERT_OK)
        status = bert__truncate(tok, o, pair != NULL, n, j.windows, err);
    if (status == BERT_OK) {
        bert__windows_multiply(&j);
        *out = bert__window_padded(&j, 0);
    }
    return status;
}

/* ---- Cutting -------------------------------------------------------------- */

/* Keep the last n tokens: those behind the first so many. */
static bert_status cut_left(const bert_tokenizer *tok, struct bert__token_scratch *s,
                            bert_text text, size_t n, size_t *at, bert_error *err)
{
    struct bert__id_sink sink = {.ids = NULL};
    struct bert__token_finder f = {0};
    bert_status status = bert__tokenize_sink(tok, s, text, &sink, err);

    *at = sink.n > n ? text.size : 0;
    if (status != BERT_OK || n == 0 || sink.n <= n)
        return status;
    f.wanted = sink.n - n;
    status = bert__find_token(tok, s, text, &f, err);
    *at = f.found.start;
    return status;
}

static bert_status cut_right(const bert_tokenizer *tok, struct bert__token_scratch *s,
                             bert_text text, size_t n, size_t *at, bert_error *err)
{
    struct bert__token_finder f = {.wanted = n};
    bert_status status = bert__find_token(tok, s, text, &f, err);

    *at = f.n > n ? f.before.end : text.size; /* of no token: 0 */
    return status;
}

bert_status bert__cut(const bert_tokenizer *tok, bert_text text, size_t n, bool left, size_t *at,
                      bert_error *err)
{
    struct bert__token_scratch *s;
    bert_status status = bert__tokenizer_take(tok, &s, err);

    if (status != BERT_OK)
        return status;
    status = (left ? cut_left : cut_right)(tok, s, text, n, at, err);
    bert__tokenizer_give(tok, s);
    if (status != BERT_OK)
        *at = 0;
    return status;
}
