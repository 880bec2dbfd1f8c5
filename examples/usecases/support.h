/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this folder share: a model with its session, files of lines, and a
 * little arithmetic.  What goes wrong ends the program with a message: they are examples.
 */
#ifndef USECASES_SUPPORT_H
#define USECASES_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bert.h>

/* For printf's "%.*s". */
#define SHOW(text) (int)(text).size, (text).data

struct encoder {
    bert_model *model;
    bert_session *session;
    size_t dim; /* floats of an embedding */
};
void encoder_open(struct encoder *encoder, const char *path);
void encoder_close(struct encoder *encoder);
/* Unit vectors [n][dim], so that dot() is the cosine; free() them. */
float *encoder_embed(const struct encoder *encoder, const bert_text *texts, size_t n);

/* The lines of a file that are not empty, without their ends; of a .csv file its records, which
 * may have ends of lines between quotation marks. */
struct lines {
    char *bytes;
    bert_text *text;
    size_t *number; /* of each in the file, from 1 on */
    size_t n;
};
void lines_read(struct lines *lines, const char *path);
/* Each line has fields that `at` separates: the program ends at one without, of another format. */
void lines_need(const struct lines *lines, const char *path, char at);
void lines_free(struct lines *lines);

/* The whole of a file, "\r\n" as "\n", with a 0 behind it; free() its data. */
bert_text file_read(const char *path);
/* What comes before the first `at`, and what comes behind; without one, all and nothing. */
bert_text text_before(bert_text text, char at);
bert_text text_behind(bert_text text, char at);
bert_text text_of(const char *string);
int text_equal(bert_text a, bert_text b);

/* A picture of 640 by 640, with white numbers in it. */
FILE *svg_create(const char *path);
void svg_text(FILE *file, bert_text text); /* escaped; what XML can't have is "?" */
void svg_finish(FILE *file, const char *path);

float dot(const float *a, const float *b, size_t n);
/* To length 1. */
void normalize(float *vector, size_t n);
/* The row of [n][dim] with the largest product with a vector, and that product. */
size_t nearest(const float *vector, const float *rows, size_t n, size_t dim, float *score);
/* Rows of [n][dim] that are in one of k groups: the mean of each group, to length 1, in [k][dim].
 */
void group_means(const float *rows, const size_t *group, size_t n, size_t dim, size_t k,
                 float *means);
/* The k principal components of [n][dim]: what each row has of them, [n][k]; free() it. */
float *principal(const float *rows, size_t n, size_t dim, size_t k);

void *grab(size_t n, size_t size); /* zeros, or the program ends */
float number_of(const char *argument);
void die(const char *what, const char *why);

#endif
