/* SPDX-License-Identifier: MIT */
/*
 * encode.c - times bert_encode() on command, so that peers.py can alternate it with
 * a rival: bench-encode MODEL THREADS, then lines on standard input:
 *   time LENGTH BATCH RUNS   runs it so often; prints the milliseconds of each
 *   dump LENGTH BATCH FILE   writes the hidden states, float32
 * Every answer is one line.  Token i of a batch has the id (i * 7919 + 13) % vocabulary.
 */
#include <bert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bench {
    bert_model *model;
    bert_session *session;
    int32_t *ids;
    uint32_t *offsets;
    float *out;
    size_t hidden;
    bert_error err;
};

enum { MAX_TOKENS = 8192 };

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int open_bench(struct bench *b, const char *path, unsigned threads)
{
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;

    options.threads = threads;
    options.max_tokens = MAX_TOKENS;
    if (bert_model_load(&b->model, path, NULL, &b->err) != BERT_OK
        || bert_session_create(&b->session, b->model, &options, &b->err) != BERT_OK)
        return -1;
    b->hidden = bert_model_hidden_size(b->model);
    b->ids = calloc(MAX_TOKENS, sizeof *b->ids);
    b->offsets = calloc(MAX_TOKENS + 1, sizeof *b->offsets);
    b->out = calloc(MAX_TOKENS * b->hidden, sizeof *b->out);
    for (uint32_t i = 0; b->ids != NULL && i < MAX_TOKENS; i++)
        b->ids[i] = (int32_t)((i * 7919u + 13u) % bert_model_vocab_size(b->model));
    snprintf(b->err.message, sizeof b->err.message, "out of memory");
    return b->ids != NULL && b->offsets != NULL && b->out != NULL ? 0 : -1;
}

static int run(struct bench *b, uint32_t length, uint32_t batch)
{
    if (length == 0 || batch == 0 || length > MAX_TOKENS / batch) {
        snprintf(b->err.message, sizeof b->err.message, "over %d tokens", MAX_TOKENS);
        return -1;
    }
    for (uint32_t i = 0; i <= batch; i++)
        b->offsets[i] = i * length;
    return bert_encode(b->session, b->ids, NULL, b->offsets, batch, b->out,
                       (size_t)length * batch * b->hidden, &b->err)
                   == BERT_OK
               ? 0
               : -1;
}

static int time_runs(struct bench *b, uint32_t length, uint32_t batch, unsigned runs)
{
    for (unsigned i = 0; i < runs; i++) {
        double start = now_ms();
        if (run(b, length, batch) != 0)
            return -1;
        printf("%s%.6f", i > 0 ? " " : "", now_ms() - start);
    }
    printf("\n");
    return 0;
}

static int dump(struct bench *b, uint32_t length, uint32_t batch, const char *path)
{
    size_t n = (size_t)length * batch * b->hidden;
    FILE *f;
    int rc = -1;

    if (run(b, length, batch) != 0)
        return -1;
    snprintf(b->err.message, sizeof b->err.message, "cannot write %.900s", path);
    f = fopen(path, "wb");
    if (f != NULL) {
        rc = fwrite(b->out, sizeof(float), n, f) == n ? 0 : -1;
        if (fclose(f) != 0)
            rc = -1;
        printf("ok\n");
    }
    return rc;
}

static int answer(struct bench *b, const char *line)
{
    unsigned length, batch, runs;
    char path[1024];

    if (sscanf(line, "time %u %u %u", &length, &batch, &runs) == 3)
        return time_runs(b, length, batch, runs);
    if (sscanf(line, "dump %u %u %1023s", &length, &batch, path) == 3)
        return dump(b, length, batch, path);
    snprintf(b->err.message, sizeof b->err.message, "unknown command: %.100s", line);
    return -1;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    char line[1200];
    int rc = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: bench-encode MODEL THREADS\n");
        return 2;
    }
    if (open_bench(&b, argv[1], (unsigned)strtoul(argv[2], NULL, 10)) != 0)
        goto out;
    printf("libbert %s (%s)\n", bert_version(), bert_model_cpu(b.model));
    for (fflush(stdout); fgets(line, sizeof line, stdin) != NULL; fflush(stdout))
        if (answer(&b, line) != 0)
            goto out;
    rc = 0;
out:
    if (rc != 0)
        fprintf(stderr, "bench-encode: %s\n", b.err.message);
    free(b.out);
    free(b.offsets);
    free(b.ids);
    bert_session_destroy(b.session);
    bert_model_unref(b.model);
    return rc;
}
