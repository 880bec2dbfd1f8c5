/* SPDX-License-Identifier: MIT */
/* cmd_choose.c - bert choose: which choice goes best with a prompt? */
#include <inttypes.h>
#include <stdlib.h>

#include "examples/bert/commands.h"
#include "examples/bert/heads.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/task.h"

/* ---- Lines ------------------------------------------------------------------------ */

static void put_numbers(struct output *out, const char *name, const bert_choice *list, size_t n,
                        bool logits)
{
    json_put_name(out, name);
    output_write(out, "[", 1);
    for (size_t k = 0; k < n; k++) {
        output_write(out, ",", k > 0);
        json_put_float(out, logits ? list[k].logit : list[k].score);
    }
    output_write(out, "]", 1);
}

static void members(struct output *out, const struct options *options, const struct record *record,
                    const void *result, size_t i)
{
    const bert_choice *list = bert_choices_list(result, i);
    size_t n = bert_choices_count(result, i), best = bert_choices_best(result, i);
    const bert_text *text = &record->choices[best];

    (void)options;
    output_format(out, "\"choice\": %zu", best);
    json_put_name(out, "text");
    json_put_string(out, text->data, text->size);
    put_numbers(out, "scores", list, n, false);
    put_numbers(out, "logits", list, n, true);
}

static bert_status status_of(const void *result, size_t i, const char **message)
{
    *message = bert_choices_message(result, i);
    return bert_choices_status(result, i);
}

const struct reading reading_choose = {status_of, members};

static void put(struct job *job, const struct record *record, const bert_choices *result, size_t i)
{
    const bert_choice *list = bert_choices_list(result, i);
    size_t best = bert_choices_best(result, i);
    const bert_text *text = &record->choices[best];
    struct output *out = &job->output;

    if (job->options->json) {
        task_put_json(job, &reading_choose, record, result, i);
        return;
    }
    output_format(out, "%.6f\t", (double)list[best].score);
    output_printable(out, text->data, text->size);
    output_text(out, "\n");
}

static void put_all(struct job *job, const struct record *records, size_t n,
                    const bert_choices *result)
{
    for (size_t i = 0; i < n && !job_stopped(job); i++) {
        bert_error error;

        if (bert_choices_status(result, i) == BERT_OK) {
            put(job, &records[i], result, i);
            continue;
        }
        error_set(&error, bert_choices_status(result, i), "%s", bert_choices_message(result, i));
        job_fail(job, records[i].index, &error);
    }
}

/* ---- The call ---------------------------------------------------------------------- */

/* Records as the library takes them. */
struct call {
    bert_text *prompts, *choices;
    size_t *offsets;
};

static void call_make(struct call *call, const struct record *records, size_t n)
{
    size_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += records[i].n_choices;
    call->prompts = get_memory(n, sizeof *call->prompts);
    call->choices = get_memory(total, sizeof *call->choices);
    call->offsets = get_memory(n + 1, sizeof *call->offsets);
    total = 0;
    for (size_t i = 0; i < n; i++) {
        call->prompts[i] = records[i].text;
        for (size_t k = 0; k < records[i].n_choices; k++)
            call->choices[total++] = records[i].choices[k];
        call->offsets[i + 1] = total;
    }
}

static void call_free(struct call *call)
{
    free(call->prompts);
    free(call->choices);
    free(call->offsets);
}

/* What failed as a whole is tried again one by one. */
static void run_records(struct job *job, const bert_choose_options *o, const struct record *records,
                        size_t n)
{
    struct call call;
    bert_choices *result = NULL;
    bert_error error;
    bert_status status;

    call_make(&call, records, n);
    status = bert_choose(job->runtime.session, call.prompts, n, call.choices, call.offsets, o,
                         &result, &error);
    if (status == BERT_OK) {
        put_all(job, records, n, result);
    } else if (status != BERT_ECANCELED || interrupt_signal() == 0) {
        for (size_t i = 0; n > 1 && i < n && !job_stopped(job); i++)
            run_records(job, o, records + i, 1);
        if (n == 1)
            job_fail(job, records[0].index, &error);
    }
    bert_choices_free(result);
    call_free(&call);
}

static void choose_batch(struct job *job, struct batch *batch, void *context)
{
    for (size_t i = 0, n; i < batch->count && !job_stopped(job); i += n > 0 ? n : 1) {
        for (n = 0; i + n < batch->count && batch->records[i + n].error == NULL;)
            n++;
        if (n > 0)
            run_records(job, context, &batch->records[i], n);
        else
            job_fail(job, batch->records[i].index, batch->records[i].error);
    }
}

/* ---- The command -------------------------------------------------------------------- */

/* A task of no records checks the options. */
static bert_status check_options(void *context, bert_session *session, const bert_text *texts,
                                 const bert_text *pairs, size_t n, void **result, bert_error *error)
{
    bert_choices *none = NULL;
    bert_status status = bert_choose(session, texts, n, pairs, NULL, context, &none, error);

    *result = none;
    return status;
}

static void free_result(void *result)
{
    bert_choices_free(result);
}

bert_choose_options choose_options(const struct options *options)
{
    bert_choose_options o = BERT_CHOOSE_OPTIONS_INIT;

    o.max_length = number_or_zero(options->max_length);
    o.overlong = overlong_of(options);
    return o;
}

static int run(const struct options *options)
{
    bert_choose_options o = choose_options(options);
    struct task task = {.context = &o, .run = check_options, .free = free_result};
    struct job job;

    if (!options->jsonl && options->n_texts == 1)
        return usage_error("choose", "a prompt and its choices are needed, one text given");
    if (job_open(&job, options, task_load, &task) == 0)
        job_run_choices(&job, choose_batch, &o);
    return job_close(&job);
}

static const struct option_row *const groups[] = {options_model,   options_input,   options_output,
                                                  options_records, options_general, NULL};

const struct command command_choose = {
    .name = "choose",
    .summary = "which choice goes best with a prompt",
    .synopsis = "[options] [PROMPT CHOICE...]",
    .about =
        "Print the choice that goes best with the prompt, and its probability, by a model for\n"
        "multiple choice.  Without arguments each line of the input is a prompt and its choices,\n"
        "parted by TABs; with --jsonl {\"text\": \"...\", \"choices\": [\"...\", ...]}.  With "
        "--json\n"
        "each line of the output is\n"
        "  {\"index\": 0, \"choice\": 1, \"text\": \"...\", \"scores\": [0.1, 0.9],\n"
        "  \"logits\": [-1.2, 1.0]}",
    .examples = "  bert choose -m DIR 'The glass fell off the table.' 'It sang.' 'It broke.'\n"
                "  bert choose -m DIR --json -i questions.tsv\n",
    .groups = groups,
    .run = run,
};
