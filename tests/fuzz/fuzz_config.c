/* SPDX-License-Identifier: MIT */
/*
 * fuzz_config.c - any bytes as one of a model's JSON files, the others being good.
 *
 * The first byte chooses the file; the rest is its content.
 */
#include <stdint.h>

#include "lib/model/config.h"
#include "lib/model/modules.h"
#include "lib/model/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char list[] =
    "[{\"name\":\"0\",\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
    "{\"name\":\"1\",\"path\":\"1\",\"type\":\"sentence_transformers.models.Pooling\"},"
    "{\"name\":\"2\",\"path\":\"2\",\"type\":\"sentence_transformers.models.Dense\"}]";
static const char dense[] = "{\"in_features\":3,\"out_features\":2}";

static void load(struct bert__alloc *alloc, struct bert__source *source)
{
    static const struct bert__widen widen = {NULL, NULL, NULL}; /* nothing is read */
    struct bert__arena arena;
    struct bert__modules modules;
    struct bert__config config;
    struct bert__weights *weights;
    bert_error err;

    bert__arena_init(&arena, alloc);
    if (bert__modules_load(&modules, &arena, alloc, source, &err) == BERT_OK
        && (!modules.n_modules || modules.modules[0].kind != BERT__MODULE_POOLING
            || !modules.modules[0].n_modes))
        __builtin_trap();
    if (bert__config_load(&config, &arena, source, "", 0, &err) == BERT_OK
        && (!config.heads || config.head_size * config.heads != config.hidden_size || !config.layers
            || config.layers > 1024 || !(config.norm_eps >= 0)))
        __builtin_trap();
    if (bert__weights_open(&weights, alloc, source, "", &widen, false, false, &err) == BERT_OK)
        bert__weights_close(weights);
    bert__arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bert_file files[] = {{"config.json", "{\"model_type\":\"bert\"}", 21},
                         {"modules.json", list, sizeof(list) - 1},
                         {"1/config.json", "{}", 2},
                         {"2/config.json", dense, sizeof(dense) - 1},
                         {"sentence_bert_config.json", "{}", 2},
                         {"config_sentence_transformers.json", "{}", 2},
                         {"model.safetensors.index.json", "{}", 2},
                         {"x", "\2\0\0\0\0\0\0\0{}", 10}};
    struct bert__alloc *alloc;
    struct bert__source *source;
    bert_error err;

    if (!size || (alloc = bert__alloc_create(NULL, 0)) == NULL)
        return 0;
    files[data[0] % 7].data = data + 1;
    files[data[0] % 7].size = size - 1;
    if (bert__source_open_memory(&source, alloc, files, 8, 0, &err) == BERT_OK)
        load(alloc, source);
    bert__source_close(source);
    if (bert__alloc_used(alloc) != 0)
        __builtin_trap();
    bert__alloc_destroy(alloc);
    return 0;
}
