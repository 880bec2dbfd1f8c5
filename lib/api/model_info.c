/* SPDX-License-Identifier: MIT */
/* model_info.c - what was loaded, as getters; and what the machine offers. */
#include <string.h>

#include "lib/api/model.h"
#include "lib/backend/level.h"
#include "lib/base/error.h"
#include "tokenizer/tokenizer.h"

const char *bert_model_architecture(const bert_model *model)
{
    return model->config.arch->model_type;
}

const char *bert_model_task(const bert_model *model)
{
    if (model->modules.present || model->modules.multi.present)
        return "embedding";
    return model->heads.n > 0 ? model->heads.items[0].row->task : "encoder";
}

uint32_t bert_model_hidden_size(const bert_model *model)
{
    return model->config.hidden_size;
}

uint32_t bert_model_layers(const bert_model *model)
{
    return model->config.layers;
}

uint32_t bert_model_heads(const bert_model *model)
{
    return model->config.heads;
}

uint32_t bert_model_intermediate_size(const bert_model *model)
{
    return model->config.intermediate_size;
}

uint32_t bert_model_vocab_size(const bert_model *model)
{
    return model->config.vocab_size;
}

uint32_t bert_model_type_vocab_size(const bert_model *model)
{
    return model->config.type_vocab_size;
}

uint32_t bert_model_max_positions(const bert_model *model)
{
    return model->config.max_positions;
}

uint32_t bert_model_max_length(const bert_model *model)
{
    return model->longest;
}

uint64_t bert_model_parameters(const bert_model *model)
{
    return model->network->parameters;
}

uint64_t bert_model_bytes(const bert_model *model)
{
    return bert__alloc_used(model->alloc)
           + (model->tokenizer != NULL ? bert__tokenizer_bytes(model->tokenizer) : 0);
}

bert_precision bert_model_precision(const bert_model *model)
{
    switch (model->network->dtype) {
    case BERT__BF16:
        return BERT_PRECISION_BF16;
    case BERT__INT8:
        return BERT_PRECISION_INT8;
    default:
        return BERT_PRECISION_FP32;
    }
}

const char *bert_model_cpu(const bert_model *model)
{
    return model->network->backend->device_name(model->network->device);
}

int bert_model_has_pooler(const bert_model *model)
{
    return model->network->pooler.matrix != NULL || model->config.pooler_is_first;
}

const char *bert_model_pooling(const bert_model *model)
{
    return model->pooling;
}

const char *bert_model_similarity(const bert_model *model)
{
    return model->modules.similarity;
}

uint32_t bert_model_prompt_count(const bert_model *model)
{
    return model->modules.n_prompts;
}

const char *bert_model_prompt_name(const bert_model *model, uint32_t i)
{
    return i < model->modules.n_prompts ? model->modules.prompts[i].name : NULL;
}

bert_text bert_model_prompt(const bert_model *model, uint32_t i)
{
    bert_text none = {NULL, 0};

    return i < model->modules.n_prompts ? model->modules.prompts[i].text : none;
}

const char *bert_model_default_prompt(const bert_model *model)
{
    return model->modules.default_prompt;
}

uint32_t bert_model_label_count(const bert_model *model)
{
    return model->n_labels;
}

const char *bert_model_label(const bert_model *model, uint32_t i)
{
    return i < model->n_labels ? model->labels[i] : NULL;
}

uint32_t bert_model_note_count(const bert_model *model)
{
    return model->n_notes;
}

const char *bert_model_note(const bert_model *model, uint32_t i)
{
    const struct bert__note *note = model->notes;

    for (; note != NULL && i > 0; i--)
        note = note->next;
    return note != NULL ? note->text : NULL;
}

bert_status bert_model_tokenizer(const bert_model *model, const bert_tokenizer **out,
                                 bert_error *err)
{
    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (model == NULL)
        return bert__fail(err, BERT_EINVAL, "model is NULL");
    *out = model->tokenizer;
    if (model->tokenizer != NULL)
        return BERT_OK;
    return bert__fail(err, model->tokenizer_error.code, "%s", model->tokenizer_error.message);
}

int bert_cpu_available(const char *cpu)
{
    const char *name;

    for (uint32_t i = 0; cpu != NULL && (name = bert__level_name(i)) != NULL; i++) {
        if (strcmp(name, cpu) == 0)
            return 1;
    }
    return 0;
}

const char *bert_cpu_name(uint32_t i)
{
    return bert__level_name(i);
}

int bert_backend_available(const char *backend, bert_error *err)
{
    const struct bert__backend *found;

    return bert__backend_find(&found, backend, err) == BERT_OK;
}
