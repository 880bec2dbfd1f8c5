/* SPDX-License-Identifier: MIT */
/* support_dump.h - all that a task's result says, as text: scores as their bits. */
#ifndef BERT_TESTS_API_SUPPORT_DUMP_H
#define BERT_TESTS_API_SUPPORT_DUMP_H

#include <bert.h>

struct dump {
    char text[1 << 16];
    size_t size;
};

void dump(struct dump *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

void dump_classifications(struct dump *dump, const bert_classifications *result);
void dump_rankings(struct dump *dump, const bert_rankings *result);
void dump_entities(struct dump *dump, const bert_entities *result);
void dump_answers(struct dump *dump, const bert_answers *result);
void dump_nexts(struct dump *dump, const bert_nexts *result);
void dump_fills(struct dump *dump, const bert_fills *result);

#endif
