/* SPDX-License-Identifier: MIT */
/* cpu.h - what the CPU backend's two halves share. */
#ifndef BERT_LIB_BACKEND_CPU_H
#define BERT_LIB_BACKEND_CPU_H

#include "lib/backend/backend.h"
#include "lib/backend/cpu_store.h"
#include "lib/base/thread.h"

struct bert__device {
    struct bert__alloc *alloc;
    const struct bert__kernels *kernels;
    enum bert__dtype dtype; /* of most matrices: attention follows it */
    size_t row_bytes;       /* of the largest converted row that a matrix reads; 0: none does */
    uint32_t ranged_k, most_outliers; /* of matrices with an input range; 0: there are none */
    struct bert__store store;         /* of panels */
    struct bert__team *team;          /* that packs weights; NULL: the caller does */
};

/* A weight as panels of its GEMM. */
struct bert__matrix {
    const struct bert__gemm *gemm;
    uint32_t n_out, k;
    uint32_t n_panels;
    size_t panel_bytes;
    const char *panels;              /* n_panels */
    char *owned;                     /* the same, or NULL: they lie in a mapped file */
    struct bert__store_block *block; /* where `owned` lies */
    /* An input range; see backend.h.  clip 0: there is none. */
    float clip;
    uint32_t n_outliers;
    uint32_t *outliers;
    struct bert__matrix *exact; /* fp32: [n_out][n_outliers]; NULL: no outliers */
};

/* Where attention's scratch of one worker starts, in floats. */
struct bert__attention_scratch {
    size_t scores, by_key, by_query, bias; /* the prepared keys are at 0 */
    size_t landmarks;
    size_t worker; /* of all */
};

struct bert__stream {
    struct bert__device *device;
    struct bert__alloc *alloc;
    struct bert__team *team;
    const struct bert__batch *batch; /* while one runs */
    float *scratch;                  /* of each worker */
    struct bert__attention_scratch layout;
    char *rows;      /* those of a linear step's input, converted; NULL: none are */
    uint32_t n_rows; /* that fit, without BERT__ROW_SLACK more */
    float *ranged; /* of each worker, a row of a matrix with an input range; NULL: there is none */
    float *outliers; /* of those rows; NULL: there are none */
    float *largest;  /* of each sequence and head: attention by landmarks; NULL: there is none */
};

enum { BERT__CPU_TASK_FLOATS = 8192 }; /* of a task that streams through rows */

static inline uint32_t bert__ceil_div(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static inline uint32_t bert__at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A step over rows, cut into tasks of whole rows of about `width` floats. */
void bert__cpu_rows(struct bert__stream *s, const void *op, uint32_t n_rows, uint32_t width,
                    void (*rows)(struct bert__stream *, const void *, uint32_t, uint32_t));

/* False if it doesn't fit an address space. */
bool bert__attention_scratch_layout(const struct bert__device *device,
                                    const struct bert__stream_options *o,
                                    struct bert__attention_scratch *out);

/* Attention by landmarks; its scratch of one worker in floats, 0 if that would overflow, and the
 * largest sums of a whole batch. */
size_t bert__landmark_floats(const struct bert__stream_options *o);
size_t bert__landmark_sums(const struct bert__stream_options *o);
void bert__cpu_landmarks(struct bert__stream *s, const struct bert__attention_op *op);

/* Weights; see cpu_matrix.c. */
bert_status bert__cpu_device_threads(struct bert__device *device, uint32_t threads,
                                     bert_error *err);
bert_status bert__cpu_matrix_create(struct bert__device *device, struct bert__matrix **out,
                                    enum bert__dtype dtype, uint32_t n_out, uint32_t k,
                                    bert__rows_fn rows, void *context,
                                    const struct bert__input_range *range, bert_error *err);
bert_status bert__cpu_matrix_adopt(struct bert__device *device, struct bert__matrix **out,
                                   const struct bert__panels *panels, bert__bytes_fn read,
                                   void *context, bert_error *err);
void bert__cpu_matrix_panels(const struct bert__device *device, const struct bert__matrix *matrix,
                             char layout[BERT__LAYOUT_BYTES], struct bert__panels *out);
bool bert__cpu_panels_rows(const struct bert__panels *panels, uint32_t first, uint32_t n,
                           float *out);
void bert__cpu_matrix_free(struct bert__device *device, struct bert__matrix *matrix);

/* One of the two halves: the calls of a session; see cpu_stream.c. */
bert_status bert__cpu_stream_bytes(struct bert__device *device,
                                   const struct bert__stream_options *o, size_t buffers,
                                   uint64_t *out, bert_error *err);
bert_status bert__cpu_stream_create(struct bert__device *device, struct bert__stream **out,
                                    struct bert__alloc *alloc, const struct bert__stream_options *o,
                                    bert_error *err);
void bert__cpu_stream_destroy(struct bert__stream *stream);
bert_status bert__cpu_buffer_create(struct bert__stream *stream, float **out, size_t n,
                                    bert_error *err);
void bert__cpu_buffer_free(struct bert__stream *stream, float *buffer);
bert_status bert__cpu_begin(struct bert__stream *stream, const struct bert__batch *batch,
                            bert_error *err);
bert_status bert__cpu_embed(struct bert__stream *stream, const struct bert__embed_op *op,
                            bert_error *err);
bert_status bert__cpu_norm(struct bert__stream *stream, const struct bert__norm_op *op,
                           bert_error *err);
bert_status bert__cpu_gate(struct bert__stream *s, const struct bert__gate_op *op, bert_error *err);
bert_status bert__cpu_rotate(struct bert__stream *s, const struct bert__rotate_op *op,
                             bert_error *err);
bert_status bert__cpu_multiply(struct bert__stream *s, const struct bert__multiply_op *op,
                               bert_error *err);
bert_status bert__cpu_mix(struct bert__stream *s, const struct bert__mix_op *op, bert_error *err);
bert_status bert__cpu_convolve(struct bert__stream *s, const struct bert__convolve_op *op,
                               bert_error *err);
bert_status bert__cpu_unfold(struct bert__stream *s, const struct bert__unfold_op *op,
                             bert_error *err);
bert_status bert__cpu_linear(struct bert__stream *stream, const struct bert__linear_op *op,
                             bert_error *err);
bert_status bert__cpu_attention(struct bert__stream *stream, const struct bert__attention_op *op,
                                bert_error *err);
bert_status bert__cpu_gather(struct bert__stream *stream, float *y, const float *x, size_t ldx,
                             const uint32_t *rows, uint32_t n_rows, uint32_t n, bert_error *err);
bert_status bert__cpu_upload(struct bert__stream *stream, float *y, const float *host, size_t n,
                             bert_error *err);
bert_status bert__cpu_host_view(struct bert__stream *stream, const float **out, const float *x,
                                size_t n, bert_error *err);
void bert__cpu_watch(struct bert__stream *stream, struct bert__watch *watch);
void bert__cpu_end(struct bert__stream *stream);
void bert__cpu_parallel(struct bert__stream *stream, uint32_t n_tasks, bert__task_fn fn,
                        void *context);

#endif
