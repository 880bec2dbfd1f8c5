/* SPDX-License-Identifier: MIT */
#include "examples/bert/ranges.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/interrupt.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"

enum { NPY_HEADER = 128, MAX_HEADER = 1024 };

/* ---- Options ---------------------------------------------------------------------- */

int ranges_check(const struct options *options)
{
    bool has = options->quantize == QUANTIZE_INT8 || options->quantize == QUANTIZE_UINT8;
    const char *given = options->ranges != NULL        ? "--ranges"
                        : options->calibrate != NULL   ? "--calibrate"
                        : options->save_ranges != NULL ? "--save-ranges"
                                                       : NULL;

    if (options->ranges != NULL && options->calibrate != NULL)
        return usage_error(options->command, "--ranges and --calibrate exclude each other");
    if (given != NULL && !has)
        return usage_error(options->command, "%s is only for --quantize int8 or uint8", given);
    return 0;
}

/* ---- A file of them ------------------------------------------------------------------ */

static int bad_file(const char *path, const char *what)
{
    message("%s: %s; a NumPy file of float32 or float64, shape (2, dimensions), is needed "
            "[BERT_EFORMAT]",
            path, what);
    return EXIT_OPEN;
}

/* What follows 'KEY': in the header, spaces skipped; NULL if it isn't there. */
static const char *value_of(const char *header, const char *key)
{
    const char *at = strstr(header, key);

    if (at == NULL)
        return NULL;
    at += strlen(key);
    while (*at == ' ' || *at == ':')
        at++;
    return at;
}

/* The header's text, and the file behind it; 0 bytes: none. */
static size_t read_header(FILE *f, char header[MAX_HEADER + 1])
{
    unsigned char start[12];
    size_t size, more;

    if (fread(start, 1, 10, f) != 10 || memcmp(start, "\x93NUMPY", 6) != 0)
        return 0;
    more = start[6] > 1 ? 2 : 0; /* versions 2 and 3: a length of four bytes */
    if (more > 0 && fread(start + 10, 1, more, f) != more)
        return 0;
    size = (size_t)start[8] | (size_t)start[9] << 8;
    if (more > 0)
        size |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    if (size > MAX_HEADER || fread(header, 1, size, f) != size)
        return 0;
    header[size] = '\0';
    return size;
}

static bool shape_is(const char *shape, size_t dim)
{
    unsigned long long rows, columns;
    int end = 0;

    return shape != NULL && sscanf(shape, "(%llu, %llu%n", &rows, &columns, &end) == 2
           && (shape[end] == ')' || shape[end] == ',') && rows == 2 && columns == dim;
}

static bool read_values(FILE *f, bool wide, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double value;

        if (fread(wide ? (void *)&value : (void *)&out[i], wide ? 8 : 4, 1, f) != 1)
            return false;
        if (wide)
            out[i] = (float)value;
    }
    return fgetc(f) == EOF;
}

static int read_file(FILE *f, float *out, size_t dim, const char *path)
{
    char header[MAX_HEADER + 1], what[96];
    const char *type, *order;
    bool wide;

    if (read_header(f, header) == 0)
        return bad_file(path, "not a NumPy file");
    type = value_of(header, "'descr'");
    order = value_of(header, "'fortran_order'");
    wide = type != NULL && strncmp(type, "'<f8'", 5) == 0;
    if (type == NULL || (!wide && strncmp(type, "'<f4'", 5) != 0) || order == NULL
        || strncmp(order, "False", 5) != 0)
        return bad_file(path, "its type or order is another");
    if (!shape_is(value_of(header, "'shape'"), dim)) {
        snprintf(what, sizeof what, "its shape is not (2, %zu), the embedding's", dim);
        return bad_file(path, what);
    }
    return read_values(f, wide, out, 2 * dim) ? 0 : bad_file(path, "its size is not its shape's");
}

/* Those that bert_quantize() takes. */
static int check_values(const float *ranges, size_t dim, const char *path)
{
    bert_error error;

    if (bert_quantize(BERT_QUANTIZE_INT8, NULL, 0, dim, ranges, NULL, 0, &error) == BERT_OK)
        return 0;
    message("%s: %s [%s]", path, error.message, bert_status_name(error.code));
    return EXIT_OPEN;
}

static int load(float *out, size_t dim, const char *path)
{
    FILE *f = fopen(path, "rb");
    int rc;

    if (f == NULL) {
        message_errno(path, "can't be opened", errno);
        return EXIT_OPEN;
    }
    rc = read_file(f, out, dim, path);
    fclose(f);
    return rc == 0 ? check_values(out, dim, path) : rc;
}

bool ranges_save(const float *ranges, size_t dim, const char *path)
{
    char header[NPY_HEADER];
    struct output out;
    int n;

    if (!output_open(&out, path))
        return false;
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = NPY_HEADER - 10;
    header[9] = 0;
    n = snprintf(header + 10, NPY_HEADER - 10,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (2, %zu), }", dim);
    header[10 + n] = ' ';
    header[NPY_HEADER - 1] = '\n';
    output_write(&out, header, sizeof header);
    output_write(&out, ranges, 2 * dim * sizeof *ranges);
    return output_close(&out, true);
}

/* ---- Texts to calibrate by -------------------------------------------------------------- */

static int bad_text(const char *path, uint64_t index, const bert_error *error)
{
    message("%s: record %" PRIu64 ": %s [%s]", path, index, error->message,
            bert_status_name(error->code));
    return EXIT_OPEN;
}

/* 0, or an exit code; *n counts vectors. */
static int add_batch(float *ranges, const struct vectors *vectors, struct job *job,
                     const struct batch *batch, uint64_t *n)
{
    const char *path = job->options->calibrate;
    struct vector_report *reports = get_memory(batch->count, sizeof *reports);
    float *values = get_memory(batch->count, vectors->dim * sizeof *values);
    struct text_list list;
    int rc = 0;

    for (size_t i = 0; i < batch->count && rc == 0; i++) {
        if (batch->records[i].error != NULL)
            rc = bad_text(path, batch->records[i].index, batch->records[i].error);
    }
    text_list_make(&list, batch, false);
    if (rc == 0 && !vectors_embed(vectors, job, list.texts, list.count, values, reports))
        rc = 128 + interrupt_signal();
    for (size_t i = 0; i < list.count && rc == 0; i++) {
        if (reports[i].error != NULL)
            rc = bad_text(path, *n, reports[i].error);
        else
            bert_ranges_add(ranges, values + i * vectors->dim, 1, vectors->dim, NULL);
        *n += 1;
    }
    vector_reports_free(reports, list.count);
    text_list_free(&list);
    free(values);
    return rc;
}

static int calibrate(float *ranges, const struct vectors *vectors, struct job *job)
{
    enum record_form form = job->options->jsonl ? FORM_JSON_TEXT : FORM_TEXT;
    struct batch *batch = get_memory(1, sizeof *batch);
    struct input input;
    uint64_t n = 0;
    int rc = input_open(&input, NULL, 0, job->options->calibrate) ? 0 : EXIT_OPEN;

    bert_ranges_start(ranges, vectors->dim);
    while (rc == 0 && batch_read(batch, &input, form, n))
        rc = add_batch(ranges, vectors, job, batch, &n);
    if (rc == 0 && interrupt_signal() != 0)
        rc = 128 + interrupt_signal();
    if (rc == 0 && (input.failed || n == 0)) {
        if (!input.failed)
            message("%s: no texts to calibrate by [BERT_EINVAL]", input.path);
        rc = EXIT_OPEN;
    }
    batch_clear(batch);
    free(batch);
    input_close(&input);
    return rc;
}

int ranges_get(float **out, const struct vectors *vectors, struct job *job)
{
    const struct options *options = job->options;

    *out = NULL;
    if (options->ranges == NULL && options->calibrate == NULL)
        return 0;
    *out = get_memory(vectors->dim, 2 * sizeof **out);
    return options->ranges != NULL ? load(*out, vectors->dim, options->ranges)
                                   : calibrate(*out, vectors, job);
}
