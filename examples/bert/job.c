/* SPDX-License-Identifier: MIT */
#include "examples/bert/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"

int job_open(struct job *job, const struct options *options, job_load_fn *load, void *context)
{
    memset(job, 0, sizeof *job);
    job->options = options;
    job->output.fd = -1;
    if (!input_open(&job->input, options->texts, options->n_texts, options->input)) {
        job->rc = EXIT_OPEN;
        return job->rc;
    }
    job->rc = load(job, context);
    if (job->rc != 0)
        return job->rc;
    if (!output_open(&job->output, options->output))
        job->rc = EXIT_FAILED;
    progress_start(&job->progress, options);
    return job->rc;
}

bool job_stopped(const struct job *job)
{
    return job->rc != 0 || interrupt_signal() != 0 || !output_wanted(&job->output);
}

void job_run(struct job *job, enum record_form form, job_batch_fn *answer, void *context)
{
    struct batch *batch = get_memory(1, sizeof *batch);

    while (!job_stopped(job) && batch_read(batch, &job->input, form, job->records)) {
        answer(job, batch, context);
        job->records += batch->count;
        progress_show(&job->progress, job->records);
        output_flush(&job->output);
    }
    batch_clear(batch);
    free(batch);
    progress_end(&job->progress, job->records);
    if (job->input.failed && job->rc == 0)
        job->rc = job->records == 0 ? EXIT_OPEN : EXIT_FAILED;
}

/* Its one batch is made here. */
static void run_arguments(struct job *job, bool choices, job_batch_fn *answer, void *context)
{
    const struct options *options = job->options;
    struct batch *batch = get_memory(1, sizeof *batch);
    struct record *record = &batch->records[0];
    bert_text *texts[] = {&record->text, &record->pair};

    for (size_t i = 0; i < (choices ? 1 : 2); i++) {
        texts[i]->size = strlen(options->texts[i]);
        texts[i]->data = copy_bytes(options->texts[i], texts[i]->size);
    }
    for (size_t i = 1; choices && i < options->n_texts; i++)
        record_add_choice(record, options->texts[i], strlen(options->texts[i]));
    batch->count = 1;
    answer(job, batch, context);
    batch_clear(batch);
    free(batch);
}

void job_run_pairs(struct job *job, job_batch_fn *answer, void *context)
{
    if (job->options->jsonl)
        job_run(job, FORM_JSON_PAIR_NEEDED, answer, context);
    else if (job->options->n_texts == 2)
        run_arguments(job, false, answer, context);
    else
        job_run(job, FORM_PAIR_NEEDED, answer, context);
}

void job_run_choices(struct job *job, job_batch_fn *answer, void *context)
{
    if (job->options->jsonl)
        job_run(job, FORM_JSON_CHOICES, answer, context);
    else if (job->options->n_texts > 1)
        run_arguments(job, true, answer, context);
    else
        job_run(job, FORM_CHOICES, answer, context);
}

int job_close(struct job *job)
{
    int rc = job->rc;
    bool fatal = job->rc != 0 || interrupt_signal() != 0;

    /* Whole lines that are there go out to a pipe, but no half file gets its name. */
    if (job->output.buffer != NULL) {
        if (fatal && job->output.path == NULL)
            output_flush(&job->output);
        if (!output_close(&job->output, !fatal) && rc == 0)
            rc = EXIT_FAILED;
    }
    runtime_close(&job->runtime);
    input_close(&job->input);
    if (rc == 0 && interrupt_signal() != 0)
        rc = 128 + interrupt_signal();
    return rc != 0 ? rc : job->failed > 0 ? EXIT_FAILED : EXIT_ANSWERED;
}

static bool wants_json(const struct options *options)
{
    return options->json || options->format == FORMAT_JSON;
}

void job_fail_aside(struct job *job, uint64_t index, const bert_error *error)
{
    job->failed++;
    message("record %" PRIu64 ": %s [%s]", index, error->message, bert_status_name(error->code));
}

void job_fail(struct job *job, uint64_t index, const bert_error *error)
{
    struct output *out = &job->output;

    if (wants_json(job->options)) {
        output_format(out,
                      "{\"index\": %" PRIu64 ", \"error\": {\"code\": \"%s\", \"message\": ", index,
                      bert_status_name(error->code));
        json_put_string(out, error->message, strlen(error->message));
        output_text(out, "}}\n");
        job->failed++;
        return;
    }
    job_fail_aside(job, index, error);
    output_format(out, "error: %s: ", bert_status_name(error->code));
    output_printable(out, error->message, strlen(error->message));
    output_text(out, "\n");
}
