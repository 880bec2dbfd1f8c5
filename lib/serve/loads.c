/* SPDX-License-Identifier: MIT */
/* loads.c - models loaded while others serve: checks, memory, the thread that does it. */
#include <string.h>

#include "lib/api/options.h"
#include "lib/base/error.h"
#include "lib/base/thread.h"
#include "lib/serve/engine_parts.h"
#include "lib/serve/loads.h"

enum { STACK_BYTES = 8 << 20 }; /* a host's callbacks run on it too */

/* ---- What is to be done -------------------------------------------------------------- */

static char *copy_string(bert_engine *e, const char *text, bool *failed)
{
    char *copy = text != NULL ? bert__alloc_string(e->alloc, text, strlen(text)) : NULL;

    *failed |= text != NULL && copy == NULL;
    return copy;
}

void bert__load_free(bert_engine *e, struct bert__load *load)
{
    if (load == NULL)
        return;
    if (load->busy) {
        load->orphan = true;
        return;
    }
    bert__alloc_free(e->alloc, load->name);
    bert__alloc_free(e->alloc, load->path);
    bert__alloc_free(e->alloc, load->cpu);
    bert__alloc_free(e->alloc, load->backend);
    bert__alloc_free(e->alloc, load->calibration);
    bert__alloc_free(e->alloc, load->told);
    bert__alloc_free(e->alloc, load);
}

static struct bert__load *make_load(bert_engine *e, const char *name, const char *path,
                                    const bert_load_options *o, const bert_model_options *model)
{
    struct bert__load *load = bert__alloc_array(e->alloc, 1, sizeof *load);
    bool failed = false;

    if (load == NULL)
        return NULL;
    load->engine = e;
    load->options = *o;
    load->model = *model;
    load->name = copy_string(e, name, &failed);
    load->path = copy_string(e, path, &failed);
    load->cpu = copy_string(e, model->cpu, &failed);
    load->backend = copy_string(e, model->backend, &failed);
    load->calibration = copy_string(e, model->calibration, &failed);
    load->told = copy_string(e, o->done != NULL ? name : NULL, &failed);
    load->options.model = NULL;
    load->model.cpu = load->cpu;
    load->model.backend = load->backend;
    load->model.calibration = load->calibration;
    if (model->allocator != NULL) {
        load->allocator = *model->allocator;
        load->model.allocator = &load->allocator;
    }
    if (failed) {
        bert__load_free(e, load);
        return NULL;
    }
    return load;
}

/* ---- Memory -------------------------------------------------------------------------- */

static uint64_t bytes_of(const struct bert__served *served)
{
    return served != NULL && served->loaded ? bert_model_bytes(served->model) : 0;
}

static uint64_t all_bytes(const bert_engine *e)
{
    uint64_t sum = 0;

    for (const struct bert__name *n = e->names; n != NULL; n = n->next)
        sum += bytes_of(n->current) + bytes_of(n->before);
    return sum;
}

/* Of what others than `keep` have, or all versions for a rollback, the least recently used. */
static struct bert__name *oldest(const bert_engine *e, const struct bert__name *keep, bool before)
{
    struct bert__name *found = NULL;

    for (struct bert__name *n = e->names; n != NULL; n = n->next) {
        if (n != keep && bytes_of(before ? n->before : n->current) > 0
            && (found == NULL || n->used < found->used))
            found = n;
    }
    return found;
}

static void unload_before(bert_engine *e, struct bert__name *n)
{
    bert__served_retire(e, n->before);
    n->before = NULL;
    bert__count(&e->counters.model_unloads, 1);
}

/* It can be loaded again. */
static void unload(bert_engine *e, struct bert__name *n)
{
    n->origin = n->current->origin;
    n->current->origin = NULL;
    bert__served_retire(e, n->current);
    n->current = NULL;
    bert__count(&e->counters.model_unloads, 1);
}

/* First go versions for a rollback, that which is replaced among them, then models that serve. */
static bert_status make_room(bert_engine *e, const char *name, uint64_t bytes, bert_error *err)
{
    struct bert__name *n = bert__name_find(e, name), *other;
    uint64_t room = e->model_bytes - bytes;

    if (e->model_bytes == 0)
        return BERT_OK;
    if (bytes > e->model_bytes)
        return bert__fail(err, BERT_ELIMIT, "the model takes %llu bytes; model_bytes is %llu",
                          (unsigned long long)bytes, (unsigned long long)e->model_bytes);
    while (all_bytes(e) > room && (other = oldest(e, NULL, true)) != NULL)
        unload_before(e, other);
    if (n != NULL && bytes_of(n->current) > 0 && all_bytes(e) > room) {
        n->forget = true;
        room += bytes_of(n->current);
    }
    while (all_bytes(e) > room && (other = oldest(e, n, false)) != NULL)
        unload(e, other);
    bert__slots_tidy(e);
    return BERT_OK;
}

/* ---- One load ------------------------------------------------------------------------ */

int bert__load_canceled(void *context)
{
    const struct bert__load *load = context;

    if (atomic_load(&load->engine->stopping))
        return 1;
    return load->model.cancel != NULL ? load->model.cancel(load->model.cancel_context) : 0;
}

static bert_status put_in_place(bert_engine *e, struct bert__load *load, bert_model *model,
                                bert_error *err)
{
    struct bert__served *served = bert__served_create(e, load->name, model, err);
    bert_status st;

    if (served == NULL)
        return BERT_ENOMEM;
    served->loaded = true;
    pthread_mutex_lock(&e->lock);
    if (e->stopping || load->orphan)
        st = bert__fail(err, BERT_ECANCELED, "%s",
                        e->stopping ? "the engine has stopped" : "the model was removed");
    else
        st = BERT_OK;
    if (st == BERT_OK)
        st = make_room(e, load->name, bert_model_bytes(model), err);
    if (st == BERT_OK)
        st = bert__served_install(e, served, err);
    if (st == BERT_OK) { /* the load is the model's from now on */
        struct bert__name *n = bert__name_find(e, load->name);

        if (n->origin != load)
            bert__load_free(e, n->origin);
        n->origin = NULL;
        n->loading = false;
        load->busy = load->again = false;
        served->origin = load;
    }
    pthread_mutex_unlock(&e->lock);
    if (st != BERT_OK)
        bert__served_unref(e, served);
    return st;
}

static bert_status run_load(bert_engine *e, struct bert__load *load, bert_error *err)
{
    bert_model_options o = load->model;
    bert_model *model = NULL;
    bert_status st;

    o.cancel = bert__load_canceled;
    o.cancel_context = load;
    if (e->model_bytes != 0 && (o.max_bytes == 0 || o.max_bytes > e->model_bytes))
        o.max_bytes = e->model_bytes;
    st = bert__load_check_files(load, err);
    if (st == BERT_OK)
        st = bert_model_load(&model, load->path, &o, err);
    if (st == BERT_OK)
        st = bert__load_check_answers(load, model, err);
    if (st == BERT_OK)
        st = put_in_place(e, load, model, err);
    bert_model_unref(model);
    return st;
}

/* One that failed and is no name's to try again is gone. */
static void give_up(bert_engine *e, struct bert__load *load)
{
    load->busy = false;
    if (load->again && !load->orphan)
        bert__name_find(e, load->name)->loading = false;
    else
        bert__load_free(e, load);
}

static bert_status do_load(bert_engine *e, struct bert__load *load, bert_error *err)
{
    bert_loaded_fn done = load->options.done;
    void *context = load->options.context;
    char *name = load->told; /* the load may be gone by then */
    bert_error why = {BERT_OK, ""};
    bert_status st;

    load->told = NULL;
    st = run_load(e, load, &why);
    pthread_mutex_lock(&e->lock);
    bert__count(st == BERT_OK ? &e->counters.model_loads : &e->counters.model_load_failures, 1);
    if (st != BERT_OK)
        give_up(e, load);
    pthread_mutex_unlock(&e->lock);
    if (name != NULL)
        done(context, name, st == BERT_OK ? NULL : &why);
    bert__alloc_free(e->alloc, name);
    if (st != BERT_OK && err != NULL)
        *err = why;
    return st;
}

/* ---- The thread ---------------------------------------------------------------------- */

static void *loader_main(void *arg)
{
    bert_engine *e = arg;

    pthread_mutex_lock(&e->lock);
    while (e->loads != NULL) {
        struct bert__load *load = e->loads;

        e->loads = load->next;
        if (e->loads == NULL)
            e->loads_last = &e->loads;
        pthread_mutex_unlock(&e->lock);
        do_load(e, load, NULL);
        pthread_mutex_lock(&e->lock);
    }
    e->loader_runs = false;
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* The lock is held. */
static bert_status start_loader(bert_engine *e, bert_error *err)
{
    if (e->loader_runs)
        return BERT_OK;
    if (e->loader_made)
        pthread_join(e->loader, NULL); /* it is at its end, and holds no lock */
    e->loader_made = bert__thread_create(&e->loader, STACK_BYTES, loader_main, e);
    e->loader_runs = e->loader_made;
    return e->loader_made ? BERT_OK
                          : bert__fail(err, BERT_ENOMEM, "no thread can be made for the load");
}

static bert_status put_off(bert_engine *e, struct bert__load *load, bert_error *err)
{
    bert_status st = e->stopping ? bert__fail(err, BERT_ECANCELED, "the engine has stopped")
                                 : start_loader(e, err);

    if (st != BERT_OK)
        return st;
    load->busy = true;
    load->next = NULL;
    *e->loads_last = load;
    e->loads_last = &load->next;
    return BERT_OK;
}

bert_status bert__load_again(bert_engine *e, struct bert__name *n, bert_error *err)
{
    bert_status st = BERT_OK;

    if (!n->loading) {
        n->origin->again = true;
        st = put_off(e, n->origin, err);
        n->loading = st == BERT_OK;
    }
    return st != BERT_OK
               ? st
               : bert__fail(err, BERT_EBUSY, "model \"%s\" was unloaded and is being loaded again",
                            n->name);
}

void bert__loader_end(bert_engine *e)
{
    if (e->loader_made)
        pthread_join(e->loader, NULL);
    e->loader_made = false;
}

/* ---- The interface ------------------------------------------------------------------- */

static bert_status read_options(bert_load_options *o, bert_model_options *model,
                                const bert_load_options *options, bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, options, "bert_load_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o->manifest, BERT_CHECK_OFF + 1, "bert_load_options.manifest", err);
    if (st == BERT_OK)
        st = bert__options_enum(o->golden, BERT_CHECK_OFF + 1, "bert_load_options.golden", err);
    if (st == BERT_OK)
        st = bert__options_enum(o->background, 2, "bert_load_options.background", err);
    if (st == BERT_OK && o->reserved != 0)
        st = bert__fail(err, BERT_EINVAL, "bert_load_options.reserved is not 0");
    if (st == BERT_OK)
        st = bert__options_read(model, sizeof *model, o->model, "bert_model_options", err);
    model->size = sizeof *model;
    return st;
}

bert_status bert_engine_load(bert_engine *e, const char *name, const char *path,
                             const bert_load_options *options, bert_error *err)
{
    bert_load_options o;
    bert_model_options model;
    struct bert__load *load;
    bert_status st = bert__engine_check(e, err);

    if (st == BERT_OK && (name == NULL || *name == '\0' || path == NULL))
        st = bert__fail(err, BERT_EINVAL, "%s",
                        path == NULL   ? "path is NULL"
                        : name == NULL ? "name is NULL"
                                       : "name is empty");
    if (st == BERT_OK)
        st = read_options(&o, &model, options, err);
    if (st != BERT_OK)
        return st;
    load = make_load(e, name, path, &o, &model);
    if (load == NULL)
        return bert__alloc_fail(e->alloc, "the load", err);
    if (!o.background) {
        load->busy = true;
        return do_load(e, load, err);
    }
    bert__engine_claim(e);
    pthread_mutex_lock(&e->lock);
    st = put_off(e, load, err);
    pthread_mutex_unlock(&e->lock);
    if (st != BERT_OK)
        bert__load_free(e, load);
    return st;
}
