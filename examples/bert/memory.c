/* SPDX-License-Identifier: MIT */
#include "examples/bert/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "examples/bert/interrupt.h"
#include "examples/bert/message.h"

static void __attribute__((noreturn)) out_of_memory(void)
{
    message("out of memory [BERT_ENOMEM]");
    interrupt_remove_file();
    _exit(EXIT_FAILED);
}

void *get_memory(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *grow_memory(void *memory, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory();
    memory = realloc(memory, bytes > 0 ? bytes : 1);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

char *copy_bytes(const void *data, size_t size)
{
    char *copy;

    if (size == SIZE_MAX)
        out_of_memory();
    copy = grow_memory(NULL, size + 1, 1);
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}
