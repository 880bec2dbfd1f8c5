/* SPDX-License-Identifier: MIT */
/* cmd_classify.c - bert classify: labels of texts. */
#include <inttypes.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/json_out.h"
#include "examples/bert/task.h"

#define FIELD(name) offsetof(struct options, name)

static bert_status run_texts(void *context, bert_session *session, const bert_text *texts,
                             const bert_text *pairs, size_t n, void **result, bert_error *error)
{
    bert_classifications *found = NULL;
    bert_status status = bert_classify(session, texts, pairs, n, context, &found, error);

    *result = found;
    return status;
}

static bert_status status_of(const void *result, size_t i, const char **message)
{
    *message = bert_classifications_message(result, i);
    return bert_classifications_status(result, i);
}

static void free_result(void *result)
{
    bert_classifications_free(result);
}

/* For people: "label 0.9870", the labels parted by TAB. */
static void put_brief(struct output *out, const bert_label_score *label, bool first)
{
    output_text(out, first ? "" : "\t");
    output_printable(out, label->label, strlen(label->label));
    output_format(out, " %.4f", (double)label->score);
}

static void put_label(struct output *out, const bert_label_score *label, bool first)
{
    output_text(out, first ? "{\"label\": " : ", {\"label\": ");
    json_string(out, label->label, strlen(label->label));
    json_name(out, "score");
    json_float(out, label->score);
    output_text(out, "}");
}

static void put(struct job *job, void *context, const struct record *record, const void *result,
                size_t i)
{
    const bert_label_score *labels = bert_classifications_labels(result, i);
    size_t n = bert_classifications_count(result, i);
    struct output *out = &job->output;
    bool json = job->options->json;

    (void)context;
    if (json)
        output_format(out, "{\"index\": %" PRIu64 ", \"labels\": [", record->index);
    for (size_t k = 0; k < n; k++)
        (json ? put_label : put_brief)(out, &labels[k], k == 0);
    output_text(out, json ? "]}\n" : "\n");
}

static int run(const struct options *options)
{
    bert_classify_options o = BERT_CLASSIFY_OPTIONS_INIT;
    struct task task = {&o, run_texts, status_of, put, free_result};
    enum record_form form = options->jsonl  ? FORM_JSON_PAIR
                            : options->pair ? FORM_PAIR_NEEDED
                                            : FORM_TEXT;
    struct job job;

    o.function = (uint32_t)options->function;
    o.top = number_or_zero(options->top);
    o.max_length = number_or_zero(options->max_length);
    o.overlong = overlong_of(options);
    if (job_open(&job, options, task_load, &task) == 0)
        job_run(&job, form, task_batch, &task);
    return job_close(&job);
}

static const struct option_row rows[] = {
    {0, "function", OPTION_CHOICE, FIELD(function), BERT_FUNCTION_AUTO, 0,
     "auto|softmax|sigmoid|none", "F",
     "what makes scores of the logits: softmax, sigmoid, or none; auto: as the\n"
     "model's problem_type and number of labels say (default: auto)"},
    {0, "top", OPTION_NUMBER, FIELD(top), 1, INT32_MAX, NULL, "K",
     "the best K labels of a record (default: all)"},
    {0, "pair", OPTION_FLAG, FIELD(pair), 1, 0, NULL, NULL,
     "each record is a pair, TEXT<TAB>PAIR; with --jsonl the key \"pair\" does"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {
    rows, options_model, options_input, options_output, options_records, options_general, NULL};

const struct command command_classify = {
    .name = "classify",
    .summary = "labels of texts",
    .synopsis = "[options] [TEXT...]",
    .about = "Give each text, or pair of texts, the labels of a text classification model, best\n"
             "first.  One line per record: label, space, score, parted by TABs; with --json\n"
             "  {\"index\": 0, \"labels\": [{\"label\": \"yes\", \"score\": 0.98}, ...]}\n"
             "Scores are probabilities, unless the model is a regression or --function none asks\n"
             "for its logits.",
    .examples = "  bert classify -m DIR 'I still have not got my card'\n"
                "  bert classify -m DIR --json --top 3 -i texts.txt\n"
                "  bert classify -m DIR --pair -i pairs.tsv\n",
    .groups = groups,
    .run = run,
};
