/* SPDX-License-Identifier: MIT */
/*
 * closed.c - so many requests outstanding all the time; what the engine adds to a lone call; and
 * the loop over sorted texts that one would write by hand.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "examples/engine_load/load.h"

enum { BATCH_SIZES = 6, LOOP_TEXTS = 1024 };

/* ---- Closed loop: from the first request to the last answer
 * --------------------------------------------------------------------- */

struct ring {
    struct load *load;
    uint64_t random; /* of who submits: callbacks come one at a time */
    uint64_t until_ns, last_ns;
    size_t answers;
    _Atomic bool failed;
    uint32_t out;
    pthread_mutex_t lock;
    pthread_cond_t idle;
};

static bool send_one(struct ring *ring, bert_done_fn done)
{
    struct load *load = ring->load;
    bert_request r = BERT_REQUEST_INIT;
    bert_error err;
    size_t group;

    r.task = BERT_TASK_EMBED;
    r.texts = &load->texts.list[load_texts_pick(&load->texts, &ring->random, &group)];
    r.n = 1;
    r.notify = done != NULL ? BERT_NOTIFY_CALLBACK : BERT_NOTIFY_QUEUE;
    r.done = done;
    r.context = ring;
    if (bert_engine_submit(load->engine, &r, NULL, &err) == BERT_OK)
        return true;
    fprintf(stderr, "engine_load: %s\n", err.message);
    return false;
}

/* An answer came: is another request wanted? */
static bool note(struct ring *ring, const bert_job *job)
{
    ring->last_ns = load_now();
    if (bert_job_status(job, NULL) != BERT_OK)
        atomic_store(&ring->failed, true);
    ring->answers++;
    return ring->last_ns < ring->until_ns && !atomic_load(&ring->failed);
}

static void answered(void *context, bert_job *job)
{
    struct ring *ring = context;
    bool more;

    pthread_mutex_lock(&ring->lock);
    more = note(ring, job);
    if (more && !send_one(ring, answered)) {
        atomic_store(&ring->failed, true);
        more = false;
    }
    if (!more && --ring->out == 0)
        pthread_cond_signal(&ring->idle);
    pthread_mutex_unlock(&ring->lock);
}

static void by_callbacks(struct ring *ring, uint32_t outstanding)
{
    pthread_mutex_lock(&ring->lock);
    for (uint32_t i = 0; i < outstanding && !atomic_load(&ring->failed); i++) {
        if (send_one(ring, answered))
            ring->out++;
        else
            atomic_store(&ring->failed, true);
    }
    while (ring->out > 0)
        pthread_cond_wait(&ring->idle, &ring->lock);
    pthread_mutex_unlock(&ring->lock);
}

static void by_next(struct ring *ring, uint32_t outstanding)
{
    bert_engine *engine = ring->load->engine;
    struct pollfd p = {.fd = bert_engine_fd(engine), .events = POLLIN};

    for (uint32_t i = 0; i < outstanding && send_one(ring, NULL); i++)
        ring->out++;
    while (ring->out > 0) {
        bert_job *job;

        poll(&p, 1, -1);
        while ((job = bert_engine_next(engine)) != NULL) {
            if (!note(ring, job) || !send_one(ring, NULL))
                ring->out--;
            bert_job_unref(job);
        }
    }
}

double load_closed(struct load *load, uint32_t outstanding, double seconds)
{
    struct ring ring = {.load = load, .random = load->random};
    uint64_t start;

    pthread_mutex_init(&ring.lock, NULL);
    pthread_cond_init(&ring.idle, NULL);
    start = load_now();
    ring.until_ns = start + (uint64_t)(seconds * 1e9);
    if (load->options.by_next)
        by_next(&ring, outstanding);
    else
        by_callbacks(&ring, outstanding);
    pthread_cond_destroy(&ring.idle);
    pthread_mutex_destroy(&ring.lock);
    return atomic_load(&ring.failed) ? -1
                                     : (double)ring.answers * 1e9 / (double)(ring.last_ns - start);
}

/* ---- One outstanding ----------------------------------------------------------------- */

/* A session beside the engine, as the engine makes its own. */
struct alone {
    bert_session *session;
    size_t width;
    float *vectors; /* of LOOP_TEXTS */
};

static bool begin_alone(struct alone *a, const struct load *load)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    bert_error err;

    o.threads = load->options.engine.threads;
    o.max_tokens = load->options.engine.batch_tokens > 0 ? load->options.engine.batch_tokens : 2048;
    a->width = bert_model_embedding_size(load->model);
    a->vectors = calloc(LOOP_TEXTS, a->width * sizeof *a->vectors);
    if (bert_session_create(&a->session, load->model, &o, &err) == BERT_OK && a->vectors != NULL)
        return true;
    fprintf(stderr, "engine_load: %s\n", a->vectors == NULL ? "not enough memory" : err.message);
    free(a->vectors);
    bert_session_destroy(a->session);
    return false;
}

static void end_alone(struct alone *a)
{
    free(a->vectors);
    bert_session_destroy(a->session);
}

enum way { BY_CALL, BY_RUN, BY_WAIT, WAYS };

/* Microseconds; negative: failed. */
static double one(struct load *load, struct alone *a, enum way way, const bert_text *text)
{
    bert_request r = BERT_REQUEST_INIT;
    uint64_t start = load_now();
    bert_job *job = NULL;
    bert_status st;

    r.task = BERT_TASK_EMBED;
    r.texts = text;
    r.n = 1;
    if (way == BY_CALL) {
        st = bert_embed(a->session, text, 1, NULL, a->vectors, a->width, NULL, NULL);
    } else if (way == BY_RUN) {
        st = bert_engine_run(load->engine, &r, &job, NULL);
    } else {
        st = bert_engine_submit(load->engine, &r, &job, NULL);
        if (st == BERT_OK)
            st = bert_job_wait(job, 0, NULL);
    }
    bert_job_unref(job);
    return st == BERT_OK ? (double)(load_now() - start) / 1e3 : -1;
}

/* Short stretches of calls, whose ways take turns at being first: they meet the same machine. */
static bool lone_turn(struct load *load, struct alone *a, double *us[WAYS], size_t *n)
{
    enum { STRETCH = 6, WARM = 1 };

    for (size_t k = 0; k < WAYS; k++) {
        size_t way = (k + *n) % WAYS;

        for (size_t i = 0; i < STRETCH; i++) {
            size_t group, text = load_texts_pick(&load->texts, &load->random, &group);
            double took = one(load, a, (enum way)way, &load->texts.list[text]);

            if (took < 0) {
                fprintf(stderr, "engine_load: a request failed\n");
                return false;
            }
            if (i >= WARM)
                us[way][*n + i - WARM] = took;
        }
    }
    *n += STRETCH - WARM;
    return true;
}

static void report_lone(double *us[WAYS], double *added, size_t n)
{
    static const char *const names[WAYS] = {"bert_embed()", "bert_engine_run()", "submit + wait"};

    printf("one outstanding        p50 us    p95 us    added: of medians, median of pairs\n");
    for (size_t way = WAYS; way-- > 0;) { /* the call last: pairs want it unsorted */
        for (size_t i = 0; i < n; i++)
            added[way * n + i] = us[way][i] - us[BY_CALL][i];
        load_sort(added + way * n, n);
        load_sort(us[way], n);
    }
    for (size_t way = 0; way < WAYS; way++)
        printf("%-20s %8.1f  %8.1f    %+.1f us  %+.1f us\n", names[way],
               load_quantile(us[way], n, 0.5), load_quantile(us[way], n, 0.95),
               load_quantile(us[way], n, 0.5) - load_quantile(us[BY_CALL], n, 0.5),
               load_quantile(added + way * n, n, 0.5));
}

bool load_lone(struct load *load)
{
    size_t most = (size_t)load->options.rounds * 25, n = 0;
    double *all = calloc(2 * WAYS * most, sizeof *all), *us[WAYS];
    struct alone a;
    bool ok = all != NULL && begin_alone(&a, load);

    for (size_t way = 0; ok && way < WAYS; way++)
        us[way] = all + way * most;
    if (!ok) {
        free(all);
        return false;
    }
    while (ok && n + 5 <= most)
        ok = lone_turn(load, &a, us, &n);
    if (ok)
        report_lone(us, all + WAYS * most, n);
    free(all);
    end_alone(&a);
    return ok;
}

/* ---- The loop ------------------------------------------------------------------------ */

static const size_t sizes[BATCH_SIZES] = {8, 16, 32, 64, 128, 256};

static int by_size(const void *a, const void *b)
{
    const bert_text *x = a, *y = b;

    return (x->size > y->size) - (x->size < y->size);
}

/* Requests a second of one pass; negative: failed. */
static double pass(struct alone *a, const bert_text *texts, size_t batch)
{
    uint64_t start = load_now();

    for (size_t i = 0; i < LOOP_TEXTS; i += batch) {
        size_t n = LOOP_TEXTS - i < batch ? LOOP_TEXTS - i : batch;

        if (bert_embed(a->session, texts + i, n, NULL, a->vectors + i * a->width, n * a->width,
                       NULL, NULL)
            != BERT_OK) {
            fprintf(stderr, "engine_load: a call failed\n");
            return -1;
        }
    }
    return LOOP_TEXTS * 1e9 / (double)(load_now() - start);
}

enum { TURNS = BATCH_SIZES + 1 }; /* of a round: each batch size, and the engine */

static bool run_round(struct load *load, struct alone *a, const bert_text *texts,
                      uint32_t outstanding, double *rates[TURNS], size_t round)
{
    for (size_t i = 0; i < TURNS; i++) {
        double rate = i < BATCH_SIZES ? pass(a, texts, sizes[i])
                                      : load_closed(load, outstanding, load->options.seconds);

        if (rate <= 0)
            return false;
        rates[i][round] = rate;
    }
    return true;
}

/* The batch size whose median is the best beside the engine, round by round and by medians. */
static void compare_rounds(double *rates[TURNS], size_t rounds, uint32_t outstanding)
{
    double *ratios = calloc(3 * rounds, sizeof *ratios), *loop = ratios + rounds,
           *engine = loop + rounds, most = 0;
    size_t best = 0;

    if (ratios == NULL)
        return;
    printf("loop by hand, medians:");
    for (size_t i = 0; i < BATCH_SIZES; i++) {
        double median;

        memcpy(loop, rates[i], rounds * sizeof *loop);
        load_sort(loop, rounds);
        median = load_quantile(loop, rounds, 0.5);
        printf("  %.0f/s by %zu", median, sizes[i]);
        if (median > most) {
            most = median;
            best = i;
        }
    }
    for (size_t k = 0; k < rounds; k++)
        ratios[k] = rates[BATCH_SIZES][k] / rates[best][k];
    memcpy(engine, rates[BATCH_SIZES], rounds * sizeof *engine);
    load_sort(engine, rounds);
    load_sort(ratios, rounds);
    printf("\nengine with %u outstanding, median: %.0f/s\n", (unsigned)outstanding,
           load_quantile(engine, rounds, 0.5));
    printf("engine over loop by %zu: of medians %.3f, of rounds %.3f (quartiles %.3f to %.3f)\n",
           sizes[best], load_quantile(engine, rounds, 0.5) / most,
           load_quantile(ratios, rounds, 0.5), load_quantile(ratios, rounds, 0.25),
           load_quantile(ratios, rounds, 0.75));
    free(ratios);
}

static bool run_rounds(struct load *load, struct alone *a, const bert_text *texts,
                       uint32_t outstanding)
{
    size_t rounds = load->options.rounds;
    double *all = calloc(TURNS * rounds, sizeof *all), *rates[TURNS];
    bool ok = all != NULL && pass(a, texts, 256) > 0;

    for (size_t i = 0; ok && i < TURNS; i++)
        rates[i] = all + i * rounds;
    for (size_t k = 0; ok && k < rounds; k++)
        ok = run_round(load, a, texts, outstanding, rates, k);
    if (ok)
        compare_rounds(rates, rounds, outstanding);
    free(all);
    return ok;
}

bool load_loop(struct load *load, uint32_t outstanding)
{
    bert_text *texts = calloc(LOOP_TEXTS, sizeof *texts);
    struct alone a;
    bool ok = texts != NULL && begin_alone(&a, load);

    if (ok) {
        for (size_t i = 0; i < LOOP_TEXTS; i++) {
            size_t group;

            texts[i] = load->texts.list[load_texts_pick(&load->texts, &load->random, &group)];
        }
        qsort(texts, LOOP_TEXTS, sizeof *texts, by_size);
        ok = run_rounds(load, &a, texts, outstanding);
        end_alone(&a);
    }
    free(texts);
    return ok;
}
