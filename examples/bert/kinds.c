/* SPDX-License-Identifier: MIT */
#include "examples/bert/kinds.h"

#include <inttypes.h>
#include <string.h>

#include "examples/bert/heads.h"
#include "examples/bert/json_out.h"
#include "examples/bert/message.h"

static const struct {
    const char *name;
    uint32_t bit;
} names[] = {{"dense", BERT_EMBEDDING_DENSE},
             {"sparse", BERT_EMBEDDING_SPARSE},
             {"multi", BERT_EMBEDDING_MULTI}};

enum { N_NAMES = sizeof names / sizeof names[0] };

const char *kinds_name(uint32_t i)
{
    for (size_t k = 0; i < 32 && k < N_NAMES; k++) {
        if (names[k].bit == (uint32_t)1 << i)
            return names[k].name;
    }
    return NULL;
}

/* ---- Options ------------------------------------------------------------------------ */

static uint32_t find_name(const char *name, size_t size)
{
    for (size_t i = 0; i < N_NAMES; i++) {
        if (strlen(names[i].name) == size && memcmp(names[i].name, name, size) == 0)
            return names[i].bit;
    }
    return 0;
}

bert_status kinds_outputs(const char *list, uint32_t *outputs, bert_error *error)
{
    const char *name = list;

    *outputs = 0;
    while (name != NULL) {
        size_t size = strcspn(name, ",");
        uint32_t bit = find_name(name, size);

        if (bit == 0) {
            error_set(error, BERT_EINVAL, "'%.*s' is none of dense, sparse, multi", (int)size,
                      name);
            return BERT_EINVAL;
        }
        *outputs |= bit;
        name = name[size] == ',' ? name + size + 1 : NULL;
    }
    return BERT_OK;
}

int kinds_parse(const struct options *options, uint32_t *outputs)
{
    bert_error error;

    if (kinds_outputs(options->outputs, outputs, &error) != BERT_OK)
        return usage_error(options->command, "--outputs: %s", error.message);
    return 0;
}

static int check_options(const struct options *options, uint32_t outputs)
{
    if (outputs == BERT_EMBEDDING_DENSE)
        return 0;
    if (options->format > FORMAT_JSON)
        return usage_error(options->command,
                           "lists of different lengths have no table: --json only");
    if (options->quantize != QUANTIZE_NONE)
        return usage_error(options->command, "--quantize is for one vector a text");
    if (options->windows)
        return usage_error(options->command, "--windows is for one vector a text");
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

    json_put_tensor(out, vector, shape, 1);
}

static void put_indices(struct output *out, const bert_term *terms, size_t n)
{
    output_write(out, "[", 1);
    for (size_t k = 0; k < n; k++) {
        output_write(out, ",", k > 0);
        json_put_integer(out, terms[k].id);
    }
    output_write(out, "]", 1);
}

static void put_weights(struct output *out, const bert_term *terms, size_t n)
{
    output_write(out, "[", 1);
    for (size_t k = 0; k < n; k++) {
        output_write(out, ",", k > 0);
        json_put_float(out, terms[k].weight);
    }
    output_write(out, "]", 1);
}

static void put_vectors(struct output *out, const bert_embeddings *result, size_t i)
{
    size_t count, size;
    const float *vectors = bert_embeddings_vectors(result, i, &count, &size);
    uint32_t shape[2] = {(uint32_t)count, (uint32_t)size};

    json_put_tensor(out, vectors, shape, 2);
}

/* ", " before each member but the first. */
static void open_member(struct output *out, const char *name, bool *first)
{
    output_format(out, "%s\"%s\": ", *first ? "" : ", ", name);
    *first = false;
}

static void members(struct output *out, const struct options *options, const struct record *record,
                    const void *result, size_t i)
{
    bool first = true;
    uint32_t outputs = bert_embeddings_outputs(result);
    size_t n;
    const bert_term *terms = bert_embeddings_terms(result, i, &n);

    (void)options;
    (void)record;
    if (outputs & BERT_EMBEDDING_DENSE) {
        open_member(out, "embedding", &first);
        put_dense(out, result, i);
    }
    if (outputs & BERT_EMBEDDING_SPARSE) {
        open_member(out, "indices", &first);
        put_indices(out, terms, n);
        open_member(out, "values", &first);
        put_weights(out, terms, n);
    }
    if (outputs & BERT_EMBEDDING_MULTI) {
        open_member(out, "vectors", &first);
        put_vectors(out, result, i);
    }
    output_format(out, ", \"tokens\": %" PRIu32 ", \"truncated\": %" PRIu64,
                  bert_embeddings_tokens(result, i), bert_embeddings_truncated(result, i));
}

const struct reading reading_kinds = {status_of, members};

/* For people: a vector as a list, terms as "id:weight" parted by spaces, vectors as a list of
 * lists; tabs between them. */
static void put_brief(struct output *out, const bert_embeddings *result, size_t i)
{
    uint32_t outputs = bert_embeddings_outputs(result);
    size_t n;
    const bert_term *terms = bert_embeddings_terms(result, i, &n);

    if (outputs & BERT_EMBEDDING_DENSE)
        put_dense(out, result, i);
    if ((outputs & BERT_EMBEDDING_DENSE) && (outputs & BERT_EMBEDDING_SPARSE))
        output_text(out, "\t");
    for (size_t k = 0; k < n; k++)
        output_format(out, "%s%" PRId32 ":%.6g", k > 0 ? " " : "", terms[k].id,
                      (double)terms[k].weight);
    if ((outputs & BERT_EMBEDDING_MULTI) && outputs != BERT_EMBEDDING_MULTI)
        output_text(out, "\t");
    if (outputs & BERT_EMBEDDING_MULTI)
        put_vectors(out, result, i);
    output_text(out, "\n");
}

static void put(struct job *job, void *context, const struct record *record, const void *result,
                size_t i)
{
    (void)context;
    if (job->options->json || job->options->format == FORMAT_JSON)
        task_put_json(job, &reading_kinds, record, result, i);
    else
        put_brief(&job->output, result, i);
}

/* ---- Loading -------------------------------------------------------------------------- */

bert_embed_all_options kinds_options(const struct options *options, const bert_embed_options *like,
                                     uint32_t outputs)
{
    bert_embed_all_options o = BERT_EMBED_ALL_OPTIONS_INIT;

    o.outputs = outputs;
    if (options->outputs == NULL && options->pooling != 0)
        o.outputs = BERT_EMBEDDING_DENSE; /* --pooling asks for vectors */
    o.pooling = like->pooling;
    o.normalize = like->normalize;
    o.dimensions = like->dimensions;
    o.max_active = number_or_zero(options->max_active);
    o.max_length = like->max_length;
    o.overlong = like->overlong == BERT_OVERLONG_WINDOWS ? 0 : like->overlong;
    o.prompt = like->prompt;
    o.prompt_name = like->prompt_name;
    o.role = (uint32_t)options->role;
    return o;
}

int kinds_load(struct kinds *kinds, const struct vectors *vectors, struct job *job)
{
    const struct options *options = job->options;
    bert_embed_all_options *o = &kinds->options;
    bert_embeddings *none = NULL;
    bert_error error;
    uint32_t outputs;
    int rc = kinds_parse(options, &outputs);

    if (rc != 0)
        return rc;
    *o = kinds_options(options, &vectors->options, outputs);
    kinds->task = (struct task){o, run_texts, &reading_kinds, put, free_result};
    if (bert_embed_all(job->runtime.session, NULL, 0, o, &none, &error) != BERT_OK)
        return error.code == BERT_EINVAL ? usage_error(options->command, "%s [%s]", error.message,
                                                       bert_status_name(error.code))
                                         : runtime_failed(&error);
    o->outputs = bert_embeddings_outputs(none);
    bert_embeddings_free(none);
    return check_options(options, o->outputs);
}

/* ---- Comparing -------------------------------------------------------------------------- */

int kinds_load_one(struct kinds *kinds, const struct vectors *vectors, struct job *job)
{
    uint32_t outputs;
    int rc = kinds_load(kinds, vectors, job);

    if (rc != 0)
        return rc;
    outputs = kinds->options.outputs;
    if ((outputs & (outputs - 1)) != 0)
        return usage_error(job->options->command, "--outputs: one of dense, sparse, multi");
    kinds->function = bert_model_embedding_similarity(job->runtime.model, (bert_embedding)outputs);
    return 0;
}

bert_status kinds_compare(const struct kinds *kinds, const bert_embeddings *a, size_t i,
                          const bert_embeddings *b, size_t j, float *score, bert_error *error)
{
    size_t n, m, size, unused;

    if (kinds->options.outputs == BERT_EMBEDDING_MULTI) {
        const float *x = bert_embeddings_vectors(a, i, &n, &size);
        const float *y = bert_embeddings_vectors(b, j, &m, &unused);

        return bert_multi_similarity(kinds->function, x, n, y, m, size > 0 ? size : unused, score,
                                     error);
    } else {
        const bert_term *x = bert_embeddings_terms(a, i, &n);
        const bert_term *y = bert_embeddings_terms(b, j, &m);

        return bert_sparse_similarity(kinds->function, x, n, y, m, score, error);
    }
}

bert_status kinds_embed(const struct kinds *kinds, bert_session *session, bert_text text,
                        uint32_t role, bert_embeddings **result, bert_error *error)
{
    bert_embed_all_options o = kinds->options;
    bert_status status;

    o.role = role;
    status = bert_embed_all(session, &text, 1, &o, result, error);
    if (status != BERT_OK)
        return status;
    status = bert_embeddings_status(*result, 0);
    if (status != BERT_OK)
        error_set(error, status, "%s", bert_embeddings_message(*result, 0));
    return status;
}
