/* SPDX-License-Identifier: MIT */
/* What a host program does with an installed libbert.  Argument: a model, or none. */
#include <bert.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what, const bert_error *err)
{
    fprintf(stderr, "%s: %s [%s]\n", what, err->message, bert_status_name(err->code));
    return 1;
}

static int embed(const char *path)
{
    static float vector[8192];
    bert_error err;
    bert_model *model;
    bert_session *session = NULL;
    bert_text text = {"installed", 9};
    int rc = 0;

    if (bert_model_load(&model, path, NULL, &err) != BERT_OK)
        return fail(path, &err);
    if (bert_session_create(&session, model, NULL, &err) != BERT_OK
        || bert_embed(session, &text, 1, NULL, vector, sizeof vector / sizeof *vector, NULL, &err)
               != BERT_OK)
        rc = fail("embed", &err);
    else
        printf("%u dimensions, first %.6f\n", (unsigned)bert_model_embedding_size(model),
               (double)vector[0]);
    bert_session_destroy(session);
    bert_model_unref(model);
    return rc;
}

int main(int argc, char **argv)
{
    bert_error err;
    bert_model *model = (bert_model *)&err;

    if (strcmp(bert_version(), BERT_VERSION_STRING) != 0) {
        fprintf(stderr, "header %s, library %s\n", BERT_VERSION_STRING, bert_version());
        return 1;
    }
    if (bert_model_load(&model, "/nonexistent/model", NULL, &err) != BERT_EIO || model != NULL) {
        fprintf(stderr, "a missing model is not BERT_EIO\n");
        return 1;
    }
    printf("libbert %s: %s\n", bert_version(), err.message);
    return argc > 1 ? embed(argv[1]) : 0;
}
