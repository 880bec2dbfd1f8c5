/* SPDX-License-Identifier: MIT */
/*
 * embed.c - texts to vectors.
 *
 *   embed MODEL_DIR TEXT...
 *
 * Prints one vector per line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bert.h>

static int embed(bert_session *session, const bert_text *texts, size_t n, float *vectors,
                 size_t dim)
{
    bert_error error;

    /* One call for all of them: the library makes batches that fit the session. */
    if (bert_embed(session, texts, n, NULL, vectors, n * dim, NULL, &error) != BERT_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < dim; j++)
            printf("%s%.6g", j > 0 ? " " : "", (double)vectors[i * dim + j]);
        printf("\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    size_t n = argc > 2 ? (size_t)argc - 2 : 0, dim;
    bert_model *model;
    bert_session *session = NULL;
    bert_text *texts = NULL;
    float *vectors = NULL;
    bert_error error;
    int rc = 1;

    if (argc < 2) {
        fprintf(stderr, "usage: embed MODEL_DIR TEXT...\n");
        return 2;
    }
    if (bert_model_load(&model, argv[1], NULL, &error) != BERT_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    dim = bert_model_embedding_size(model);
    texts = calloc(n + 1, sizeof *texts);
    vectors = calloc(n + 1, dim * sizeof *vectors);
    if (texts == NULL || vectors == NULL)
        goto out;
    for (size_t i = 0; i < n; i++) {
        texts[i].data = argv[i + 2];
        texts[i].size = strlen(argv[i + 2]);
    }
    if (bert_session_create(&session, model, NULL, &error) != BERT_OK) {
        fprintf(stderr, "%s\n", error.message);
        goto out;
    }
    rc = embed(session, texts, n, vectors, dim);
out:
    free(texts);
    free(vectors);
    bert_session_destroy(session);
    bert_model_unref(model);
    return rc;
}
