/* SPDX-License-Identifier: MIT */
/*
 * search.c - which line of standard input is closest in meaning to a query?
 *
 *   search MODEL_DIR QUERY < lines.txt
 *
 * Prints the line and its score.  One line is embedded at a time to keep this short;
 * bert_embed() takes any number in one call, and is faster so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bert.h>

static bert_status embed(bert_session *session, const char *text, float *vector, size_t dim,
                         bert_error *error)
{
    bert_text t = {text, strlen(text)};

    return bert_embed(session, &t, 1, NULL, vector, dim, NULL, error);
}

static bert_status find_best(bert_session *session, const float *query, float *vector, size_t dim,
                             char best[1024], float *best_score, bert_error *error)
{
    const char *function = bert_model_similarity(bert_session_model(session));
    char line[1024];

    while (fgets(line, sizeof line, stdin) != NULL) {
        float score;

        line[strcspn(line, "\n")] = '\0';
        if (embed(session, line, vector, dim, error) != BERT_OK
            || bert_similarity(function, query, vector, dim, &score, error) != BERT_OK)
            return error->code;
        if (best[0] == '\0' || score > *best_score) {
            *best_score = score;
            strcpy(best, line);
        }
    }
    return BERT_OK;
}

int main(int argc, char **argv)
{
    bert_model *model;
    bert_session *session = NULL;
    bert_error error = {BERT_ENOMEM, "out of memory"};
    char best[1024] = "";
    float *vectors, score = 0;
    size_t dim;
    int rc = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: search MODEL_DIR QUERY < lines.txt\n");
        return 2;
    }
    if (bert_model_load(&model, argv[1], NULL, &error) != BERT_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    dim = bert_model_embedding_size(model);
    vectors = calloc(2 * dim, sizeof *vectors);
    if (vectors != NULL && bert_session_create(&session, model, NULL, &error) == BERT_OK
        && embed(session, argv[2], vectors, dim, &error) == BERT_OK
        && find_best(session, vectors, vectors + dim, dim, best, &score, &error) == BERT_OK) {
        printf("%.4f  %s\n", (double)score, best);
        rc = 0;
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    free(vectors);
    bert_session_destroy(session);
    bert_model_unref(model);
    return rc;
}
