/* SPDX-License-Identifier: MIT */
/* cmd_decode.c - bert decode: token ids back to text. */
#include <inttypes.h>
#include <stdlib.h>

#include "examples/bert/commands.h"
#include "examples/bert/job.h"
#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"

#define FIELD(name) offsetof(struct options, name)

static void put_text(struct job *job, uint64_t index, const char *text, size_t size)
{
    struct output *out = &job->output;

    if (job->options->json) {
        output_format(out, "{\"index\": %" PRIu64, index);
        json_put_name(out, "text");
        json_put_string(out, text, size);
        output_text(out, "}\n");
    } else {
        output_printable(out, text, size);
        output_write(out, "\n", 1);
    }
}

/* Ids past the vocabulary are skipped, as in the reference; negative ones are no ids. */
static void check_ids(struct record *record)
{
    for (size_t i = 0; i < record->n_ids; i++) {
        if (record->ids[i] < 0)
            record_fail(record, BERT_EINVAL, "ids[%zu] is %" PRId32 "; an id is at least 0", i,
                        record->ids[i]);
    }
}

static void decode(struct job *job, const struct record *record)
{
    const bert_tokenizer *tokenizer = job->runtime.tokenizer;
    int keep = job->options->keep_special;
    size_t size = 0, capacity;
    bert_error error = {BERT_OK, ""};
    char *text;

    if (record->error != NULL) {
        job_fail(job, record->index, record->error);
        return;
    }
    /* The first call only measures. */
    bert_decode(tokenizer, record->ids, record->n_ids, keep, NULL, 0, &size, &error);
    if (error.code != BERT_OK && error.code != BERT_ERANGE) {
        job_fail(job, record->index, &error);
        return;
    }
    capacity = size;
    text = get_memory(capacity, 1);
    if (bert_decode(tokenizer, record->ids, record->n_ids, keep, text, capacity, &size, &error)
        == BERT_OK)
        put_text(job, record->index, text, size);
    else
        job_fail(job, record->index, &error);
    free(text);
}

static void decode_batch(struct job *job, struct batch *batch, void *context)
{
    (void)context;
    for (size_t i = 0; i < batch->count && !job_stopped(job); i++) {
        check_ids(&batch->records[i]);
        decode(job, &batch->records[i]);
    }
}

static int load(struct job *job, void *context)
{
    (void)context;
    return runtime_load_tokenizer(&job->runtime, job->options);
}

static int run(const struct options *options)
{
    struct job job;

    if (job_open(&job, options, load, NULL) == 0)
        job_run(&job, FORM_IDS, decode_batch, NULL);
    return job_close(&job);
}

static const struct option_row rows[] = {
    {0, "tokenizer", OPTION_STRING, FIELD(tokenizer), 0, 0, NULL, "FILE",
     "a tokenizer.json or vocab.txt, instead of a model"},
    {0, "keep-special", OPTION_FLAG, FIELD(keep_special), 1, 0, NULL, NULL,
     "keep special tokens such as [CLS] (default: leave them out)"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {
    rows, options_model, options_input, options_output, options_records, options_general, NULL};

const struct command command_decode = {
    .name = "decode",
    .summary = "token ids back to text",
    .synopsis = "[options] [IDS...]",
    .about = "Turn token ids into text.  Each record is a JSON array of ids, such as\n"
             "[101, 7592, 102], or an object with \"ids\" or \"input_ids\", such as\n"
             "`bert tokenize --json` prints.  Ids that the vocabulary doesn't have are skipped.\n"
             "One line per record; with --json {\"index\": 0, \"text\": \"...\"}.",
    .examples = "  bert decode -m DIR '[101, 7592, 102]'\n"
                "  bert tokenize -m DIR --ids-only < texts.txt | bert decode -m DIR\n",
    .groups = groups,
    .run = run,
};
