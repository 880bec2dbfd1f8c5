/* SPDX-License-Identifier: MIT */
/* entities.c - from logits of tokens to entities. */
#include "lib/head/entities.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/sort.h"
#include "lib/head/chars.h"
#include "lib/head/scores.h"

/* ---- Labels ---------------------------------------------------------------------- */

static struct bert__tag read_label(const char *label)
{
    bool marked = (label[0] == 'B' || label[0] == 'I') && label[1] == '-';
    const char *dash = strchr(label, '-');

    return (struct bert__tag){.label = label,
                              .tag = marked ? label + 2 : label,
                              .name = dash != NULL ? dash + 1 : label,
                              .begins = marked && label[0] == 'B'};
}

bert_status bert__tagger_init(struct bert__tagger *t, struct bert__alloc *alloc,
                              const char *const *labels, uint32_t n_labels, uint32_t aggregation,
                              bert_error *err)
{
    *t = (struct bert__tagger){
        .alloc = alloc, .n_labels = n_labels, .aggregation = aggregation, .unk_id = -1};
    t->tags = bert__alloc_items(alloc, n_labels, sizeof *t->tags);
    t->sums = bert__alloc_array(alloc, n_labels, sizeof *t->sums);
    t->scores = bert__alloc_array(alloc, n_labels, sizeof *t->scores);
    if (t->tags == NULL || t->sums == NULL || t->scores == NULL)
        return bert__alloc_fail(alloc, "the labels", err);
    for (uint32_t i = 0; i < n_labels; i++)
        t->tags[i] = read_label(labels[i]);
    return BERT_OK;
}

void bert__tagger_free(struct bert__tagger *t)
{
    bert__alloc_free(t->alloc, t->tags);
    bert__alloc_free(t->alloc, t->sums);
    bert__alloc_free(t->alloc, t->scores);
}

/* ---- The list ---------------------------------------------------------------------- */

enum { FIRST_CAP = 16 };

static bert_status append(struct bert__entities *e, const struct bert__entity *entity,
                          bert_error *err)
{
    if (strcmp(entity->name, "O") == 0)
        return BERT_OK;
    if (e->n == e->cap) {
        size_t cap = e->cap > 0 ? 2 * e->cap : FIRST_CAP, bytes;
        struct bert__entity *list = NULL;

        if (bert__size_mul(cap, sizeof *list, &bytes))
            list = bert__alloc_grow(e->alloc, e->list, bytes);
        if (list == NULL)
            return bert__alloc_fail(e->alloc, "the entities", err);
        e->list = list;
        e->cap = cap;
    }
    e->list[e->n++] = *entity;
    return BERT_OK;
}

void bert__entities_free(struct bert__entities *e)
{
    bert__alloc_free(e->alloc, e->list);
    *e = (struct bert__entities){.alloc = e->alloc};
}

/* ---- Tokens ------------------------------------------------------------------------ */

/* A window on its way through: a word is open from its first token to the next word's, a group
 * from its first word to the next group's. */
struct pass {
    struct bert__tagger *tagger;
    struct bert__entities *out;
    bert_text text;
    const bert_encoding *window;
    bert_error *err;
    struct bert__entity word, group;
    uint32_t n_tokens; /* of the open word; 0: none is open */
    uint32_t n_words;  /* of the open group */
    uint32_t last;     /* label of its last word */
    double score;      /* sum of its words' */
};

/* Does token i continue the word before it?  Not by the tokenizer's words: under a model with a
 * prefix by the lengths of its spelling and of its text, else by the spaces before it. */
static bool continues(const struct pass *p, size_t i)
{
    bert_span at = bert_encoding_offsets(p->window)[i];
    bert_text token;

    if (bert_encoding_ids(p->window)[i] == p->tagger->unk_id)
        return false;
    if (p->tagger->prefixed) {
        token = bert_tokenizer_token(p->tagger->tokenizer, bert_encoding_ids(p->window)[i]);
        return bert__chars_between(token, 0, token.size)
               != bert__chars_between(p->text, at.start, at.end);
    }
    return at.start > 0 && p->text.data[at.start - 1] != ' '
           && (at.start == p->text.size || p->text.data[at.start] != ' ');
}

static uint32_t best(const float *scores, uint32_t n)
{
    uint32_t k = 0;

    for (uint32_t i = 1; i < n; i++)
        k = scores[i] > scores[k] ? i : k;
    return k;
}

/* ---- Groups of words --------------------------------------------------------------- */

static bert_status close_group(struct pass *p)
{
    p->group.score = (float)(p->score / p->n_words);
    p->n_words = 0;
    return append(p->out, &p->group, p->err);
}

static bert_status add_word(struct pass *p, const struct bert__entity *word)
{
    const struct bert__tag *tags = p->tagger->tags, *tag = &tags[word->label];

    if (p->n_words > 0 && (tag->begins || strcmp(tag->tag, tags[p->last].tag) != 0)) {
        bert_status st = close_group(p);

        if (st != BERT_OK)
            return st;
    }
    if (p->n_words == 0) {
        p->group = *word;
        p->group.name = tag->name;
        p->score = 0;
    }
    p->group.end = word->end;
    p->last = word->label;
    p->score += (double)word->score;
    p->n_words++;
    return BERT_OK;
}

/* ---- Words of tokens ---------------------------------------------------------------- */

static bert_status close_word(struct pass *p)
{
    const struct bert__tagger *t = p->tagger;

    if (t->aggregation == BERT_AGGREGATE_AVERAGE) {
        for (uint32_t k = 0; k < t->n_labels; k++)
            t->scores[k] = (float)(t->sums[k] / p->n_tokens);
        p->word.label = best(t->scores, t->n_labels);
        p->word.score = t->scores[p->word.label];
    }
    p->n_tokens = 0;
    return add_word(p, &p->word);
}

/* One more token, by itself an entity, of the open word. */
static void extend_word(struct pass *p, const struct bert__entity *token)
{
    const struct bert__tagger *t = p->tagger;

    if (p->n_tokens == 0) {
        p->word = *token;
        memset(t->sums, 0, t->n_labels * sizeof *t->sums);
    } else if (t->aggregation == BERT_AGGREGATE_MAX && token->score > p->word.score) {
        p->word.label = token->label;
        p->word.score = token->score;
    }
    for (uint32_t k = 0; t->aggregation == BERT_AGGREGATE_AVERAGE && k < t->n_labels; k++)
        t->sums[k] += (double)t->scores[k];
    p->word.end = token->end;
    p->n_tokens++;
}

static bert_status add_token(struct pass *p, size_t i, const float *logits)
{
    struct bert__tagger *t = p->tagger;
    bert_span at = bert_encoding_offsets(p->window)[i];
    struct bert__entity token = {.start = at.start, .end = at.end};
    bert_status st = BERT_OK;

    if (p->n_tokens > 0 && !continues(p, i))
        st = close_word(p); /* before the scratch is used again */
    if (st != BERT_OK)
        return st;
    bert__softmax(logits, t->n_labels, t->scores);
    token.label = best(t->scores, t->n_labels);
    token.score = t->scores[token.label];
    token.name = t->tags[token.label].label;
    if (t->aggregation == BERT_AGGREGATE_NONE)
        return append(p->out, &token, p->err);
    if (t->aggregation == BERT_AGGREGATE_SIMPLE)
        return add_word(p, &token);
    extend_word(p, &token);
    return BERT_OK;
}

bert_status bert__entities_add(struct bert__entities *e, struct bert__tagger *tagger,
                               bert_text text, const bert_encoding *window, const float *logits,
                               bert_error *err)
{
    struct pass p = {.tagger = tagger, .out = e, .text = text, .window = window, .err = err};
    const uint8_t *special = bert_encoding_special_mask(window);
    bert_status st = BERT_OK;

    for (size_t i = 0; i < bert_encoding_size(window) && st == BERT_OK; i++) {
        if (!special[i])
            st = add_token(&p, i, logits + i * tagger->n_labels);
    }
    if (st == BERT_OK && p.n_tokens > 0)
        st = close_word(&p);
    if (st == BERT_OK && p.n_words > 0)
        st = close_group(&p);
    return st;
}

/* ---- Windows ------------------------------------------------------------------------- */

/* By their starts; equal ones stay in their order. */
static int compare(const void *a, const void *b)
{
    const struct bert__entity *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* A longer one wins, of the same length (in code points) the higher score.  An empty entity holds
 * nothing, itself neither: the reference lists one that comes first twice, and so do we.  How many;
 * 0: the watch ended it. */
static size_t choose(void *const *sorted, size_t n, bert_text text, struct bert__watch *watch,
                     struct bert__entity *to)
{
    const struct bert__entity *kept = sorted[0];
    size_t n_to = 0, length = bert__chars_between(text, kept->start, kept->end);

    for (size_t i = 0; i < n; i++) {
        const struct bert__entity *e = sorted[i];
        size_t own = bert__chars_between(text, e->start, e->end);

        if (!bert__watch_goes_on_at(watch, i))
            return 0;
        if (e->start >= kept->end)
            to[n_to++] = *kept;
        else if (own < length || (own == length && e->score <= kept->score))
            continue;
        kept = e;
        length = own;
    }
    to[n_to++] = *kept;
    return n_to;
}

bert_status bert__entities_merge(struct bert__entities *e, bert_text text,
                                 struct bert__watch *watch, bert_error *err)
{
    void **sorted;
    struct bert__entity *to;

    if (e->n == 0)
        return BERT_OK;
    sorted = bert__alloc_items(e->alloc, e->n, sizeof *sorted);
    to = bert__alloc_items(e->alloc, e->n + 1, sizeof *to);
    if (sorted == NULL || to == NULL) {
        bert__alloc_free(e->alloc, sorted);
        bert__alloc_free(e->alloc, to);
        return bert__alloc_fail(e->alloc, "the entities", err);
    }
    for (size_t i = 0; i < e->n; i++)
        sorted[i] = &e->list[i];
    bert__sort(sorted, e->n, compare);
    e->cap = e->n + 1;
    e->n = choose(sorted, e->n, text, watch, to);
    bert__alloc_free(e->alloc, e->list);
    bert__alloc_free(e->alloc, sorted);
    e->list = to;
    return bert__watch_ended(watch, err);
}
