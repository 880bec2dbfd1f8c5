/* SPDX-License-Identifier: MIT */
/* cmd_mask.c - bert mask: texts without e-mail addresses, phone numbers and the like. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/job.h"
#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"

#define FIELD(name) offsetof(struct options, name)

static const struct {
    const char *name;
    uint32_t kind;
} kinds[] = {
    {"email", BERT_MASK_EMAIL}, {"phone", BERT_MASK_PHONE}, {"card", BERT_MASK_CARD},
    {"iban", BERT_MASK_IBAN},   {"ip", BERT_MASK_IP},       {"url", BERT_MASK_URL},
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

struct masking {
    bert_mask_options options;
    unsigned char key[16];
};

/* ---- Records ------------------------------------------------------------------------ */

static const char *name_of(uint32_t kind)
{
    size_t i = 0;

    while (kinds[i].kind != kind)
        i++;
    return kinds[i].name;
}

static void put_spans(struct job *job, bert_text text, const struct masking *m)
{
    struct output *out = &job->output;
    bert_mask_span *spans;
    size_t n = 0;

    bert_mask_find(text, &m->options, NULL, 0, &n, NULL); /* measures */
    spans = get_memory(n, sizeof *spans);
    bert_mask_find(text, &m->options, spans, n, &n, NULL);
    output_text(out, ", \"spans\": [");
    for (size_t i = 0; i < n; i++)
        output_format(out, "%s{\"kind\": \"%s\", \"start\": %zu, \"end\": %zu}", i > 0 ? ", " : "",
                      name_of(spans[i].kind), spans[i].bytes.start, spans[i].bytes.end);
    output_text(out, "]}\n");
    free(spans);
}

/* Bytes pass as they came, but for those that would make two lines of one. */
static void put_line(struct output *out, const char *text, size_t size)
{
    if (size > 0 && (memchr(text, '\n', size) != NULL || memchr(text, '\r', size) != NULL))
        output_printable(out, text, size);
    else
        output_write(out, text, size);
    output_write(out, "\n", 1);
}

static void mask_record(struct job *job, const struct record *record, const struct masking *m)
{
    struct output *out = &job->output;
    size_t size = 0;
    bert_error error;
    char *text;

    bert_mask(record->text, &m->options, NULL, 0, &size, NULL); /* measures */
    text = get_memory(size, 1);
    if (bert_mask(record->text, &m->options, text, size, &size, &error) != BERT_OK) {
        job_fail(job, record->index, &error);
    } else if (job->options->json) {
        output_format(out, "{\"index\": %" PRIu64, record->index);
        json_put_name(out, "text");
        json_put_string(out, text, size);
        put_spans(job, record->text, m);
    } else {
        put_line(out, text, size);
    }
    free(text);
}

static void mask_batch(struct job *job, struct batch *batch, void *context)
{
    for (size_t i = 0; i < batch->count && !job_stopped(job); i++) {
        const struct record *record = &batch->records[i];

        if (record->error != NULL)
            job_fail(job, record->index, record->error);
        else
            mask_record(job, record, context);
    }
}

/* ---- Options ------------------------------------------------------------------------ */

static int read_kinds(const struct options *options, uint32_t *out)
{
    const char *at = options->kinds;

    for (*out = 0; at != NULL;) {
        size_t size = strcspn(at, ","), i = 0;

        while (i < N_KINDS
               && (strlen(kinds[i].name) != size || memcmp(kinds[i].name, at, size) != 0))
            i++;
        if (i == N_KINDS)
            return usage_error(options->command,
                               "--kinds: '%.*s' is none of email, phone, card, iban, ip, url",
                               (int)size, at);
        *out |= kinds[i].kind;
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    return 0;
}

static int read_key(const char *path, unsigned char key[16])
{
    FILE *file = fopen(path, "rb");
    char more[1];
    size_t n;

    if (file == NULL) {
        message_errno(path, "can't be opened", errno);
        return EXIT_OPEN;
    }
    n = fread(key, 1, 16, file);
    if (n == 16)
        n += fread(more, 1, 1, file);
    fclose(file);
    if (n == 16)
        return 0;
    message(
        "%s: a key has 16 bytes, this file %s; head -c 16 /dev/urandom makes one [BERT_EFORMAT]",
        path, n < 16 ? "less" : "more");
    return EXIT_OPEN;
}

static int load(struct job *job, void *context)
{
    struct masking *m = context;

    if (job->options->key == NULL)
        return 0;
    m->options.key = m->key;
    return read_key(job->options->key, m->key);
}

static int run(const struct options *options)
{
    struct masking m = {BERT_MASK_OPTIONS_INIT, {0}};
    struct job job;
    int rc = read_kinds(options, &m.options.kinds);

    if (rc != 0)
        return rc;
    if (job_open(&job, options, load, &m) == 0)
        job_run(&job, options->jsonl ? FORM_JSON_TEXT : FORM_TEXT, mask_batch, &m);
    return job_close(&job);
}

static const struct option_row rows[] = {
    {0, "kinds", OPTION_STRING, FIELD(kinds), 0, 0, NULL, "LIST",
     "of email, phone, card, iban, ip, url: what to mask (default: all)"},
    {0, "key", OPTION_STRING, FIELD(key), 0, 0, NULL, "FILE",
     "16 secret bytes: tags get a pseudonym, equal for equal values, such as\n"
     "[EMAIL:kdmagpblofhjcien]"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

static const struct option_row *const groups[] = {rows, options_input, options_output,
                                                  options_general, NULL};

const struct command command_mask = {
    .name = "mask",
    .summary = "texts without addresses and numbers of people",
    .synopsis = "[options] [TEXT...]",
    .about =
        "Replace e-mail addresses, phone numbers, payment cards, IBANs, IP addresses and\n"
        "URLs by tags: [EMAIL], [PHONE], [CARD], [IBAN], [IP], [URL].  They are found by their\n"
        "form, so that names, and whatever else has none, stay.  No model is needed.\n"
        "One line per record; with --json {\"index\": 0, \"text\": \"...\", \"spans\":\n"
        "[{\"kind\": \"email\", \"start\": 9, \"end\": 24}]}, in bytes of the text that came.",
    .examples = "  bert mask 'Write to ada@example.org or call +44 20 7946 0958.'\n"
                "  bert mask --kinds email,ip < access.log\n",
    .groups = groups,
    .run = run,
};
