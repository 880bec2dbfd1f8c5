/* SPDX-License-Identifier: MIT */
/* cmd_next.c - bert next: does one text follow the other? */
#include "examples/bert/commands.h"
#include "examples/bert/heads.h"
#include "examples/bert/json_out.h"
#include "examples/bert/message.h"
#include "examples/bert/task.h"

static bert_status run_texts(void *context, bert_session *session, const bert_text *texts,
                             const bert_text *pairs, size_t n, void **result, bert_error *error)
{
    bert_nexts *found = NULL;
    bert_status status = bert_next_sentence(session, texts, pairs, n, context, &found, error);

    *result = found;
    return status;
}

static bert_status status_of(const void *result, size_t i, const char **message)
{
    *message = bert_nexts_message(result, i);
    return bert_nexts_status(result, i);
}

static void free_result(void *result)
{
    bert_nexts_free(result);
}

static void members(struct output *out, const struct options *options, const struct record *record,
                    const void *result, size_t i)
{
    static const uint32_t shape[] = {2};
    const bert_next *next = bert_nexts_get(result, i);

    (void)options;
    (void)record;
    output_text(out, "\"is_next\": ");
    json_put_float(out, next->is_next);
    json_put_name(out, "logits");
    json_put_tensor(out, next->logits, shape, 1);
}

const struct reading reading_next = {status_of, members};

static void put(struct job *job, void *context, const struct record *record, const void *result,
                size_t i)
{
    (void)context;
    if (job->options->json)
        task_put_json(job, &reading_next, record, result, i);
    else
        output_format(&job->output, "%.6f\n", (double)bert_nexts_get(result, i)->is_next);
}

bert_next_options next_options(const struct options *options)
{
    bert_next_options o = BERT_NEXT_OPTIONS_INIT;

    o.max_length = number_or_zero(options->max_length);
    o.overlong = overlong_of(options);
    return o;
}

static int run(const struct options *options)
{
    bert_next_options o = next_options(options);
    struct task task = {&o, run_texts, &reading_next, put, free_result};
    struct job job;

    if (!options->jsonl && options->n_texts != 0 && options->n_texts != 2)
        return usage_error("next", "two texts are needed, %zu given", options->n_texts);
    if (job_open(&job, options, task_load, &task) == 0)
        job_run_pairs(&job, task_batch, &task);
    return job_close(&job);
}

static const struct option_row *const groups[] = {options_model,   options_input,   options_output,
                                                  options_records, options_general, NULL};

const struct command command_next = {
    .name = "next",
    .summary = "does one text follow the other",
    .synopsis = "[options] [A B]",
    .about =
        "Print the probability that text B follows text A, by a model with BERT's head for the\n"
        "next sentence.  Without arguments each line of the input is a pair, A<TAB>B; with\n"
        "--jsonl {\"text\": \"...\", \"pair\": \"...\"}.  With --json each line of the output is\n"
        "  {\"index\": 0, \"is_next\": 0.99, \"logits\": [4.1, -3.2]}",
    .examples = "  bert next -m DIR 'She opened the door.' 'The room was empty.'\n"
                "  bert next -m DIR --json -i pairs.tsv\n",
    .groups = groups,
    .run = run,
};
