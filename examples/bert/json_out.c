/* SPDX-License-Identifier: MIT */
#include "examples/bert/json_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "examples/bert/utf8.h"

static const char *escape_of(unsigned char c, char buffer[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        snprintf(buffer, 8, "\\u%04x", c);
        return buffer;
    }
}

void json_put_string(struct output *output, const char *data, size_t size)
{
    size_t from = 0, at = 0;
    char buffer[8];

    output_write(output, "\"", 1);
    while (at < size) {
        bool valid;
        size_t n = utf8_next(data + at, size - at, &valid);
        unsigned char c = (unsigned char)data[at];

        if (!valid || c < 0x20 || c == '"' || c == '\\') {
            output_write(output, data + from, at - from);
            output_text(output, valid ? escape_of(c, buffer) : "\xEF\xBF\xBD");
            from = at + n;
        }
        at += n;
    }
    output_write(output, data + from, size - from);
    output_write(output, "\"", 1);
}

void json_put_float(struct output *output, float value)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%.9g", (double)value);

    output_write(output, text, (size_t)n);
}

void json_put_integer(struct output *output, int64_t value)
{
    output_format(output, "%" PRId64, value);
}

void json_put_integers(struct output *output, const int32_t *values, size_t count)
{
    output_write(output, "[", 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            output_write(output, ",", 1);
        json_put_integer(output, values[i]);
    }
    output_write(output, "]", 1);
}

void json_put_tensor(struct output *output, const float *values, const uint32_t *shape,
                     uint32_t rank)
{
    size_t step = 1;

    for (uint32_t i = 1; i < rank; i++)
        step *= shape[i];
    output_write(output, "[", 1);
    for (uint32_t i = 0; i < shape[0]; i++) {
        if (i > 0)
            output_write(output, ",", 1);
        if (rank > 1)
            json_put_tensor(output, values + i * step, shape + 1, rank - 1);
        else
            json_put_float(output, values[i]);
    }
    output_write(output, "]", 1);
}

void json_put_name(struct output *output, const char *name)
{
    output_format(output, ", \"%s\": ", name);
}
