/* SPDX-License-Identifier: MIT */
/* embedder.c - the stages after the transformer, made from modules.json. */
#include "lib/head/embedder.h"

#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/graph/pack.h"

static const float norm_eps = 1e-5f; /* torch.nn.LayerNorm's default; the module has no other */

static bert_status check_width(const struct bert__source *source, const struct bert__module *m,
                               uint32_t width, const char *key, bert_error *err)
{
    if (m->in_features == width)
        return BERT_OK;
    return bert__fail(err, BERT_EFORMAT,
                      "%s/%s/config.json: %s is %lu, but the module before gives %lu values",
                      bert__source_name(source), m->path, key, (unsigned long)m->in_features,
                      (unsigned long)width);
}

static bert_status load_dense(struct bert__network *net, struct bert__weights *weights,
                              const struct bert__module *m, struct bert__dense *dense,
                              bert_error *err)
{
    bert_status st;

    if (!bert__act_named(m->activation, &dense->act)) {
        dense->act = BERT__ACT_NONE;
        dense->fn = bert__torch_act(m->activation);
    }
    if (dense->act == BERT__ACT_NONE && dense->fn == NULL && strcmp(m->activation, "identity") != 0)
        return bert__fail(err, BERT_EUNSUPPORTED,
                          "%s: activation_function \"%s\" of %s/config.json is not supported",
                          bert__weights_path(weights), m->activation, m->path);
    st = bert__linear_load(net, weights, "linear", m->out_features, m->in_features, m->has_bias,
                           true, &dense->linear, err);
    if (st == BERT_OK && m->use_residual && m->in_features != m->out_features)
        st = bert__linear_load(net, weights, "residual", m->out_features, m->in_features, false,
                               true, &dense->residual, err);
    dense->add_input = m->use_residual && m->in_features == m->out_features;
    return st;
}

/* One whose tensors say its sizes; BERT_EUNSUPPORTED where there are none. */
static bert_status load_loose(struct bert__network *net, const struct bert__head_files *files,
                              const struct bert__module *m, uint32_t width,
                              struct bert__dense *dense, bert_error *err)
{
    bert_error missing = {BERT_OK, ""};
    bool found;
    bert_status st = bert__loose_linear_load(net, files, m->tensor, width, m->has_bias,
                                             &dense->linear, &found, err);

    if (st != BERT_OK || found)
        return st;
    st = bert__loose_pickle(files, m->tensor, &missing, err);
    if (st != BERT_OK)
        return st;
    if (missing.code != BERT_OK)
        return bert__fail(err, missing.code, "%s", missing.message);
    return bert__fail(err, BERT_EUNSUPPORTED,
                      "%s: there is neither a tensor %s.weight nor a file "
                      "%s.safetensors",
                      bert__weights_path(files->weights), m->tensor, m->tensor);
}

static bert_status load_module(struct bert__network *net, const struct bert__head_files *files,
                               const struct bert__module *m, struct bert__dense *dense,
                               bert_error *err)
{
    struct bert__weights *weights;
    bert_status st = bert__weights_open(&weights, net->alloc, files->source, m->path, files->widen,
                                        false, files->allow_nonfinite, err);

    if (st != BERT_OK)
        return st;
    st = load_dense(net, weights, m, dense, err);
    bert__weights_close(weights);
    return st;
}

static bert_status create_dense(struct bert__network *net, const struct bert__head_files *files,
                                const struct bert__module *m, uint32_t width,
                                struct bert__stage *stage, bert_error *err)
{
    bert_status st;

    stage->dense = bert__alloc_array(net->alloc, 1, sizeof *stage->dense);
    if (stage->dense == NULL)
        return bert__alloc_fail(net->alloc, "a dense module", err);
    if (m->tensor != NULL)
        return load_loose(net, files, m, width, stage->dense, err);
    st = check_width(files->source, m, width, "in_features", err);
    return st == BERT_OK ? load_module(net, files, m, stage->dense, err) : st;
}

static bert_status load_norm_part(struct bert__network *net, struct bert__weights *weights,
                                  const char *name, uint32_t width, struct bert__table *table,
                                  bert_error *err)
{
    const struct bert__tensor *tensor;
    uint64_t shape = width;
    bert_status st = bert__weights_need(weights, name, 1, &shape, &tensor, err);

    if (st != BERT_OK)
        return st;
    table->count = width;
    net->parameters += width;
    return bert__table_read(net, weights, tensor, table, err);
}

static bert_status create_norm(struct bert__network *net, const struct bert__head_files *files,
                               const struct bert__module *m, struct bert__stage *stage,
                               bert_error *err)
{
    struct bert__weights *weights;
    bert_status st;

    stage->norm = bert__alloc_array(net->alloc, 1, sizeof *stage->norm);
    if (stage->norm == NULL)
        return bert__alloc_fail(net->alloc, "a LayerNorm module", err);
    st = bert__weights_open(&weights, net->alloc, files->source, m->path, files->widen, false,
                            files->allow_nonfinite, err);
    if (st != BERT_OK)
        return st;
    st = load_norm_part(net, weights, "norm.weight", m->in_features, &stage->norm->gamma, err);
    if (st == BERT_OK)
        st = load_norm_part(net, weights, "norm.bias", m->in_features, &stage->norm->beta, err);
    bert__weights_close(weights);
    return st;
}

static void note_width(struct bert__embedder *e, uint32_t width)
{
    e->width = width;
    if (e->max_width < width)
        e->max_width = width;
}

static bert_status create_stage(struct bert__embedder *e, struct bert__network *net,
                                const struct bert__head_files *files, const struct bert__module *m,
                                bert_error *err)
{
    struct bert__stage *stage = &e->stages[e->n_stages++];
    uint32_t in = e->width, n_out;
    bert_status st = BERT_OK;

    stage->kind = m->kind;
    stage->module = m;
    if (m->kind == BERT__MODULE_POOLING) {
        note_width(e, m->n_modes * net->config->hidden_size);
    } else if (m->kind == BERT__MODULE_LAYER_NORM) {
        st = check_width(files->source, m, in, "dimension", err);
        if (st == BERT_OK)
            st = create_norm(net, files, m, stage, err);
    } else if (m->kind == BERT__MODULE_DENSE) {
        st = create_dense(net, files, m, in, stage, err);
        if (st != BERT_OK)
            return st;
        n_out = stage->dense->linear.n_out;
        note_width(e, n_out);
        if (e->head_width < in + n_out)
            e->head_width = in + n_out;
    }
    stage->width = e->width;
    return st;
}

bert_status bert__embedder_create(struct bert__embedder **out, struct bert__network *net,
                                  const struct bert__module *modules, uint32_t n,
                                  const struct bert__head_files *files, bert_error *err)
{
    struct bert__embedder *e;
    bert_status st = BERT_OK;

    *out = NULL;
    e = bert__alloc_array(net->alloc, 1, sizeof *e);
    if (e != NULL)
        e->stages = bert__alloc_array(net->alloc, n, sizeof *e->stages);
    if (e == NULL || e->stages == NULL) {
        bert__embedder_destroy(e, net);
        return bert__alloc_fail(net->alloc, "the modules", err);
    }
    note_width(e, net->config->hidden_size);
    for (uint32_t i = 0; i < n && st == BERT_OK; i++) {
        if (i > 0 && modules[i].kind == BERT__MODULE_POOLING)
            st =
                bert__fail(err, BERT_EUNSUPPORTED, "%s/modules.json: a second Pooling (module %lu)",
                           bert__source_name(files->source), (unsigned long)i);
        else
            st = create_stage(e, net, files, &modules[i], err);
    }
    if (st != BERT_OK) {
        bert__embedder_destroy(e, net);
        return st;
    }
    *out = e;
    return BERT_OK;
}

void bert__embedder_destroy(struct bert__embedder *e, struct bert__network *net)
{
    if (e == NULL)
        return;
    for (uint32_t i = 0; e->stages != NULL && i < e->n_stages; i++) {
        struct bert__dense *dense = e->stages[i].dense;

        if (dense != NULL) {
            bert__linear_free(net, &dense->linear);
            bert__linear_free(net, &dense->residual);
            bert__alloc_free(net->alloc, dense);
        }
        if (e->stages[i].norm != NULL) {
            bert__table_free(net, &e->stages[i].norm->gamma);
            bert__table_free(net, &e->stages[i].norm->beta);
            bert__alloc_free(net->alloc, e->stages[i].norm);
        }
    }
    bert__alloc_free(net->alloc, e->stages);
    bert__alloc_free(net->alloc, e);
}

void bert__normalize_row(const struct bert__kernels *k, float *x, size_t n)
{
    float norm = sqrtf(k->dot(x, x, n));

    k->scale(x, x, 1.0f / (norm > 1e-12f ? norm : 1e-12f), n);
}

static void apply(bert__act_fn *fn, float *y, size_t n)
{
    for (size_t i = 0; fn != NULL && i < n; i++)
        y[i] = (float)fn((double)y[i]);
}

/* An activation that is no kernel's comes between the product and what is added to it. */
static bert_status run_dense_fn(const struct bert__dense *dense, struct bert__exec *exec,
                                const struct bert__kernels *k, const float *x, float *y, uint32_t n,
                                bert_error *err)
{
    size_t floats = (size_t)n * dense->linear.n_out;
    bert_status st = bert__exec_linear(exec, &dense->linear, BERT__ACT_NONE, x, n, y, NULL, err);

    if (st != BERT_OK)
        return st;
    apply(dense->fn, y, floats);
    if (dense->add_input)
        k->add(y, y, x, NULL, floats);
    return dense->residual.matrix == NULL
               ? BERT_OK
               : bert__exec_linear(exec, &dense->residual, BERT__ACT_NONE, x, n, y, y, err);
}

static bert_status run_dense(const struct bert__dense *dense, struct bert__exec *exec,
                             const struct bert__kernels *k, const float *x, float *y, uint32_t n,
                             bert_error *err)
{
    size_t floats = (size_t)n * dense->linear.n_out;
    bert_status st = BERT_OK;

    if (dense->fn != NULL)
        return run_dense_fn(dense, exec, k, x, y, n, err);
    if (dense->residual.matrix == NULL) {
        st = bert__exec_linear(exec, &dense->linear, dense->act, x, n, y, NULL, err);
        if (st == BERT_OK && dense->add_input)
            k->add(y, y, x, NULL, floats);
        return st;
    }
    st = bert__exec_linear(exec, &dense->residual, BERT__ACT_NONE, x, n, y, NULL, err);
    if (st == BERT_OK)
        st = bert__exec_linear(exec, &dense->linear, dense->act, x, n, y, y, err);
    return st;
}

bert_status bert__embedder_finish(const struct bert__embedder *e, struct bert__exec *exec,
                                  const struct bert__kernels *k, bool normalize, float *rows,
                                  float *spare, uint32_t n, float **result, bert_error *err)
{
    for (uint32_t i = 0; i < e->n_stages; i++) {
        const struct bert__stage *stage = &e->stages[i];

        if (stage->kind == BERT__MODULE_POOLING) {
            continue;
        } else if (stage->kind == BERT__MODULE_DENSE) {
            float *x = rows;
            bert_status st = run_dense(stage->dense, exec, k, x, spare, n, err);

            if (st != BERT_OK)
                return st;
            rows = spare;
            spare = x;
        } else if (stage->kind == BERT__MODULE_LAYER_NORM) {
            for (uint32_t r = 0; r < n; r++) {
                float *row = rows + (size_t)r * stage->width;

                k->layernorm(row, row, stage->norm->gamma.owned, stage->norm->beta.owned,
                             stage->width, norm_eps);
            }
        } else if (normalize) {
            for (uint32_t r = 0; r < n; r++)
                bert__normalize_row(k, rows + (size_t)r * stage->width, stage->width);
        }
    }
    *result = rows;
    return BERT_OK;
}
