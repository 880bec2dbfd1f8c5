/* SPDX-License-Identifier: MIT */
#include "examples/bert/parts.h"

#include <inttypes.h>

#include "examples/bert/heads.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/message.h"
#include "examples/bert/task.h"

bool parts_wanted(const struct options *options)
{
    return options->chunks > 0 || options->spans;
}

int parts_check(const struct options *options)
{
    const char *name = options->spans ? "--spans" : "--chunks";
    const char *other = options->pooling == POOLING_NONE        ? "--pooling none"
                        : options->outputs != NULL              ? "--outputs"
                        : options->quantize != QUANTIZE_NONE    ? "--quantize"
                        : options->format > FORMAT_JSON         ? "another --format than json"
                        : options->truncation_given             ? "--truncation"
                        : options->spans && options->chunks > 0 ? "--chunks"
                                                                : NULL;

    if (!parts_wanted(options))
        return 0;
    if (options->spans && !options->jsonl)
        return usage_error(options->command, "--spans needs --jsonl, whose records have \"spans\"");
    return other == NULL
               ? 0
               : usage_error(options->command, "%s and %s exclude each other", name, other);
}

/* ---- Lines ------------------------------------------------------------------------- */

static void put_vector(struct output *out, const bert_chunk *part, size_t size)
{
    const uint32_t shape[1] = {(uint32_t)size};

    json_put_tensor(out, part->vector, shape, 1);
}

void parts_members(struct output *out, const bert_chunks *result)
{
    const bert_chunk *list = bert_chunks_list(result);

    output_text(out, "\"chunks\": [");
    for (size_t i = 0; i < bert_chunks_count(result); i++) {
        output_format(out,
                      "%s{\"start\": %zu, \"end\": %zu, \"tokens\": %" PRIu32 ", \"embedding\": ",
                      i > 0 ? ", " : "", (size_t)list[i].bytes.start, (size_t)list[i].bytes.end,
                      list[i].tokens);
        put_vector(out, &list[i], bert_chunks_dimensions(result));
        output_text(out, "}");
    }
    output_format(out, "], \"tokens\": %" PRIu64, bert_chunks_tokens(result));
}

static void put_json(struct output *out, uint64_t index, const bert_chunks *result)
{
    output_format(out, "{\"index\": %" PRIu64 ", ", index);
    parts_members(out, result);
    output_text(out, "}\n");
}

/* For people: a list of vectors. */
static void put_brief(struct output *out, const bert_chunks *result)
{
    output_text(out, "[");
    for (size_t i = 0; i < bert_chunks_count(result); i++) {
        output_write(out, ",", i > 0);
        put_vector(out, &bert_chunks_list(result)[i], bert_chunks_dimensions(result));
    }
    output_text(out, "]\n");
}

/* ---- Records ------------------------------------------------------------------------- */

bert_chunk_options parts_options(const struct options *options, const bert_embed_options *like)
{
    bert_chunk_options o = BERT_CHUNK_OPTIONS_INIT;

    o.pooling = like->pooling;
    o.normalize = like->normalize;
    o.dimensions = like->dimensions;
    o.max_length = like->max_length;
    o.prompt = like->prompt;
    o.prompt_name = like->prompt_name;
    o.chunk_tokens = number_or_zero(options->chunks);
    o.windows = (uint32_t)options->windows;
    o.stride = number_or_zero(options->stride);
    return o;
}

static void embed_parts(struct job *job, const struct record *record, const bert_chunk_options *o)
{
    static const bert_span none;
    const bert_span *spans = record->spans != NULL ? record->spans : &none;
    bert_chunks *result = NULL;
    bert_error error;
    bert_status status =
        bert_embed_chunks(job->runtime.session, record->text, job->options->spans ? spans : NULL,
                          record->n_spans, o, &result, &error);

    if (status == BERT_OK && (job->options->json || job->options->format == FORMAT_JSON))
        put_json(&job->output, record->index, result);
    else if (status == BERT_OK)
        put_brief(&job->output, result);
    else if (status != BERT_ECANCELED || interrupt_signal() == 0)
        job_fail(job, record->index, &error);
    bert_chunks_free(result);
}

void parts_batch(struct job *job, struct batch *batch, void *context)
{
    const struct vectors *vectors = context;
    bert_chunk_options o = parts_options(job->options, &vectors->options);

    for (size_t i = 0; i < batch->count && !job_stopped(job); i++) {
        const struct record *record = &batch->records[i];

        if (record->error != NULL)
            job_fail(job, record->index, record->error);
        else
            embed_parts(job, record, &o);
    }
}
