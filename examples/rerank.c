/* SPDX-License-Identifier: MIT */
/*
 * rerank.c - order texts by how well they answer a query, with a cross-encoder.
 *
 *   rerank MODEL_DIR QUERY TEXT...
 *
 * Prints the texts, best first, with their scores.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bert.h>

/* Returns how many texts have no score. */
static size_t print(const bert_rankings *result, const bert_text *texts)
{
    const bert_ranked *best = bert_rankings_best(result);
    size_t n = bert_rankings_size(result);

    for (size_t i = 0; i < bert_rankings_count(result); i++)
        printf("%.4f  %s\n", (double)best[i].score, texts[best[i].index].data);
    for (size_t i = 0; i < n; i++)
        if (bert_rankings_status(result, i) != BERT_OK)
            fprintf(stderr, "text %zu: %s\n", i, bert_rankings_message(result, i));
    return n - bert_rankings_count(result);
}

int main(int argc, char **argv)
{
    size_t n = argc > 3 ? (size_t)argc - 3 : 0;
    bert_text query, *texts;
    bert_model *model = NULL;
    bert_session *session = NULL;
    bert_rankings *result = NULL;
    bert_error error = {BERT_ENOMEM, "out of memory"};
    int rc = 1;

    if (n == 0) {
        fprintf(stderr, "usage: rerank MODEL_DIR QUERY TEXT...\n");
        return 2;
    }
    query.data = argv[2];
    query.size = strlen(argv[2]);
    texts = calloc(n, sizeof *texts);
    for (size_t i = 0; texts != NULL && i < n; i++) {
        texts[i].data = argv[i + 3];
        texts[i].size = strlen(argv[i + 3]);
    }
    if (texts == NULL || bert_model_load(&model, argv[1], NULL, &error) != BERT_OK
        || bert_session_create(&session, model, NULL, &error) != BERT_OK
        || bert_rerank(session, query, texts, n, NULL, &result, &error) != BERT_OK)
        fprintf(stderr, "%s\n", error.message);
    else
        rc = print(result, texts) > 0;
    bert_rankings_free(result);
    bert_session_destroy(session);
    bert_model_unref(model);
    free(texts);
    return rc;
}
