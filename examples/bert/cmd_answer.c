/* SPDX-License-Identifier: MIT */
/* cmd_answer.c - bert answer: answers to a question out of texts. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/heads.h"
#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/task.h"

#define FIELD(name) offsetof(struct options, name)

struct answering {
    bert_answer_options options;
    bert_text question; /* data NULL: each record has its own */
};

/* Texts are contexts, their pairs the records' own questions. */
static bert_status run_texts(void *context, bert_session *session, const bert_text *texts,
                             const bert_text *pairs, size_t n, void **result, bert_error *error)
{
    const struct answering *a = context;
    bert_text *questions = NULL;
    bert_answers *found = NULL;
    bert_status status;

    if (n > 0 && pairs == NULL && a->question.data == NULL) {
        error_set(error, BERT_EINVAL, "the record has no \"question\", and there is no --question");
        return BERT_EINVAL;
    }
    if (n > 0 && pairs == NULL) {
        questions = get_memory(n, sizeof *questions);
        for (size_t i = 0; i < n; i++)
            questions[i] = a->question;
    }
    status = bert_answer(session, pairs != NULL ? pairs : questions, texts, n, &a->options, &found,
                         error);
    free(questions);
    *result = found;
    return status;
}

static bert_status status_of(const void *result, size_t i, const char **message)
{
    *message = bert_answers_message(result, i);
    return bert_answers_status(result, i);
}

static void free_result(void *result)
{
    bert_answers_free(result);
}

/* A span whose end lies before its start has no text. */
static bert_text text_of(const struct record *record, const bert_answer_span *answer)
{
    bert_span at = answer->bytes;

    return (bert_text){record->text.data + at.start, at.end > at.start ? at.end - at.start : 0};
}

/* For people: score, TAB, answer. */
static void put_brief(struct job *job, const struct record *record, const bert_answer_span *answer)
{
    bert_text text = text_of(record, answer);

    output_format(&job->output, "%.4f\t", (double)answer->score);
    output_printable(&job->output, text.data, text.size);
}

static void put_json(struct output *out, const struct options *options, const struct record *record,
                     const bert_answer_span *answer)
{
    bert_span at = options->chars ? answer->chars : answer->bytes;
    bert_text text = text_of(record, answer);

    output_text(out, "\"answer\": ");
    json_put_string(out, text.data, text.size);
    json_put_name(out, "score");
    json_put_float(out, answer->score);
    output_format(out, ", \"start\": %zu, \"end\": %zu", at.start, at.end);
}

static void put_json_list(struct output *out, const struct options *options,
                          const struct record *record, const bert_answer_span *answers, size_t n)
{
    output_text(out, "\"answers\": [");
    for (size_t k = 0; k < n; k++) {
        output_text(out, k > 0 ? ", {" : "{");
        put_json(out, options, record, &answers[k]);
        output_text(out, "}");
    }
    output_text(out, "]");
}

static void members(struct output *out, const struct options *options, const struct record *record,
                    const void *result, size_t i)
{
    const bert_answer_span *answers = bert_answers_list(result, i);
    size_t n = bert_answers_count(result, i);

    if (options->top > 0)
        put_json_list(out, options, record, answers, n);
    else if (n > 0)
        put_json(out, options, record, answers);
    else
        output_text(out, "\"answer\": null");
}

const struct reading reading_answer = {status_of, members};

static void put(struct job *job, void *context, const struct record *record, const void *result,
                size_t i)
{
    const bert_answer_span *answers = bert_answers_list(result, i);
    size_t n = bert_answers_count(result, i);
    struct output *out = &job->output;

    (void)context;
    if (job->options->json) {
        task_put_json(job, &reading_answer, record, result, i);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        output_text(out, k > 0 ? "\t" : "");
        put_brief(job, record, &answers[k]);
    }
    output_text(out, "\n");
}

bert_answer_options answer_options(const struct options *options)
{
    bert_answer_options o = BERT_ANSWER_OPTIONS_INIT;

    o.top = number_or_zero(options->top);
    o.no_null = (uint32_t)options->no_null;
    o.max_answer = number_or_zero(options->max_answer);
    o.max_length = number_or_zero(options->max_length);
    o.stride = stride_of(options);
    return o;
}

static int run(const struct options *options)
{
    struct answering a = {.options = answer_options(options)};
    struct task task = {&a, run_texts, &reading_answer, put, free_result};
    struct job job;

    if (options->question == NULL && !options->jsonl)
        return usage_error("answer", "--question is missing");
    if (options->question != NULL)
        a.question = (bert_text){options->question, strlen(options->question)};
    if (job_open(&job, options, task_load, &task) == 0)
        job_run(&job, options->jsonl ? FORM_JSON_QUESTION : FORM_TEXT, task_batch, &task);
    return job_close(&job);
}

static const struct option_row rows[] = {
    {0, "question", OPTION_STRING, FIELD(question), 0, 0, NULL, "TEXT",
     "what to answer; needed, unless each record of --jsonl has its own"},
    {0, "top", OPTION_NUMBER, FIELD(top), 1, INT32_MAX, NULL, "K",
     "the best K answers of a record, as a list"},
    {0, "no-null", OPTION_FLAG, FIELD(no_null), 1, 0, NULL, NULL,
     "don't take \"there is no answer\" for one"},
    {0, "max-answer", OPTION_NUMBER, FIELD(max_answer), 1, INT32_MAX, NULL, "N",
     "tokens of an answer at most (default: 15)"},
    {0, "stride", OPTION_NUMBER, FIELD(stride), 0, INT32_MAX, NULL, "N",
     "tokens that windows of a long text share (default: half a window, at\n"
     "most 128)"},
    {0, "offsets", OPTION_CHOICE, FIELD(chars), 0, 0, "bytes|chars", "UNIT",
     "what start and end count (default: bytes)"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {
    rows, options_model, options_input, options_output, options_records, options_general, NULL};

const struct command command_answer = {
    .name = "answer",
    .summary = "answers to a question out of texts",
    .synopsis = "--question TEXT [options] [TEXT...]",
    .about =
        "Answer the question out of each text, by a question answering model.  A text may\n"
        "have any length: a long one is read in windows of 384 tokens (--max-length) that\n"
        "overlap.  One line per record: score, TAB, answer, which is empty if the text has\n"
        "none; with --json\n"
        "  {\"index\": 0, \"answer\": \"in London\", \"score\": 0.81, \"start\": 19, \"end\": 28}\n"
        "with --top too {\"index\": 0, \"answers\": [{\"answer\": ...}, ...]}.  With --jsonl a\n"
        "record may have its own question: {\"text\": \"...\", \"question\": \"...\"}.\n"
        "Nothing is cut off, so that --truncation has no effect.",
    .examples = "  bert answer -m DIR --question 'Where did she live?' 'Ada lived in London.'\n"
                "  bert answer -m DIR --json --jsonl --top 3 -i questions.jsonl\n",
    .groups = groups,
    .run = run,
};
