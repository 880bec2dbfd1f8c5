/* SPDX-License-Identifier: MIT */
/* load.h - what the files of engine_load share. */
#ifndef ENGINE_LOAD_H
#define ENGINE_LOAD_H

#include <bert.h>
#include <stdbool.h>
#include <stdio.h>

enum { LOAD_GROUPS = 16, LOAD_RATES = 32, LOAD_POINTS = 3 * LOAD_RATES * (LOAD_GROUPS + 1) };

/* Texts of one file or one length, which are drawn by weight. */
struct load_group {
    const char *name;
    size_t first, n;
    double weight;
};

struct load_texts {
    bert_text *list;
    size_t n, room;
    struct load_group groups[LOAD_GROUPS];
    size_t n_groups;
    double weight; /* of all groups */
};

struct load_options {
    const char *model, *svg, *json;
    uint32_t precision; /* a bert_precision */
    bert_engine_options engine;
    double rates[LOAD_RATES]; /* shares of the capacity */
    size_t n_rates;
    double capacity; /* requests a second; 0: measured */
    double seconds;  /* for each measurement */
    double bulk;     /* share of bulk requests */
    uint32_t burst;  /* requests that come at once */
    uint64_t timeout_ns;
    uint32_t closed; /* outstanding; 0: not this mode */
    bool by_next;    /* hear by bert_engine_next(), not by callbacks */
    bool own_limit;  /* the queue has the one that the capacity tells */
    bool lone, loop;
    uint32_t rounds; /* of lone and loop */
    uint64_t seed;
};

struct load {
    struct load_options options;
    struct load_texts texts;
    bert_model *model;
    bert_engine *engine;
    uint64_t random;
};

/* Latencies and counts of one rate, of all its requests or those of a kind; times in ms. */
struct load_point {
    double share;            /* of the capacity */
    char kind[40];           /* "all", or a group's name, and " bulk" */
    double offered, through; /* requests and answers a second */
    size_t sent, accepted, rejected, failed;
    double p50, p95, p99, max;
    double late;  /* p99 of the time by which the generator itself was late to submit */
    double batch; /* requests of a batch, as a request sees it */
};

/* texts.c */
bool load_texts_file(struct load_texts *texts, const char *path);
/* N:WEIGHT,...: texts of N tokens of BERT's uncased vocabulary. */
bool load_texts_lengths(struct load_texts *texts, const char *spec, uint64_t *random);
void load_texts_free(struct load_texts *texts);
/* One by weight; its group. */
size_t load_texts_pick(const struct load_texts *texts, uint64_t *random, size_t *group);

uint64_t load_random(uint64_t *state);
double load_uniform(uint64_t *state); /* [0, 1) */
uint64_t load_now(void);              /* CLOCK_MONOTONIC, ns */
/* Sort, and the value of which a share of all is below. */
void load_sort(double *values, size_t n);
double load_quantile(const double *sorted, size_t n, double share);

/* open.c, closed.c: false after a message. */
bool load_open(struct load *load, double capacity, double share, struct load_point *points,
               size_t *n);
/* Requests a second with so many outstanding; negative: failed. */
double load_closed(struct load *load, uint32_t outstanding, double seconds);
bool load_lone(struct load *load);
bool load_loop(struct load *load, uint32_t outstanding);

/* report.c */
enum { LOAD_PRECISIONS = BERT_PRECISION_AUTO + 1 };
extern const char *const load_precisions[LOAD_PRECISIONS]; /* names */
void load_table(const struct load_point *points, size_t n);
bool load_json(const char *path, const struct load *load, double capacity,
               const struct load_point *points, size_t n);
bool load_svg(const char *path, double capacity, const struct load_point *points, size_t n);

#endif
