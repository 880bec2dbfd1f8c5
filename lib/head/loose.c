/* SPDX-License-Identifier: MIT */
/* loose.c - a linear layer among the encoder's tensors, or in a file of its own. */
#include "lib/head/loose.h"

#include "lib/base/error.h"
#include "lib/graph/names.h"

enum { MAX_ROWS = 1 << 20 }; /* as out_features of modules */

/* PREFIXweight and PREFIXbias of these weights. */
static bert_status load_from(struct bert__network *net, struct bert__weights *weights,
                             const char *prefix, uint32_t n_in, bool has_bias,
                             struct bert__linear *out, bool *found, bert_error *err)
{
    char weight[BERT__NAME_BYTES], bias[BERT__NAME_BYTES];
    const struct bert__tensor *tensor;
    uint32_t rows = 1;
    bert_status st = bert__name_join(weight, prefix, "weight", err);

    if (st == BERT_OK)
        st = bert__name_join(bias, prefix, "bias", err);
    if (st != BERT_OK)
        return st;
    tensor = bert__weights_find(weights, weight);
    *found = tensor != NULL;
    if (tensor == NULL)
        return BERT_OK;
    if (tensor->rank == 2 && tensor->shape[0] > 0 && tensor->shape[0] <= MAX_ROWS)
        rows = (uint32_t)tensor->shape[0]; /* any other is refused by its shape */
    return bert__linear_load_tensors(net, weights, weight, has_bias ? bias : NULL, rows, n_in, true,
                                     out, err);
}

bert_status bert__loose_linear_load(struct bert__network *net, const struct bert__head_files *files,
                                    const char *name, uint32_t n_in, bool has_bias,
                                    struct bert__linear *out, bool *found, bert_error *err)
{
    struct bert__weights *own;
    char file[BERT__NAME_BYTES], prefix[BERT__NAME_BYTES];
    bert_status st = bert__name_join(prefix, name, ".", err);

    *found = false;
    if (st == BERT_OK)
        st = bert__name_join(file, name, ".safetensors", err);
    if (st == BERT_OK)
        st = load_from(net, files->weights, prefix, n_in, has_bias, out, found, err);
    if (st != BERT_OK || *found)
        return st;
    st = bert__weights_open_file(&own, net->alloc, files->source, file, files->widen,
                                 files->allow_nonfinite, err);
    if (st != BERT_OK || own == NULL)
        return st;
    st = load_from(net, own, prefix, n_in, has_bias, out, found, err);
    if (st == BERT_OK && !*found)
        st = load_from(net, own, "", n_in, has_bias, out, found, err);
    if (st == BERT_OK && !*found)
        st = bert__fail(err, BERT_EFORMAT, "%s: neither %s.weight nor weight is there",
                        bert__weights_path(own), name);
    bert__weights_close(own);
    return st;
}

bert_status bert__loose_pickle(const struct bert__head_files *files, const char *name,
                               bert_error *missing, bert_error *err)
{
    struct bert__trace *trace = bert__source_trace(files->source, NULL); /* not to be packed */
    struct bert__file *file = NULL;
    char pickle[BERT__NAME_BYTES];
    bert_status st = bert__name_join(pickle, name, ".pt", err);

    if (st == BERT_OK)
        st = bert__source_open(files->source, pickle, 1, &file, err);
    bert__source_trace(files->source, trace);
    if (st == BERT_OK && file != NULL)
        bert__fail(missing, BERT_EUNSUPPORTED,
                   "%s: only safetensors are read (a pickle can run code when it is opened); "
                   "`python -m libbert.convert` with the model's folder, which runs none of it, "
                   "makes %s.safetensors",
                   bert__file_path(file), name);
    bert__file_close(file);
    return st;
}
