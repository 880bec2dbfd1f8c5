/* SPDX-License-Identifier: MIT */
/*
 * soak.c - many requests on one engine for a long time:
 *   soak MODEL OTHER [REQUESTS [SWAP_SECONDS]]
 * Every twentieth request fails (options, cancels, time limits), and the two models swap, loaded
 * anew each time.  Memory, threads and descriptors are sampled four times a second; after the first
 * third none may grow.  malloc() is as the system has it.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bert.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { SUBMITTERS = 4, OUTSTANDING = 16, SAMPLES = 1 << 16, ERROR_EVERY = 20 };

/* KiB of a million requests that count as growth: a byte of what is given out for each, and two of
 * what is resident, of which some is scratch that is touched for the first time. */
#define MOST_LIVE 1024.0
#define MOST_RSS  2048.0

struct sample {
    double seconds, requests, live, rss, threads, descriptors;
};

struct soak {
    bert_engine *engine;
    const char *paths[2];
    _Atomic uint64_t taken, answered, failed, wrong;
    uint64_t requests;
    struct sample samples[SAMPLES];
    size_t n;
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- Requests ------------------------------------------------------------------------ */

static const bert_text texts[] = {
    {"a cat on a mat", 14},
    {"prices rose", 11},
    {"the weather is cold today but it will rain in Berlin and Paris", 62},
    {"who wrote the first", 19},
};

/* One of these in a request that is to fail. */
enum fault { BAD_TASK, BAD_OPTIONS, CANCELED, LATE, FAULTS };

static bert_job *submit(struct soak *s, uint64_t number)
{
    static const bert_embed_options bad = {.size = sizeof bad, .pooling = 77};
    bert_request r = BERT_REQUEST_INIT;
    bool wrong = number % ERROR_EVERY == 0;
    enum fault fault = (enum fault)(number / ERROR_EVERY % FAULTS);
    bert_job *job = NULL;

    r.task = wrong && fault == BAD_TASK ? 99 : BERT_TASK_EMBED;
    r.texts = &texts[number % (sizeof texts / sizeof *texts)];
    r.n = 1;
    r.id = number;
    r.options = wrong && fault == BAD_OPTIONS ? &bad : NULL;
    r.timeout_ns = wrong && fault == LATE ? 1 : 0;
    if (bert_engine_submit(s->engine, &r, &job, NULL) != BERT_OK)
        atomic_fetch_add(fault == BAD_TASK && wrong ? &s->failed : &s->wrong, 1);
    if (wrong && fault == CANCELED)
        bert_job_cancel(job);
    return job;
}

static void collect(struct soak *s, bert_job *job, uint64_t number)
{
    bert_status st;

    if (job == NULL)
        return;
    st = bert_job_wait(job, 0, NULL);
    if (bert_job_id(job) != number || (st != BERT_OK && number % ERROR_EVERY != 0))
        atomic_fetch_add(&s->wrong, 1);
    atomic_fetch_add(st == BERT_OK ? &s->answered : &s->failed, 1);
    bert_job_unref(job);
}

static void *submitter(void *arg)
{
    struct soak *s = arg;
    bert_job *jobs[OUTSTANDING] = {NULL};
    uint64_t numbers[OUTSTANDING] = {0};

    for (size_t at = 0;; at = (at + 1) % OUTSTANDING) {
        collect(s, jobs[at], numbers[at]);
        jobs[at] = NULL;
        numbers[at] = atomic_fetch_add(&s->taken, 1) + 1;
        if (numbers[at] > s->requests)
            break;
        jobs[at] = submit(s, numbers[at]);
    }
    for (size_t at = 0; at < OUTSTANDING; at++)
        collect(s, jobs[at], numbers[at]);
    return NULL;
}

/* ---- What grows ---------------------------------------------------------------------- */

static double status_field(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double value = -1;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtod(line + strlen(name), NULL);
    }
    if (file != NULL)
        fclose(file);
    return value;
}

static double descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double n = 0;

    if (dir == NULL)
        return -1;
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n - 3; /* ., .., and that of the folder itself */
}

/* KiB that malloc() has given out. */
static double live(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    struct mallinfo2 info = mallinfo2();

    return (double)(info.uordblks + info.hblkhd) / 1024;
#else
    return 0;
#endif
}

static void sample(struct soak *s, double start)
{
    if (s->n == SAMPLES)
        return;
    s->samples[s->n++] =
        (struct sample){seconds() - start,      (double)(s->answered + s->failed), live(),
                        status_field("VmRSS:"), status_field("Threads:"),          descriptors()};
}

/* Least squares over the samples after the first third, in units a million requests. */
static double slope(const struct soak *s, size_t field)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;

    for (size_t i = s->n / 3; i < s->n; i++) {
        double x = s->samples[i].requests / 1e6, y;

        memcpy(&y, (const char *)&s->samples[i] + field, sizeof y);
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    return n * sxx - sx * sx > 0 ? (n * sxy - sx * sy) / (n * sxx - sx * sx) : 0;
}

static void print_samples(const struct soak *s)
{
    printf("%9s %10s %9s %9s %8s %12s\n", "seconds", "requests", "live KiB", "RSS KiB", "threads",
           "descriptors");
    for (size_t i = 0; i<s->n; i += s->n> 12 ? s->n / 12 : 1) {
        const struct sample *x = &s->samples[i];

        printf("%9.1f %10.0f %9.0f %9.0f %8.0f %12.0f\n", x->seconds, x->requests, x->live, x->rss,
               x->threads, x->descriptors);
    }
}

static int judge(const struct soak *s)
{
    double given = slope(s, offsetof(struct sample, live));
    double rss = slope(s, offsetof(struct sample, rss));
    double threads = slope(s, offsetof(struct sample, threads));
    double fds = slope(s, offsetof(struct sample, descriptors));
    uint64_t ended = s->answered + s->failed;

    print_samples(s);
    printf("slopes a million requests: live %+.1f KiB, RSS %+.1f KiB, threads %+.3f, "
           "descriptors %+.3f\n",
           given, rss, threads, fds);
    printf("%llu answered, %llu failed as they should, %llu wrong\n",
           (unsigned long long)s->answered, (unsigned long long)s->failed,
           (unsigned long long)s->wrong);
    if (s->wrong == 0 && ended == s->requests && given < MOST_LIVE && rss < MOST_RSS
        && threads < 0.5 && fds < 0.5)
        return 0;
    printf("FAILED\n");
    return 1;
}

/* ---- Together ------------------------------------------------------------------------ */

/* Loaded anew each time, in the background. */
static bool swap_models(struct soak *s, uint64_t number)
{
    bert_load_options o = BERT_LOAD_OPTIONS_INIT;

    o.background = 1;
    return bert_engine_load(s->engine, "default", s->paths[number % 2], &o, NULL) == BERT_OK;
}

/* Samples and swaps until all requests have ended. */
static bool watch(struct soak *s, double swap_seconds)
{
    double start = seconds(), swap = start; /* both models have sessions early */
    uint64_t swaps = 0;

    while (s->answered + s->failed < s->requests && s->wrong == 0) {
        sample(s, start);
        if (seconds() >= swap) {
            if (!swap_models(s, ++swaps))
                return false;
            swap = swaps < 2 ? start + 0.5 : swap + swap_seconds;
        }
        usleep(250000);
    }
    printf("%llu swaps in %.0f s\n", (unsigned long long)swaps, seconds() - start);
    return true;
}

static bool begin(struct soak *s, char **argv)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_error err;

    o.workers = 2;
    o.threads = 1;
    s->paths[0] = argv[1];
    s->paths[1] = argv[2];
    if (bert_engine_create(&s->engine, &o, &err) == BERT_OK
        && bert_engine_load(s->engine, "default", argv[1], NULL, &err) == BERT_OK)
        return true;
    fprintf(stderr, "%s\n", err.message);
    return false;
}

int main(int argc, char **argv)
{
    static struct soak s;
    pthread_t threads[SUBMITTERS];
    int rc = 1, n = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: soak MODEL OTHER [REQUESTS [SWAP_SECONDS]]\n");
        return 2;
    }
    s.requests = argc > 3 ? strtoull(argv[3], NULL, 10) : 1000000;
    if (begin(&s, argv)) {
        while (n < SUBMITTERS && pthread_create(&threads[n], NULL, submitter, &s) == 0)
            n++;
        if (watch(&s, argc > 4 ? strtod(argv[4], NULL) : 5))
            rc = 0;
        for (int i = 0; i < n; i++)
            pthread_join(threads[i], NULL);
        rc |= judge(&s);
    }
    bert_engine_destroy(s.engine);
    return rc;
}
