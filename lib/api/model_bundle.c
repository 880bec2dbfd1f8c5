/* SPDX-License-Identifier: MIT */
/* model_bundle.c - a packed file where a directory is expected. */
#include <string.h>

#include "lib/api/model.h"
#include "lib/base/error.h"

bert_status bert__bundle_dtype(const struct bert__bundle *bundle, uint32_t precision,
                               enum bert__dtype *out, bert_error *err)
{
    *out = BERT__F32;
    if (precision == BERT_PRECISION_BF16 || precision == BERT_PRECISION_INT8) {
        *out = precision == BERT_PRECISION_BF16 ? BERT__BF16 : BERT__INT8;
        return BERT_OK;
    }
    if (bundle == NULL || precision == BERT_PRECISION_FP32)
        return BERT_OK;
    for (int i = 0; i < BERT__DTYPE_COUNT; i++) {
        *out = (enum bert__dtype)i;
        if (strcmp(bundle->precision, bert__dtype_name(*out)) == 0)
            return BERT_OK;
    }
    return bert__fail(err, BERT_EUNSUPPORTED, "%s: packed in \"%s\", which is not known here",
                      bert__file_path(bundle->file), bundle->precision);
}

bert_status bert__bundle_prepare(struct bert__bundle *bundle, const bert_model_options *options,
                                 bert_error *err)
{
    uint64_t size, max = options->max_file_bytes;
    bert_status st = BERT_OK;

    if (bundle == NULL)
        return BERT_OK;
    size = bert__file_size(bundle->file);
    if (max != 0 && size > max)
        return bert__fail(err, BERT_ELIMIT, "%s: %llu bytes, over the limit of %llu per file",
                          bert__file_path(bundle->file), (unsigned long long)size,
                          (unsigned long long)max);
    if ((options->flags & BERT_MODEL_VERIFY) != 0)
        st = bert__bundle_verify(bundle, err);
    if (st == BERT_OK && (options->flags & BERT_MODEL_READ) == 0)
        st = bert__bundle_map(bundle, err);
    return st;
}

void bert__model_traced_free(struct bert__traced_model *traced)
{
    for (struct bert__traced *w = traced->trace.weights; w != NULL; w = w->next)
        bert__weights_forget(w->item);
    bert__trace_free(&traced->trace);
    traced->model->weights = NULL; /* one of those */
    bert__source_close(traced->source);
    bert_model_unref(traced->model);
}
