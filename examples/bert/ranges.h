/* SPDX-License-Identifier: MIT */
/* ranges.h - the lowest and highest value of each dimension, for int8 and uint8. */
#ifndef RANGES_H
#define RANGES_H

#include "examples/bert/vectors.h"

/* --ranges, --calibrate and --save-ranges against --quantize: 0, or an exit code after a
 * message. */
int ranges_check(const struct options *options);

/*
 * What --ranges or --calibrate asks for: a NumPy file of [2][dim], or the texts of a file,
 * embedded like those to come.  *out is NULL if neither is given, else owned.  0, or an exit code
 * after a message.
 */
int ranges_get(float **out, const struct vectors *vectors, struct job *job);

/* Write ranges [2][dim] as a NumPy file; false after a message. */
bool ranges_save(const float *ranges, size_t dim, const char *path);

#endif
