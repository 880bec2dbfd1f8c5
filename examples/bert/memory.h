/* SPDX-License-Identifier: MIT */
/* memory.h - memory of the command; running out of it ends the program with a
 * message, exit code 1, and no temporary file left. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

/* count * size bytes, zeroed; never NULL. */
void *get_memory(size_t count, size_t size);
/* As realloc; never NULL. */
void *grow_memory(void *memory, size_t count, size_t size);
/* A copy with a NUL after it. */
char *copy_bytes(const void *data, size_t size);

#endif
