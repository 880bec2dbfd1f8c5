/* SPDX-License-Identifier: MIT */
#include "examples/bert/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/memory.h"
#include "examples/bert/message.h"

void record_fail(struct record *record, bert_status code, const char *format, ...)
{
    va_list args;

    if (record->error != NULL)
        return;
    record->error = get_memory(1, sizeof *record->error);
    record->error->code = code;
    va_start(args, format);
    vsnprintf(record->error->message, sizeof record->error->message, format, args);
    va_end(args);
}

void record_fail_with(struct record *record, const bert_error *error)
{
    record_fail(record, error->code, "%s", error->message);
}

void record_clear(struct record *record)
{
    free((char *)record->text.data);
    free((char *)record->pair.data);
    free(record->ids);
    free(record->type_ids);
    for (size_t i = 0; i < record->n_choices; i++)
        free((char *)record->choices[i].data);
    free(record->choices);
    free(record->spans);
    free(record->error);
    memset(record, 0, sizeof *record);
}

static void set_text(bert_text *out, const char *data, size_t size)
{
    out->data = copy_bytes(data, size);
    out->size = size;
}

void record_add_choice(struct record *record, const char *data, size_t size)
{
    size_t n = record->n_choices;

    if ((n & (n - 1)) == 0) /* room for a power of two */
        record->choices = grow_memory(record->choices, n > 0 ? 2 * n : 1, sizeof *record->choices);
    set_text(&record->choices[n], data, size);
    record->n_choices = n + 1;
}

/* Behind the first TAB. */
static void parse_choices(struct record *record, bert_text line)
{
    const char *at = line.size > 0 ? memchr(line.data, '\t', line.size) : NULL;
    const char *end = line.data + line.size;

    set_text(&record->text, line.data, at != NULL ? (size_t)(at - line.data) : line.size);
    if (at == NULL)
        record_fail(record, BERT_EINVAL, "the line has no TAB between the prompt and its choices");
    while (at != NULL) {
        const char *next = memchr(at + 1, '\t', (size_t)(end - at - 1));

        record_add_choice(record, at + 1, (size_t)((next != NULL ? next : end) - at - 1));
        at = next;
    }
}

static void parse_plain(struct record *record, enum record_form form, bert_text line)
{
    const char *tab =
        form == FORM_TEXT || line.size == 0 ? NULL : memchr(line.data, '\t', line.size);
    size_t first = tab != NULL ? (size_t)(tab - line.data) : line.size;

    set_text(&record->text, line.data, first);
    if (tab != NULL)
        set_text(&record->pair, tab + 1, line.size - first - 1);
    else if (form == FORM_PAIR_NEEDED)
        record_fail(record, BERT_EINVAL, "the line has no TAB between the two texts of a pair");
}

void record_parse(struct record *record, enum record_form form, bert_text line)
{
    if (form == FORM_CHOICES)
        parse_choices(record, line);
    else if (form == FORM_TEXT || form == FORM_PAIR || form == FORM_PAIR_NEEDED)
        parse_plain(record, form, line);
    else
        record_parse_json(record, form, line);
}

bool batch_read(struct batch *batch, struct input *input, enum record_form form,
                uint64_t first_index)
{
    size_t bytes = 0;
    bert_text line;

    batch_clear(batch);
    while (batch->count < BATCH_RECORDS && bytes < BATCH_BYTES
           && (batch->count == 0 || input_ready(input)) && input_next(input, &line)) {
        struct record *record = &batch->records[batch->count];

        record->index = first_index + batch->count++;
        record_parse(record, form, line);
        bytes += line.size;
    }
    return batch->count > 0;
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        record_clear(&batch->records[i]);
    batch->count = 0;
}
