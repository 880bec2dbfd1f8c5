/* SPDX-License-Identifier: MIT */
/* cmd_fill.c - bert fill: what stands behind a mask. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/heads.h"
#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"
#include "examples/bert/task.h"

#define FIELD(name) offsetof(struct options, name)

static bert_status run_texts(void *context, bert_session *session, const bert_text *texts,
                             const bert_text *pairs, size_t n, void **result, bert_error *error)
{
    bert_fills *found = NULL;
    bert_status status = bert_fill_mask(session, texts, n, context, &found, error);

    (void)pairs;
    *result = found;
    return status;
}

static bert_status status_of(const void *result, size_t i, const char **message)
{
    *message = bert_fills_message(result, i);
    return bert_fills_status(result, i);
}

static void free_result(void *result)
{
    bert_fills_free(result);
}

static void put_fill(struct output *out, const bert_fill *fill)
{
    output_text(out, "{\"token\": ");
    json_put_string(out, fill->token.data, fill->token.size);
    json_put_name(out, "id");
    json_put_integer(out, fill->id);
    json_put_name(out, "score");
    json_put_float(out, fill->score);
    json_put_name(out, "text");
    json_put_string(out, fill->text.data, fill->text.size);
    output_text(out, "}");
}

static void members(struct output *out, const struct options *options, const struct record *record,
                    const void *result, size_t i)
{
    (void)options;
    (void)record;
    output_text(out, "\"masks\": [");
    for (size_t mask = 0, n = 0; mask < bert_fills_masks(result, i); mask++) {
        const bert_fill *best = bert_fills_best(result, i, mask, &n);

        output_text(out, mask > 0 ? ", [" : "[");
        for (size_t k = 0; k < n; k++) {
            output_text(out, k > 0 ? ", " : "");
            put_fill(out, &best[k]);
        }
        output_text(out, "]");
    }
    output_text(out, "]");
}

const struct reading reading_fill = {status_of, members};

/* For people: "token 0.98", the tokens of a mask parted by ", ", masks by TAB. */
static void put_brief(struct output *out, const void *result, size_t i)
{
    for (size_t mask = 0, n = 0; mask < bert_fills_masks(result, i); mask++) {
        const bert_fill *best = bert_fills_best(result, i, mask, &n);

        output_text(out, mask > 0 ? "\t" : "");
        for (size_t k = 0; k < n; k++) {
            output_text(out, k > 0 ? ", " : "");
            output_printable(out, best[k].token.data, best[k].token.size);
            output_format(out, " %.4f", (double)best[k].score);
        }
    }
}

static void put(struct job *job, void *context, const struct record *record, const void *result,
                size_t i)
{
    (void)context;
    if (job->options->json) {
        task_put_json(job, &reading_fill, record, result, i);
        return;
    }
    put_brief(&job->output, result, i);
    output_text(&job->output, "\n");
}

/* "a,b": parted by commas; free the list. */
static bert_text *split_targets(const char *list, uint32_t *n)
{
    bert_text *targets;
    uint32_t count = 1;

    for (const char *c = list; *c != '\0'; c++)
        count += *c == ',';
    targets = get_memory(count, sizeof *targets);
    for (*n = 0; *n < count; (*n)++) {
        targets[*n] = (bert_text){list, strcspn(list, ",")};
        list += targets[*n].size + 1;
    }
    return targets;
}

bert_fill_options fill_options(const struct options *options)
{
    bert_fill_options o = BERT_FILL_OPTIONS_INIT;

    o.top = number_or_zero(options->top);
    o.max_length = number_or_zero(options->max_length);
    o.overlong = overlong_of(options);
    if (options->targets != NULL)
        o.targets = split_targets(options->targets, &o.n_targets);
    return o;
}

static int run(const struct options *options)
{
    bert_fill_options o = fill_options(options);
    struct task task = {&o, run_texts, &reading_fill, put, free_result};
    struct job job;
    int rc;

    if (job_open(&job, options, task_load, &task) == 0)
        job_run(&job, options->jsonl ? FORM_JSON_TEXT : FORM_TEXT, task_batch, &task);
    rc = job_close(&job);
    free((bert_text *)o.targets);
    return rc;
}

static const struct option_row rows[] = {
    {0, "top", OPTION_NUMBER, FIELD(top), 1, INT32_MAX, NULL, "K",
     "the best K tokens for each mask (default: 5)"},
    {0, "targets", OPTION_STRING, FIELD(targets), 0, 0, NULL, "A,B",
     "only these tokens; one that the vocabulary lacks stands for the first\n"
     "token that it is made of"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {
    rows, options_model, options_input, options_output, options_records, options_general, NULL};

const struct command command_fill = {
    .name = "fill",
    .summary = "what stands behind a mask",
    .synopsis = "[options] [TEXT...]",
    .about =
        "Print the likeliest tokens for each mask in a text ([MASK] or <mask>, as the model's\n"
        "tokenizer has it), by a masked language model: token, space, probability.  With --json\n"
        "  {\"index\": 0, \"masks\": [[{\"token\": \"paris\", \"id\": 3000, \"score\": 0.9,\n"
        "    \"text\": \"the capital is paris.\"}, ...]]}\n"
        "where text is the whole with the token in the mask's place.",
    .examples = "  bert fill -m DIR 'The capital of France is [MASK].'\n"
                "  bert fill -m DIR --json --targets good,bad 'The food was [MASK].'\n",
    .groups = groups,
    .run = run,
};
