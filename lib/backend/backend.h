/* SPDX-License-Identifier: MIT */
/*
 * backend.h - where the arithmetic happens, as a table of calls.
 *
 * The CPU is the first backend; others are shared objects libbert-NAME.so that are
 * opened on first use and export `bert_backend_entry`.  lib/graph sees a model as
 * steps and calls one entry per step; a step always covers all rows of the batch.
 *
 * Pointers to floats in these calls are the backend's addresses: only the backend
 * may follow them (`download` copies to the host).  A device belongs to a model and
 * is read-only once loaded; a stream belongs to a session and has one caller at a time.
 *
 * A row's bits depend on its sequence only: never on other rows or the number of
 * threads.
 */
#ifndef BERT_LIB_BACKEND_BACKEND_H
#define BERT_LIB_BACKEND_BACKEND_H

#include <bert/model.h>
#include <stdbool.h>

#include "kernels/kernels.h"
#include "lib/base/alloc.h"
#include "lib/base/watch.h"

/* Raised by every change of this file's types. */
enum { BERT__BACKEND_ABI = 11, BERT__ROW_SLACK = 16 };

struct bert__device; /* the backend's own */
struct bert__matrix;
struct bert__stream;

/* A packed batch: rows end to end, sequence i at offsets[i] .. offsets[i + 1]. */
struct bert__batch {
    const int32_t *ids;
    const int32_t *type_ids; /* NULL: all 0 */
    const uint32_t *offsets; /* n_sequences + 1 */
    uint32_t n_sequences;
    uint32_t n_tokens;
    const uint32_t *attended; /* of sequence i only the first attended[i] >= 1 tokens are attended
                                 to, by all of them; NULL: all are */
};

/* Rows [first, first + n) of a weight [n_out][k] as floats. */
typedef bert_status (*bert__rows_fn)(void *context, uint32_t first, uint32_t n, float *out,
                                     bert_error *err);

/*
 * What int8 does with a layer's input before it is scaled: values are clipped to [-clip, clip]
 * (INFINITY: they are not), and the columns of `outliers`, in ascending order and fewer than k,
 * are left out and multiplied in fp32.
 */
struct bert__input_range {
    float clip;
    const uint32_t *outliers;
    uint32_t n_outliers;
};

/* Bytes [at, at + n) of a matrix's panels. */
typedef bert_status (*bert__bytes_fn)(void *context, size_t at, size_t n, void *out,
                                      bert_error *err);

/* How a packed matrix lies in memory, n_panels of panel_bytes end to end, so that a file can
 * hold it.  `layout` names the order within a panel, and changes with it: where all of this is
 * equal, so is what the bytes mean. */
struct bert__panels {
    const char *layout;
    enum bert__dtype dtype;
    uint32_t n_out, k, nr, k_group, n_panels;
    size_t panel_bytes;
    const void *data; /* at a multiple of 64 bytes; NULL: to be read */
};

enum { BERT__LAYOUT_BYTES = 48 };

/* What a session will ask for at most. */
struct bert__stream_options {
    uint32_t threads;
    uint32_t max_tokens; /* of a batch that begins and has steps */
    uint32_t max_length; /* tokens of one sequence */
    uint32_t head_size, heads;
    uint32_t landmarks, only_length; /* of bert__attention_op; landmarks 0: there are none */
    uint32_t relative_rows;          /* of bert__relative_op; 0: attention has none */
};

/* y[rows][n_out] = act(x W^T + bias) + residual */
struct bert__linear_op {
    float *y;
    const float *x;
    size_t ldy, ldx;
    uint32_t rows;
    const struct bert__matrix *matrix;
    const float *bias;     /* [n_out], or NULL */
    const float *residual; /* rows as y; may be y; or NULL */
    size_t ldr;
    enum bert__act act;
};

/* y = norm(x + residual) */
struct bert__norm_op {
    float *y;
    const float *x;        /* may be y */
    const float *residual; /* or NULL */
    uint32_t rows, n;
    size_t ld; /* floats between rows, of all three */
    const float *gamma;
    const float *beta; /* NULL: RMSNorm, else LayerNorm */
    float eps;
    bool plain; /* no norm at all: gamma * x + beta */
};

/* x[row][i] = act(x[row][i]) * x[row][n + i], i < n; rows of 2 n */
struct bert__gate_op {
    float *x;
    uint32_t rows, n;
    enum bert__act act;
};

/* Rotary positions: in each of the `heads` heads of a token's row, the pairs (i, half + i) turn by
 * the angle of its place: cosines and sines are [places][half]. */
struct bert__rotate_op {
    float *x;
    size_t ldx;
    uint32_t heads, head, half;
    const uint32_t *positions; /* on the host */
    const float *cosines, *sines;
};

/* y[token] = scales[token] * word[id] + position[positions[token]] + type[type id];
 * word NULL: y is what the sum starts with, and scales are not used */
struct bert__embed_op {
    float *y;
    uint32_t n;
    const uint32_t *positions;           /* on the host */
    const float *scales;                 /* on the host; NULL: 1 */
    const float *word, *position, *type; /* the latter two may be NULL */
};

/*
 * Disentangled attention: to the score of query i and key j comes
 *   scale * (<q[i], keys[h][row]> + <k[j], queries[h][row]>), row = rows_by_distance[i - j + reach]
 * keys and queries: for each head h a packed [n_rows][head]; either may be NULL.  Rows don't
 * decrease with the distance.
 */
struct bert__relative_op {
    struct bert__matrix *const *keys;
    struct bert__matrix *const *queries;
    const uint32_t *rows_by_distance; /* on the host */
    uint32_t n_rows;
};

/* See bert__backend.convolve. */
struct bert__convolve_op {
    float *y;
    const float *x;
    size_t ldy, ldx;
    uint32_t n, size;
    const float *weights; /* [size][n] */
    bool afresh;          /* from 0, not from what y holds */
};

/* y[row][i] *= x[row][i], i < n */
struct bert__multiply_op {
    float *y;
    const float *x;
    size_t ldy, ldx;
    uint32_t rows, n;
};

/* y[t][h * head + i] = sum of weights[k] * x[t + k - size / 2][h * head + i] over the places of t's
 * sequence; weights = softmax(scores[t][h * size] ...), over all `size`.  Scores are overwritten.
 */
struct bert__mix_op {
    float *y;
    const float *x;
    float *scores;
    size_t ldy, ldx, lds;
    uint32_t heads, head, size;
};

/* y[row][i * n + c] = x[row - size / 2 + i][c] for i < size: what a convolution of odd size
 * sees; 0 outside of the row's sequence.  Backwards: x[row + size / 2 - i]. */
struct bert__unfold_op {
    float *y;
    const float *x;
    size_t ldy;
    uint32_t n, size;
    bool backwards;
};

/*
 * qkv: [tokens][(heads + 2 * kv_heads) * head]: queries, keys, values; several query heads
 * in a row may share a key head.  out: [tokens][heads * head].  Rows are ld_* apart.
 *   softmax_j(scale * <q[i], k[j]> + by_distance[j - i + reach])
 * By landmarks: K1 Z (K3 v), where K1 = softmax(scale * q kl), K2 = softmax(scale * ql kl), K3 =
 * softmax(scale * ql k); ql and kl are the landmarks' means of as many queries and keys in a row as
 * there are tokens to a landmark; Z nearly inverts K2, by six steps of an iteration that starts
 * from K2 transposed and divided by the largest sum of a column of all heads of the sequence.
 */
struct bert__attention_op {
    float *out;
    const float *qkv;
    size_t ld_out, ld_qkv;
    uint32_t heads, kv_heads, head;
    float scale;
    const float *by_distance;  /* [2 * reach + 1]; -INFINITY hides; NULL: nothing is added */
    size_t by_distance_stride; /* from one head's to the next; 0: all have the same */
    uint32_t reach;            /* no sequence is longer than reach + 1 */
    uint32_t window;           /* by_distance hides what is farther away than this */
    const struct bert__relative_op *relative; /* NULL: none; then by_distance is NULL */
    uint32_t landmarks; /* 0: each query sees the keys themselves; else they divide the length, and
                           nothing is added to scores */
    /* on the host: for each sequence [heads][length][length], or [heads][length][landmarks] of
     * K1 Z; or NULL */
    float *const *probs;
};

struct bert__backend {
    uint32_t abi; /* BERT__BACKEND_ABI; first in every version */
    const char *name;
    /* Of a thread's share of a batch's rows in all buffers: a larger batch runs in waves of about
     * so much.  0: never. */
    size_t wave_bytes;

    /* Model side.  `cpu` as in bert_model_options; `dtype`: of most of its matrices. */
    bert_status (*device_open)(struct bert__device **out, struct bert__alloc *alloc,
                               const char *cpu, enum bert__dtype dtype, bert_error *err);
    void (*device_close)(struct bert__device *device);
    const char *(*device_name)(const struct bert__device *device); /* "avx512", ... */
    bool (*has_dtype)(const struct bert__device *device, enum bert__dtype dtype);
    /* Weights are packed by so many threads from now on, the caller's included; 1, as at first,
     * ends the others.  NULL: never by more. */
    bert_status (*device_threads)(struct bert__device *device, uint32_t threads, bert_error *err);
    /* The matrices until now are one layer's, and so many more layers will have such.  NULL: that
     * makes no difference. */
    void (*device_layers)(struct bert__device *device, uint32_t more);
    /* Pack a weight, row by row as `rows` gives them, which several threads may call at once, and
     * for `range` (NULL: everything is scaled as it comes) twice. */
    bert_status (*matrix_create)(struct bert__device *device, struct bert__matrix **out,
                                 enum bert__dtype dtype, uint32_t n_out, uint32_t k,
                                 bert__rows_fn rows, void *context,
                                 const struct bert__input_range *range, bert_error *err);
    /*
     * A matrix of panels that a file holds.  Panels as this device has them are used in place
     * where `data` is not NULL (it outlives the matrix), else read into memory of its own; *out
     * is NULL with BERT_OK where the device has them in another form.  NULL: never.
     */
    bert_status (*matrix_adopt)(struct bert__device *device, struct bert__matrix **out,
                                const struct bert__panels *panels, bert__bytes_fn read,
                                void *context, bert_error *err);
    /* The panels of a matrix, for a file; `layout` holds their name.  NULL: they are not for
     * files. */
    void (*matrix_panels)(const struct bert__device *device, const struct bert__matrix *matrix,
                          char layout[BERT__LAYOUT_BYTES], struct bert__panels *out);
    /* Rows [first, first + n) of panels of another device of this kind, if they hold them
     * exactly; false if they don't, or in a form that is not known here. */
    bool (*panels_rows)(const struct bert__panels *panels, uint32_t first, uint32_t n, float *out);
    void (*matrix_free)(struct bert__device *device, struct bert__matrix *matrix);
    /* Make n floats of the host reachable by the steps.  The CPU takes them as they
     * lie; a device with memory of its own copies.  *host must live as long. */
    bert_status (*table_create)(struct bert__device *device, const float **out, const float *host,
                                size_t n, bert_error *err);
    void (*table_free)(struct bert__device *device, const float *table);

    /* Session side. */
    /* Bytes that stream_create() and `buffers` floats in buffer_create() will take. */
    bert_status (*stream_bytes)(struct bert__device *device, const struct bert__stream_options *o,
                                size_t buffers, uint64_t *out, bert_error *err);
    bert_status (*stream_create)(struct bert__device *device, struct bert__stream **out,
                                 struct bert__alloc *alloc, const struct bert__stream_options *o,
                                 bert_error *err);
    void (*stream_destroy)(struct bert__stream *stream);
    /* Linear steps may read (not use) up to BERT__ROW_SLACK rows past their last: buffers
     * that they read must hold them. */
    bert_status (*buffer_create)(struct bert__stream *stream, float **out, size_t n,
                                 bert_error *err);
    void (*buffer_free)(struct bert__stream *stream, float *buffer);

    /* One forward: begin, steps and views, end.  `end` always follows `begin`. */
    bert_status (*begin)(struct bert__stream *stream, const struct bert__batch *batch,
                         bert_error *err);
    bert_status (*embed)(struct bert__stream *stream, const struct bert__embed_op *op,
                         bert_error *err);
    bert_status (*norm)(struct bert__stream *stream, const struct bert__norm_op *op,
                        bert_error *err);
    bert_status (*gate)(struct bert__stream *stream, const struct bert__gate_op *op,
                        bert_error *err);
    bert_status (*rotate)(struct bert__stream *stream, const struct bert__rotate_op *op,
                          bert_error *err);
    bert_status (*multiply)(struct bert__stream *stream, const struct bert__multiply_op *op,
                            bert_error *err);
    bert_status (*mix)(struct bert__stream *stream, const struct bert__mix_op *op, bert_error *err);
    /* y[t][i] += sum of weights[k][i] * x[t + k - size / 2][i] over the places of t's sequence. */
    bert_status (*convolve)(struct bert__stream *stream, const struct bert__convolve_op *op,
                            bert_error *err);
    bert_status (*unfold)(struct bert__stream *stream, const struct bert__unfold_op *op,
                          bert_error *err);
    bert_status (*linear)(struct bert__stream *stream, const struct bert__linear_op *op,
                          bert_error *err);
    bert_status (*attention)(struct bert__stream *stream, const struct bert__attention_op *op,
                             bert_error *err);
    /* y[i] = x[rows[i]], n floats each; `rows` on the host. */
    bert_status (*gather)(struct bert__stream *stream, float *y, const float *x, size_t ldx,
                          const uint32_t *rows, uint32_t n_rows, uint32_t n, bert_error *err);
    /* n floats from the host into a buffer. */
    bert_status (*upload)(struct bert__stream *stream, float *y, const float *host, size_t n,
                          bert_error *err);
    /* n floats at x, where the host can read them until the next step. */
    bert_status (*host_view)(struct bert__stream *stream, const float **out, const float *x,
                             size_t n, bert_error *err);
    void (*end)(struct bert__stream *stream);
    /* Long steps end early from now on once the watch says so; what they leave is of no use then.
     * NULL, as at first: none does.  The entry may be NULL: a step is never long. */
    void (*watch)(struct bert__stream *stream, struct bert__watch *watch);
    /* Run fn on the stream's threads: for the host's share of the work, such as pooling. */
    void (*parallel)(struct bert__stream *stream, uint32_t n_tasks,
                     void (*fn)(void *context, uint32_t task, uint32_t worker), void *context);
    /* Kernels for host memory. */
    const struct bert__kernels *(*host_kernels)(const struct bert__device *device);
};

/* By name (NULL: "cpu"); opens the shared object where needed and keeps it. */
bert_status bert__backend_find(const struct bert__backend **out, const char *name, bert_error *err);

/* The name of a module's entry point, and its type. */
#define BERT__BACKEND_ENTRY "bert_backend_entry"
typedef const struct bert__backend *(*bert__backend_entry_fn)(void);

extern const struct bert__backend bert__backend_cpu;

#endif
