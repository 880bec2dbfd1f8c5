/* SPDX-License-Identifier: MIT */
/*
 * answer.c - which part of a text answers a question?
 *
 *   answer MODEL_DIR QUESTION TEXT
 *
 * Prints the best answers with their scores and their bytes in the text, which may be of
 * any length.
 */
#include <stdio.h>
#include <string.h>

#include <bert.h>

static int print(const bert_answers *result, const char *text)
{
    const bert_answer_span *answers = bert_answers_list(result, 0);

    if (bert_answers_status(result, 0) != BERT_OK) {
        fprintf(stderr, "%s\n", bert_answers_message(result, 0));
        return 1;
    }
    for (size_t i = 0; i < bert_answers_count(result, 0); i++) {
        bert_span at = answers[i].bytes;

        if (answers[i].is_null)
            printf("%.4f  no answer\n", (double)answers[i].score);
        else
            printf("%.4f  [%zu, %zu)  %.*s\n", (double)answers[i].score, at.start, at.end,
                   (int)(at.end - at.start), text + at.start);
    }
    return 0;
}

int main(int argc, char **argv)
{
    bert_answer_options options = BERT_ANSWER_OPTIONS_INIT;
    bert_text question, text;
    bert_model *model = NULL;
    bert_session *session = NULL;
    bert_answers *result = NULL;
    bert_error error;
    int rc = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: answer MODEL_DIR QUESTION TEXT\n");
        return 2;
    }
    question.data = argv[2];
    question.size = strlen(argv[2]);
    text.data = argv[3];
    text.size = strlen(argv[3]);
    options.top = 3;
    if (bert_model_load(&model, argv[1], NULL, &error) != BERT_OK
        || bert_session_create(&session, model, NULL, &error) != BERT_OK
        || bert_answer(session, &question, &text, 1, &options, &result, &error) != BERT_OK)
        fprintf(stderr, "%s\n", error.message);
    else
        rc = print(result, argv[3]);
    bert_answers_free(result);
    bert_session_destroy(session);
    bert_model_unref(model);
    return rc;
}
