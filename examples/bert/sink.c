/* SPDX-License-Identifier: MIT */
#include "examples/bert/sink.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"

enum { NPY_HEADER = 128 };

static size_t row_entries(const struct sink *sink)
{
    return sink->quantize == QUANTIZE_NONE
               ? sink->dim
               : bert_quantized_size((bert_quantization)sink->quantize, sink->dim);
}

static size_t row_bytes(const struct sink *sink)
{
    return sink->quantize == QUANTIZE_NONE ? sink->dim * sizeof(float) : row_entries(sink);
}

static void need(struct sink *sink, bool good)
{
    if (!good && sink->job->rc == 0)
        sink->job->rc = EXIT_FAILED;
}

/* ---- NumPy ---------------------------------------------------------------- */

static void npy_header(const struct sink *sink, char header[NPY_HEADER])
{
    static const char *const types[] = {"<f4", "|i1", "|u1", "|i1", "|u1"};
    int n;

    memset(header, ' ', NPY_HEADER);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = NPY_HEADER - 10;
    header[9] = 0;
    n = snprintf(header + 10, NPY_HEADER - 10,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu64 ", %zu), }",
                 types[sink->quantize], sink->rows, row_entries(sink));
    header[10 + n] = ' ';
    header[NPY_HEADER - 1] = '\n';
}

static void npy_start(struct sink *sink)
{
    char header[NPY_HEADER];

    if (output_seekable(&sink->job->output)) {
        npy_header(sink, header);
        output_write(&sink->job->output, header, sizeof header);
    } else {
        need(sink, spill_open(&sink->body));
    }
}

static void npy_end(struct sink *sink)
{
    struct output *out = &sink->job->output;
    char header[NPY_HEADER];
    bool good;

    npy_header(sink, header);
    if (output_seekable(out)) {
        output_patch(out, header, sizeof header);
        return;
    }
    output_write(out, header, sizeof header);
    good = spill_rewind(&sink->body);
    for (uint64_t i = 0; i < sink->rows && good && !job_stopped(sink->job); i++) {
        good = spill_read(&sink->body, sink->row, row_bytes(sink));
        if (good)
            output_write(out, sink->row, row_bytes(sink));
    }
    need(sink, good);
}

static void put_raw(struct sink *sink, const void *row)
{
    if (sink->body.file != NULL)
        need(sink, spill_write(&sink->body, row, row_bytes(sink)));
    else
        output_write(&sink->job->output, row, row_bytes(sink));
}

/* ---- Quantisation ----------------------------------------------------------- */

/* The vectors are finite, and the ranges that are given were checked. */
static const void *convert(struct sink *sink, const float *values)
{
    if (sink->quantize == QUANTIZE_NONE)
        return values;
    bert_quantize((bert_quantization)sink->quantize, values, 1, sink->dim, sink->ranges, sink->row,
                  row_bytes(sink), NULL);
    return sink->row;
}

/* ---- Rows ------------------------------------------------------------------- */

static void put_entry(const struct sink *sink, struct output *out, const void *row, size_t i)
{
    if (sink->quantize == QUANTIZE_NONE)
        json_put_float(out, ((const float *)row)[i]);
    else if (sink->quantize == QUANTIZE_INT8 || sink->quantize == QUANTIZE_BINARY)
        json_put_integer(out, ((const int8_t *)row)[i]);
    else
        json_put_integer(out, ((const uint8_t *)row)[i]);
}

static void put_entries(const struct sink *sink, struct output *out, const void *row)
{
    for (size_t i = 0; i < row_entries(sink); i++) {
        if (i > 0)
            output_write(out, ",", 1);
        put_entry(sink, out, row, i);
    }
}

static void put_line(struct sink *sink, const struct sink_row *row, const void *converted)
{
    struct output *out = &sink->job->output;

    if (sink->format == FORMAT_JSON)
        output_format(out, "{\"index\": %" PRIu64 ", \"embedding\": ", row->index);
    if (sink->format != FORMAT_CSV)
        output_write(out, "[", 1);
    put_entries(sink, out, converted);
    if (sink->format != FORMAT_CSV)
        output_write(out, "]", 1);
    if (sink->format == FORMAT_JSON)
        output_format(out, ", \"tokens\": %" PRIu32 ", \"truncated\": %" PRIu64 "}", row->tokens,
                      row->truncated);
    output_write(out, "\n", 1);
}

/* In a table a text without a vector is a row of NaN, or of zeros where there is none. */
static void put_missing(struct sink *sink, const struct sink_row *row)
{
    struct output *out = &sink->job->output;

    if (sink->format == FORMAT_TEXT || sink->format == FORMAT_JSON) {
        job_fail(sink->job, row->index, row->error);
        return;
    }
    job_fail_aside(sink->job, row->index, row->error);
    if (sink->quantize == QUANTIZE_NONE) {
        for (size_t i = 0; i < sink->dim; i++)
            ((float *)sink->row)[i] = NAN;
    } else {
        memset(sink->row, 0, row_bytes(sink));
    }
    if (sink->format == FORMAT_CSV) {
        put_entries(sink, out, sink->row);
        output_write(out, "\n", 1);
    } else {
        put_raw(sink, sink->row);
    }
}

static void put_now(struct sink *sink, const struct sink_row *row)
{
    sink->rows++;
    if (row->error != NULL)
        put_missing(sink, row);
    else if (sink->format == FORMAT_NPY || sink->format == FORMAT_BIN)
        put_raw(sink, convert(sink, row->values));
    else
        put_line(sink, row, convert(sink, row->values));
}

/* ---- Rows that wait for the range --------------------------------------------- */

static void put_aside(struct sink *sink, const struct sink_row *row)
{
    bool good = spill_write(&sink->spill, row, sizeof *row);

    if (row->error != NULL)
        good = good && spill_write(&sink->spill, row->error, sizeof *row->error);
    else
        good = good && spill_write(&sink->spill, row->values, sink->dim * sizeof(float));
    need(sink, good);
    if (row->error == NULL) {
        bert_ranges_add(sink->ranges, row->values, 1, sink->dim, NULL);
        sink->vectors++;
    }
}

static bool take_back(struct sink *sink, float *values)
{
    struct sink_row row;
    bert_error error;

    if (!spill_read(&sink->spill, &row, sizeof row))
        return false;
    if (row.error != NULL ? !spill_read(&sink->spill, &error, sizeof error)
                          : !spill_read(&sink->spill, values, sink->dim * sizeof(float)))
        return false;
    row.values = values;
    if (row.error != NULL) {
        row.error = &error;
    } else if (sink->vectors == 1) {
        error_set(&error, BERT_EINVAL,
                  "one vector alone has no range; give more texts, --ranges or --calibrate");
        row.error = &error;
    }
    put_now(sink, &row);
    return true;
}

static void put_waiting(struct sink *sink)
{
    float *values = get_memory(sink->dim, sizeof *values);
    bool good = spill_rewind(&sink->spill);

    for (uint64_t i = 0; i < sink->job->records && good && !job_stopped(sink->job); i++)
        good = take_back(sink, values);
    need(sink, good);
    free(values);
}

/* ---- Life --------------------------------------------------------------------- */

void sink_open(struct sink *sink, struct job *job, size_t dim, float *ranges)
{
    const struct options *options = job->options;

    memset(sink, 0, sizeof *sink);
    sink->job = job;
    sink->format = options->format >= 0 ? (enum format)options->format
                   : options->json      ? FORMAT_JSON
                                        : FORMAT_TEXT;
    sink->quantize = (enum quantize)options->quantize;
    sink->dim = dim;
    sink->row = get_memory(dim, sizeof(float));
    sink->ranges = ranges;
    sink->waits =
        ranges == NULL && (sink->quantize == QUANTIZE_INT8 || sink->quantize == QUANTIZE_UINT8);
    if (sink->waits) {
        sink->ranges = get_memory(dim, 2 * sizeof *sink->ranges);
        bert_ranges_start(sink->ranges, dim);
        need(sink, spill_open(&sink->spill));
    }
    if (sink->format == FORMAT_NPY)
        npy_start(sink);
}

void sink_put(struct sink *sink, const struct sink_row *row)
{
    if (sink->waits)
        put_aside(sink, row);
    else
        put_now(sink, row);
}

void sink_finish(struct sink *sink)
{
    if (sink->waits && !job_stopped(sink->job))
        put_waiting(sink);
    if (sink->format == FORMAT_NPY && !job_stopped(sink->job))
        npy_end(sink);
}

void sink_close(struct sink *sink)
{
    spill_close(&sink->spill);
    spill_close(&sink->body);
    free(sink->row);
    free(sink->ranges);
}
