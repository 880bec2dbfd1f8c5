/* SPDX-License-Identifier: MIT */
/*
 * fill.c - what could stand behind the masks of a text?
 *
 *   fill MODEL_DIR 'a [MASK] on a mat'
 *
 * Prints, for each mask, the likeliest tokens, one per line: score, token, and the text
 * with the token in its place.
 */
#include <stdio.h>
#include <string.h>

#include <bert.h>

static int print(const bert_fills *result)
{
    if (bert_fills_status(result, 0) != BERT_OK) {
        fprintf(stderr, "%s\n", bert_fills_message(result, 0));
        return 1;
    }
    for (size_t mask = 0; mask < bert_fills_masks(result, 0); mask++) {
        size_t count;
        const bert_fill *best = bert_fills_best(result, 0, mask, &count);

        for (size_t i = 0; i < count; i++)
            printf("mask %zu: %.4f  %-12s  %s\n", mask + 1, (double)best[i].score,
                   best[i].token.data, best[i].text.data);
    }
    return 0;
}

int main(int argc, char **argv)
{
    bert_text text;
    bert_model *model = NULL;
    bert_session *session = NULL;
    bert_fills *result = NULL;
    bert_error error;
    int rc = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: fill MODEL_DIR TEXT\n");
        return 2;
    }
    text.data = argv[2];
    text.size = strlen(argv[2]);
    if (bert_model_load(&model, argv[1], NULL, &error) != BERT_OK
        || bert_session_create(&session, model, NULL, &error) != BERT_OK
        || bert_fill_mask(session, &text, 1, NULL, &result, &error) != BERT_OK)
        fprintf(stderr, "%s\n", error.message);
    else
        rc = print(result);
    bert_fills_free(result);
    bert_session_destroy(session);
    bert_model_unref(model);
    return rc;
}
