/* SPDX-License-Identifier: MIT */
/* cmd_manifest.c - bert manifest: a model's files listed with digests, its answers to golden inputs
 * stored; and both checked. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "examples/bert/commands.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/json_out.h"
#include "examples/bert/lines.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/output.h"
#include "examples/bert/runtime.h"

struct findings {
    char digest[BERT_DIGEST_SIZE];
    size_t written; /* golden inputs */
    bert_golden_report report;
};

/* ---- Golden inputs ---------------------------------------------------------- */

static int needs_pairs(const struct runtime *runtime, const struct options *options)
{
    const char *task = bert_model_task(runtime->model);

    return options->pair || strcmp(task, "question-answering") == 0
           || strcmp(task, "next-sentence-prediction") == 0;
}

/* Cut the texts at their first TABs. */
static int split_pairs(struct lines *texts, bert_text *pairs, const char *file)
{
    for (size_t i = 0; i < texts->n; i++) {
        bert_text *text = &texts->list[i];
        const char *tab = text->size > 0 ? memchr(text->data, '\t', text->size) : NULL;

        if (tab == NULL) {
            message("%s: text %zu has no TAB with a pair behind it [BERT_EINVAL]", file, i);
            return EXIT_OPEN;
        }
        pairs[i] = (bert_text){tab + 1, text->size - (size_t)(tab + 1 - text->data)};
        text->size = (size_t)(tab - text->data);
    }
    return 0;
}

/* An error of what was to be written is no error of the model. */
static int write_failed(const bert_error *error)
{
    if (error->code != BERT_EIO
        || (strstr(error->message, ": can't be written") == NULL
            && strstr(error->message, ": can't be replaced") == NULL))
        return runtime_failed(error);
    message_error(error);
    return EXIT_FAILED;
}

static int load(struct runtime *runtime, const struct options *options)
{
    int rc = runtime_load_model(runtime, options, 0);

    if (rc == 0)
        rc = runtime_need_tokenizer(runtime);
    if (rc == 0)
        rc = runtime_make_session(runtime, options, bert_model_max_length(runtime->model));
    return rc;
}

static int write_texts(struct runtime *runtime, const struct options *options, struct lines *texts)
{
    bert_text *pairs = NULL;
    bert_error error;
    int rc = 0;

    if (needs_pairs(runtime, options)) {
        pairs = grow_memory(NULL, texts->n, sizeof *pairs);
        rc = split_pairs(texts, pairs, options->golden);
    }
    if (rc == 0
        && bert_golden_write(runtime->session, texts->list, pairs, texts->n, NULL, options->model,
                             &error)
               != BERT_OK)
        rc = write_failed(&error);
    free(pairs);
    return rc;
}

static int write_golden(const struct options *options, struct findings *found)
{
    struct runtime runtime = {0};
    struct lines texts;
    int rc = lines_read(&texts, options->golden, true);

    if (rc == 0)
        rc = load(&runtime, options);
    if (rc == 0)
        rc = write_texts(&runtime, options, &texts);
    found->written = texts.n;
    runtime_close(&runtime);
    lines_free(&texts);
    return rc;
}

/* Are there golden inputs with the model? */
static int has_golden(const char *model)
{
    size_t size = strlen(model) + 16;
    char *path = grow_memory(NULL, size, 1);
    struct stat st;
    int found = stat(model, &st) == 0;

    if (found) {
        strcpy(path, model);
        strcat(path, S_ISDIR(st.st_mode) ? "/golden.json" : ".golden.json");
        found = stat(path, &st) == 0;
    }
    free(path);
    return found;
}

static int check_golden(const struct options *options, struct findings *found)
{
    struct runtime runtime = {0};
    bert_error error;
    int rc = load(&runtime, options);

    if (rc == 0
        && bert_golden_check(runtime.session, options->model, &found->report, &error) != BERT_OK) {
        if (found->report.failed > 1)
            message("%zu of %zu golden inputs have other answers; the first:", found->report.failed,
                    found->report.compared);
        rc = runtime_failed(&error);
    }
    runtime_close(&runtime);
    return rc;
}

/* ---- Output ------------------------------------------------------------------- */

static void print_json(struct output *out, const struct findings *found)
{
    const bert_golden_report *r = &found->report;

    output_format(out, "{\"digest\": \"%s\"", found->digest);
    if (found->written > 0)
        output_format(out, ", \"golden\": %zu", found->written);
    if (r->compared > 0) {
        output_format(out, ", \"golden\": %zu, \"difference\": ", r->compared);
        json_put_float(out, (float)r->difference);
        output_text(out, ", \"cosine\": ");
        json_put_float(out, (float)r->cosine);
    }
    output_text(out, "}\n");
}

static void print_text(struct output *out, const struct findings *found)
{
    const bert_golden_report *r = &found->report;

    output_format(out, "digest      %s\n", found->digest);
    if (found->written > 0)
        output_format(out, "golden      %zu texts\n", found->written);
    if (r->compared > 0)
        output_format(out, "golden      %zu texts\ndifference  %.3g, at most %.3g\n", r->compared,
                      r->difference, r->max_difference);
    if (r->compared > 0 && r->task == BERT_GOLDEN_EMBED)
        output_format(out, "cosine      %.6f, at least %.6g\n", r->cosine, r->min_cosine);
}

static int print(const struct options *options, const struct findings *found)
{
    struct output out;

    if (!output_open(&out, NULL))
        return EXIT_FAILED;
    if (options->json)
        print_json(&out, found);
    else
        print_text(&out, found);
    return output_close(&out, true) ? EXIT_ANSWERED : EXIT_FAILED;
}

/* ---- The command ----------------------------------------------------------------- */

static bert_manifest_options manifest_options(const struct options *options)
{
    bert_manifest_options o = BERT_MANIFEST_OPTIONS_INIT;

    o.flags = options->links ? (uint32_t)BERT_MANIFEST_LINKS : 0;
    o.log = runtime_log;
    o.log_context = (void *)options;
    o.cancel = interrupt_cancel;
    return o;
}

static int write_both(const struct options *options, struct findings *found)
{
    bert_manifest_options o = manifest_options(options);
    bert_error error;
    int rc = options->golden != NULL ? write_golden(options, found) : 0;

    if (rc == 0 && bert_manifest_write(options->model, &o, found->digest, &error) != BERT_OK)
        rc = write_failed(&error);
    return rc;
}

static int check_both(const struct options *options, struct findings *found)
{
    bert_manifest_options o = manifest_options(options);
    bert_error error;

    if (bert_manifest_verify(options->model, &o, found->digest, &error) != BERT_OK)
        return runtime_failed(&error);
    return has_golden(options->model) ? check_golden(options, found) : 0;
}

static int run(const struct options *options)
{
    struct findings found = {.report = BERT_GOLDEN_REPORT_INIT};
    int rc;

    if (options->n_texts > 0)
        return usage_error("manifest", "'%s' is not expected: the model is given by --model",
                           options->texts[0]);
    if (options->model == NULL)
        return usage_error("manifest", "no model: give --model DIR or set BERT_MODEL");
    if (options->check && options->golden != NULL)
        return usage_error("manifest", "--check and --golden exclude each other");
    rc = options->check ? check_both(options, &found) : write_both(options, &found);
    return rc == 0 ? print(options, &found) : rc;
}

#define FIELD(name) offsetof(struct options, name)

static const struct option_row own[] = {
    {0, "golden", OPTION_STRING, FIELD(golden), 0, 0, NULL, "FILE",
     "store the model's answers to these texts with it, one a line; for\n"
     "answers and next sentences TEXT<TAB>PAIR.  They can be read there:\n"
     "take texts that may be seen"},
    {0, "pair", OPTION_FLAG, FIELD(pair), 1, 0, NULL, NULL,
     "the texts are pairs, TEXT<TAB>PAIR, for other tasks too"},
    {0, "check", OPTION_FLAG, FIELD(check), 1, 0, NULL, NULL,
     "write nothing: compare the model with its manifest, and its answers\n"
     "with the stored ones, if there are any"},
    {0, "links", OPTION_FLAG, FIELD(links), 1, 0, NULL, NULL,
     "take symbolic links that lead out of the model (default: refused, but\n"
     "for those of the hub's cache)"},
    {0, "json", OPTION_FLAG, FIELD(json), 1, 0, NULL, NULL, "write one JSON object"},
    {0},
};

static const struct option_row *const groups[] = {own, options_model, options_general, NULL};

const struct command command_manifest = {
    .name = "manifest",
    .summary = "list a model's files with their digests, or check them",
    .synopsis = "[options]",
    .about =
        "Write bert_manifest.json into a model's directory, or FILE.manifest.json beside a packed\n"
        "FILE: the files that are read, their sizes and SHA-256, and the digest of them all, "
        "which\n"
        "is printed.  With --golden also golden.json, or FILE.golden.json: texts and the answers\n"
        "that the model gives to them, by its task.  --check verifies both and fails with 3, by\n"
        "the name of what differs: a file, or the place of a text.  A check in another precision,\n"
        "or on another machine, allows for what that changes.",
    .examples = "  bert manifest -m DIR --golden texts.txt\n"
                "  bert manifest -m DIR --check && bert embed -m DIR 'a cat'\n",
    .groups = groups,
    .run = run,
};
