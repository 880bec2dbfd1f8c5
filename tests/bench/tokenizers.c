/* SPDX-License-Identifier: MIT */
/*
 * tokenizers.c - how fast a tokenizer is over the lines of a text, from the call to ids and
 * offsets:
 *   bench-tokenizers TOKENIZER TEXT [THREADS]
 * prints one line of JSON.  tests/bench/tok_peers.py sets the reference beside it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bert.h>

enum { ROUNDS = 5, MAX_THREADS = 64 };

struct job {
    const bert_tokenizer *tok;
    const char *text;
    size_t size;
    int count_only;
    size_t tokens;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The most memory that this program has had, in MB (getrusage() counts the one before it). */
static double peak_mb(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    double kb = 0;

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtod(line + 6, NULL);
    }
    if (f != NULL)
        fclose(f);
    return kb / 1e3;
}

static size_t one_line(const struct job *j, bert_text line)
{
    bert_encoding *e;
    size_t n = 0;

    if (j->count_only) {
        if (bert_count_tokens(j->tok, line, NULL, NULL, &n, NULL) != BERT_OK)
            exit(1);
        return n;
    }
    if (bert_tokenize(j->tok, line, NULL, NULL, &e, NULL) != BERT_OK)
        exit(1);
    n = bert_encoding_size(e);
    bert_encoding_free(e);
    return n;
}

static void *run(void *arg)
{
    struct job *j = arg;
    const char *end = j->text + j->size, *p = j->text;

    j->tokens = 0;
    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));

        stop = stop != NULL ? stop : end;
        j->tokens += one_line(j, (bert_text){p, (size_t)(stop - p)});
        p = stop + 1;
    }
    return NULL;
}

/* Seconds of the best round; each thread runs the whole text. */
static double best(const struct job *job, int threads, size_t *tokens)
{
    double least = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        pthread_t ids[MAX_THREADS];
        struct job jobs[MAX_THREADS];
        double start = now(), took;

        for (int i = 0; i < threads; i++) {
            jobs[i] = *job;
            if (pthread_create(&ids[i], NULL, run, &jobs[i]) != 0)
                exit(1);
        }
        for (int i = 0; i < threads; i++)
            pthread_join(ids[i], NULL);
        took = now() - start;
        least = took < least ? took : least;
        *tokens = jobs[0].tokens;
    }
    return least;
}

static char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *data;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        return NULL;
    *size = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size + 1);
    if (data != NULL && fread(data, 1, *size, f) != *size)
        *size = 0;
    fclose(f);
    return data;
}

int main(int argc, char **argv)
{
    bert_tokenizer *tok;
    bert_error err;
    struct job job = {0};
    size_t tokens;
    int threads = argc > 3 ? atoi(argv[3]) : 1;
    double before = peak_mb(), start = now(), load, mb, both, count, scale;
    char *text;

    if (argc < 3 || threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "usage: bench-tokenizers TOKENIZER TEXT [THREADS]\n");
        return 2;
    }
    if (bert_tokenizer_load(&tok, argv[1], NULL, &err) != BERT_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    load = now() - start;
    mb = peak_mb() - before;
    text = read_file(argv[2], &job.size);
    if (text == NULL)
        return 1;
    job.tok = tok;
    job.text = text;
    scale = (double)job.size * threads / 1e6;
    both = best(&job, threads, &tokens);
    job.count_only = 1;
    count = best(&job, threads, &tokens);
    printf("{\"threads\": %d, \"load_ms\": %.1f, \"load_mb\": %.1f, \"mb_per_s\": %.2f, "
           "\"ns_per_token\": %.1f, "
           "\"count_mb_per_s\": %.2f, \"tokens\": %zu}\n",
           threads, load * 1e3, mb, scale / both, both / threads / (double)tokens * 1e9,
           scale / count, tokens);
    free(text);
    bert_tokenizer_unref(tok);
    return 0;
}
