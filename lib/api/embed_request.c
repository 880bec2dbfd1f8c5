/* SPDX-License-Identifier: MIT */
/* embed_request.c - what bert_embed() is to do, from options and model. */
#include <string.h>

#include "lib/api/embed.h"
#include "lib/api/options.h"
#include "lib/base/error.h"

static bert_status read_options(bert_embed_options *o, const bert_embed_options *src,
                                bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, src, "bert_embed_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o->pooling, BERT_POOLING_LAST + 1, "bert_embed_options.pooling",
                                err);
    if (st == BERT_OK)
        st = bert__options_enum(o->normalize, BERT_NORMALIZE_OFF + 1,
                                "bert_embed_options.normalize", err);
    if (st == BERT_OK)
        st = bert__options_enum(o->overlong, BERT_OVERLONG_WINDOWS + 1,
                                "bert_embed_options.overlong", err);
    return st;
}

static bert_status choose_prompt(struct bert__embed_request *r, const bert_model *model,
                                 const bert_embed_options *o, bert_error *err)
{
    const char *name = o->prompt_name != NULL ? o->prompt_name : model->modules.default_prompt;
    char shown[84];

    if (o->prompt != NULL) {
        if (o->prompt->data == NULL && o->prompt->size > 0)
            return bert__fail(err, BERT_EINVAL, "prompt.data is NULL and prompt.size is %zu",
                              o->prompt->size);
        r->prompt = *o->prompt;
        return BERT_OK;
    }
    if (name == NULL)
        return BERT_OK;
    for (uint32_t i = 0; i < model->modules.n_prompts; i++) {
        if (strcmp(model->modules.prompts[i].name, name) == 0) {
            r->prompt = model->modules.prompts[i].text;
            return BERT_OK;
        }
    }
    return bert__fail(err, BERT_EINVAL, "the model has no prompt named \"%s\"",
                      bert__printable(shown, name, strlen(name)));
}

static void choose_pooling(struct bert__embed_request *r, const bert_model *model, uint32_t pooling)
{
    static const enum bert__pooling_mode modes[] = {
        [BERT_POOLING_MEAN] = BERT__POOL_MEAN,
        [BERT_POOLING_CLS] = BERT__POOL_CLS,
        [BERT_POOLING_MAX] = BERT__POOL_MAX,
        [BERT_POOLING_MEAN_SQRT_LEN] = BERT__POOL_MEAN_SQRT_LEN,
        [BERT_POOLING_WEIGHTED] = BERT__POOL_WEIGHTED,
        [BERT_POOLING_LAST] = BERT__POOL_LAST,
    };

    r->modules = pooling == BERT_POOLING_MODEL;
    if (r->modules) {
        r->pooling = model->modules.modules[0];
    } else {
        r->pooling.modes[0] = modes[pooling];
        r->pooling.n_modes = 1;
        r->pooling.include_prompt = true;
    }
    r->pooled_width = r->pooling.n_modes * model->config.hidden_size;
    r->width = r->modules ? model->embedder->width : r->pooled_width;
}

/* Does the model's last stage leave rows of unit length? */
static bool ends_normalized(const bert_model *model)
{
    const struct bert__embedder *e = model->embedder;

    return e->stages[e->n_stages - 1].kind == BERT__MODULE_NORMALIZE;
}

static bert_status choose_width(struct bert__embed_request *r, const bert_model *model,
                                const bert_embed_options *o, bert_error *err)
{
    uint32_t whole = r->width, own = model->modules.truncate_dim;

    if (o->dimensions > whole)
        return bert__fail(err, BERT_EINVAL, "dimensions is %lu; the embedding has %lu",
                          (unsigned long)o->dimensions, (unsigned long)whole);
    if (o->dimensions > 0)
        r->width = o->dimensions;
    else if (own > 0 && own < whole)
        r->width = own; /* the model's own cut doesn't renormalise */
    r->modules_normalize = o->normalize != BERT_NORMALIZE_OFF;
    if (o->normalize == BERT_NORMALIZE_ON)
        r->normalize = r->width < whole || !r->modules || !ends_normalized(model);
    else if (o->normalize == BERT_NORMALIZE_MODEL)
        r->normalize = o->dimensions > 0;
    return BERT_OK;
}

static bert_status choose_length(struct bert__embed_request *r, const bert_model *model,
                                 const bert_embed_options *o, bert_error *err)
{
    uint32_t special = bert_tokenizer_special_count(model->tokenizer, 0);

    r->max_length = model->max_length;
    if (o->max_length > 0 && o->max_length < r->max_length)
        r->max_length = o->max_length;
    if (r->max_length < special)
        return bert__fail(err, BERT_EINVAL, "max_length is %lu; the special tokens alone are %lu",
                          (unsigned long)r->max_length, (unsigned long)special);
    r->overlong = o->overlong;
    r->stride = o->stride;
    if (o->overlong == BERT_OVERLONG_WINDOWS && o->stride >= r->max_length - special)
        return bert__fail(err, BERT_EINVAL, "stride is %lu; windows have room for %lu tokens",
                          (unsigned long)o->stride, (unsigned long)(r->max_length - special));
    return BERT_OK;
}

bert_status bert__embed_request_read(struct bert__embed_request *r, const bert_model *model,
                                     const bert_embed_options *options, bert_error *err)
{
    bert_embed_options o;
    bert_status st = read_options(&o, options, err);

    memset(r, 0, sizeof *r);
    if (st == BERT_OK)
        st = choose_prompt(r, model, &o, err);
    if (st != BERT_OK)
        return st;
    choose_pooling(r, model, o.pooling);
    st = choose_width(r, model, &o, err);
    if (st != BERT_OK || model->tokenizer == NULL)
        return st;
    r->tokenizer = model->tokenizer;
    return choose_length(r, model, &o, err);
}

bert_status bert_embed_size(const bert_model *model, const bert_embed_options *options, size_t *out,
                            bert_error *err)
{
    struct bert__embed_request r;
    bert_status st;

    if (model == NULL || out == NULL)
        return bert__fail(err, BERT_EINVAL, "%s is NULL", model == NULL ? "model" : "out");
    st = bert__embed_request_read(&r, model, options, err);
    if (st == BERT_OK)
        *out = r.width;
    return st;
}

uint32_t bert_model_embedding_size(const bert_model *model)
{
    size_t size = model->embedder->width;

    /* the defaults can only be refused where max_length has no room for a token */
    bert_embed_size(model, NULL, &size, NULL);
    return (uint32_t)size;
}
