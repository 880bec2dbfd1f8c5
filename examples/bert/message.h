/* SPDX-License-Identifier: MIT */
/* message.h - what the command says on standard error, and its exit codes. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <bert.h>

enum exit_code {
    EXIT_ANSWERED = 0, /* all records answered */
    EXIT_FAILED = 1,   /* some records failed, or output could not be written */
    EXIT_USAGE = 2,
    EXIT_OPEN = 3 /* model or input could not be opened; standard output is empty */
};

/* One line "bert: ..." on standard error. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As message(), and where to read on; returns EXIT_USAGE.  `command` may be NULL. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "bert: MESSAGE [BERT_ECODE]" */
void message_error(const bert_error *error);

/* "bert: PATH: what: strerror; [BERT_EIO]" */
void message_errno(const char *path, const char *what, int number);

/* Fill an error. */
void error_set(bert_error *error, bert_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
