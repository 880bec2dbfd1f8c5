/* SPDX-License-Identifier: MIT */
/*
 * sampler.c - a reservoir of redacted texts (Vitter's algorithm R).
 *
 * Whether a text is chosen, and for which place, is decided under the lock by its number alone.  It
 * is redacted outside, and put in its place unless a later text has come there meanwhile or the
 * sampler was cleared; so the sample hangs on the order of the offers, not on the time that
 * redacting takes.  A chosen text that can't be kept leaves its place empty: to let the old one
 * stay would favour it.
 */
#include "lib/serve/sampler.h"

#include <pthread.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/wipe.h"

enum { FIRST_ROOM = 64 /* beside the text's own size */ };

struct place {
    char *data; /* NULL: empty */
    size_t size;
    uint64_t number; /* of the text that it was given to, from 1 */
};

struct bert_sampler {
    struct bert__alloc *alloc;
    size_t entries, max_bytes;
    bert_redact_fn redact; /* NULL: the masker */
    void *context;
    struct bert__mask_how how;
    pthread_mutex_t mutex;
    /* under it */
    uint64_t random;
    uint64_t clears;
    bert_sampler_state state;
    struct place *places;
};

struct bert_samples {
    struct bert__alloc *alloc;
    size_t n;
    bert_text *texts;
    char *data;
    size_t size;
};

/* ---- Choosing --------------------------------------------------------------------------- */

/* SplitMix64. */
static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);

    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static uint64_t draw_below(uint64_t *state, uint64_t n)
{
    uint64_t over = (0 - n) % n, x; /* 2^64 mod n: numbers below it would favour some */

    do
        x = draw(state);
    while (x < over);
    return x % n;
}

bool bert__sampler_choose(bert_sampler *s, struct bert__sampler_ticket *t)
{
    uint64_t place;

    pthread_mutex_lock(&s->mutex);
    t->number = ++s->state.offered;
    t->clears = s->clears;
    place = t->number <= s->entries ? t->number - 1 : draw_below(&s->random, t->number);
    pthread_mutex_unlock(&s->mutex);
    t->place = (size_t)place;
    return place < s->entries;
}

/* ---- Redacting -------------------------------------------------------------------------- */

struct source {
    bert_text text;
    const struct bert__mask_entities *entities; /* NULL: none that the masker is to see */
};

struct redacted {
    char *data; /* NULL: nothing may be kept */
    size_t size, capacity;
    bool dropped;
};

/* False where there is no more to ask: the size is known, or it is dropped. */
static bool run_redaction(bert_sampler *s, const struct source *from, struct redacted *r)
{
    r->size = 0;
    if (s->redact == NULL)
        r->size = bert__mask_write(from->text, &s->how, from->entities, r->data, r->capacity);
    else
        r->dropped = s->redact(s->context, from->text, r->data, r->capacity, &r->size)
                     != BERT_REDACTION_DONE;
    return !r->dropped;
}

/* What doesn't fit into the whole sampler needs no memory. */
static bert_status redact(bert_sampler *s, const struct source *from, struct redacted *r,
                          bert_error *err)
{
    size_t want = from->text.size < s->max_bytes ? from->text.size : s->max_bytes;

    *r = (struct redacted){0};
    if (!bert__size_add(want, FIRST_ROOM, &want))
        want = s->max_bytes;
    for (int round = 0; round < 2; round++) {
        r->data = bert__alloc(s->alloc, want);
        if (r->data == NULL)
            return bert__alloc_fail(s->alloc, "a redacted text", err);
        r->capacity = want;
        if (run_redaction(s, from, r) && r->size <= r->capacity)
            return BERT_OK;
        want = r->size;
        bert__wipe_free(s->alloc, r->data, r->capacity);
        r->data = NULL;
        if (r->dropped || want > s->max_bytes)
            break;
    }
    return BERT_OK;
}

/* ---- Keeping ---------------------------------------------------------------------------- */

static void empty(bert_sampler *s, struct place *p)
{
    if (p->data != NULL) {
        s->state.entries--;
        s->state.bytes -= p->size;
        bert__wipe_free(s->alloc, p->data, p->size);
        p->data = NULL;
    }
}

/* `copy`, of the right size, is the place's then, or NULL. */
static char *keep(bert_sampler *s, const struct bert__sampler_ticket *t, char *copy, size_t size,
                  bool dropped)
{
    struct place *p = &s->places[t->place];

    if (s->clears != t->clears || p->number > t->number)
        return copy;
    empty(s, p);
    p->number = t->number;
    if (dropped) {
        s->state.dropped++;
    } else if (copy == NULL || size > s->max_bytes - s->state.bytes) {
        s->state.oversized++;
    } else {
        p->data = copy;
        p->size = size;
        s->state.entries++;
        s->state.bytes += size;
        return NULL;
    }
    return copy;
}

static void settle(bert_sampler *s, const struct bert__sampler_ticket *t, char *copy, size_t size,
                   bool dropped)
{
    pthread_mutex_lock(&s->mutex);
    copy = keep(s, t, copy, size, dropped);
    pthread_mutex_unlock(&s->mutex);
    bert__wipe_free(s->alloc, copy, size);
}

static bert_status redact_and_keep(bert_sampler *s, const struct source *from,
                                   const struct bert__sampler_ticket *t, bert_error *err)
{
    struct redacted r;
    bert_status st = redact(s, from, &r, err);
    char *copy = NULL;

    if (r.data != NULL && r.size <= s->max_bytes) {
        copy = bert__alloc(s->alloc, r.size);
        if (copy == NULL)
            st = bert__alloc_fail(s->alloc, "a redacted text", err);
        else
            memcpy(copy, r.data, r.size);
    }
    settle(s, t, copy, r.size, r.dropped);
    bert__wipe_free(s->alloc, r.data, r.capacity);
    return st;
}

void bert__sampler_drop(bert_sampler *s, const struct bert__sampler_ticket *ticket)
{
    settle(s, ticket, NULL, 0, true);
}

/* The host's redaction gets a text in which the entities are masked already. */
static bert_status keep_masked(bert_sampler *s, const struct bert__sampler_ticket *t,
                               const struct source *from, bert_error *err)
{
    const struct bert__mask_how how = {.kinds = 0};
    size_t size = bert__mask_write(from->text, &how, from->entities, NULL, 0);
    char *masked = bert__alloc(s->alloc, size);
    struct source own = {{masked, size}, NULL};
    bert_status st;

    if (masked == NULL) {
        bert__sampler_drop(s, t);
        return bert__alloc_fail(s->alloc, "a masked text", err);
    }
    bert__mask_write(from->text, &how, from->entities, masked, size);
    st = redact_and_keep(s, &own, t, err);
    bert__wipe_free(s->alloc, masked, size);
    return st;
}

bert_status bert__sampler_keep(bert_sampler *s, const struct bert__sampler_ticket *ticket,
                               bert_text text, const struct bert__mask_entities *entities,
                               bert_error *err)
{
    struct source from = {text, entities};

    return s->redact != NULL && entities != NULL ? keep_masked(s, ticket, &from, err)
                                                 : redact_and_keep(s, &from, ticket, err);
}

bert_status bert_sampler_offer(bert_sampler *sampler, bert_text text, bert_error *err)
{
    struct bert__sampler_ticket ticket;

    if (sampler == NULL || (text.data == NULL && text.size > 0))
        return bert__fail(err, BERT_EINVAL, "%s is NULL",
                          sampler == NULL ? "sampler" : "text.data");
    return bert__sampler_choose(sampler, &ticket)
               ? bert__sampler_keep(sampler, &ticket, text, NULL, err)
               : BERT_OK;
}

size_t bert__sampler_entries(const bert_sampler *sampler)
{
    return sampler->entries;
}

size_t bert__sampler_max_bytes(const bert_sampler *sampler)
{
    return sampler->max_bytes;
}

/* ---- Life ------------------------------------------------------------------------------- */

bert_status bert__sampler_create(bert_sampler **out, const bert_sampler_options *options,
                                 const struct bert__mask_how *how, bert_error *err)
{
    struct bert__alloc *alloc = bert__alloc_create(options->allocator, 0);
    bert_sampler *s = alloc != NULL ? bert__alloc_array(alloc, 1, sizeof *s) : NULL;

    if (s != NULL)
        s->places = bert__alloc_array(alloc, options->entries, sizeof *s->places);
    if (s == NULL || s->places == NULL) {
        if (alloc != NULL)
            bert__alloc_free(alloc, s);
        bert__alloc_destroy(alloc);
        return bert__fail_nomem(err, "the sampler");
    }
    s->alloc = alloc;
    s->entries = options->entries;
    s->max_bytes = options->max_bytes;
    s->redact = options->redact;
    s->context = options->redact_context;
    s->how = *how;
    s->random = options->seed;
    pthread_mutex_init(&s->mutex, NULL);
    *out = s;
    return BERT_OK;
}

void bert_sampler_clear(bert_sampler *sampler)
{
    if (sampler == NULL)
        return;
    pthread_mutex_lock(&sampler->mutex);
    for (size_t i = 0; i < sampler->entries; i++) {
        empty(sampler, &sampler->places[i]);
        sampler->places[i].number = 0;
    }
    sampler->state = (bert_sampler_state){0};
    sampler->clears++;
    pthread_mutex_unlock(&sampler->mutex);
}

void bert_sampler_destroy(bert_sampler *sampler)
{
    struct bert__alloc *alloc;

    if (sampler == NULL)
        return;
    alloc = sampler->alloc;
    bert_sampler_clear(sampler);
    pthread_mutex_destroy(&sampler->mutex);
    bert__alloc_free(alloc, sampler->places);
    bert__wipe(sampler, sizeof *sampler); /* its key */
    bert__alloc_free(alloc, sampler);
    bert__alloc_destroy(alloc);
}

/* ---- Reading ---------------------------------------------------------------------------- */

void bert_sampler_counts(bert_sampler *sampler, bert_sampler_state *out)
{
    bert_sampler_state state;

    pthread_mutex_lock(&sampler->mutex);
    state = sampler->state;
    pthread_mutex_unlock(&sampler->mutex);
    state.size = out->size;
    memcpy(out, &state, out->size < sizeof state ? out->size : sizeof state);
}

static bool copy_texts(bert_samples *copy, const bert_sampler *s)
{
    char *at;

    copy->size = (size_t)s->state.bytes;
    copy->data = bert__alloc(copy->alloc, copy->size);
    copy->texts = bert__alloc_array(copy->alloc, (size_t)s->state.entries, sizeof *copy->texts);
    if (copy->data == NULL || copy->texts == NULL)
        return false;
    at = copy->data;
    for (size_t i = 0; i < s->entries; i++) {
        const struct place *p = &s->places[i];

        if (p->data == NULL)
            continue;
        memcpy(at, p->data, p->size);
        copy->texts[copy->n++] = (bert_text){at, p->size};
        at += p->size;
    }
    return true;
}

bert_status bert_sampler_read(bert_sampler *sampler, bert_samples **out, bert_error *err)
{
    struct bert__alloc *alloc;
    bert_samples *copy;
    bool whole;

    if (out == NULL || sampler == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", out == NULL ? "out" : "sampler");
    *out = NULL;
    alloc = bert__alloc_create(bert__alloc_host(sampler->alloc), 0);
    copy = alloc != NULL ? bert__alloc_array(alloc, 1, sizeof *copy) : NULL;
    if (copy == NULL) {
        bert__alloc_destroy(alloc);
        return bert__fail_nomem(err, "a copy of the samples");
    }
    copy->alloc = alloc;
    pthread_mutex_lock(&sampler->mutex);
    whole = copy_texts(copy, sampler);
    pthread_mutex_unlock(&sampler->mutex);
    if (!whole) {
        bert_samples_free(copy);
        return bert__fail_nomem(err, "a copy of the samples");
    }
    *out = copy;
    return BERT_OK;
}

size_t bert_samples_count(const bert_samples *samples)
{
    return samples->n;
}

bert_text bert_samples_text(const bert_samples *samples, size_t i)
{
    return i < samples->n ? samples->texts[i] : (bert_text){NULL, 0};
}

void bert_samples_free(bert_samples *samples)
{
    struct bert__alloc *alloc;

    if (samples == NULL)
        return;
    alloc = samples->alloc;
    bert__wipe_free(alloc, samples->data, samples->size);
    bert__alloc_free(alloc, samples->texts);
    bert__alloc_free(alloc, samples);
    bert__alloc_destroy(alloc);
}
