/* SPDX-License-Identifier: MIT */
/*
 * weights.h - a model's tensors by name, whatever the files they lie in, as floats.
 *
 * model.safetensors, or model.safetensors.index.json and its shards (a shard's name
 * is a plain file name in the model's directory).  Old names are known by their new
 * ones: LayerNorm.gamma and .beta as .weight and .bias.
 *
 * Of a packed model the tensors are there too, with their shapes; those that are but parts of
 * matrices have no data, and the matrices are found in the bundle.
 */
#ifndef BERT_LIB_MODEL_WEIGHTS_H
#define BERT_LIB_MODEL_WEIGHTS_H

#include "lib/base/bundle.h"
#include "lib/base/trace.h"
#include "lib/model/safetensors.h"

struct bert__weights;

/* `kernels` of lib/backend's choosing are not used here: widening is a callback so
 * that model/ stays below backend/. */
struct bert__widen {
    void (*f16)(float *y, const void *x, size_t n);
    void (*bf16)(float *y, const void *x, size_t n);
    int (*all_finite)(const float *x, size_t n);
};

/*
 * Open the weights below `directory` of the source ("" is the root): used for the
 * encoder and for sentence-transformers' Dense modules.  BERT_EUNSUPPORTED if there are only
 * pickles (pytorch_model.bin): the message says how to convert.  `map` as BERT_MODEL_MAP.
 */
bert_status bert__weights_open(struct bert__weights **out, struct bert__alloc *alloc,
                               struct bert__source *source, const char *directory,
                               const struct bert__widen *widen, bool map, bool allow_nonfinite,
                               bert_error *err);
/* One safetensors file of this name below the root; *out is NULL with BERT_OK if it is absent. */
bert_status bert__weights_open_file(struct bert__weights **out, struct bert__alloc *alloc,
                                    struct bert__source *source, const char *name,
                                    const struct bert__widen *widen, bool allow_nonfinite,
                                    bert_error *err);
void bert__weights_close(struct bert__weights *weights);
/* Where the source is traced the trace keeps them open, and this is what closes them. */
void bert__weights_forget(struct bert__weights *weights);
/* The folder, or the file of its own: what tells a model's weights apart. */
const char *bert__weights_name(const struct bert__weights *weights);
/* The packed model that they are in, or NULL. */
const struct bert__bundle *bert__weights_bundle(const struct bert__weights *weights);
/* Where the load is traced, or NULL. */
struct bert__trace *bert__weights_trace(const struct bert__weights *weights);
/* What is read from now on is (or is no longer) packed into matrices, so that a packed model
 * need not have it once more. */
void bert__weights_for_matrix(struct bert__weights *weights, bool packing);
/* Path of the main file, for messages. */
const char *bert__weights_path(const struct bert__weights *weights);

/* From now on a name that is not found is also looked for with another prefix in place of this one,
 * as the reference does for each tensor by itself.  NULL ends `others`. */
void bert__weights_prefixes(struct bert__weights *weights, const char *prefix,
                            const char *const *others);
/* By name (new spelling); NULL if absent.  Marks nothing. */
const struct bert__tensor *bert__weights_find(const struct bert__weights *weights,
                                              const char *name);
/* Find and check rank and shape; BERT_EFORMAT with the name and both shapes, or
 * that it is missing.  Marks it as used. */
bert_status bert__weights_need(struct bert__weights *weights, const char *name, uint32_t rank,
                               const uint64_t *shape, const struct bert__tensor **out,
                               bert_error *err);
/* Elements [first, first + n) as floats.  BERT_ENONFINITE names tensor and index. */
bert_status bert__weights_read(struct bert__weights *weights, const struct bert__tensor *tensor,
                               uint64_t first, size_t n, float *out, bert_error *err);
/* The tensor in place if it is F32, 4-byte aligned and mapped; else NULL. It stays
 * valid until bert__weights_close(); finite values were checked. */
bert_status bert__weights_borrow(struct bert__weights *weights, const struct bert__tensor *tensor,
                                 const float **out, bert_error *err);
/* Tensor i of all, NULL past the end; `used` tells if it was needed. */
const struct bert__tensor *bert__weights_at(const struct bert__weights *weights, size_t i);

#endif
