/* SPDX-License-Identifier: MIT */
/* models.c - the engine's models by name and version. */
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/probe.h"
#include "lib/serve/engine_parts.h"

enum { FIRST_TOKEN_PS = 20000000, FIRST_TOKEN_BYTES = 4 << 8 }; /* until a batch has run */

/* ---- Versions ------------------------------------------------------------------------ */

struct bert__served *bert__served_ref(struct bert__served *served)
{
    atomic_fetch_add(&served->refs, 1);
    return served;
}

void bert__served_unref(bert_engine *engine, struct bert__served *served)
{
    if (served == NULL || atomic_fetch_sub(&served->refs, 1) != 1)
        return;
    bert_model_unref(served->model);
    bert__load_free(engine, served->origin);
    bert__alloc_free(engine->alloc, served);
}

struct bert__served *bert__served_create(bert_engine *engine, const char *name, bert_model *model,
                                         bert_error *err)
{
    struct bert__served *served =
        bert__alloc_named(engine->alloc, offsetof(struct bert__served, name), name);

    if (served == NULL) {
        bert__alloc_fail(engine->alloc, "the model's entry", err);
        return NULL;
    }
    atomic_init(&served->refs, 1);
    atomic_init(&served->token_ps, FIRST_TOKEN_PS);
    atomic_init(&served->token_bytes, FIRST_TOKEN_BYTES);
    served->model = bert_model_ref(model);
    return served;
}

void bert__served_retire(bert_engine *engine, struct bert__served *served)
{
    if (served == NULL)
        return;
    atomic_store(&served->retired, true);
    if (engine->cache != NULL)
        bert__cache_flush_group(engine->cache, served->key);
    bert__served_unref(engine, served);
}

/* ---- Names --------------------------------------------------------------------------- */

struct bert__name *bert__name_find(const bert_engine *engine, const char *name)
{
    struct bert__name *n = engine->names;

    if (name == NULL)
        name = "default";
    while (n != NULL && strcmp(n->name, name) != 0)
        n = n->next;
    return n;
}

bert_status bert__name_unknown(const char *name, bert_error *err)
{
    char shown[84];

    if (name == NULL)
        name = "default";
    return bert__fail(err, BERT_EINVAL, "the engine has no model \"%s\"",
                      bert__printable(shown, name, strlen(name)));
}

bert_status bert__name_lock(bert_engine *engine, const char *name, struct bert__name **out,
                            bert_error *err)
{
    bert_status st = bert__engine_check(engine, err);

    if (st != BERT_OK)
        return st;
    pthread_mutex_lock(&engine->lock);
    *out = bert__name_find(engine, name);
    if (*out != NULL)
        return BERT_OK;
    pthread_mutex_unlock(&engine->lock);
    return bert__name_unknown(name, err);
}

static struct bert__name *make_name(bert_engine *engine, const char *name)
{
    struct bert__name *n =
        bert__alloc_named(engine->alloc, offsetof(struct bert__name, name), name);

    if (n == NULL)
        return NULL;
    n->next = engine->names;
    engine->names = n;
    return n;
}

static void free_name(bert_engine *engine, struct bert__name *n)
{
    bert__served_retire(engine, n->current);
    bert__served_retire(engine, n->before);
    bert__load_free(engine, n->origin);
    bert__routes_free(engine, n);
    bert__drift_leave(engine, n);
    bert__alloc_free(engine->alloc, n->shadow);
    bert__alloc_free(engine->alloc, n);
}

void bert__names_free(bert_engine *engine)
{
    while (engine->names != NULL) {
        struct bert__name *n = engine->names;

        engine->names = n->next;
        free_name(engine, n);
    }
}

bert_status bert__served_install(bert_engine *engine, struct bert__served *served, bert_error *err)
{
    struct bert__name *n = bert__name_find(engine, served->name);

    if (n == NULL)
        n = make_name(engine, served->name);
    if (n == NULL)
        return bert__alloc_fail(engine->alloc, "the model's name", err);
    served->version = ++n->versions;
    served->key = ++engine->served;
    if (n->current != NULL) {
        const char *shown = served->name;

        bert__count(&engine->counters.model_swaps, 1);
        BERT__PROBE_MODEL_SWAP(shown, n->current->version, served->version);
    }
    bert__served_retire(engine, n->before);
    n->before = n->forget ? NULL : n->current;
    if (n->forget) {
        bert__served_retire(engine, n->current);
        bert__count(&engine->counters.model_unloads, 1);
    }
    n->forget = false;
    n->current = served;
    n->used = ++engine->clock;
    bert__slots_tidy(engine);
    return BERT_OK;
}

/* ---- The interface ------------------------------------------------------------------- */

bert_status bert_engine_add_model(bert_engine *engine, const char *name, bert_model *model,
                                  bert_error *err)
{
    struct bert__served *served;
    bert_status st = bert__engine_check(engine, err);

    if (st != BERT_OK)
        return st;
    if (name == NULL || *name == '\0' || model == NULL)
        return bert__fail(err, BERT_EINVAL, "%s",
                          model == NULL  ? "model is NULL"
                          : name == NULL ? "name is NULL"
                                         : "name is empty");
    served = bert__served_create(engine, name, model, err);
    if (served == NULL)
        return BERT_ENOMEM;
    pthread_mutex_lock(&engine->lock);
    st = bert__served_install(engine, served, err);
    if (st == BERT_OK) { /* what was to be loaded again is not wanted any more */
        struct bert__name *n = bert__name_find(engine, name);

        bert__load_free(engine, n->origin);
        n->origin = NULL;
        n->loading = false;
    }
    pthread_mutex_unlock(&engine->lock);
    if (st != BERT_OK)
        bert__served_unref(engine, served);
    return st;
}

bert_status bert_engine_rollback(bert_engine *engine, const char *name, bert_error *err)
{
    struct bert__name *n;
    bert_status st = bert__name_lock(engine, name, &n, err);

    if (st != BERT_OK)
        return st;
    if (n->before == NULL) {
        st = bert__fail(err, BERT_EINVAL, "model \"%s\" has no version before this one", n->name);
    } else {
        struct bert__served *served = n->current;

        bert__load_free(engine, n->origin); /* one that was unloaded isn't wanted any more */
        n->origin = NULL;
        n->loading = false;
        n->current = n->before;
        n->before = served;
        bert__count(&engine->counters.model_rollbacks, 1);
    }
    pthread_mutex_unlock(&engine->lock);
    return st;
}

bert_status bert_engine_remove_model(bert_engine *engine, const char *name, bert_error *err)
{
    struct bert__name *n, **link;
    bert_status st = bert__name_lock(engine, name, &n, err);

    if (st != BERT_OK)
        return st;
    link = &engine->names;
    while (*link != n)
        link = &(*link)->next;
    *link = n->next;
    bert__count(&engine->counters.model_unloads,
                (uint64_t)(n->current != NULL) + (n->before != NULL));
    free_name(engine, n);
    bert__slots_tidy(engine);
    pthread_mutex_unlock(&engine->lock);
    return BERT_OK;
}

bert_status bert_engine_model(bert_engine *engine, const char *name, bert_model **out,
                              uint64_t *version, bert_error *err)
{
    struct bert__name *n;
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    st = bert__name_lock(engine, name, &n, err);
    if (st != BERT_OK)
        return st;
    if (n->current == NULL) {
        st = bert__fail(err, BERT_EBUSY, "model \"%s\" is not loaded", n->name);
    } else {
        *out = bert_model_ref(n->current->model);
        if (version != NULL)
            *version = n->current->version;
    }
    pthread_mutex_unlock(&engine->lock);
    return st;
}
