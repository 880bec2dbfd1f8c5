/* SPDX-License-Identifier: MIT */
/*
 * sampling.c - texts of answered requests on their way into a sampler, by way of a tagging model
 * where the host names one.
 *
 * A text that the sampler chooses is copied and waits, at most as many and as large as the sampler
 * holds, for a request of the engine's own: in bulk, one at a time, of a few texts.  So no caller
 * waits for a tagging, and the queue has one request more at most.  Whatever goes wrong, the text
 * is dropped, and the sampler counts that.
 */
#include "lib/serve/sampling.h"

#include <string.h>

#include "lib/api/options.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/base/wipe.h"
#include "lib/serve/sampler.h"

enum { TOGETHER = 16 };

/* A text that was chosen. */
struct pick {
    struct pick *next;
    struct bert__sampler_ticket ticket;
    size_t size;
    char data[];
};

struct bert__sampling {
    bert_sampler *sampler;
    char *tagger; /* NULL: none */
    char **labels;
    size_t n_labels;
    bert_tag_options tag;
    /* under the engine's lock: */
    bool closed;
    struct pick *first, **last; /* that wait */
    size_t n, bytes;
    bert_job *job;     /* the request under way; NULL: none, or it is being made */
    bool under_way;    /* it is, or is being made */
    struct pick *sent; /* its texts */
};

/* ---- Texts in ------------------------------------------------------------------------ */

static void free_pick(bert_engine *e, struct pick *p)
{
    bert__wipe_free(e->alloc, p, sizeof *p + p->size);
}

static void drop_all(bert_engine *e, struct bert__sampling *s, struct pick *list)
{
    while (list != NULL) {
        struct pick *p = list;

        list = p->next;
        bert__sampler_drop(s->sampler, &p->ticket);
        free_pick(e, p);
    }
}

/* The lock is held: `most` of those that wait. */
static struct pick *take(struct bert__sampling *s, size_t most)
{
    struct pick *list = s->first, **link = &s->first;

    for (size_t i = 0; i < most && *link != NULL; i++) {
        s->n--;
        s->bytes -= (*link)->size;
        link = &(*link)->next;
    }
    s->first = *link;
    if (s->first == NULL)
        s->last = &s->first;
    *link = NULL;
    return list;
}

/* The lock is held.  False: there is no room, or nobody wants it any more. */
static bool put(struct bert__sampling *s, struct pick *p)
{
    if (s->closed || s->n >= bert__sampler_entries(s->sampler)
        || p->size > bert__sampler_max_bytes(s->sampler) - s->bytes)
        return false;
    p->next = NULL;
    *s->last = p;
    s->last = &p->next;
    s->n++;
    s->bytes += p->size;
    return true;
}

static struct pick *copy_text(bert_engine *e, bert_text text)
{
    size_t size;
    struct pick *p =
        bert__size_add(sizeof *p, text.size, &size) ? bert__alloc(e->alloc, size) : NULL;

    if (p != NULL) {
        p->size = text.size;
        memcpy(p->data, text.data, text.size);
    }
    return p;
}

/* ---- Requests of the engine's own ---------------------------------------------------- */

static bert_status send(bert_engine *e, struct bert__sampling *s, const struct pick *list,
                        bert_error *err)
{
    bert_request r = BERT_REQUEST_INIT;
    bert_text texts[TOGETHER];

    for (const struct pick *p = list; p != NULL; p = p->next)
        texts[r.n++] = (bert_text){p->data, p->size};
    r.task = BERT_TASK_TAG;
    r.priority = BERT_PRIORITY_BULK;
    r.model = s->tagger;
    r.texts = texts;
    r.options = &s->tag;
    return bert__sampling_submit(e, &r, s, err);
}

/* Send what waits; the lock is held, and not any more afterwards.  Who has set under_way calls it,
 * and has it until a request was sent, which has it then. */
static void send_waiting(bert_engine *e, struct bert__sampling *s)
{
    struct pick *list;

    while ((list = take(s, TOGETHER)) != NULL) {
        s->sent = list;
        pthread_mutex_unlock(&e->lock);
        if (send(e, s, list, NULL) == BERT_OK)
            return;
        drop_all(e, s, list);
        pthread_mutex_lock(&e->lock);
    }
    s->under_way = false;
    pthread_cond_broadcast(&e->idle);
    pthread_mutex_unlock(&e->lock);
}

bool bert__sampling_is_closed(const struct bert__sampling *s)
{
    return s->closed;
}

void bert__sampling_sent(struct bert__sampling *s, bert_job *job)
{
    s->job = job;
}

static void keep_tagged(bert_engine *e, struct bert__sampling *s, const bert_entities *entities)
{
    size_t i = 0;

    for (struct pick *p = s->sent, *next; p != NULL; p = next, i++) {
        struct bert__mask_entities found = {.labels = (const char *const *)s->labels,
                                            .n_labels = s->n_labels};
        bert_text text = {p->data, p->size};

        next = p->next;
        if (entities != NULL
            && bert__mask_entities_read(&found, entities, i, text, NULL) == BERT_OK)
            bert__sampler_keep(s->sampler, &p->ticket, text, &found, NULL);
        else
            bert__sampler_drop(s->sampler, &p->ticket);
        free_pick(e, p);
    }
}

void bert__sampling_tell(bert_engine *e, const bert_job *job)
{
    struct bert__sampling *s = job->sampling;

    if (s == NULL)
        return;
    keep_tagged(e, s, bert_job_entities(job));
    pthread_mutex_lock(&e->lock);
    s->job = NULL;
    send_waiting(e, s);
}

void bert__sampling_offer(bert_engine *e, struct bert__sampling *s, bert_text text)
{
    struct bert__sampler_ticket ticket;
    bool kept = false, sends;
    struct pick *p;

    if (s->tagger == NULL) {
        bert_sampler_offer(s->sampler, text, NULL);
        return;
    }
    if ((text.data == NULL && text.size > 0) || !bert__sampler_choose(s->sampler, &ticket))
        return;
    p = copy_text(e, text);
    if (p != NULL) {
        p->ticket = ticket;
        pthread_mutex_lock(&e->lock);
        kept = put(s, p);
        sends = kept && !s->under_way;
        s->under_way |= sends;
        if (sends)
            send_waiting(e, s);
        else
            pthread_mutex_unlock(&e->lock);
    }
    if (kept)
        return;
    bert__sampler_drop(s->sampler, &ticket);
    if (p != NULL)
        free_pick(e, p);
}

/* ---- Life ---------------------------------------------------------------------------- */

void bert__sampling_free(bert_engine *e, struct bert__sampling *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_labels; i++)
        bert__alloc_free(e->alloc, s->labels[i]);
    bert__alloc_free(e->alloc, s->labels);
    bert__alloc_free(e->alloc, s->tagger);
    bert__alloc_free(e->alloc, s);
}

static bool copy_names(bert_engine *e, struct bert__sampling *s, const bert_sample_options *o)
{
    s->tagger = bert__alloc_string(e->alloc, o->tagger, strlen(o->tagger));
    s->labels = bert__alloc_array(e->alloc, o->n_labels, sizeof *s->labels);
    if (s->tagger == NULL || s->labels == NULL)
        return false;
    for (; s->n_labels < o->n_labels; s->n_labels++) {
        const char *label = o->labels[s->n_labels];

        s->labels[s->n_labels] = bert__alloc_string(e->alloc, label, strlen(label));
        if (s->labels[s->n_labels] == NULL)
            return false;
    }
    return true;
}

static bert_status create(struct bert__sampling **out, bert_engine *e, bert_sampler *sampler,
                          const bert_sample_options *o, const bert_tag_options *tag,
                          bert_error *err)
{
    struct bert__sampling *s = bert__alloc_array(e->alloc, 1, sizeof *s);

    if (s == NULL || (o->tagger != NULL && !copy_names(e, s, o))) {
        bert__sampling_free(e, s);
        return bert__alloc_fail(e->alloc, "the sampling", err);
    }
    s->sampler = sampler;
    s->tag = *tag;
    s->tag.size = sizeof s->tag;
    s->last = &s->first;
    *out = s;
    return BERT_OK;
}

static bert_status read_options(bert_sample_options *o, bert_tag_options *tag,
                                const bert_sample_options *options, bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, options, "bert_sample_options", err);

    if (st == BERT_OK)
        st = bert__options_read(tag, sizeof *tag, o->tag, "bert_tag_options", err);
    if (st != BERT_OK)
        return st;
    if (o->n_labels > 0 && o->labels == NULL)
        return bert__fail(err, BERT_EINVAL, "bert_sample_options.labels is NULL, n_labels is %zu",
                          o->n_labels);
    for (size_t i = 0; i < o->n_labels; i++) {
        if (o->labels[i] == NULL)
            return bert__fail(err, BERT_EINVAL, "bert_sample_options.labels[%zu] is NULL", i);
    }
    if (o->tagger == NULL && (o->n_labels > 0 || o->tag != NULL))
        return bert__fail(
            err, BERT_EINVAL,
            "bert_sample_options.tagger is NULL, but there are labels or tag options");
    return BERT_OK;
}

/* The lock is held: a name whose model, if it is loaded now, tags. */
static bert_status check_tagger(const bert_engine *e, const char *tagger, bert_error *err)
{
    const struct bert__name *name = tagger != NULL ? bert__name_find(e, tagger) : NULL;
    const char *task;

    if (tagger == NULL)
        return BERT_OK;
    if (name == NULL)
        return bert__name_unknown(tagger, err);
    task = name->current != NULL ? bert_model_task(name->current->model) : NULL;
    if (name->current == NULL || (task != NULL && strcmp(task, "token-classification") == 0))
        return BERT_OK;
    return bert__fail(err, BERT_EUNSUPPORTED,
                      "bert_sample_options.tagger: model \"%s\" has no head for token "
                      "classification",
                      name->name);
}

/* The lock is held, and given up meanwhile: until nothing of the engine's uses the sampler. */
static void close_sampling(bert_engine *e, struct bert__sampling *s)
{
    struct pick *waiting;

    if (s == NULL)
        return;
    s->closed = true;
    waiting = take(s, SIZE_MAX);
    pthread_mutex_unlock(&e->lock);
    drop_all(e, s, waiting);
    pthread_mutex_lock(&e->lock);
    if (s->job != NULL)
        bert__job_cancel_locked(e, s->job);
    while (s->under_way || bert__look_at(e, s)) {
        if (e->told != NULL && !e->telling)
            bert__jobs_tell(e);
        else
            pthread_cond_wait(&e->idle, &e->lock);
    }
}

bert_status bert_engine_sample(bert_engine *e, bert_sampler *sampler,
                               const bert_sample_options *options, bert_error *err)
{
    struct bert__sampling *s = NULL, *old;
    bert_sample_options o;
    bert_tag_options tag;
    bert_status st = bert__engine_check(e, err);

    if (st == BERT_OK)
        st = read_options(&o, &tag, options, err);
    if (st == BERT_OK && sampler != NULL)
        st = create(&s, e, sampler, &o, &tag, err);
    if (st != BERT_OK)
        return st;
    pthread_mutex_lock(&e->lock);
    st = check_tagger(e, o.tagger, err);
    old = s;
    if (st == BERT_OK) {
        bert__count_samples(e);
        old = e->sampling;
        e->sampling = s;
        bert__observers_count(e, old, s);
        close_sampling(e, old);
    }
    bert__engine_unlock(e);
    bert__sampling_free(e, old);
    return st;
}

bert_sampler *bert__sampling_sampler(const struct bert__sampling *s)
{
    return s->sampler;
}
