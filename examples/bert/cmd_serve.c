/* SPDX-License-Identifier: MIT */
/* cmd_serve.c - bert serve: requests of many at once, by the engine. */
#include <stdlib.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/interrupt.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/serve.h"

#define FIELD(name) offsetof(struct options, name)

/* ---- Models ---------------------------------------------------------------------------- */

/* "NAME=DIR": the length of NAME; 0 if it is DIR alone. */
static size_t name_size(const char *model)
{
    size_t size =
        strspn(model, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return model[size] == '=' ? size : 0;
}

static int add_model(struct server *server, const char *name, bert_model *model)
{
    bert_error error;

    if (bert_engine_add_model(server->engine, name, model, &error) != BERT_OK)
        return runtime_failed(&error);
    server->names[server->n_names++] = name;
    return 0;
}

static bool has_name(const struct server *server, const char *name)
{
    for (size_t i = 0; i < server->n_names; i++) {
        if (strcmp(server->names[i], name) == 0)
            return true;
    }
    return false;
}

/* The first is the default, and has its name too if it has one. */
static int load_model(struct server *server, const char *value, char *name,
                      const bert_model_options *options)
{
    bool first = server->n_names == 0;
    bert_model *model;
    bert_error error;
    int rc = 0;

    if (*name == '\0' && !first)
        return usage_error("serve", "--model: '%s' has no name; the second and more need NAME=DIR",
                           value);
    if (*name != '\0' && has_name(server, name))
        return usage_error("serve", "--model: there are two models '%s'", name);
    if (bert_model_load(&model, value + (*name != '\0' ? strlen(name) + 1 : 0), options, &error)
        != BERT_OK)
        return runtime_failed(&error);
    if (first)
        rc = add_model(server, "default", model);
    if (rc == 0 && *name != '\0' && strcmp(name, "default") != 0)
        rc = add_model(server, name, model);
    bert_model_unref(model);
    return rc;
}

static int load_models(struct server *server, char **names)
{
    struct option_list list = server->options->models;
    bert_model_options options;
    int rc = runtime_model_options(server->options, &options);

    if (list.n == 0 && server->options->model != NULL)
        list.values[list.n++] = server->options->model; /* of the environment */
    if (rc == 0 && list.n == 0)
        return usage_error("serve", "no model: give --model DIR or set BERT_MODEL");
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        size_t size = name_size(list.values[i]);

        names[i] = copy_bytes(list.values[i], size);
        rc = load_model(server, list.values[i], names[i], &options);
    }
    return rc;
}

/* ---- The command ------------------------------------------------------------------------ */

static int make_engine(struct server *server)
{
    const struct options *options = server->options;
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_error error;

    o.workers = options->workers > 0 ? (uint32_t)options->workers : 0;
    o.threads = options->threads > 0 ? (uint32_t)options->threads : 0;
    o.queue_requests = options->queue > 0 ? (uint32_t)options->queue : 0;
    o.batch_tokens = options->batch_tokens > 0 ? (uint32_t)options->batch_tokens : 0;
    o.batch_wait_ns = options->batch_wait_ms > 0 ? (uint64_t)options->batch_wait_ms * 1000000 : 0;
    if (bert_engine_create(&server->engine, &o, &error) != BERT_OK)
        return runtime_failed(&error);
    return 0;
}

static int serve(struct server *server, char **names)
{
    int rc = 0;

    if (!input_open(&server->input, NULL, 0, NULL))
        return EXIT_OPEN;
    server->input.limit = SERVE_LINE;
    rc = make_engine(server);
    if (rc == 0)
        rc = load_models(server, names);
    if (rc != 0)
        return rc;
    if (!output_open(&server->output, NULL))
        return EXIT_FAILED;
    serve_loop(server);
    if (!output_close(&server->output, true))
        rc = EXIT_FAILED;
    if (interrupt_signal() != 0)
        return 128 + interrupt_signal();
    return rc == 0 && (server->failed > 0 || server->input.failed) ? EXIT_FAILED : rc;
}

static int run(const struct options *options)
{
    struct server server = {.options = options};
    const char *list[MAX_LIST + 1];
    char *names[MAX_LIST] = {NULL};
    int rc;

    if (!options->stdio)
        return usage_error("serve", "there is no HTTP server yet; give --stdio");
    if (options->n_texts > 0)
        return usage_error("serve", "'%s': requests come from standard input", options->texts[0]);
    server.names = list;
    rc = serve(&server, names);
    bert_engine_destroy(server.engine);
    input_close(&server.input);
    for (size_t i = 0; i < MAX_LIST; i++)
        free(names[i]);
    return rc;
}

static const struct option_row rows[] = {
    {0, "stdio", OPTION_FLAG, FIELD(stdio), 1, 0, NULL, NULL,
     "requests from standard input, answers to standard output; needed"},
    {'m', "model", OPTION_LIST, FIELD(models), 0, 0, NULL, "[NAME=]DIR",
     "a model, as of the other commands (default: $BERT_MODEL), and the name\n"
     "for requests to choose it by; may be given up to 64 times.  The first is\n"
     "the default, and needs no name"},
    {0, "workers", OPTION_NUMBER, FIELD(workers), 1, 1024, NULL, "N",
     "batches that run at once (default: 1)"},
    {0, "queue", OPTION_NUMBER, FIELD(queue), 1, 1 << 24, NULL, "N",
     "requests that may wait (default: 1024)"},
    {0, "reject", OPTION_FLAG, FIELD(reject), 1, 0, NULL, NULL,
     "answer BERT_EBUSY while the queue is full (default: read no more until\n"
     "there is room)"},
    {0, "batch-tokens", OPTION_NUMBER, FIELD(batch_tokens), 1, 1 << 24, NULL, "N",
     "tokens of a batch, about (default: 2048)"},
    {0, "batch-wait-ms", OPTION_NUMBER, FIELD(batch_wait_ms), 0, 60000, NULL, "N",
     "how long a batch that is not full may wait for more (default: 0)"},
    {0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL}};

/* All but --model. */
static const struct option_row *const groups[] = {rows, options_model + 1, options_general, NULL};

const struct command command_serve = {
    .name = "serve",
    .summary = "answer requests as they come, many at once",
    .synopsis = "--stdio -m [NAME=]DIR [-m NAME=DIR ...]",
    .about =
        "Read requests, a JSON object a line, and answer each with one line as soon as it is\n"
        "done, which need not be in the order of the requests.  Requests that wait are put\n"
        "together into batches; answers are those of the command of the task with --json.\n"
        "  {\"id\": 1, \"task\": \"embed\", \"text\": \"a cat\"}\n"
        "  {\"id\": 1, \"embedding\": [0.1, ...], \"tokens\": 4, \"truncated\": 0}\n"
        "\"id\" is a string or a number and comes back as it is written.  Tasks and their keys:\n"
        "  embed, embed_all, tag, fill  text, or a list: texts\n"
        "  classify                     text or texts; of pairs pair or pairs too\n"
        "  next                         text and pair, texts and pairs\n"
        "  rerank                       query; text or texts\n"
        "  answer                       question; text or texts (or context, contexts); in\n"
        "                               place of the question a list: questions\n"
        "  choose                       text; choices\n"
        "  explain                      text; of a pair pair too\n"
        "  tokens                       text\n"
        "  chunks                       text; spans, or the option chunks\n"
        "A list has \"results\": [{...}, ...] with an object for each text, or its \"error\".  "
        "All\n"
        "may have\n"
        "  \"options\"     of the task's command, as {\"top\": 3, \"max_length\": 128,\n"
        "                \"normalize\": false}\n"
        "  \"model\"       the name of a model\n"
        "  \"priority\"    \"bulk\": after \"interactive\" ones that came up to a second later\n"
        "  \"timeout_ms\"  else the answer is BERT_ETIMEDOUT\n"
        "A failure is {\"id\": 1, \"error\": {\"code\": \"BERT_EINVAL\", \"message\": \"...\"}}; "
        "of a\n"
        "line without an id {\"id\": null, \"line\": 7, \"error\": ...}, lines from 1; so too of "
        "one\n"
        "over 256 MiB, which is passed over.\n"
        "  {\"cancel\": 1}     all requests of this id that are not done: BERT_ECANCELED\n"
        "  {\"models\": true}  the models there are; it may have an id\n"
        "At the end of the input all is answered first.",
    .examples = "  echo '{\"id\": 1, \"task\": \"embed\", \"text\": \"a cat\"}' |\n"
                "    bert serve --stdio -m DIR\n"
                "  bert serve --stdio -m DIR -m sentiment=DIR2 --workers 2 < requests.jsonl\n",
    .groups = groups,
    .run = run,
};
