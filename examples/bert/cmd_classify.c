/* SPDX-License-Identifier: MIT */
/* cmd_classify.c - bert classify: labels of texts. */
#include <inttypes.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/heads.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/message.h"
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
    json_put_string(out, label->label, strlen(label->label));
    json_put_name(out, "score");
    json_put_float(out, label->score);
    output_text(out, "}");
}

/* ---- Explanations ----------------------------------------------------------------- */

bert_explain_options explain_options(const struct options *options)
{
    bert_explain_options o = BERT_EXPLAIN_OPTIONS_INIT;

    o.max_length = number_or_zero(options->max_length);
    o.overlong = overlong_of(options);
    return o;
}

/* *out is NULL where none is asked for; false: there is an error's line instead, or an interrupt.
 */
static bool explain(struct job *job, const struct record *record, bert_explanation **out)
{
    bert_explain_options o = explain_options(job->options);
    const bert_text *pair = record->pair.data != NULL ? &record->pair : NULL;
    bert_error error;

    *out = NULL;
    if (!job->options->explain)
        return true;
    if (bert_explain(job->runtime.session, record->text, pair, &o, out, &error) == BERT_OK)
        return true;
    if (error.code != BERT_ECANCELED || interrupt_signal() == 0)
        job_fail(job, record->index, &error);
    return false;
}

static void put_token(struct output *out, const struct record *record, const bert_relevance *token,
                      bool first)
{
    const bert_text *text = token->sequence == 1 ? &record->pair : &record->text;

    output_text(out, first ? "{\"text\": " : ", {\"text\": ");
    json_put_string(out, text->data + token->bytes.start, token->bytes.end - token->bytes.start);
    if (record->pair.data != NULL)
        output_format(out, ", \"sequence\": %" PRId32, token->sequence);
    output_format(out, ", \"start\": %zu, \"end\": %zu, \"score\": ", (size_t)token->bytes.start,
                  (size_t)token->bytes.end);
    json_put_float(out, token->score);
    output_text(out, "}");
}

/* Special tokens have no text and are left out. */
void explain_members(struct output *out, const struct record *record,
                     const bert_explanation *explanation)
{
    const bert_relevance *list = bert_explanation_list(explanation);
    bool first = true;

    output_text(out, "\"explanation\": [");
    for (size_t i = 0; i < bert_explanation_count(explanation); i++) {
        if (list[i].sequence < 0)
            continue;
        put_token(out, record, &list[i], first);
        first = false;
    }
    output_text(out, "]");
}

/* ---- Records ----------------------------------------------------------------------- */

static void members(struct output *out, const struct options *options, const struct record *record,
                    const void *result, size_t i)
{
    const bert_label_score *labels = bert_classifications_labels(result, i);

    (void)options;
    (void)record;
    output_text(out, "\"labels\": [");
    for (size_t k = 0; k < bert_classifications_count(result, i); k++)
        put_label(out, &labels[k], k == 0);
    output_text(out, "]");
}

const struct reading reading_classify = {status_of, members};

static void put_json(struct job *job, const struct record *record, const void *result, size_t i,
                     const bert_explanation *explanation)
{
    struct output *out = &job->output;

    output_format(out, "{\"index\": %" PRIu64 ", ", record->index);
    members(out, job->options, record, result, i);
    if (explanation != NULL) {
        output_text(out, ", ");
        explain_members(out, record, explanation);
    }
    output_text(out, "}\n");
}

static void put(struct job *job, void *context, const struct record *record, const void *result,
                size_t i)
{
    const bert_label_score *labels = bert_classifications_labels(result, i);
    size_t n = bert_classifications_count(result, i);
    bert_explanation *explanation;

    (void)context;
    if (!explain(job, record, &explanation))
        return;
    if (job->options->json) {
        put_json(job, record, result, i, explanation);
        bert_explanation_free(explanation);
        return;
    }
    for (size_t k = 0; k < n; k++)
        put_brief(&job->output, &labels[k], k == 0);
    output_text(&job->output, "\n");
}

bert_classify_options classify_options(const struct options *options)
{
    bert_classify_options o = BERT_CLASSIFY_OPTIONS_INIT;

    o.function = (uint32_t)options->function;
    o.top = number_or_zero(options->top);
    o.max_length = number_or_zero(options->max_length);
    o.overlong = overlong_of(options);
    return o;
}

static int run(const struct options *options)
{
    bert_classify_options o = classify_options(options);
    struct task task = {&o, run_texts, &reading_classify, put, free_result};
    enum record_form form = options->jsonl  ? FORM_JSON_PAIR
                            : options->pair ? FORM_PAIR_NEEDED
                                            : FORM_TEXT;
    struct job job;

    if (options->explain && !options->json)
        return usage_error("classify", "--explain needs --json");
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
    {0, "explain", OPTION_FLAG, FIELD(explain), 1, 0, NULL, NULL,
     "add how much each token counts, by attention rollout; with --json"},
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
             "for its logits.  With --explain there is \"explanation\" too: [{\"text\": \"cat\",\n"
             "\"start\": 2, \"end\": 5, \"score\": 0.1}, ...] (of a pair \"sequence\": 0 or 1 as "
             "well):\n"
             "the tokens and the share that each has in what the model's answer is made of; the\n"
             "special tokens have the rest.",
    .examples = "  bert classify -m DIR 'I still have not got my card'\n"
                "  bert classify -m DIR --json --top 3 -i texts.txt\n"
                "  bert classify -m DIR --pair -i pairs.tsv\n",
    .groups = groups,
    .run = run,
};
