/* SPDX-License-Identifier: MIT */
/* metrics.c - the engine's snapshot: what is counted as it happens, and what is looked at now. */
#include "lib/base/error.h"
#include "lib/serve/engine_parts.h"

static void look_at_models(const bert_engine *e, uint64_t *n, uint64_t *bytes)
{
    *n = *bytes = 0;
    for (const struct bert__name *name = e->names; name != NULL; name = name->next) {
        const struct bert__served *both[2] = {name->current, name->before};

        for (int i = 0; i < 2; i++) {
            *n += both[i] != NULL;
            *bytes += both[i] != NULL ? bert_model_bytes(both[i]->model) : 0;
        }
    }
}

static void look_at_cache(bert_engine *e)
{
    struct bert__counters *c = &e->counters;
    struct bert__cache_counts counts;

    if (e->cache == NULL)
        return;
    bert__cache_count(e->cache, &counts);
    bert__gauge_set(&c->cache_hits, counts.hits);
    bert__gauge_set(&c->cache_misses, counts.misses);
    bert__gauge_set(&c->cache_coalesced, counts.joined);
    bert__gauge_set(&c->cache_inserts, counts.inserts);
    bert__gauge_set(&c->cache_evictions, counts.evictions);
    bert__gauge_set(&c->cache_entries, counts.entries);
    bert__gauge_set(&c->cache_bytes, counts.bytes);
}

/* Those of a batch that have not ended early. */
static uint64_t running_in(const struct bert__frame *frame)
{
    uint64_t n = 0;

    for (size_t i = 0; i < frame->n; i++)
        n += !bert_job_done(frame->jobs[i]);
    return n;
}

static uint64_t running(const bert_engine *e)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < e->n_slots; i++) {
        for (uint32_t d = 0; d < BERT__DEPTHS; d++)
            n += running_in(&e->slots[i].frames[d]);
    }
    return n;
}

bert_status bert_engine_metrics(bert_engine *e, bert_metrics *out, bert_error *err)
{
    struct bert__counters *c;
    uint64_t models, bytes, own_threads;
    bert_status st = bert__engine_check(e, err);

    if (st != BERT_OK)
        return st;
    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    c = &e->counters;
    pthread_mutex_lock(&e->lock);
    own_threads = e->n_workers + e->loader_runs;
    look_at_models(e, &models, &bytes);
    look_at_cache(e);
    bert__observe_counts(e);
    bert__gauge_set(&c->models, models);
    bert__gauge_set(&c->model_bytes, bytes);
    bert__gauge_set(&c->requests_queued, e->queue.n + e->n_joined);
    bert__gauge_set(&c->tokens_queued, e->queue.tokens);
    bert__gauge_set(&c->requests_running, running(e));
    pthread_mutex_unlock(&e->lock);
    st = bert__counters_snapshot(c, out, err);
    if (st == BERT_OK && out->size >= offsetof(bert_metrics, threads) + sizeof out->threads)
        out->threads += own_threads;
    return st;
}
