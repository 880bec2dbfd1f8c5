/* SPDX-License-Identifier: MIT */
/* cmd_pack.c - bert pack: a model as one file that is mapped, not read. */
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/message.h"
#include "examples/bert/runtime.h"

/* Is the error about the file that was to be written? */
static int is_output(const bert_error *error, const char *file)
{
    size_t size = strlen(file);

    return error->code == BERT_EIO && strncmp(error->message, file, size) == 0
           && strncmp(error->message + size, ": can't be ", 11) == 0;
}

static int pack(const struct options *options, const char *model, const char *file)
{
    bert_model_options o;
    bert_error error;
    int rc = runtime_model_options(options, &o);

    if (rc != 0)
        return rc;
    if (options->no_head)
        o.flags |= BERT_MODEL_NO_HEAD;
    if (bert_model_pack(model, file, &o, &error) == BERT_OK)
        return EXIT_ANSWERED;
    if (strcmp(model, file) != 0 && is_output(&error, file)) {
        message_error(&error);
        return EXIT_FAILED;
    }
    return runtime_failed(&error);
}

static int run(const struct options *options)
{
    const char *model = options->n_texts == 2 ? options->texts[0] : options->model;

    if (options->n_texts < 1 || options->n_texts > 2)
        return usage_error("pack", "a model and a file are needed, %zu arguments given",
                           options->n_texts);
    if (model == NULL)
        return usage_error("pack", "no model: give MODEL before the file, or set BERT_MODEL");
    return pack(options, model, options->texts[options->n_texts - 1]);
}

static const struct option_row own[] = {
    {0, "no-head", OPTION_FLAG, offsetof(struct options, no_head), 1, 0, NULL, NULL,
     "leave the task head out, where only embeddings are wanted"},
    {0},
};

static const struct option_row *const groups[] = {own, options_model, options_general, NULL};

const struct command command_pack = {
    .name = "pack",
    .summary = "a model as one file that loads at once",
    .synopsis = "[options] [MODEL] FILE",
    .about =
        "Write a model into one file: weights as they lie in memory for this machine's\n"
        "instruction set (or --cpu) and --precision, config, tokenizer, modules, head, checksums.\n"
        "Every command takes the file in place of a directory (-m).  It is mapped: a model is\n"
        "ready in milliseconds, and processes share its memory.  The answers are the same, bit\n"
        "for bit.  A machine that wants another form refuses the file by name (see --repack).\n"
        "The file must not be written to while it is in use; a new one that is put in its place,\n"
        "as this command does, is fine.",
    .examples = "  bert pack DIR model.bert\n"
                "  bert pack DIR model.bert --cpu avx2\n"
                "  bert info -m model.bert --verify\n",
    .groups = groups,
    .run = run,
};
