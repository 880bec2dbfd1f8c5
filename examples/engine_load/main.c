/* SPDX-License-Identifier: MIT */
/*
 * engine_load - load on a bert_engine, and what becomes of it.
 *
 *   engine_load -m MODEL_DIR [OPTION...] [FILE...]
 *
 * Texts are the lines of the files, or made (--tokens).  Without a mode: requests that come by the
 * clock, at each of --rates times the capacity, which is measured first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "examples/engine_load/load.h"

static const char usage[] =
    "usage: engine_load -m MODEL_DIR [OPTION...] [FILE...]\n"
    "texts:   FILE                  one a line\n"
    "         --tokens N[:W],...    made ones of N tokens, in shares W, e.g. 16:9,256:1\n"
    "load:    --rates SHARE,...     of the capacity [0.2,0.4,0.6,0.8,0.9,1.2,2]\n"
    "         --capacity N          requests a second [measured, 256 outstanding]\n"
    "         --seconds S           for each measurement [5]\n"
    "         --burst N             so many come at once [1]\n"
    "         --bulk SHARE          of requests in bulk [0]\n"
    "         --timeout-ms MS       of each request [none]\n"
    "         --seed N              of all that is random\n"
    "modes:   --closed N            N outstanding: answers a second\n"
    "         --next                hear by bert_engine_next() rather than by callbacks\n"
    "         --lone                one outstanding: what the engine adds to bert_embed()\n"
    "         --loop                64 outstanding (or --closed N) beside the best loop by hand\n"
    "         --rounds N            of --lone and --loop [40, 5]\n"
    "engine:  --precision NAME      fp32, bf16, int8\n"
    "         --workers N  --threads N  --batch-tokens N  --batch-wait-us US\n"
    "         --queue-requests N  --queue-ms MS [that of 16 requests; 0: no limit]\n"
    "report:  --svg FILE  --json FILE\n";

/* ---- Options ------------------------------------------------------------------------- */

/* A number from `low` to `high`, all of the value. */
static bool number(const char *value, double low, double high, double *out)
{
    char *after;

    *out = strtod(value, &after);
    return after != value && *after == '\0' && *out >= low && *out <= high;
}

static bool read_rates(struct load_options *o, const char *value)
{
    char *after;

    for (o->n_rates = 0; o->n_rates < LOAD_RATES; value = after + 1) {
        double rate = strtod(value, &after);

        if (after == value || !(rate > 0 && rate <= 100) || (*after != ',' && *after != '\0'))
            return false;
        o->rates[o->n_rates++] = rate;
        if (*after == '\0')
            return true;
    }
    return false;
}

static bool read_precision(struct load_options *o, const char *value)
{
    for (o->precision = BERT_PRECISION_FP32; o->precision < LOAD_PRECISIONS; o->precision++) {
        if (strcmp(load_precisions[o->precision], value) == 0)
            return true;
    }
    return false;
}

enum kind { DOUBLE, U32, U64 };

static const struct field {
    const char *name;
    enum kind kind;
    size_t at;
    double low, high, scale;
} fields[] = {
#define FIELD(name) offsetof(struct load_options, name)
    {"--capacity", DOUBLE, FIELD(capacity), 1, 1e9, 1},
    {"--seconds", DOUBLE, FIELD(seconds), 0.1, 86400, 1},
    {"--bulk", DOUBLE, FIELD(bulk), 0, 1, 1},
    {"--burst", U32, FIELD(burst), 1, 1e6, 1},
    {"--timeout-ms", U64, FIELD(timeout_ns), 0, 1e9, 1e6},
    {"--seed", U64, FIELD(seed), 0, 1e15, 1},
    {"--closed", U32, FIELD(closed), 1, 1e6, 1},
    {"--rounds", U32, FIELD(rounds), 1, 1e6, 1},
    {"--workers", U32, FIELD(engine.workers), 0, 256, 1},
    {"--threads", U32, FIELD(engine.threads), 0, 1024, 1},
    {"--batch-tokens", U32, FIELD(engine.batch_tokens), 0, 1e9, 1},
    {"--batch-wait-us", U64, FIELD(engine.batch_wait_ns), 0, 1e9, 1e3},
    {"--queue-requests", U32, FIELD(engine.queue_requests), 0, 1e9, 1},
    {"--queue-ms", U64, FIELD(engine.queue_ns), 0, 1e9, 1e6},
#undef FIELD
};

static bool read_field(struct load_options *o, const struct field *f, const char *value)
{
    char *at = (char *)o + f->at;
    double got;

    if (!number(value, f->low, f->high, &got))
        return false;
    got *= f->scale;
    if (f->kind == DOUBLE)
        memcpy(at, &got, sizeof got);
    else if (f->kind == U32)
        memcpy(at, &(uint32_t){(uint32_t)got}, sizeof(uint32_t));
    else
        memcpy(at, &(uint64_t){(uint64_t)got}, sizeof(uint64_t));
    return true;
}

static bool read_flag(struct load_options *o, const char *arg)
{
    bool *flag = strcmp(arg, "--lone") == 0   ? &o->lone
                 : strcmp(arg, "--loop") == 0 ? &o->loop
                 : strcmp(arg, "--next") == 0 ? &o->by_next
                                              : NULL;

    if (flag != NULL)
        *flag = true;
    return flag != NULL;
}

static bool read_value(struct load *load, const char *arg, const char *value)
{
    struct load_options *o = &load->options;
    const char **text = strcmp(arg, "-m") == 0       ? &o->model
                        : strcmp(arg, "--svg") == 0  ? &o->svg
                        : strcmp(arg, "--json") == 0 ? &o->json
                                                     : NULL;

    if (text != NULL) {
        *text = value;
        return true;
    }
    if (strcmp(arg, "--rates") == 0)
        return read_rates(o, value);
    if (strcmp(arg, "--precision") == 0)
        return read_precision(o, value);
    if (strcmp(arg, "--tokens") == 0)
        return load_texts_lengths(&load->texts, value, &load->random);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(arg, fields[i].name) == 0)
            return read_field(o, &fields[i], value);
    }
    return false;
}

static bool read_arguments(struct load *load, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            if (!load_texts_file(&load->texts, argv[i]))
                return false;
        } else if (!read_flag(&load->options, argv[i])) {
            if (i + 1 == argc || !read_value(load, argv[i], argv[i + 1])) {
                fprintf(stderr, "engine_load: %s %s\n%s", argv[i], i + 1 < argc ? argv[i + 1] : "",
                        usage);
                return false;
            }
            i++;
        }
    }
    load->random += load->options.seed;
    if (load->options.model != NULL && load->texts.n > 0)
        return true;
    fputs(usage, stderr);
    return false;
}

/* ---- Modes --------------------------------------------------------------------------- */

/* A new one in its place. */
static bool make_engine(struct load *load)
{
    bert_error err;

    bert_engine_destroy(load->engine);
    if (bert_engine_create(&load->engine, &load->options.engine, &err) == BERT_OK
        && bert_engine_add_model(load->engine, "default", load->model, &err) == BERT_OK)
        return load_closed(load, 1, 0.2) > 0; /* threads, scratch and estimates are there */
    fprintf(stderr, "engine_load: %s\n", err.message);
    return false;
}

static bool begin(struct load *load)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_error err;

    load->options.own_limit = load->options.engine.queue_ns == UINT64_MAX;
    if (load->options.own_limit)
        load->options.engine.queue_ns = 0;
    o.precision = load->options.precision;
    if (bert_model_load(&load->model, load->options.model, &o, &err) == BERT_OK)
        return make_engine(load);
    fprintf(stderr, "engine_load: %s\n", err.message);
    return false;
}

/* By a second engine, whose queue has no limit that would be in the way. */
static double measure_capacity(struct load *load)
{
    bert_engine_options o = load->options.engine;
    bert_engine *engine = load->engine;
    double capacity = -1;
    bert_error err;

    o.queue_ns = 0;
    o.queue_requests = 0;
    if (bert_engine_create(&load->engine, &o, &err) == BERT_OK
        && bert_engine_add_model(load->engine, "default", load->model, &err) == BERT_OK)
        capacity = load_closed(load, 256, load->options.seconds);
    else
        fprintf(stderr, "engine_load: %s\n", err.message);
    bert_engine_destroy(load->engine);
    load->engine = engine;
    return capacity;
}

/* What may wait, in requests, unless --queue-ms says how long: about what the slowest in a hundred
 * finds before it where requests come at random at 0.8 of the capacity. */
enum { OWN_LIMIT = 16 };

static bool open_loop(struct load *load)
{
    static const double usual[] = {0.2, 0.4, 0.6, 0.8, 0.9, 1.2, 2};
    struct load_options *o = &load->options;
    struct load_point *points = calloc(LOAD_POINTS, sizeof *points);
    double capacity = o->capacity > 0 ? o->capacity : measure_capacity(load);
    bool ok = points != NULL && capacity > 0;
    size_t n = 0;

    if (ok && o->own_limit) {
        o->engine.queue_ns = (uint64_t)(OWN_LIMIT * 1e9 / capacity);
        ok = make_engine(load);
    }
    if (o->n_rates == 0) {
        o->n_rates = sizeof usual / sizeof *usual;
        memcpy(o->rates, usual, sizeof usual);
    }
    for (size_t i = 0; ok && i < o->n_rates; i++)
        ok = load_open(load, capacity, o->rates[i], points, &n);
    if (ok) {
        printf("capacity %.0f requests a second, queue of %.1f ms of work (0: any)\n", capacity,
               (double)o->engine.queue_ns / 1e6);
        load_table(points, n);
    }
    if (ok && o->svg != NULL)
        ok = load_svg(o->svg, capacity, points, n);
    if (ok && o->json != NULL)
        ok = load_json(o->json, load, capacity, points, n);
    free(points);
    return ok;
}

static bool run(struct load *load)
{
    struct load_options *o = &load->options;
    double rate;

    if (o->rounds == 0)
        o->rounds = o->lone ? 40 : 5;
    if (o->lone)
        return load_lone(load);
    if (o->loop)
        return load_loop(load, o->closed > 0 ? o->closed : 64);
    if (o->closed == 0)
        return open_loop(load);
    rate = load_closed(load, o->closed, o->seconds);
    if (rate >= 0)
        printf("%u outstanding: %.0f answers a second\n", (unsigned)o->closed, rate);
    return rate >= 0;
}

int main(int argc, char **argv)
{
    struct load load = {.random = 1};
    bool ok = false;

    load.options.engine = (bert_engine_options)BERT_ENGINE_OPTIONS_INIT;
    load.options.engine.queue_ns = UINT64_MAX;
    load.options.seconds = 5;
    load.options.burst = 1;
    if (!read_arguments(&load, argc, argv)) {
        load_texts_free(&load.texts);
        return 2;
    }
    ok = begin(&load) && run(&load);
    bert_engine_destroy(load.engine);
    bert_model_unref(load.model);
    load_texts_free(&load.texts);
    return ok ? 0 : 1;
}
