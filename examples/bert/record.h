/* SPDX-License-Identifier: MIT */
/* record.h - one line of input, understood; and batches of them. */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <bert.h>

#include "examples/bert/input.h"

/* What a line is. */
enum record_form {
    FORM_TEXT,        /* the text */
    FORM_PAIR,        /* text<TAB>pair; without a TAB just a text */
    FORM_PAIR_NEEDED, /* text<TAB>pair */
    FORM_IDS,         /* a JSON array of ids */
    FORM_JSON_TEXT,   /* {"text": …} */
    FORM_JSON_PAIR,   /* {"text": …, "pair": …}, "pair" may be missing */
    FORM_JSON_PAIR_NEEDED,
    FORM_JSON_QUESTION, /* {"text": …, "question": …}, whose question is the pair and may be
                           missing; "context" stands for "text" too */
    FORM_CHOICES,       /* text<TAB>choice<TAB>choice... */
    FORM_JSON_CHOICES,  /* {"text": …, "choices": […]} */
    FORM_JSON_SPANS,    /* {"text": …, "spans": [[start, end], …]} */
    FORM_JSON_INPUT     /* as FORM_JSON_PAIR, or {"input_ids": […], "token_type_ids": […]} */
};

struct record {
    uint64_t index;
    bert_text text, pair;    /* owned; NULL data: absent */
    int32_t *ids, *type_ids; /* owned; NULL: absent */
    size_t n_ids;
    bert_text *choices; /* owned, and their data; NULL: absent */
    size_t n_choices;
    bert_span *spans; /* owned; NULL: absent */
    size_t n_spans;
    bert_error *error; /* owned; why there is no answer; NULL: fine */
};

enum { BATCH_RECORDS = 512, BATCH_BYTES = 1 << 20 };

struct batch {
    struct record records[BATCH_RECORDS];
    size_t count;
};

/* Read records until the batch is full, the input ends, or the next line isn't there
 * yet.  False when the batch stayed empty. */
bool batch_read(struct batch *batch, struct input *input, enum record_form form,
                uint64_t first_index);
void batch_clear(struct batch *batch);

/* Give the record an error (the first stays); its message in printf format. */
void record_fail(struct record *record, bert_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void record_fail_with(struct record *record, const bert_error *error);

/* One more choice; the bytes are copied. */
void record_add_choice(struct record *record, const char *data, size_t size);

/* Read a line's JSON into the record (record_json.c). */
void record_parse_json(struct record *record, enum record_form form, bert_text line);
/* Parse a line of one of the forms. */
void record_parse(struct record *record, enum record_form form, bert_text line);
void record_clear(struct record *record);

#endif
