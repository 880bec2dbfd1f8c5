/* SPDX-License-Identifier: MIT */
/* lines.c - all lines of a file. */
#include "examples/bert/lines.h"

#include <stdlib.h>

#include "examples/bert/input.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"

static void add(struct lines *lines, bert_text line)
{
    if (lines->n == lines->capacity) {
        lines->capacity = lines->capacity > 0 ? 2 * lines->capacity : 256;
        lines->list = grow_memory(lines->list, lines->capacity, sizeof *lines->list);
    }
    lines->list[lines->n++] = (bert_text){copy_bytes(line.data, line.size), line.size};
}

int lines_read(struct lines *lines, const char *path, int dense)
{
    struct input input;
    bert_text line;
    int rc = input_open(&input, NULL, 0, path) ? 0 : EXIT_OPEN;

    *lines = (struct lines){0};
    while (rc == 0 && input_next(&input, &line))
        if (!dense || line.size > 0)
            add(lines, line);
    if (rc == 0 && interrupt_signal() != 0)
        rc = 128 + interrupt_signal();
    if (rc == 0 && (input.failed || lines->n == 0)) {
        if (!input.failed)
            message("%s: there is no text in it [BERT_EINVAL]", input.path);
        rc = EXIT_OPEN;
    }
    input_close(&input);
    return rc;
}

void lines_free(struct lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        free((char *)lines->list[i].data);
    free(lines->list);
    *lines = (struct lines){0};
}
