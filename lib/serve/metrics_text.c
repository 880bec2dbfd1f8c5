/* SPDX-License-Identifier: MIT */
/* metrics_text.c - pieces of text into a buffer of fixed size. */
#include "lib/serve/metrics_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/json_text.h"

void bert__sink_add(struct bert__sink *sink, const char *text, ...)
{
    va_list args;

    va_start(args, text);
    for (; text != NULL; text = va_arg(args, const char *)) {
        size_t n = strlen(text);

        if (n > 0 && sink->size <= sink->capacity && n <= sink->capacity - sink->size)
            memcpy(sink->out + sink->size, text, n);
        sink->size += n;
    }
    va_end(args);
}

void bert__sink_u64(struct bert__sink *sink, uint64_t number)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRIu64, number);
    bert__sink_add(sink, digits, NULL);
}

void bert__sink_nano(struct bert__sink *sink, uint64_t number)
{
    char digits[24];
    size_t n;

    bert__sink_u64(sink, number / 1000000000);
    if (number % 1000000000 == 0)
        return;
    snprintf(digits, sizeof digits, ".%09" PRIu64, number % 1000000000);
    for (n = strlen(digits); digits[n - 1] == '0'; n--)
        digits[n - 1] = '\0';
    bert__sink_add(sink, digits, NULL);
}

void bert__sink_double(struct bert__sink *sink, double number)
{
    char digits[BERT__JSON_NUMBER_SIZE];

    bert__json_number_text(digits, number);
    bert__sink_add(sink, digits, NULL);
}
