/* SPDX-License-Identifier: MIT */
/*
 * classify.c - which label does each text have?
 *
 *   classify MODEL_DIR TEXT...
 *
 * Prints, for each text, its best labels and their scores.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bert.h>

/* Returns how many texts have no answer. */
static int print(const bert_classifications *result)
{
    int failed = 0;

    for (size_t i = 0; i < bert_classifications_size(result); i++) {
        const bert_label_score *labels = bert_classifications_labels(result, i);

        if (bert_classifications_status(result, i) != BERT_OK) {
            fprintf(stderr, "text %zu: %s\n", i, bert_classifications_message(result, i));
            failed++;
        }
        for (size_t j = 0; j < bert_classifications_count(result, i); j++)
            printf("%s%s %.4f", j > 0 ? ", " : "", labels[j].label, (double)labels[j].score);
        printf("\n");
    }
    return failed;
}

int main(int argc, char **argv)
{
    bert_classify_options options = BERT_CLASSIFY_OPTIONS_INIT;
    size_t n = argc > 2 ? (size_t)argc - 2 : 0;
    bert_text *texts;
    bert_model *model = NULL;
    bert_session *session = NULL;
    bert_classifications *result = NULL;
    bert_error error = {BERT_ENOMEM, "out of memory"};
    int rc = 1;

    if (n == 0) {
        fprintf(stderr, "usage: classify MODEL_DIR TEXT...\n");
        return 2;
    }
    options.top = 3;
    texts = calloc(n, sizeof *texts);
    for (size_t i = 0; texts != NULL && i < n; i++) {
        texts[i].data = argv[i + 2];
        texts[i].size = strlen(argv[i + 2]);
    }
    if (texts == NULL || bert_model_load(&model, argv[1], NULL, &error) != BERT_OK
        || bert_session_create(&session, model, NULL, &error) != BERT_OK
        || bert_classify(session, texts, NULL, n, &options, &result, &error) != BERT_OK)
        fprintf(stderr, "%s\n", error.message);
    else
        rc = print(result) > 0;
    bert_classifications_free(result);
    bert_session_destroy(session);
    bert_model_unref(model);
    free(texts);
    return rc;
}
