/* SPDX-License-Identifier: MIT */
/*
 * tag.c - the entities of each text.
 *
 *   tag MODEL_DIR TEXT...
 *
 * Prints one entity per line: label, score, bytes in the text, and the part of the text.
 */
#include <stdio.h>
#include <string.h>

#include <bert.h>

static int tag(bert_session *session, const char *text)
{
    bert_text t = {text, strlen(text)};
    bert_entities *result;
    const bert_entity *entities;
    bert_error error;
    bert_status status;

    /* One text a call to keep this short; a call takes any number. */
    if (bert_tag(session, &t, 1, NULL, &result, &error) != BERT_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    status = bert_entities_status(result, 0);
    if (status != BERT_OK)
        fprintf(stderr, "%s\n", bert_entities_message(result, 0));
    entities = bert_entities_list(result, 0);
    for (size_t i = 0; i < bert_entities_count(result, 0); i++) {
        bert_span at = entities[i].bytes;

        printf("%-6s %.4f  [%zu, %zu)  %.*s\n", entities[i].label, (double)entities[i].score,
               at.start, at.end, (int)(at.end - at.start), text + at.start);
    }
    bert_entities_free(result);
    return status != BERT_OK;
}

int main(int argc, char **argv)
{
    bert_model *model = NULL;
    bert_session *session = NULL;
    bert_error error;
    int rc = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: tag MODEL_DIR TEXT...\n");
        return 2;
    }
    if (bert_model_load(&model, argv[1], NULL, &error) != BERT_OK
        || bert_session_create(&session, model, NULL, &error) != BERT_OK) {
        fprintf(stderr, "%s\n", error.message);
        rc = 1;
    }
    for (int i = 2; i < argc && rc == 0; i++)
        rc = tag(session, argv[i]);
    bert_session_destroy(session);
    bert_model_unref(model);
    return rc;
}
