/* SPDX-License-Identifier: MIT */
/* cmd_embed.c - bert embed: texts to vectors. */
#include <inttypes.h>
#include <stdlib.h>

#include "examples/bert/commands.h"
#include "examples/bert/heads.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/kinds.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/parts.h"
#include "examples/bert/ranges.h"
#include "examples/bert/sink.h"
#include "examples/bert/vectors.h"

#define FIELD(name) offsetof(struct options, name)

struct embed {
    struct vectors vectors;
    struct kinds kinds;
    struct sink sink;
    float *ranges; /* of --ranges or --calibrate, until the sink takes them over */
};

/* ---- A vector per text -------------------------------------------------------- */

static void put_records(struct embed *embed, const struct batch *batch,
                        const struct text_list *list, const struct vector_report *reports,
                        const float *values)
{
    size_t next = 0; /* in the list */

    for (size_t i = 0; i < batch->count; i++) {
        struct sink_row row = {.index = batch->records[i].index, .error = batch->records[i].error};

        if (next < list->count && list->owner[next] == i) {
            row.tokens = reports[next].report.tokens;
            row.truncated = reports[next].report.truncated;
            row.error = reports[next].error;
            row.values = values + next * embed->vectors.dim;
            next++;
        }
        sink_put(&embed->sink, &row);
    }
}

static void embed_batch(struct job *job, struct batch *batch, void *context)
{
    struct embed *embed = context;
    struct text_list list;
    struct vector_report *reports;
    float *values;

    text_list_make(&list, batch, false);
    reports = get_memory(list.count, sizeof *reports);
    values = get_memory(list.count, embed->vectors.dim * sizeof *values);
    if (vectors_embed(&embed->vectors, job, list.texts, list.count, values, reports))
        put_records(embed, batch, &list, reports, values);
    vector_reports_free(reports, list.count);
    text_list_free(&list);
    free(values);
}

/* ---- A vector per token ------------------------------------------------------- */

void embed_members(struct output *out, const float *values, const uint32_t *shape, uint32_t rank,
                   const bert_embed_report *report)
{
    output_text(out, "\"embedding\": ");
    json_put_tensor(out, values, shape, rank);
    output_format(out, ", \"tokens\": %" PRIu32 ", \"truncated\": %" PRIu64, report->tokens,
                  report->truncated);
}

static void put_tokens(struct job *job, uint64_t index, const bert_outputs *outputs,
                       const bert_embed_report *report)
{
    struct output *out = &job->output;
    uint32_t shape[4], rank;
    const float *values = bert_outputs_get(outputs, BERT_OUTPUT_LAST_HIDDEN_STATE, 0, shape, &rank);
    bool json = job->options->json || job->options->format == FORMAT_JSON;
    bert_error error;

    if (check_finite(values, (size_t)shape[0] * shape[1], &error) != BERT_OK) {
        job_fail(job, index, &error);
        return;
    }
    if (json) {
        output_format(out, "{\"index\": %" PRIu64 ", ", index);
        embed_members(out, values, shape, rank, report);
        output_text(out, "}\n");
    } else {
        json_put_tensor(out, values, shape, rank);
        output_text(out, "\n");
    }
}

static void embed_tokens(struct job *job, const struct record *record,
                         const struct vectors *vectors)
{
    bert_embed_report report = {0};
    bert_outputs *outputs = NULL;
    bert_error error;

    if (record->error != NULL) {
        job_fail(job, record->index, record->error);
        return;
    }
    if (bert_embed_tokens(job->runtime.session, record->text, &vectors->options, &outputs, &report,
                          &error)
        == BERT_OK)
        put_tokens(job, record->index, outputs, &report);
    else if (error.code != BERT_ECANCELED || interrupt_signal() == 0)
        job_fail(job, record->index, &error);
    bert_outputs_free(outputs);
}

static void embed_tokens_batch(struct job *job, struct batch *batch, void *context)
{
    const struct embed *embed = context;

    for (size_t i = 0; i < batch->count && !job_stopped(job); i++)
        embed_tokens(job, &batch->records[i], &embed->vectors);
}

/* ---- The command ---------------------------------------------------------------- */

static int check_options(const struct options *options)
{
    bool table = options->format > FORMAT_JSON;

    uint32_t outputs;
    int rc = kinds_parse(options, &outputs);

    if (rc == 0)
        rc = ranges_check(options);
    if (rc == 0)
        rc = parts_check(options);
    if (rc != 0)
        return rc;
    if (options->json && table)
        return usage_error("embed", "--json and another --format exclude each other");
    if (options->pooling == POOLING_NONE && options->outputs != NULL)
        return usage_error("embed", "--pooling none and --outputs exclude each other");
    if (options->pooling != POOLING_NONE)
        return 0;
    if (table)
        return usage_error("embed", "--pooling none gives lists of different lengths: --json only");
    if (options->quantize != QUANTIZE_NONE)
        return usage_error("embed", "--pooling none and --quantize exclude each other");
    if (options->windows)
        return usage_error("embed", "--pooling none and --windows exclude each other");
    return 0;
}

static int load(struct job *job, void *context)
{
    struct embed *embed = context;
    int rc = vectors_load(&embed->vectors, job);

    if (rc == 0)
        rc = kinds_load(&embed->kinds, &embed->vectors, job);
    if (rc == 0 && parts_wanted(job->options)
        && embed->kinds.options.outputs != BERT_EMBEDDING_DENSE)
        return usage_error("embed", "the model gives weights of terms, which parts of a text have "
                                    "none of");
    return rc == 0 ? ranges_get(&embed->ranges, &embed->vectors, job) : rc;
}

static void run_pooled(struct embed *embed, struct job *job, enum record_form form)
{
    const char *save = job->options->save_ranges;

    sink_open(&embed->sink, job, embed->vectors.dim, embed->ranges);
    embed->ranges = NULL;
    job_run(job, form, embed_batch, embed);
    sink_finish(&embed->sink);
    if (save != NULL && !job_stopped(job)
        && !ranges_save(embed->sink.ranges, embed->vectors.dim, save))
        job->rc = EXIT_FAILED;
    sink_close(&embed->sink);
}

static int run(const struct options *options)
{
    struct embed embed = {0};
    struct job job;
    enum record_form form = options->spans   ? FORM_JSON_SPANS
                            : options->jsonl ? FORM_JSON_TEXT
                                             : FORM_TEXT;
    int rc = check_options(options);

    if (rc != 0)
        return rc;
    if (job_open(&job, options, load, &embed) == 0) {
        if (parts_wanted(options))
            job_run(&job, form, parts_batch, &embed.vectors);
        else if (embed.kinds.options.outputs != BERT_EMBEDDING_DENSE)
            job_run(&job, form, task_batch, &embed.kinds.task);
        else if (options->pooling == POOLING_NONE)
            job_run(&job, form, embed_tokens_batch, &embed);
        else
            run_pooled(&embed, &job, form);
    }
    free(embed.ranges);
    return job_close(&job);
}

static const struct option_row rows[] = {
    {0, "prompt", OPTION_STRING, FIELD(prompt), 0, 0, NULL, "TEXT",
     "put TEXT before every text (default: the model's default prompt)"},
    {0, "prompt-name", OPTION_STRING, FIELD(prompt_name), 0, 0, NULL, "NAME",
     "put one of the model's prompts before every text"},
    {0, "outputs", OPTION_STRING, FIELD(outputs), 0, 0, NULL, "A,B",
     "dense (one vector), sparse (weights of terms, by the fill-mask head or\n"
     "bge-m3's sparse_linear), multi (vectors of tokens, by a ColBERT model or\n"
     "bge-m3's colbert_linear); (default: what the model was saved for)"},
    {0, "role", OPTION_CHOICE, FIELD(role), BERT_ROLE_QUERY, 0, "query|document", "ROLE",
     "what the texts are to a search: chooses the model's prompt of this name\n"
     "and a ColBERT model's lengths, masks and skipped tokens (default: neither)"},
    {0, "max-active", OPTION_NUMBER, FIELD(max_active), 1, INT32_MAX, NULL, "N",
     "the N largest weights of terms (default: the model's own, else all)"},
    {0, "chunks", OPTION_NUMBER, FIELD(chunks), 1, INT32_MAX, NULL, "N",
     "late chunking: a vector for each N tokens of a text, from one pass over\n"
     "the whole; a text over the model's limit needs --windows"},
    {0, "spans", OPTION_FLAG, FIELD(spans), 1, 0, NULL, NULL,
     "the same for the parts that a record names, with --jsonl:\n"
     "{\"text\": \"...\", \"spans\": [[start, end], ...]} in bytes"},
    {0, "quantize", OPTION_CHOICE, FIELD(quantize), QUANTIZE_INT8, 0, "int8|uint8|binary|ubinary",
     "TYPE",
     "int8, uint8: 255 steps between the smallest and the largest value of\n"
     "each dimension over the whole input; ubinary: one bit a number, 1 where\n"
     "it is above 0, highest bit first; binary: its bytes less 128 (default:\n"
     "none)"},
    {0, "ranges", OPTION_STRING, FIELD(ranges), 0, 0, NULL, "FILE",
     "smallest and largest values for int8 and uint8: a NumPy file of shape\n"
     "(2, dimensions) (default: those of the input)"},
    {0, "calibrate", OPTION_STRING, FIELD(calibrate), 0, 0, NULL, "FILE",
     "take them from the texts of FILE instead"},
    {0, "save-ranges", OPTION_STRING, FIELD(save_ranges), 0, 0, NULL, "FILE",
     "write those that were used to FILE, for --ranges"},
    {0, "format", OPTION_CHOICE, FIELD(format), FORMAT_JSON, 0, "json|npy|csv|bin", "FORMAT",
     "json (as --json), npy (NumPy array), csv, or bin (rows of little-endian\n"
     "float32, or of bytes when quantised); a text that fails is a row of NaN,\n"
     "quantised of zeros (default: a JSON list per line)"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {options_model,   options_input, options_output,
                                                  options_pooling, rows,          options_records,
                                                  options_general, NULL};

const struct command command_embed = {
    .name = "embed",
    .summary = "texts to vectors",
    .synopsis = "[options] [TEXT...]",
    .about =
        "Turn each text into a vector, as sentence-transformers does: tokens, encoder,\n"
        "pooling and the model's other modules.  One line per record; with --json:\n"
        "  {\"index\": 0, \"embedding\": [...], \"tokens\": 9, \"truncated\": 0}\n"
        "where truncated counts the tokens that were cut off.  A SPLADE model (a\n"
        "SparseEncoder) gives weights of terms, \"indices\": [...], \"values\": [...]; without\n"
        "--json they are written id:weight.  A ColBERT model gives \"vectors\": [[...], ...], one\n"
        "for each token that it scores; say --role query or --role document.  With --chunks or\n"
        "--spans\n"
        "  {\"index\": 0, \"chunks\": [{\"start\": 0, \"end\": 37, \"tokens\": 8, \"embedding\":\n"
        "  [...]}, ...], \"tokens\": 42}",
    .examples = "  bert embed -m DIR 'a cat on a mat'\n"
                "  bert embed -m DIR --json -i texts.txt -o vectors.jsonl\n"
                "  bert embed -m DIR --format npy --dimensions 128 -i texts.txt -o vectors.npy\n",
    .groups = groups,
    .run = run,
};
