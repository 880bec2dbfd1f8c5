/* SPDX-License-Identifier: MIT */
#include "examples/bert/bench_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/memory.h"
#include "examples/bert/options.h"

enum { VOCAB = 30522, TYPES = 2, MAX_SIZE = 1 << 16, MAX_LAYERS = 1024 };

bool bench_shape_parse(const char *text, struct bench_shape *shape)
{
    static const struct {
        const char *name;
        struct bench_shape shape;
    } known[] = {{"minilm6", {6, 384, 12, 1536}},
                 {"base", {12, 768, 12, 3072}},
                 {"large", {24, 1024, 16, 4096}}};
    int64_t n[4];
    size_t count;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(text, known[i].name) == 0) {
            *shape = known[i].shape;
            return true;
        }
    }
    if (!parse_numbers(text, 1, MAX_SIZE, n, 4, &count) || count != 4 || n[0] > MAX_LAYERS
        || n[1] % n[2] != 0)
        return false;
    *shape = (struct bench_shape){n[0], n[1], n[2], n[3]};
    return true;
}

/* ---- Writing a safetensors file ------------------------------------------------- */

/* With `out` NULL only the size is found. */
struct writer {
    char *header;
    size_t header_size;
    uint16_t *values;
    uint64_t count; /* of bf16 values */
    uint32_t random;
};

static float next_random(struct writer *w) /* in [-1, 1) */
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 17;
    w->random ^= w->random << 5;
    return (float)(int32_t)w->random * 0x1p-31f;
}

static uint16_t to_bf16(float x) /* cut, not rounded: weights are random anyway */
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static void put_header(struct writer *w, const char *name, int64_t rows, int64_t columns)
{
    uint64_t start = 2 * w->count, end = start + 2 * (uint64_t)(rows * (columns > 0 ? columns : 1));
    char shape[64], line[320];
    int n;

    if (columns > 0)
        snprintf(shape, sizeof shape, "%" PRId64 ",%" PRId64, rows, columns);
    else
        snprintf(shape, sizeof shape, "%" PRId64, rows);
    n = snprintf(line, sizeof line,
                 "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%" PRIu64
                 ",%" PRIu64 "]}",
                 w->header_size > 1 ? "," : "", name, shape, start, end);
    w->header = grow_memory(w->header, w->header_size + (size_t)n, 1);
    memcpy(w->header + w->header_size, line, (size_t)n);
    w->header_size += (size_t)n;
}

/* Values uniform around `centre`; columns 0: a vector. */
static void put_tensor(struct writer *w, const char *prefix, const char *name, int64_t rows,
                       int64_t columns, float centre, float spread)
{
    uint64_t n = (uint64_t)(rows * (columns > 0 ? columns : 1));
    char full[256];

    if (w->values != NULL) {
        for (uint64_t i = 0; i < n; i++)
            w->values[w->count + i] = to_bf16(centre + spread * next_random(w));
    } else {
        snprintf(full, sizeof full, "%s%s", prefix, name);
        put_header(w, full, rows, columns);
    }
    w->count += n;
}

static void put_dense(struct writer *w, const char *prefix, const char *name, int64_t out,
                      int64_t in)
{
    char full[128];

    snprintf(full, sizeof full, "%s.weight", name);
    put_tensor(w, prefix, full, out, in, 0, 0.05f);
    snprintf(full, sizeof full, "%s.bias", name);
    put_tensor(w, prefix, full, out, 0, 0, 0.05f);
}

static void put_norm(struct writer *w, const char *prefix, const char *name, int64_t size)
{
    char full[128];

    snprintf(full, sizeof full, "%s.weight", name);
    put_tensor(w, prefix, full, size, 0, 1, 0.1f);
    snprintf(full, sizeof full, "%s.bias", name);
    put_tensor(w, prefix, full, size, 0, 0, 0.1f);
}

static void put_layer(struct writer *w, const struct bench_shape *shape, int64_t layer)
{
    int64_t h = shape->hidden, f = shape->intermediate;
    char prefix[64];

    snprintf(prefix, sizeof prefix, "encoder.layer.%" PRId64 ".", layer);
    put_dense(w, prefix, "attention.self.query", h, h);
    put_dense(w, prefix, "attention.self.key", h, h);
    put_dense(w, prefix, "attention.self.value", h, h);
    put_dense(w, prefix, "attention.output.dense", h, h);
    put_norm(w, prefix, "attention.output.LayerNorm", h);
    put_dense(w, prefix, "intermediate.dense", f, h);
    put_dense(w, prefix, "output.dense", h, f);
    put_norm(w, prefix, "output.LayerNorm", h);
}

static void put_model(struct writer *w, const struct bench_shape *shape, uint32_t positions)
{
    int64_t h = shape->hidden;

    w->count = 0;
    put_tensor(w, "", "embeddings.word_embeddings.weight", VOCAB, h, 0, 0.05f);
    put_tensor(w, "", "embeddings.position_embeddings.weight", positions, h, 0, 0.05f);
    put_tensor(w, "", "embeddings.token_type_embeddings.weight", TYPES, h, 0, 0.05f);
    put_norm(w, "", "embeddings.LayerNorm", h);
    for (int64_t i = 0; i < shape->layers; i++)
        put_layer(w, shape, i);
}

static bert_file make_weights(const struct bench_shape *shape, uint32_t positions)
{
    struct writer w = {.header = copy_bytes("{", 1), .header_size = 1, .random = 2463534242u};
    size_t prefix, padding;
    bert_file file = {"model.safetensors", NULL, 0};
    unsigned char *data;

    put_model(&w, shape, positions);
    padding = (8 - (w.header_size + 1) % 8) % 8;
    prefix = 8 + w.header_size + 1 + padding;
    file.size = prefix + 2 * (size_t)w.count;
    data = get_memory(file.size, 1);
    for (int i = 0; i < 8; i++)
        data[i] = (unsigned char)((uint64_t)(prefix - 8) >> (8 * i));
    memcpy(data + 8, w.header, w.header_size);
    data[8 + w.header_size] = '}';
    memset(data + prefix - padding, ' ', padding);
    w.values = (uint16_t *)(void *)(data + prefix); /* prefix is a multiple of 8 */
    put_model(&w, shape, positions);
    free(w.header);
    file.data = data;
    return file;
}

static bert_file make_config(const struct bench_shape *shape, uint32_t positions)
{
    bert_file file = {"config.json", NULL, 0};
    char text[1024];

    file.size = (size_t)snprintf(
        text, sizeof text,
        "{\"model_type\": \"bert\", \"hidden_act\": \"gelu\", \"num_hidden_layers\": %" PRId64
        ", \"hidden_size\": %" PRId64 ", \"num_attention_heads\": %" PRId64
        ", \"intermediate_size\": %" PRId64 ", \"vocab_size\": %d, \"type_vocab_size\": %d"
        ", \"max_position_embeddings\": %" PRIu32
        ", \"layer_norm_eps\": 1e-12, \"pad_token_id\": 0}",
        shape->layers, shape->hidden, shape->heads, shape->intermediate, VOCAB, TYPES, positions);
    file.data = copy_bytes(text, file.size);
    return file;
}

void bench_model_make(const struct bench_shape *shape, uint32_t positions, bert_file files[2])
{
    files[0] = make_config(shape, positions);
    files[1] = make_weights(shape, positions);
}
