/* SPDX-License-Identifier: MIT */
/* json_text.c - JSON that is written. */
#include "lib/base/json_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/size.h"

static bool reserve(struct bert__json_text *text, size_t more)
{
    size_t need, capacity = text->capacity > 0 ? text->capacity : 1024;
    char *grown;

    if (!text->failed && bert__size_add(text->size, more, &need)) {
        while (capacity < need && bert__size_mul(capacity, 2, &capacity))
            ;
        if (need <= text->capacity)
            return true;
        grown = capacity >= need ? bert__alloc_grow(text->alloc, text->data, capacity) : NULL;
        if (grown != NULL) {
            text->data = grown;
            text->capacity = capacity;
            return true;
        }
    }
    text->failed = true;
    return false;
}

void bert__json_add(struct bert__json_text *text, const char *format, ...)
{
    va_list args, again;
    int n;

    va_start(args, format);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    if (n < 0)
        text->failed = true;
    else if (reserve(text, (size_t)n + 1))
        text->size += (size_t)vsnprintf(text->data + text->size, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
}

void bert__json_add_text(struct bert__json_text *text, const char *data, size_t size)
{
    bert__json_add(text, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '"' || c == '\\')
            bert__json_add(text, "\\%c", c);
        else if (c < 0x20)
            bert__json_add(text, "\\u%04x", c);
        else
            bert__json_add(text, "%c", c);
    }
    bert__json_add(text, "\"");
}

void bert__json_add_string(struct bert__json_text *text, const char *string)
{
    bert__json_add_text(text, string, strlen(string));
}

void bert__json_number_text(char out[BERT__JSON_NUMBER_SIZE], double number)
{
    char digits[BERT__JSON_NUMBER_SIZE], *to = out;

    snprintf(digits, sizeof digits, "%.9g", number);
    /* whatever the host's locale has for a point, of one byte or of several */
    for (const char *from = digits; *from != '\0'; from++) {
        if (strchr("0123456789+-e", *from) != NULL)
            *to++ = *from;
        else if (to == out || to[-1] != '.')
            *to++ = '.';
    }
    *to = '\0';
}

void bert__json_add_number(struct bert__json_text *text, double number)
{
    char digits[BERT__JSON_NUMBER_SIZE];

    bert__json_number_text(digits, number);
    bert__json_add(text, "%s", digits);
}
