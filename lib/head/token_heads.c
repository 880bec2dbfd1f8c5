/* SPDX-License-Identifier: MIT */
/* token_heads.c - the heads on tokens that a model's files have. */
#include "lib/head/token_heads.h"

#include <string.h>

#include "lib/base/error.h"

/* colbert_linear of all tokens but the first, to unit length. */
static const struct bert__module m3_modules[] = {
    {.kind = BERT__MODULE_DENSE,
     .path = "",
     .tensor = "colbert_linear",
     .has_bias = true,
     .activation = "identity"},
    {.kind = BERT__MODULE_NORMALIZE, .path = ""},
};

static bert_status load_vectors(struct bert__token_heads *heads, struct bert__network *net,
                                const struct bert__multi *multi,
                                const struct bert__head_files *files, bert_error *err)
{
    bert_error why = {BERT_OK, ""};
    bert_status st;

    if (multi->refusal != NULL) {
        bert__fail(&heads->vectors_missing, BERT_EUNSUPPORTED, "%s", multi->refusal);
        return BERT_OK;
    }
    if (multi->present)
        st = bert__embedder_create(&heads->vectors, net, multi->modules, multi->n_modules, files,
                                   &why);
    else
        st = bert__embedder_create(&heads->vectors, net, m3_modules, 2, files, &why);
    heads->skip_first = !multi->present;
    if (st == BERT_EUNSUPPORTED) {
        heads->vectors_missing = why;
        return BERT_OK;
    }
    return st == BERT_OK ? BERT_OK : bert__fail(err, st, "%s", why.message);
}

static bert_status load_lexical(struct bert__token_heads *heads, struct bert__network *net,
                                const struct bert__head_files *files, bert_error *err)
{
    static const char name[] = "sparse_linear";
    bool found;
    bert_status st = bert__loose_linear_load(net, files, name, net->config->hidden_size, true,
                                             &heads->lexical, &found, err);

    if (st != BERT_OK)
        return st;
    if (!found)
        return bert__loose_pickle(files, name, &heads->lexical_missing, err);
    if (heads->lexical.n_out == 1)
        return BERT_OK;
    return bert__fail(err, BERT_EFORMAT, "%s: %s.weight has %lu rows; 1 is expected",
                      bert__source_name(files->source), name, (unsigned long)heads->lexical.n_out);
}

bert_status bert__token_heads_load(struct bert__token_heads *heads, struct bert__network *net,
                                   const struct bert__multi *multi,
                                   const struct bert__head_files *files, bert_error *err)
{
    bert_status st = load_vectors(heads, net, multi, files, err);

    if (st == BERT_OK && !multi->present)
        st = load_lexical(heads, net, files, err);
    if (heads->vectors != NULL)
        heads->head_width = heads->vectors->head_width;
    if (heads->lexical.matrix != NULL && heads->head_width <= heads->lexical.n_in)
        heads->head_width = heads->lexical.n_in + 1;
    return st;
}

void bert__token_heads_free(struct bert__token_heads *heads, struct bert__network *net)
{
    if (net == NULL)
        return;
    bert__embedder_destroy(heads->vectors, net);
    bert__linear_free(net, &heads->lexical);
    memset(heads, 0, sizeof *heads);
}
