/* SPDX-License-Identifier: MIT */
#include "examples/bert/kinds.h"

#include <inttypes.h>
#include <string.h>

#include "examples/bert/json_out.h"
#include "examples/bert/message.h"

static const struct {
    const char *name;
    uint32_t bit;
} names[] = {{"dense", BERT_EMBEDDING_DENSE}, {"sparse", BERT_EMBEDDING_SPARSE}};

enum { N_NAMES = sizeof names / sizeof names[0] };

/* ---- Options ------------------------------------------------------------------------ */

static uint32_t find_name(const char *name, size_t size)
{
    for (size_t i = 0; i < N_NAMES; i++) {
        if (strlen(names[i].name) == size && memcmp(names[i].name, name, size) == 0)
            return names[i].bit;
    }
    return 0;
}

int kinds_parse(const struct options *options, uint32_t *outputs)
{
    const char *name = options->outputs;

    *outputs = 0;
    while (name != NULL) {
        size_t size = strcspn(name, ",");
        uint32_t bit = find_name(name, size);

        if (bit == 0)
            return usage_error(options->command, "--outputs: '%.*s' is none of dense, sparse",
                               (int)size, name);
        *outputs |= bit;
        name = name[size] == ',' ? name + size + 1 : NULL;
    }
    return 0;
}

static int check_options(const struct options *options, uint32_t outputs)
{
    if (outputs == BERT_EMBEDDING_DENSE)
        return 0;
    if (options->format > FORMAT_JSON)
        return usage_error(options->command,
                           "term weights are lists of different lengths: --json only");
    if (options->quantize != QUANTIZE_NONE)
        return usage_error(options->command, "term weights and --quantize exclude each other");
    if (options->windows)
        return usage_error(options->command, "term weights and --windows exclude each other");
    return 0;
}

/* ---- The call ------------------------------------------------------------------------- */

static bert_status run_texts(void *context, bert_session *session, const bert_text *texts,
                             const bert_text *pairs, size_t n, void **result, bert_error *error)
{
    bert_embeddings *found = NULL;
    bert_status status = bert_embed_all(session, texts, n, context, &found, error);

    (void)pairs;
    *result = found;
    return status;
}

static bert_status status_of(const void *result, size_t i, const char **message)
{
    *message = bert_embeddings_message(result, i);
    return bert_embeddings_status(result, i);
}

static void free_result(void *result)
{
    bert_embeddings_free(result);
}

/* ---- Lines ---------------------------------------------------------------------------- */

static void put_dense(struct output *out, const bert_embeddings *result, size_t i)
{
    size_t size;
    const float *vector = bert_embeddings_dense(result, i, &size);
    uint32_t shape[1] = {(uint32_t)size};

    json_tensor(out, vector, shape, 1);
}

static void put_indices(struct output *out, const bert_term *terms, size_t n)
{
    output_write(out, "[", 1);
    for (size_t k = 0; k < n; k++) {
        output_write(out, ",", k > 0);
        json_integer(out, terms[k].id);
    }
    output_write(out, "]", 1);
}

static void put_weights(struct output *out, const bert_term *terms, size_t n)
{
    output_write(out, "[", 1);
    for (size_t k = 0; k < n; k++) {
        output_write(out, ",", k > 0);
        json_float(out, terms[k].weight);
    }
    output_write(out, "]", 1);
}

static void put_json(struct output *out, uint64_t index, const bert_embeddings *result, size_t i)
{
    uint32_t outputs = bert_embeddings_outputs(result);
    size_t n;
    const bert_term *terms = bert_embeddings_terms(result, i, &n);

    output_format(out, "{\"index\": %" PRIu64, index);
    if (outputs & BERT_EMBEDDING_DENSE) {
        json_name(out, "embedding");
        put_dense(out, result, i);
    }
    if (outputs & BERT_EMBEDDING_SPARSE) {
        json_name(out, "indices");
        put_indices(out, terms, n);
        json_name(out, "values");
        put_weights(out, terms, n);
    }
    output_format(out, ", \"tokens\": %" PRIu32 ", \"truncated\": %" PRIu64 "}\n",
                  bert_embeddings_tokens(result, i), bert_embeddings_truncated(result, i));
}

/* For people: "id:weight", parted by spaces; a vector as a list before it. */
static void put_brief(struct output *out, const bert_embeddings *result, size_t i)
{
    uint32_t outputs = bert_embeddings_outputs(result);
    size_t n;
    const bert_term *terms = bert_embeddings_terms(result, i, &n);

    if (outputs & BERT_EMBEDDING_DENSE)
        put_dense(out, result, i);
    if (outputs == (BERT_EMBEDDING_DENSE | BERT_EMBEDDING_SPARSE))
        output_text(out, "\t");
    for (size_t k = 0; k < n; k++)
        output_format(out, "%s%" PRId32 ":%.6g", k > 0 ? " " : "", terms[k].id,
                      (double)terms[k].weight);
    output_text(out, "\n");
}

static void put(struct job *job, void *context, const struct record *record, const void *result,
                size_t i)
{
    (void)context;
    if (job->options->json || job->options->format == FORMAT_JSON)
        put_json(&job->output, record->index, result, i);
    else
        put_brief(&job->output, result, i);
}

/* ---- Loading -------------------------------------------------------------------------- */

static void fill(bert_embed_all_options *o, const bert_embed_options *like)
{
    o->pooling = like->pooling;
    o->normalize = like->normalize;
    o->dimensions = like->dimensions;
    o->max_length = like->max_length;
    o->overlong = like->overlong == BERT_OVERLONG_WINDOWS ? 0 : like->overlong;
    o->prompt = like->prompt;
    o->prompt_name = like->prompt_name;
}

int kinds_load(struct kinds *kinds, const struct vectors *vectors, struct job *job)
{
    const struct options *options = job->options;
    bert_embed_all_options *o = &kinds->options;
    bert_embeddings *none = NULL;
    bert_error error;
    int rc;

    *o = (bert_embed_all_options)BERT_EMBED_ALL_OPTIONS_INIT;
    kinds->task = (struct task){o, run_texts, status_of, put, free_result};
    fill(o, &vectors->options);
    o->max_active = number_or_zero(options->max_active);
    rc = kinds_parse(options, &o->outputs);
    if (rc != 0)
        return rc;
    if (options->outputs == NULL && (options->pooling != 0))
        o->outputs = BERT_EMBEDDING_DENSE; /* --pooling asks for vectors */
    if (bert_embed_all(job->runtime.session, NULL, 0, o, &none, &error) != BERT_OK)
        return error.code == BERT_EINVAL ? usage_error(options->command, "%s [%s]", error.message,
                                                       bert_status_name(error.code))
                                         : runtime_failed(&error);
    o->outputs = bert_embeddings_outputs(none);
    bert_embeddings_free(none);
    return check_options(options, o->outputs);
}
