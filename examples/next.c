/* SPDX-License-Identifier: MIT */
/*
 * next.c - does the second sentence follow the first?
 *
 *   next MODEL_DIR FIRST SECOND
 *
 * Prints the probability that it does.
 */
#include <stdio.h>
#include <string.h>

#include <bert.h>

static int print(const bert_nexts *result)
{
    if (bert_nexts_status(result, 0) != BERT_OK) {
        fprintf(stderr, "%s\n", bert_nexts_message(result, 0));
        return 1;
    }
    printf("%.4f\n", (double)bert_nexts_get(result, 0)->is_next);
    return 0;
}

int main(int argc, char **argv)
{
    bert_text first, second;
    bert_model *model = NULL;
    bert_session *session = NULL;
    bert_nexts *result = NULL;
    bert_error error;
    int rc = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: next MODEL_DIR FIRST SECOND\n");
        return 2;
    }
    first.data = argv[2];
    first.size = strlen(argv[2]);
    second.data = argv[3];
    second.size = strlen(argv[3]);
    if (bert_model_load(&model, argv[1], NULL, &error) != BERT_OK
        || bert_session_create(&session, model, NULL, &error) != BERT_OK
        || bert_next_sentence(session, &first, &second, 1, NULL, &result, &error) != BERT_OK)
        fprintf(stderr, "%s\n", error.message);
    else
        rc = print(result);
    bert_nexts_free(result);
    bert_session_destroy(session);
    bert_model_unref(model);
    return rc;
}
