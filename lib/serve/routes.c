/* SPDX-License-Identifier: MIT */
/* routes.c - which model answers a request, and which one does so in the shadow. */
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/serve/engine_parts.h"

/* ---- Choice -------------------------------------------------------------------------- */

/* The same for a key in every process; `salt` parts the choice of routes from that of shadows. */
static uint64_t draw(const bert_request *r, uint64_t salt)
{
    if (r->route_key != NULL)
        return bert__hash(r->route_key, strlen(r->route_key), salt);
    return bert__hash((const char *)&r->id, sizeof r->id, salt);
}

static struct bert__name *choose(const bert_engine *e, struct bert__name *n, const bert_request *r)
{
    uint64_t sum = 0, at;

    for (size_t i = 0; i < n->n_routes; i++)
        sum += n->routes[i].weight;
    if (sum == 0)
        return n;
    at = (draw(r, 1) >> 32) * sum >> 32;
    for (size_t i = 0; i < n->n_routes; i++) {
        if (at < n->routes[i].weight) {
            struct bert__name *to = bert__name_find(e, n->routes[i].model);

            return to != NULL ? to : n;
        }
        at -= n->routes[i].weight;
    }
    return n;
}

bert_status bert__route_find(bert_engine *e, const bert_request *r, struct bert__served **out,
                             bert_error *err)
{
    struct bert__name *n = bert__name_find(e, r->model);

    if (n == NULL)
        return bert__name_unknown(r->model, err);
    n = choose(e, n, r);
    n->used = ++e->clock;
    if (n->current == NULL)
        return bert__load_again(e, n, err);
    *out = bert__served_ref(n->current);
    return BERT_OK;
}

struct bert__served *bert__shadow_find(bert_engine *e, const bert_request *r,
                                       struct bert__name **name)
{
    struct bert__name *n = bert__name_find(e, r->model), *to;

    if (n == NULL || n->shadow == NULL || (draw(r, 2) >> 32) * 1000 >> 32 >= n->per_mille)
        return NULL;
    to = bert__name_find(e, n->shadow);
    if (to == NULL || to->current == NULL)
        return NULL;
    *name = n;
    return bert__served_ref(to->current);
}

/* ---- What they are ------------------------------------------------------------------- */

static void free_routes(bert_engine *e, struct bert__route *routes, size_t n)
{
    for (size_t i = 0; routes != NULL && i < n; i++)
        bert__alloc_free(e->alloc, routes[i].model);
    bert__alloc_free(e->alloc, routes);
}

void bert__routes_free(bert_engine *e, struct bert__name *name)
{
    free_routes(e, name->routes, name->n_routes);
    name->routes = NULL;
    name->n_routes = 0;
}

static bert_status check_routes(const bert_engine *e, const bert_route *routes, size_t n,
                                bert_error *err)
{
    uint64_t sum = 0;

    if (n > 0 && routes == NULL)
        return bert__fail(err, BERT_EINVAL, "routes is NULL");
    for (size_t i = 0; i < n; i++) {
        if (routes[i].model == NULL)
            return bert__fail(err, BERT_EINVAL, "routes[%zu].model is NULL", i);
        if (bert__name_find(e, routes[i].model) == NULL)
            return bert__name_unknown(routes[i].model, err);
        sum += routes[i].weight;
        if (sum > UINT32_MAX)
            return bert__fail(err, BERT_EINVAL, "the weights' sum is over %lu",
                              (unsigned long)UINT32_MAX);
    }
    return n == 0 || sum > 0 ? BERT_OK : bert__fail(err, BERT_EINVAL, "the weights' sum is 0");
}

static bert_status copy_routes(bert_engine *e, const bert_route *routes, size_t n,
                               struct bert__route **out, bert_error *err)
{
    struct bert__route *copy = bert__alloc_array(e->alloc, n, sizeof *copy);

    for (size_t i = 0; copy != NULL && i < n; i++) {
        copy[i].weight = routes[i].weight;
        copy[i].model = bert__alloc_string(e->alloc, routes[i].model, strlen(routes[i].model));
        if (copy[i].model == NULL) {
            free_routes(e, copy, n);
            copy = NULL;
        }
    }
    *out = copy;
    return copy != NULL ? BERT_OK : bert__alloc_fail(e->alloc, "the routes", err);
}

bert_status bert_engine_route(bert_engine *e, const char *name, const bert_route *routes, size_t n,
                              bert_error *err)
{
    struct bert__route *copy;
    struct bert__name *to;
    bert_status st = bert__name_lock(e, name, &to, err);

    if (st != BERT_OK)
        return st;
    st = check_routes(e, routes, n, err);
    if (st == BERT_OK)
        st = copy_routes(e, routes, n, &copy, err);
    if (st == BERT_OK) {
        bert__routes_free(e, to);
        to->routes = copy;
        to->n_routes = n;
    }
    pthread_mutex_unlock(&e->lock);
    return st;
}

static bert_status set_shadow(bert_engine *e, struct bert__name *n, const char *shadow,
                              bert_error *err)
{
    char *copy = NULL;

    if (shadow != NULL) {
        if (bert__name_find(e, shadow) == NULL)
            return bert__name_unknown(shadow, err);
        copy = bert__alloc_string(e->alloc, shadow, strlen(shadow));
        if (copy == NULL)
            return bert__alloc_fail(e->alloc, "the shadow", err);
    }
    bert__alloc_free(e->alloc, n->shadow);
    n->shadow = copy;
    return BERT_OK;
}

bert_status bert_engine_shadow(bert_engine *e, const char *name, const char *shadow,
                               uint32_t per_mille, bert_shadow_fn fn, void *context,
                               bert_error *err)
{
    struct bert__name *n;
    bert_status st;

    if (per_mille > 1000)
        return bert__fail(err, BERT_EINVAL, "per_mille is %lu; at most 1000",
                          (unsigned long)per_mille);
    st = bert__name_lock(e, name, &n, err);
    if (st != BERT_OK)
        return st;
    st = set_shadow(e, n, shadow, err);
    if (st == BERT_OK) {
        n->per_mille = per_mille;
        n->shadow_fn = fn;
        n->shadow_context = context;
    }
    pthread_mutex_unlock(&e->lock);
    return st;
}

/* ---- Comparison ---------------------------------------------------------------------- */

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double embed_distance(const bert_job *a, const bert_job *b)
{
    size_t n, width, other_width;
    const float *x = bert_job_vectors(a, &n, &width), *y = bert_job_vectors(b, NULL, &other_width);
    double worst = 0;

    if (width != other_width)
        return 1;
    for (size_t i = 0; i < n; i++) {
        float cosine;

        if (bert_similarity("cosine", x + i * width, y + i * width, width, &cosine, NULL)
            == BERT_OK)
            worst = larger(worst, 1 - (double)cosine);
    }
    return worst;
}

static double label_distance(const bert_classifications *a, const bert_classifications *b, size_t i)
{
    const bert_label_score *x = bert_classifications_labels(a, i),
                           *y = bert_classifications_labels(b, i);
    size_t n_x = bert_classifications_count(a, i), n_y = bert_classifications_count(b, i);
    double worst = 0;

    for (size_t k = 0; k < n_x; k++) {
        for (size_t l = 0; l < n_y; l++) {
            if (x[k].id == y[l].id)
                worst = larger(worst, fabs((double)x[k].score - (double)y[l].score));
        }
    }
    return n_x > 0 && n_y > 0 && x[0].id != y[0].id ? larger(worst, 1e-9) : worst;
}

static double rank_distance(const bert_rankings *a, const bert_rankings *b)
{
    double worst = 0;

    for (size_t i = 0; i < bert_rankings_size(a); i++)
        worst = larger(worst,
                       fabs((double)bert_rankings_score(a, i) - (double)bert_rankings_score(b, i)));
    return worst;
}

static size_t common_entities(const bert_entities *a, const bert_entities *b, size_t i)
{
    const bert_entity *x = bert_entities_list(a, i), *y = bert_entities_list(b, i);
    size_t same = 0;

    for (size_t k = 0; k < bert_entities_count(a, i); k++) {
        for (size_t l = 0; l < bert_entities_count(b, i); l++) {
            if (x[k].bytes.start == y[l].bytes.start && x[k].bytes.end == y[l].bytes.end
                && strcmp(x[k].label, y[l].label) == 0) {
                same++;
                break;
            }
        }
    }
    return same;
}

static double entity_distance(const bert_entities *a, const bert_entities *b)
{
    size_t same = 0, all = 0;

    for (size_t i = 0; i < bert_entities_size(a); i++) {
        same += common_entities(a, b, i);
        all += bert_entities_count(a, i) + bert_entities_count(b, i);
    }
    return all > 0 ? (double)(all - 2 * same < all ? all - 2 * same : 0) / (double)all : 0;
}

static double distance(const bert_job *a, const bert_job *b)
{
    double worst = 0;

    if (bert_job_status(a, NULL) != BERT_OK || bert_job_status(b, NULL) != BERT_OK)
        return -1;
    switch (a->request.task) {
    case BERT_TASK_EMBED:
        return embed_distance(a, b);
    case BERT_TASK_CLASSIFY:
        for (size_t i = 0; i < a->request.n; i++)
            worst = larger(worst, label_distance(a->answer->result, b->answer->result, i));
        return worst;
    case BERT_TASK_RERANK:
        return rank_distance(a->answer->result, b->answer->result);
    case BERT_TASK_TAG:
        return entity_distance(a->answer->result, b->answer->result);
    default:
        return -1;
    }
}

static void compare(bert_engine *e, const struct bert__pair *pair)
{
    bert_divergence d = (bert_divergence){.id = pair->answer->request.id,
                                          .task = pair->answer->request.task,
                                          .answer = bert_job_status(pair->answer, NULL),
                                          .shadow = bert_job_status(pair->shadow, NULL),
                                          .distance = distance(pair->answer, pair->shadow)};
    bert__count(&e->counters.shadow_runs, 1);
    if (d.distance > 1e-3
        || (d.answer != d.shadow && pair->answer->early == BERT_OK
            && pair->shadow->early == BERT_OK)) /* not by a cancel or a deadline */
        bert__count(&e->counters.shadow_divergences, 1);
    if (pair->fn != NULL)
        pair->fn(pair->context, &d);
}

static void leave_pair(bert_engine *e, struct bert__pair *pair, uint32_t halves)
{
    if (atomic_fetch_sub(&pair->left, halves) != halves)
        return;
    if (!atomic_load(&pair->dropped))
        compare(e, pair);
    bert_job_unref(pair->answer);
    bert_job_unref(pair->shadow);
    bert__alloc_free(e->alloc, pair);
}

void bert__pair_tell(bert_engine *e, bert_job *job)
{
    if (job->pair != NULL)
        leave_pair(e, job->pair, 1);
}

void bert__pair_drop(bert_engine *e, struct bert__pair *pair, uint32_t halves)
{
    atomic_store(&pair->dropped, true);
    leave_pair(e, pair, halves);
}
