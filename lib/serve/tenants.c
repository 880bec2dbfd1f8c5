/* SPDX-License-Identifier: MIT */
/* tenants.c - what each tenant may have in the engine at once. */
#include <string.h>

#include "lib/base/error.h"
#include "lib/serve/engine_parts.h"

static struct bert__tenant *find(const bert_engine *e, const char *name)
{
    struct bert__tenant *t = e->tenants;

    while (t != NULL && strcmp(t->name, name) != 0)
        t = t->next;
    return t;
}

static struct bert__tenant *make(bert_engine *e, const char *name)
{
    struct bert__tenant *t = bert__alloc_named(e->alloc, offsetof(struct bert__tenant, name), name);

    if (t == NULL)
        return NULL;
    t->next = e->tenants;
    e->tenants = t;
    return t;
}

/* One that nothing hangs on is forgotten: names are the callers', and have no end. */
static void tidy(bert_engine *e, struct bert__tenant *t)
{
    struct bert__tenant **link = &e->tenants;

    if (t->live > 0 || t->limited)
        return;
    while (*link != t)
        link = &(*link)->next;
    *link = t->next;
    bert__alloc_free(e->alloc, t);
}

bert_status bert__tenant_enter(bert_engine *e, const char *name, struct bert__tenant **out,
                               bert_error *err)
{
    struct bert__tenant *t = name != NULL ? find(e, name) : NULL;
    uint32_t limit = t != NULL && t->limited ? t->limit : e->tenant_limit;
    char shown[84];

    if (name == NULL || (t == NULL && limit == 0))
        return BERT_OK;
    if (t == NULL)
        t = make(e, name);
    if (t == NULL)
        return bert__alloc_fail(e->alloc, "the tenant", err);
    if (limit > 0 && t->live >= limit)
        return bert__fail(err, BERT_EBUSY, "tenant \"%s\" has %lu requests, all that it may have",
                          bert__printable(shown, name, strlen(name)), (unsigned long)t->live);
    t->live++;
    *out = t;
    return BERT_OK;
}

void bert__tenant_leave(bert_engine *e, struct bert__tenant **tenant)
{
    struct bert__tenant *t = *tenant;

    *tenant = NULL;
    if (t == NULL)
        return;
    t->live--;
    tidy(e, t);
}

void bert__tenants_free(bert_engine *e)
{
    while (e->tenants != NULL) {
        struct bert__tenant *t = e->tenants;

        e->tenants = t->next;
        bert__alloc_free(e->alloc, t);
    }
}

bert_status bert_engine_limit_tenant(bert_engine *e, const char *name, uint32_t requests,
                                     bert_error *err)
{
    struct bert__tenant *t;
    bert_status st = bert__engine_check(e, err);

    if (st != BERT_OK)
        return st;
    pthread_mutex_lock(&e->lock);
    if (name == NULL) {
        e->tenant_limit = requests;
    } else {
        t = find(e, name);
        if (t == NULL)
            t = make(e, name);
        if (t == NULL) {
            st = bert__alloc_fail(e->alloc, "the tenant", err);
        } else {
            t->limited = true;
            t->limit = requests;
        }
    }
    pthread_mutex_unlock(&e->lock);
    return st;
}
