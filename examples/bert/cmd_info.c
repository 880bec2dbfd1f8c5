/* SPDX-License-Identifier: MIT */
/* cmd_info.c - bert info: what a model is. */
#include <inttypes.h>
#include <string.h>

#include "examples/bert/commands.h"
#include "examples/bert/json_out.h"
#include "examples/bert/kinds.h"
#include "examples/bert/message.h"
#include "examples/bert/runtime.h"

/* ---- JSON ------------------------------------------------------------------------- */

static void json_member(struct output *out, const char *name, const char *text)
{
    json_put_name(out, name);
    json_put_string(out, text, strlen(text));
}

static void json_count(struct output *out, const char *name, uint64_t value)
{
    json_put_name(out, name);
    output_format(out, "%" PRIu64, value);
}

static void json_prompts(struct output *out, const bert_model *model)
{
    json_put_name(out, "prompts");
    output_text(out, "{");
    for (uint32_t i = 0; i < bert_model_prompt_count(model); i++) {
        const char *name = bert_model_prompt_name(model, i);
        bert_text text = bert_model_prompt(model, i);

        output_text(out, i > 0 ? ", " : "");
        json_put_string(out, name, strlen(name));
        output_text(out, ": ");
        json_put_string(out, text.data, text.size);
    }
    output_text(out, "}");
}

static void json_outputs(struct output *out, const bert_model *model)
{
    uint32_t kinds = bert_model_embeddings(model);
    const char *name, *comma = "";

    json_put_name(out, "outputs");
    output_text(out, "[");
    for (uint32_t i = 0; (name = kinds_name(i)) != NULL; i++) {
        if ((kinds >> i & 1) == 0)
            continue;
        output_text(out, comma);
        json_put_string(out, name, strlen(name));
        comma = ", ";
    }
    output_text(out, "]");
}

static void json_labels(struct output *out, const bert_model *model)
{
    json_put_name(out, "labels");
    output_text(out, "[");
    for (uint32_t i = 0; i < bert_model_label_count(model); i++) {
        const char *label = bert_model_label(model, i);

        output_text(out, i > 0 ? ", " : "");
        json_put_string(out, label, strlen(label));
    }
    output_text(out, "]");
}

static void print_json(struct output *out, const bert_model *model, int verbose)
{
    const char *architecture = bert_model_architecture(model);

    output_text(out, "{\"architecture\": ");
    json_put_string(out, architecture, strlen(architecture));
    json_member(out, "task", bert_model_task(model));
    json_count(out, "hidden_size", bert_model_hidden_size(model));
    json_count(out, "layers", bert_model_layers(model));
    json_count(out, "heads", bert_model_heads(model));
    json_count(out, "intermediate_size", bert_model_intermediate_size(model));
    json_count(out, "vocab_size", bert_model_vocab_size(model));
    json_count(out, "max_length", bert_model_max_length(model));
    json_member(out, "pooling", bert_model_pooling(model));
    json_member(out, "similarity", bert_model_similarity(model));
    json_count(out, "parameters", bert_model_parameters(model));
    json_count(out, "bytes", bert_model_bytes(model));
    json_member(out, "precision", runtime_precision(model));
    json_member(out, "cpu", bert_model_cpu(model));
    json_prompts(out, model);
    json_labels(out, model);
    if (verbose > 0)
        json_outputs(out, model);
    json_member(out, "version", bert_version());
    output_text(out, "}\n");
}

/* ---- Text ------------------------------------------------------------------------- */

static void text_member(struct output *out, const char *name, const char *text)
{
    output_format(out, "%-18s ", name);
    output_printable(out, text, strlen(text));
    output_text(out, "\n");
}

static void text_count(struct output *out, const char *name, uint64_t value)
{
    output_format(out, "%-18s %" PRIu64 "\n", name, value);
}

static void text_prompts(struct output *out, const bert_model *model)
{
    const char *chosen = bert_model_default_prompt(model);

    for (uint32_t i = 0; i < bert_model_prompt_count(model); i++) {
        const char *name = bert_model_prompt_name(model, i);
        bert_text text = bert_model_prompt(model, i);

        output_format(out, "%-18s ", i == 0 ? "prompts" : "");
        output_printable(out, name, strlen(name));
        output_text(out, ": \"");
        output_printable(out, text.data, text.size);
        output_text(out, chosen != NULL && strcmp(chosen, name) == 0 ? "\" (default)\n" : "\"\n");
    }
}

static void text_outputs(struct output *out, const bert_model *model)
{
    uint32_t kinds = bert_model_embeddings(model);
    const char *name, *comma = "";

    output_format(out, "%-18s ", "outputs");
    for (uint32_t i = 0; (name = kinds_name(i)) != NULL; i++) {
        if ((kinds >> i & 1) == 0)
            continue;
        output_format(out, "%s%s", comma, name);
        comma = ", ";
    }
    output_text(out, kinds != 0 ? "\n" : "none\n");
}

static void text_labels(struct output *out, const bert_model *model)
{
    for (uint32_t i = 0; i < bert_model_label_count(model); i++) {
        output_format(out, i == 0 ? "%-18s " : "%s", i == 0 ? "labels" : ", ");
        output_printable(out, bert_model_label(model, i), strlen(bert_model_label(model, i)));
    }
    output_text(out, bert_model_label_count(model) > 0 ? "\n" : "");
}

static void text_more(struct output *out, const bert_model *model)
{
    const bert_tokenizer *tokenizer;
    bert_error error;

    text_count(out, "type_vocab_size", bert_model_type_vocab_size(model));
    text_count(out, "max_positions", bert_model_max_positions(model));
    text_count(out, "embedding_size", bert_model_embedding_size(model));
    text_member(out, "pooler", bert_model_has_pooler(model) ? "yes" : "no");
    if (bert_model_tokenizer(model, &tokenizer, &error) != BERT_OK) {
        text_member(out, "tokenizer", error.message);
    } else {
        text_member(out, "tokenizer", bert_tokenizer_algorithm(tokenizer));
        text_count(out, "tokenizer ids", bert_tokenizer_vocab_size(tokenizer));
    }
    for (uint32_t i = 0; i < bert_model_note_count(model); i++)
        text_member(out, i == 0 ? "notes" : "", bert_model_note(model, i));
}

static void print_text(struct output *out, const bert_model *model, int verbose)
{
    text_member(out, "architecture", bert_model_architecture(model));
    text_member(out, "task", bert_model_task(model));
    text_count(out, "hidden_size", bert_model_hidden_size(model));
    text_count(out, "layers", bert_model_layers(model));
    text_count(out, "heads", bert_model_heads(model));
    text_count(out, "intermediate_size", bert_model_intermediate_size(model));
    text_count(out, "vocab_size", bert_model_vocab_size(model));
    text_count(out, "max_length", bert_model_max_length(model));
    text_member(out, "pooling", bert_model_pooling(model));
    text_member(out, "similarity", bert_model_similarity(model));
    text_outputs(out, model);
    text_count(out, "parameters", bert_model_parameters(model));
    text_count(out, "bytes", bert_model_bytes(model));
    text_member(out, "precision", runtime_precision(model));
    text_member(out, "cpu", bert_model_cpu(model));
    text_prompts(out, model);
    text_labels(out, model);
    text_member(out, "version", bert_version());
    if (verbose > 0)
        text_more(out, model);
}

/* ---- Families --------------------------------------------------------------------- */

static const struct {
    const char *name;
    bert_family_field field;
    int width;
} columns[] = {
    {"model_type", BERT_FAMILY_MODEL_TYPE, 21},
    {"code", BERT_FAMILY_CODE, 16},
    {"position", BERT_FAMILY_POSITION, 14},
    {"distance", BERT_FAMILY_DISTANCE, 18},
    {"norm", BERT_FAMILY_NORM, 15},
    {"ffn", BERT_FAMILY_FFN, 6},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void print_family_json(struct output *out, uint32_t i)
{
    const char *task;

    for (int c = 0; c < COLUMNS; c++) {
        const char *value = bert_family(i, columns[c].field);

        output_format(out, "%s\"%s\": ", c == 0 ? "{" : ", ", columns[c].name);
        json_put_string(out, value, strlen(value));
    }
    output_text(out, ", \"tasks\": [");
    for (uint32_t k = 0; (task = bert_family_task(i, k)) != NULL; k++) {
        output_text(out, k > 0 ? ", " : "");
        json_put_string(out, task, strlen(task));
    }
    output_text(out, "]}\n");
}

static void print_family_text(struct output *out, uint32_t i)
{
    const char *task;

    for (int c = 0; c < COLUMNS; c++) {
        const char *value = bert_family(i, columns[c].field);

        output_format(out, "%-*s ", columns[c].width, *value != '\0' ? value : "-");
    }
    for (uint32_t k = 0; (task = bert_family_task(i, k)) != NULL; k++)
        output_format(out, "%s%s", k > 0 ? " " : "", task);
    output_text(out, bert_family_task(i, 0) != NULL ? "\n" : "-\n");
}

static int run_families(const struct options *options)
{
    struct output output;

    if (output_open(&output, options->output)) {
        for (int c = 0; c < COLUMNS && !options->json; c++)
            output_format(&output, "%-*s ", columns[c].width, columns[c].name);
        output_text(&output, options->json ? "" : "tasks\n");
        for (uint32_t i = 0; bert_family(i, BERT_FAMILY_MODEL_TYPE) != NULL; i++) {
            if (options->json)
                print_family_json(&output, i);
            else
                print_family_text(&output, i);
        }
    }
    return output_close(&output, true) ? EXIT_ANSWERED : EXIT_FAILED;
}

/* ---- The library ------------------------------------------------------------------ */

static int run_build(const struct options *options)
{
    const char *info = bert_build_info(), *name;
    struct output output;

    if (output_open(&output, options->output)) {
        if (options->json) {
            output_text(&output, "{\"build\": ");
            json_put_string(&output, info, strlen(info));
            output_text(&output, ", \"features\": [");
        } else {
            output_format(&output, "%sfeatures:", info);
        }
        for (size_t i = 0; (name = bert_feature(i)) != NULL; i++) {
            if (!options->json)
                output_format(&output, " %s", name);
            else
                output_format(&output, "%s\"%s\"", i > 0 ? ", " : "", name);
        }
        output_text(&output, options->json ? "]}\n" : "\n");
    }
    return output_close(&output, true) ? EXIT_ANSWERED : EXIT_FAILED;
}

static int run(const struct options *options)
{
    struct runtime runtime = {0};
    struct output output;
    int rc;

    if (options->n_texts > 0)
        return usage_error("info", "no TEXT is taken: '%s'", options->texts[0]);
    if (options->families)
        return run_families(options);
    if (options->build)
        return run_build(options);
    rc = runtime_load_model(&runtime, options, 0);
    if (rc == 0) {
        rc = EXIT_FAILED;
        if (output_open(&output, options->output)) {
            if (options->json)
                print_json(&output, runtime.model, options->verbose);
            else
                print_text(&output, runtime.model, options->verbose);
        }
        if (output_close(&output, true))
            rc = EXIT_ANSWERED;
    }
    runtime_close(&runtime);
    return rc;
}

static const struct option_row own[] = {
    {0, "families", OPTION_FLAG, offsetof(struct options, families), 1, 0, NULL, NULL,
     "print the families of models that can be loaded, instead; needs no model"},
    {0, "build", OPTION_FLAG, offsetof(struct options, build), 1, 0, NULL, NULL,
     "print what the library was built as, instead; needs no model"},
    {0},
};

static const struct option_row *const groups[] = {
    own, options_model, options_input, options_output, options_records, options_general, NULL};

const struct command command_info = {
    .name = "info",
    .summary = "what a model is",
    .synopsis = "[options]",
    .about =
        "Load a model and say what it is: architecture, sizes, longest input, pooling,\n"
        "similarity function, kinds of embeddings (embed --outputs), memory, instruction set,\n"
        "prompts.  With -v also tokenizer and remarks, such as tensors that are not used.\n"
        "With --json one JSON object (with -v the kinds of embeddings, outputs, too).  With\n"
        "--families the table of what can be loaded: how places enter the embeddings and\n"
        "distances the attention, norms, feed-forward network, tasks.  With --build compiler,\n"
        "kernels, modules and features of the library, for a report of a defect.",
    .examples = "  bert info -m DIR\n"
                "  bert info -m DIR --json | jq .max_length\n"
                "  bert info --families\n"
                "  bert info --build\n",
    .groups = groups,
    .run = run,
};
