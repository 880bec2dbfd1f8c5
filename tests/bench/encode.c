/* SPDX-License-Identifier: MIT */
/*
 * encode.c - times libbert on command, so that bench.py can alternate it with its rivals:
 * bench-encode MODEL THREADS PRECISION, then lines on standard input:
 *   time LENGTH BATCH RUNS   encodes such a batch so often; prints the milliseconds of each
 *   dump LENGTH BATCH FILE   writes its hidden states, float32
 *   lengths FILE             takes the lengths of sequences, one a line
 *   ragged BATCH RUNS        encodes them all, BATCH at a time; prints as `time` does
 *   texts FILE               takes texts, one a line
 *   embed BATCH RUNS         from texts to embeddings, BATCH at a time; prints as `time` does
 * Every answer is one line; the first is the program's name, or "none" and why the library
 * does not offer the precision.  Token i of a batch has the id (i * 7919 + 13) % vocabulary.
 */
#include <bert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_TOKENS = 16384, MAX_ITEMS = 4096 };

struct bench {
    bert_model *model;
    bert_session *session;
    int32_t *ids;
    uint32_t *offsets;
    float *out;
    size_t hidden;
    uint32_t lengths[MAX_ITEMS], n_lengths;
    bert_text texts[MAX_ITEMS];
    uint32_t n_texts;
    bert_error err;
};

/* What is timed; `length` is 0 where the sequences have lengths of their own. */
struct job {
    int (*run)(struct bench *b, const struct job *job);
    uint32_t length, batch;
};

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int wrong(struct bench *b, const char *what, const char *of)
{
    snprintf(b->err.message, sizeof b->err.message, "%.200s: %.700s", what, of);
    return -1;
}

/* ---- Opening -------------------------------------------------------------- */

static uint32_t precision_of(const char *name)
{
    return strcmp(name, "bf16") == 0   ? BERT_PRECISION_BF16
           : strcmp(name, "int8") == 0 ? BERT_PRECISION_INT8
                                       : BERT_PRECISION_FP32;
}

static int open_bench(struct bench *b, char **argv)
{
    bert_model_options how = BERT_MODEL_OPTIONS_INIT;
    bert_session_options options = BERT_SESSION_OPTIONS_INIT;

    how.precision = precision_of(argv[3]);
    options.threads = (uint32_t)strtoul(argv[2], NULL, 10);
    options.max_tokens = MAX_TOKENS;
    if (bert_model_load(&b->model, argv[1], &how, &b->err) != BERT_OK
        || bert_session_create(&b->session, b->model, &options, &b->err) != BERT_OK)
        return -1;
    b->hidden = bert_model_hidden_size(b->model);
    b->ids = calloc(MAX_TOKENS, sizeof *b->ids);
    b->offsets = calloc(MAX_TOKENS + 1, sizeof *b->offsets);
    b->out = calloc(MAX_TOKENS * b->hidden, sizeof *b->out);
    for (uint32_t i = 0; b->ids != NULL && i < MAX_TOKENS; i++)
        b->ids[i] = (int32_t)((i * 7919u + 13u) % bert_model_vocab_size(b->model));
    if (b->ids == NULL || b->offsets == NULL || b->out == NULL)
        return wrong(b, "out of memory", argv[1]);
    return 0;
}

static int read_lengths(struct bench *b, const char *path)
{
    FILE *f = fopen(path, "r");

    if (f == NULL)
        return wrong(b, "cannot open", path);
    for (b->n_lengths = 0; b->n_lengths < MAX_ITEMS; b->n_lengths++) {
        if (fscanf(f, "%u", &b->lengths[b->n_lengths]) != 1)
            break;
    }
    fclose(f);
    printf("ok\n");
    return 0;
}

static int read_texts(struct bench *b, const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t n;

    if (f == NULL)
        return wrong(b, "cannot open", path);
    while (b->n_texts < MAX_ITEMS && (n = getline(&line, &size, f)) > 0) {
        b->texts[b->n_texts++] = (bert_text){line, (size_t)n - (line[n - 1] == '\n')};
        line = NULL; /* kept as long as the program runs */
        size = 0;
    }
    free(line);
    fclose(f);
    printf("ok\n");
    return 0;
}

/* ---- Jobs ----------------------------------------------------------------- */

/* The sequences that b->offsets bound. */
static int encode(struct bench *b, uint32_t batch)
{
    return bert_encode(b->session, b->ids, NULL, b->offsets, batch, b->out,
                       (size_t)b->offsets[batch] * b->hidden, &b->err)
                   == BERT_OK
               ? 0
               : -1;
}

static int run_uniform(struct bench *b, const struct job *job)
{
    if (job->batch == 0 || job->length > MAX_TOKENS / job->batch)
        return wrong(b, "too many tokens", "time");
    for (uint32_t i = 0; i <= job->batch; i++)
        b->offsets[i] = i * job->length;
    return encode(b, job->batch);
}

static int run_ragged(struct bench *b, const struct job *job)
{
    for (uint32_t done = 0; done < b->n_lengths;) {
        uint32_t n = 0, used = 0;

        while (n < job->batch && done + n < b->n_lengths
               && used + b->lengths[done + n] <= MAX_TOKENS) {
            used += b->lengths[done + n++];
            b->offsets[n] = used;
        }
        if (n == 0)
            return wrong(b, "too long a sequence", "ragged");
        if (encode(b, n) != 0)
            return -1;
        done += n;
    }
    return 0;
}

static int run_texts(struct bench *b, const struct job *job)
{
    const size_t capacity = (size_t)MAX_TOKENS * b->hidden;

    for (uint32_t done = 0; done < b->n_texts; done += job->batch) {
        uint32_t n = b->n_texts - done < job->batch ? b->n_texts - done : job->batch;

        if (bert_embed(b->session, b->texts + done, n, NULL, b->out, capacity, NULL, &b->err)
            != BERT_OK)
            return -1;
    }
    return 0;
}

static int time_job(struct bench *b, struct job job, unsigned runs)
{
    if (job.batch == 0)
        return wrong(b, "no batch", "time");
    for (unsigned i = 0; i < runs; i++) {
        double start = now_ms();

        if (job.run(b, &job) != 0)
            return -1;
        printf("%s%.6f", i > 0 ? " " : "", now_ms() - start);
    }
    printf("\n");
    return 0;
}

static int dump(struct bench *b, uint32_t length, uint32_t batch, const char *path)
{
    const struct job job = {.length = length, .batch = batch};
    size_t n = (size_t)length * batch * b->hidden;
    FILE *f;
    int rc = -1;

    if (run_uniform(b, &job) != 0)
        return -1;
    f = fopen(path, "wb");
    if (f != NULL) {
        rc = fwrite(b->out, sizeof(float), n, f) == n ? 0 : -1;
        if (fclose(f) != 0)
            rc = -1;
    }
    if (rc != 0)
        return wrong(b, "cannot write", path);
    printf("ok\n");
    return 0;
}

static int answer(struct bench *b, const char *line)
{
    unsigned length, batch, runs;
    char path[1024];

    if (sscanf(line, "time %u %u %u", &length, &batch, &runs) == 3)
        return time_job(b, (struct job){run_uniform, length, batch}, runs);
    if (sscanf(line, "ragged %u %u", &batch, &runs) == 2)
        return time_job(b, (struct job){run_ragged, 0, batch}, runs);
    if (sscanf(line, "embed %u %u", &batch, &runs) == 2)
        return time_job(b, (struct job){run_texts, 0, batch}, runs);
    if (sscanf(line, "dump %u %u %1023[^\n]", &length, &batch, path) == 3)
        return dump(b, length, batch, path);
    if (sscanf(line, "lengths %1023[^\n]", path) == 1)
        return read_lengths(b, path);
    if (sscanf(line, "texts %1023[^\n]", path) == 1)
        return read_texts(b, path);
    return wrong(b, "unknown command", line);
}

int main(int argc, char **argv)
{
    static struct bench b;
    char line[1200];
    int rc = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: bench-encode MODEL THREADS PRECISION\n");
        return 2;
    }
    if (open_bench(&b, argv) != 0) {
        rc = b.err.code == BERT_EUNSUPPORTED ? 0 : 1;
        if (rc == 0)
            printf("none %s\n", b.err.message);
        goto out;
    }
    printf("libbert %s (%s)\n", bert_version(), bert_model_cpu(b.model));
    for (fflush(stdout); fgets(line, sizeof line, stdin) != NULL; fflush(stdout)) {
        if (answer(&b, line) != 0)
            goto out;
    }
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
