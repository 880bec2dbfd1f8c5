/* SPDX-License-Identifier: MIT */
/*
 * sink.h - vectors on their way out: format and quantisation.
 *
 * int8 and uint8 need the range of each dimension: where it is not given, it is that of all
 * vectors, which wait in a temporary file.  A NumPy file needs the number of rows in its header:
 * patched into a file, and for a pipe the rows wait in a temporary file.
 */
#ifndef SINK_H
#define SINK_H

#include "examples/bert/job.h"
#include "examples/bert/spill.h"

struct sink {
    struct job *job;
    enum format format;
    enum quantize quantize;
    size_t dim;         /* of the vectors that come */
    uint64_t rows;      /* written */
    uint64_t vectors;   /* good ones, for the range */
    float *ranges;      /* [2][dim]; NULL: none are needed */
    bool waits;         /* vectors, for ranges of their own */
    void *row;          /* scratch for one row in its output form */
    struct spill spill; /* vectors that wait for the range */
    struct spill body;  /* rows that wait for their number */
};

struct sink_row {
    uint64_t index;
    uint32_t tokens;
    uint64_t truncated;
    const float *values;     /* [dim] */
    const bert_error *error; /* NULL: fine */
};

/* Trouble in any of them sets job->rc after a message. */
/* `ranges` [2][dim] or NULL; taken over. */
void sink_open(struct sink *sink, struct job *job, size_t dim, float *ranges);
void sink_put(struct sink *sink, const struct sink_row *row);
/* The last step; nothing if the job was stopped. */
void sink_finish(struct sink *sink);
void sink_close(struct sink *sink);

#endif
