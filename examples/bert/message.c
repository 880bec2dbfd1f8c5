/* SPDX-License-Identifier: MIT */
#include "examples/bert/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One write per line, so that lines of several processes don't mix. */
static void put_line(char *line, size_t size, size_t used)
{
    if (used > size - 2)
        used = size - 2;
    for (size_t i = 0; i < used; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F)
            line[i] = '?';
    }
    line[used++] = '\n';
    while (write(STDERR_FILENO, line, used) < 0 && errno == EINTR)
        ;
}

static size_t start_line(char *line, size_t size, const char *format, va_list args)
{
    size_t used = (size_t)snprintf(line, size, "bert: ");
    int more = vsnprintf(line + used, size - used, format, args);

    used += more > 0 ? (size_t)more : 0;
    return used < size ? used : size - 1;
}

void message(const char *format, ...)
{
    char line[4096];
    va_list args;
    size_t used;

    va_start(args, format);
    used = start_line(line, sizeof line, format, args);
    va_end(args);
    put_line(line, sizeof line, used);
}

int usage_error(const char *command, const char *format, ...)
{
    char line[4096];
    va_list args;
    size_t used;
    int more;

    va_start(args, format);
    used = start_line(line, sizeof line, format, args);
    va_end(args);
    more = snprintf(line + used, sizeof line - used, "; see 'bert %s%s--help'",
                    command != NULL ? command : "", command != NULL ? " " : "");
    put_line(line, sizeof line, used + (more > 0 ? (size_t)more : 0));
    return EXIT_USAGE;
}

void message_error(const bert_error *error)
{
    message("%s [%s]", error->message, bert_status_name(error->code));
}

void message_errno(const char *path, const char *what, int number)
{
    message("%s: %s: %s [BERT_EIO]", path, what, strerror(number));
}

void error_set(bert_error *error, bert_status code, const char *format, ...)
{
    va_list args;

    error->code = code;
    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
}
