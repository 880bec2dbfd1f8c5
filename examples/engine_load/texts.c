/* SPDX-License-Identifier: MIT */
/* texts.c - the texts that are sent, how they are drawn, and small arithmetic. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "examples/engine_load/load.h"

enum { OF_EACH_LENGTH = 256, MOST_TOKENS = 1 << 16 };

uint64_t load_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* splitmix64. */
uint64_t load_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

double load_uniform(uint64_t *state)
{
    return (double)(load_random(state) >> 11) / 9007199254740992.0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void load_sort(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
}

double load_quantile(const double *sorted, size_t n, double share)
{
    size_t at = (size_t)((double)n * share);

    if (n == 0)
        return 0;
    return sorted[at < n ? at : n - 1];
}

/* ---- Texts --------------------------------------------------------------------------- */

static bool add(struct load_texts *t, const char *data, size_t size)
{
    char *copy = malloc(size + 1);

    if (copy == NULL)
        return false;
    if (t->n == t->room) {
        size_t room = t->room > 0 ? 2 * t->room : 1024;
        bert_text *list = realloc(t->list, room * sizeof *list);

        if (list == NULL) {
            free(copy);
            return false;
        }
        t->list = list;
        t->room = room;
    }
    memcpy(copy, data, size);
    t->list[t->n++] = (bert_text){copy, size};
    return true;
}

static struct load_group *begin(struct load_texts *t, const char *name)
{
    struct load_group *g;

    if (t->n_groups == LOAD_GROUPS) {
        fprintf(stderr, "engine_load: at most %d files and lengths\n", LOAD_GROUPS);
        return NULL;
    }
    g = &t->groups[t->n_groups++];
    *g = (struct load_group){name, t->n, 0, 0};
    return g;
}

static bool end(struct load_texts *t, struct load_group *g, double weight)
{
    g->n = t->n - g->first;
    g->weight = weight > 0 ? weight : (double)g->n;
    t->weight += g->weight;
    if (g->n == 0)
        fprintf(stderr, "engine_load: %s: no text\n", g->name);
    return g->n > 0;
}

bool load_texts_file(struct load_texts *t, const char *path)
{
    struct load_group *g = begin(t, strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path);
    FILE *file = g != NULL ? fopen(path, "r") : NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    bool ok = true;

    if (file == NULL) {
        if (g != NULL)
            perror(path);
        return false;
    }
    while (ok && (size = getline(&line, &room, file)) >= 0) {
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
            size--;
        if (size > 0)
            ok = add(t, line, (size_t)size);
    }
    free(line);
    fclose(file);
    return end(t, g, 0) && ok;
}

/* Words that are one token each; [CLS] and [SEP] are the other two. */
static bool add_length(struct load_texts *t, size_t tokens, uint64_t *random)
{
    static const char *const words[] = {
        "the",  "of",   "and",  "in",  "to",   "was",   "is",   "for",   "on",   "as",  "with",
        "by",   "he",   "that", "at",  "from", "his",   "it",   "an",    "were", "are", "which",
        "this", "also", "city", "war", "year", "music", "team", "house", "work", "game"};
    char *text = malloc(tokens * 8 + 1);
    size_t size = 0;
    bool ok = text != NULL;

    for (size_t i = 0; ok && i + 2 < tokens; i++) {
        const char *word = words[load_random(random) % (sizeof words / sizeof *words)];
        size_t n = strlen(word);

        if (size > 0)
            text[size++] = ' ';
        memcpy(text + size, word, n);
        size += n;
    }
    ok = ok && add(t, text, size);
    free(text);
    return ok;
}

bool load_texts_lengths(struct load_texts *t, const char *spec, uint64_t *random)
{
    while (*spec != '\0') {
        const char *name = spec;
        char *after;
        unsigned long tokens = strtoul(spec, &after, 10);
        double weight = *after == ':' ? strtod(after + 1, &after) : 1;
        struct load_group *g = begin(t, name);
        bool ok = g != NULL && tokens >= 3 && tokens <= MOST_TOKENS && weight > 0
                  && (*after == ',' || *after == '\0');

        for (int i = 0; ok && i < OF_EACH_LENGTH; i++)
            ok = add_length(t, tokens, random);
        if (!ok || !end(t, g, weight)) {
            fprintf(stderr, "engine_load: --tokens: want LENGTH[:WEIGHT],...\n");
            return false;
        }
        spec = *after == ',' ? after + 1 : after;
    }
    return true;
}

void load_texts_free(struct load_texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        free((char *)(uintptr_t)t->list[i].data);
    free(t->list);
}

size_t load_texts_pick(const struct load_texts *t, uint64_t *random, size_t *group)
{
    double at = load_uniform(random) * t->weight;
    size_t g = 0;

    while (g + 1 < t->n_groups && at >= t->groups[g].weight)
        at -= t->groups[g++].weight;
    *group = g;
    return t->groups[g].first + (size_t)(load_random(random) % t->groups[g].n);
}
