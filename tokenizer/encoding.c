/* SPDX-License-Identifier: MIT */
/*
 * encoding.c - putting windows together: which part of which text goes into each,
 * special tokens around them, padding.
 */
#include "tokenizer/encoding.h"

#include "lib/base/error.h"
#include "tokenizer/truncate.h"

/* Windows of a pair are a product: refuse what no caller can want. */
enum { MAX_WINDOWS = 1 << 20 };
#define MAX_TOKENS ((size_t)1 << 26)

enum { MAX_SEQUENCES = 8 }; /* of a template */

/* All that the windows are made of. */
struct job {
    const bert_tokenizer *tok;
    const struct bert__template *template;
    const bert_tokenize_options *options;
    const struct bert__sequence *sequences;
    struct bert__windows windows[2];
    size_t counts[MAX_SEQUENCES];   /* windows of each sequence of the template */
    size_t products[MAX_SEQUENCES]; /* of those before it, the first one's included */
    bool pair;
    size_t n_windows; /* the first included */
    size_t n_tokens;  /* of all windows */
    bool texts;       /* some token is not spelt as the vocabulary spells it */
    bert_error *err;
};

/* ---- Which windows -------------------------------------------------------- */

/* Count the windows; false: more than a size_t holds. */
static bool multiply(struct job *j)
{
    const struct bert__template *t = j->template;
    uint32_t k = 0;

    j->n_windows = 1;
    for (uint32_t i = 0; i < t->n_parts; i++) {
        if (t->parts[i].kind == BERT__PART_SPECIAL)
            continue;
        j->counts[k] = j->windows[t->parts[i].kind].count;
        j->products[k] = j->n_windows;
        if (!bert__size_mul(j->n_windows, j->counts[k++], &j->n_windows))
            return false;
    }
    return true;
}

/*
 * Which window of each sequence of the template window w holds.  The reference merges
 * part after part: each further window so far goes with all windows of the new part,
 * then the first so far with the further ones of the new part.
 */
static void choose(const struct job *j, size_t w, size_t choice[MAX_SEQUENCES])
{
    for (uint32_t k = j->template->n_sequences; k-- > 0;) {
        size_t count = j->counts[k], further = j->products[k] - 1;

        if (w == 0) {
            choice[k] = 0;
        } else if (w - 1 < further * count) {
            choice[k] = (w - 1) % count;
            w = (w - 1) / count + 1;
        } else {
            choice[k] = w - further * count;
            w = 0;
        }
    }
}

/* Tokens of window w without padding. */
static size_t window_size(const struct job *j, size_t w)
{
    const struct bert__template *t = j->template;
    size_t choice[MAX_SEQUENCES], n = 0;
    uint32_t k = 0;

    choose(j, w, choice);
    for (uint32_t i = 0; i < t->n_parts; i++) {
        size_t begin, end;

        if (t->parts[i].kind == BERT__PART_SPECIAL) {
            n += j->options->no_special ? 0 : t->parts[i].n_tokens;
        } else {
            bert__window(&j->windows[t->parts[i].kind], choice[k++], &begin, &end);
            n += end - begin;
        }
    }
    return n;
}

static size_t padded(const struct job *j, size_t n)
{
    return n < j->options->pad_length ? j->options->pad_length : n;
}

static bert_status count_windows(struct job *j)
{
    bool fits = multiply(j);

    j->n_tokens = 0;
    if (!j->options->overflow)
        j->n_windows = 1;
    else if (!fits || j->n_windows > MAX_WINDOWS)
        return bert__fail(j->err, BERT_ELIMIT,
                          "%zu windows of the first text times %zu of the second; at most %ld are "
                          "given",
                          j->windows[0].count, j->windows[1].count, (long)MAX_WINDOWS);
    for (size_t w = 0; w < j->n_windows; w++) {
        j->n_tokens += padded(j, window_size(j, w));
        if (j->n_tokens > MAX_TOKENS && j->n_windows > 1)
            return bert__fail(j->err, BERT_ELIMIT,
                              "%zu windows hold more than %zu tokens together; use a longer "
                              "max_length or a shorter stride",
                              j->n_windows, MAX_TOKENS);
    }
    return BERT_OK;
}

/* ---- Filling one window --------------------------------------------------- */

/* Ranges of tokens by sequence, as the reference books them: later ones replace. */
struct ranges {
    bool known[2];
    size_t begin[2], end[2];
};

static bert_text surface(const struct job *j, const struct bert__sequence *s, const char *pool,
                         size_t token)
{
    size_t lo = 0, hi = s->n_surfaces;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (s->surfaces[mid].token < token)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < s->n_surfaces && s->surfaces[lo].token == token)
        return (bert_text){pool + s->surfaces[lo].at, s->surfaces[lo].size};
    return bert__tokenizer_spelling(j->tok, s->ids[token]);
}

static void put(bert_encoding *e, size_t at, const struct bert__special *token, int32_t type_id,
                bool real)
{
    e->ids[at] = token->id;
    e->type_ids[at] = type_id;
    e->offsets[at] = (bert_span){0, 0};
    e->special_mask[at] = 1;
    e->attention_mask[at] = real;
    e->word_ids[at] = -1;
    if (e->texts != NULL)
        e->texts[at] = token->text;
}

/* Window `i` of a text at `at`; returns where it ends. */
static size_t put_text(const struct job *j, bert_encoding *e, size_t at,
                       const struct bert__part *part, size_t i, const char *pool)
{
    const struct bert__sequence *s = &j->sequences[part->kind];
    size_t begin, end, n;
    /* Further windows keep the types they had before the template. */
    int32_t type = i == 0 ? part->type_id : part->kind;

    bert__window(&j->windows[part->kind], i, &begin, &end);
    n = end - begin;
    if (n == 0)
        return at;
    memcpy(e->ids + at, s->ids + begin, n * sizeof *e->ids);
    memcpy(e->offsets + at, s->offsets + begin, n * sizeof *e->offsets);
    memcpy(e->word_ids + at, s->words + begin, n * sizeof *e->word_ids);
    memset(e->special_mask + at, 0, n);
    memset(e->attention_mask + at, 1, n);
    for (size_t k = 0; k < n; k++) {
        e->type_ids[at + k] = type;
        if (e->texts != NULL)
            e->texts[at + k] = surface(j, s, pool, begin + k);
    }
    return at + n;
}

/* The reference asks for sequences 0, 1, ... as many as it knows ranges of, and takes an
 * unknown one to cover all. */
static void put_sequence_ids(bert_encoding *e, const struct ranges *r)
{
    int n = r->known[0] + r->known[1];

    memset(e->sequence_ids, -1, e->n);
    for (int s = 0; s < (n > 0 ? n : 1); s++) {
        size_t begin = r->known[s] ? r->begin[s] : 0, end = r->known[s] ? r->end[s] : e->n;

        memset(e->sequence_ids + begin, s, end - begin);
    }
}

/* Is the range of this part booked?  Without a post-processor only by the first
 * windows of a pair. */
static bool is_booked(const struct job *j, size_t window_of_part)
{
    return j->tok->postprocessor.present || (j->pair && window_of_part == 0);
}

static size_t put_pads(const struct job *j, bert_encoding *e, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(e, at + i, &j->tok->padding.token, j->tok->padding.type_id, false);
    return at + n;
}

static size_t sequence_tokens(const struct job *j)
{
    return j->windows[0].n + (j->pair ? j->windows[1].n : 0);
}

/* Fill window w; its arrays and size are set. */
static void fill(const struct job *j, bert_encoding *e, size_t w, const char *const pools[2])
{
    const struct bert__template *t = j->template;
    size_t choice[MAX_SEQUENCES], size = window_size(j, w), pads = e->n - size, at = 0;
    struct ranges r = {0};
    uint32_t k = 0;

    choose(j, w, choice);
    e->truncated = sequence_tokens(j);
    if (j->tok->padding.left)
        at = put_pads(j, e, at, pads);
    for (uint32_t i = 0; i < t->n_parts; i++) {
        const struct bert__part *part = &t->parts[i];
        size_t begin = at;

        if (part->kind == BERT__PART_SPECIAL) {
            for (uint32_t s = 0; s < part->n_tokens && !j->options->no_special; s++)
                put(e, at++, &part->tokens[s], part->type_id, true);
            continue;
        }
        at = put_text(j, e, at, part, choice[k], pools[part->kind]);
        if (is_booked(j, choice[k])) {
            r.known[part->kind] = true;
            r.begin[part->kind] = begin;
            r.end[part->kind] = at;
        }
        e->truncated -= e->truncated < at - begin ? e->truncated : at - begin;
        k++;
    }
    if (!j->tok->padding.left)
        put_pads(j, e, at, pads);
    put_sequence_ids(e, &r);
}

/* ---- Memory --------------------------------------------------------------- */

/* Arrays of all windows, one after the other, largest elements first. */
static bool allocate_arrays(const struct job *j, bert_encoding *root)
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
static bool copy_surfaces(const struct job *j, bert_encoding *root, const char *pools[2])
{
    const struct bert__sequence *a = &j->sequences[0], *b = &j->sequences[1];
    size_t second = j->pair ? b->surface_used : 0;

    if (!j->texts)
        return true;
    root->surface_text = bert__alloc(j->tok->alloc, a->surface_used + second);
    if (root->surface_text == NULL)
        return false;
    pools[0] = root->surface_text;
    pools[1] = root->surface_text + a->surface_used;
    if (a->surface_used > 0)
        memcpy(root->surface_text, a->surface_text, a->surface_used);
    if (second > 0)
        memcpy(root->surface_text + a->surface_used, b->surface_text, second);
    return true;
}

static bert_status build(const struct job *j, bert_encoding **out)
{
    struct bert__alloc *alloc = j->tok->alloc;
    bert_encoding *root = bert__alloc_array(alloc, j->n_windows, sizeof *root);
    const char *pools[2] = {NULL, NULL};
    size_t at = 0;

    if (root == NULL)
        return bert__alloc_fail(alloc, "encoding", j->err);
    if (!allocate_arrays(j, root) || !copy_surfaces(j, root, pools)) {
        bert__alloc_free(alloc, root->arrays);
        bert__alloc_free(alloc, root);
        return bert__alloc_fail(alloc, "encoding", j->err);
    }
    for (size_t w = 0; w < j->n_windows; w++) {
        root[w].n = padded(j, window_size(j, w));
        point_at(&root[w], root, at);
        fill(j, &root[w], w, pools);
        root[w].tokenizer = (bert_tokenizer *)j->tok;
        at += root[w].n;
    }
    root->windows = root + 1;
    root->n_windows = j->n_windows - 1;
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
    bert__alloc_free(tok->alloc, e->surface_text);
    bert__alloc_free(tok->alloc, e->arrays);
    bert__alloc_free(tok->alloc, e);
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
static bool any_odd(const struct job *j)
{
    const struct bert__template *t = j->template;

    if (j->sequences[0].n_surfaces > 0 || (j->pair && j->sequences[1].n_surfaces > 0))
        return true;
    if (j->options->pad_length > 0 && is_odd(j->tok, &j->tok->padding.token))
        return true;
    for (uint32_t i = 0; i < t->n_parts && !j->options->no_special; i++) {
        for (uint32_t k = 0; k < t->parts[i].n_tokens; k++) {
            if (is_odd(j->tok, &t->parts[i].tokens[k]))
                return true;
        }
    }
    return false;
}

static bert_status check(const bert_tokenizer *tok, const bert_tokenize_options *o,
                         const struct bert__template *t, bert_error *err)
{
    if (o->pad_length > 0 && !tok->padding.present)
        return bert__fail(err, BERT_EINVAL, "pad_length is %lu; the tokenizer has no padding token",
                          (unsigned long)o->pad_length);
    if (t->n_sequences > MAX_SEQUENCES)
        return bert__fail(err, BERT_EUNSUPPORTED, "the tokenizer's template holds %lu texts",
                          (unsigned long)t->n_sequences);
    return BERT_OK;
}

bert_status bert__encode(const bert_tokenizer *tok, bert_text text, const bert_text *pair,
                         const bert_tokenize_options *o, bert_encoding **out, bert_error *err)
{
    const struct bert__template *t =
        pair != NULL ? &tok->postprocessor.pair : &tok->postprocessor.single;
    struct job j = {.tok = tok, .template = t, .options = o, .pair = pair != NULL, .err = err};
    struct bert__token_scratch *s;
    size_t n[2] = {0, 0};
    bert_status status = check(tok, o, t, err);

    if (status == BERT_OK)
        status = bert__tokenizer_take(tok, &s, err);
    if (status != BERT_OK)
        return status;
    j.sequences = s->sequences;
    status = bert__tokenize_sequence(tok, s, text, &s->sequences[0], err);
    if (status == BERT_OK && pair != NULL)
        status = bert__tokenize_sequence(tok, s, *pair, &s->sequences[1], err);
    if (status != BERT_OK)
        goto out;
    n[0] = s->sequences[0].n;
    n[1] = pair != NULL ? s->sequences[1].n : 0;
    status = bert__truncate(tok, o, j.pair, n, j.windows, err);
    if (status == BERT_OK)
        status = count_windows(&j);
    if (status != BERT_OK)
        goto out;
    if (o->offset_unit == BERT_OFFSET_CHARS) {
        bert__offsets_to_chars(&s->sequences[0], text);
        if (pair != NULL)
            bert__offsets_to_chars(&s->sequences[1], *pair);
    }
    j.texts = any_odd(&j);
    status = build(&j, out);
out:
    bert__tokenizer_give(tok, s);
    return status;
}

bert_status bert__count(const bert_tokenizer *tok, bert_text text, const bert_text *pair,
                        const bert_tokenize_options *o, size_t *out, bert_error *err)
{
    const struct bert__template *t =
        pair != NULL ? &tok->postprocessor.pair : &tok->postprocessor.single;
    struct job j = {.tok = tok, .template = t, .options = o, .pair = pair != NULL, .err = err};
    struct bert__id_sink sinks[2] = {{NULL, 0, false, 0}, {NULL, 0, false, 0}};
    struct bert__token_scratch *s;
    size_t n[2];
    bert_status status = check(tok, o, t, err);

    if (status == BERT_OK)
        status = bert__tokenizer_take(tok, &s, err);
    if (status != BERT_OK)
        return status;
    status = bert__tokenize_sink(tok, s, text, &sinks[0], err);
    if (status == BERT_OK && pair != NULL)
        status = bert__tokenize_sink(tok, s, *pair, &sinks[1], err);
    bert__tokenizer_give(tok, s);
    n[0] = (size_t)sinks[0].n;
    n[1] = (size_t)sinks[1].n;
    if (status == BERT_OK)
        status = bert__truncate(tok, o, j.pair, n, j.windows, err);
    if (status == BERT_OK) {
        multiply(&j);
        *out = padded(&j, window_size(&j, 0));
    }
    return status;
}
