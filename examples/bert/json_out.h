/* SPDX-License-Identifier: MIT */
/* json_out.h - JSON values on an output. */
#ifndef JSON_OUT_H
#define JSON_OUT_H

#include <stdint.h>

#include <bert.h>

#include "examples/bert/output.h"

/* A string: any bytes; ill-formed UTF-8 becomes U+FFFD, NUL becomes \u0000. */
void json_put_string(struct output *output, const char *data, size_t size);
/* 9 significant digits: reading them back gives the same float32.  The value is finite. */
void json_put_float(struct output *output, float value);
void json_put_integer(struct output *output, int64_t value);
void json_put_integers(struct output *output, const int32_t *values, size_t count);
/* Nested lists of floats, by shape, slowest first. */
void json_put_tensor(struct output *output, const float *values, const uint32_t *shape,
                     uint32_t rank);
/* ", "NAME": " after another member. */
void json_put_name(struct output *output, const char *name);

#endif
