/* SPDX-License-Identifier: MIT */
/* help.c - --help, and the options that commands share. */
#include <bert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "examples/bert/message.h"
#include "examples/bert/options.h"
#include "examples/bert/output.h"

#define FIELD(name) offsetof(struct options, name)
#define END                                                                                        \
    {                                                                                              \
        0, NULL, OPTION_FLAG, 0, 0, 0, NULL, NULL, NULL                                            \
    }

const struct option_row options_model[] = {
    {'m', "model", OPTION_STRING, FIELD(model), 0, 0, NULL, "DIR",
     "model: a Hugging Face model directory, or a file that `bert pack` made\n"
     "(default: $BERT_MODEL)"},
    {'t', "threads", OPTION_NUMBER, FIELD(threads), 1, 1024, NULL, "N",
     "threads (default: the processors that this process may use)"},
    {0, "precision", OPTION_CHOICE, FIELD(precision), BERT_PRECISION_FP32, 0, "fp32|bf16|int8|auto",
     "P", "auto, fp32, bf16 or int8 (default: a packed file's own, else fp32)"},
    {0, "calibration", OPTION_STRING, FIELD(calibration), 0, 0, NULL, "FILE",
     "what `bert calibrate` wrote of this model, for --precision int8"},
    {0, "cpu", OPTION_STRING, FIELD(cpu), 0, 0, NULL, "LEVEL",
     "instruction set at most: scalar, blas, avx2, avx2_vnni, avx512,\n"
     "avx512_vnni, avx512_vnni_bf16, amx; neon, neon_dotprod, neon_bf16,\n"
     "neon_i8mm (default: the best of this machine, or $BERT_CPU)"},
    {0, "verify", OPTION_FLAG, FIELD(verify), 1, 0, NULL, NULL,
     "compare the checksums of all of a packed file, not of its header alone"},
    {0, "repack", OPTION_FLAG, FIELD(repack), 1, 0, NULL, NULL,
     "a file packed for another instruction set or precision: pack it anew,\n"
     "in memory, if it is in fp32 (default: it is refused)"},
    {0, "no-map", OPTION_FLAG, FIELD(read), 1, 0, NULL, NULL,
     "read a packed file instead of mapping it: slower, and its memory isn't\n"
     "shared, but the file may shrink meanwhile"},
    END};

const struct option_row options_records[] = {
    {0, "max-tokens", OPTION_NUMBER, FIELD(max_tokens), 1, 1 << 24, NULL, "N",
     "tokens that one batch may hold, at least one longest text (default:\n"
     "2048); memory grows with it, answers don't change"},
    {0, "max-length", OPTION_NUMBER, FIELD(max_length), 1, INT32_MAX, NULL, "N",
     "tokens of one text at most, special ones included (default: the\n"
     "model's limit, which holds in any case)"},
    {0, "truncation", OPTION_CHOICE, FIELD(truncation), 0, 0, "right|left|none", "SIDE",
     "of a longer text, cut off the right or the left; none: it is an error\n"
     "of that record (default: right)"},
    END};

const struct option_row options_input[] = {
    {'i', "input", OPTION_STRING, FIELD(input), 0, 0, NULL, "FILE",
     "read records from FILE, one a line (default: standard input, where\n"
     "there are no TEXT arguments)"},
    {0, "jsonl", OPTION_FLAG, FIELD(jsonl), 1, 0, NULL, NULL,
     "each record is a JSON object, such as {\"text\": \"...\"}"},
    END};

const struct option_row options_output[] = {
    {'o', "output", OPTION_STRING, FIELD(output), 0, 0, NULL, "FILE",
     "write to FILE, which appears when all is done (default: standard\n"
     "output)"},
    {0, "json", OPTION_FLAG, FIELD(json), 1, 0, NULL, NULL,
     "write JSON Lines: one object per record"},
    END};

const struct option_row options_pooling[] = {
    {0, "pooling", OPTION_CHOICE, FIELD(pooling), BERT_POOLING_MEAN, 0,
     "mean|cls|max|mean_sqrt_len|weighted|last|none", "MODE",
     "mean, cls, max, mean_sqrt_len, weighted or last, in place of every\n"
     "module after the encoder; with `embed` also none: a vector per token\n"
     "(default: the model's own modules)"},
    {0, "normalize", OPTION_FLAG, FIELD(normalize), BERT_NORMALIZE_ON, 0, NULL, NULL,
     "scale vectors to unit length (default: as the model says)"},
    {0, "no-normalize", OPTION_FLAG, FIELD(normalize), BERT_NORMALIZE_OFF, 0, NULL, NULL, "don't"},
    {0, "dimensions", OPTION_NUMBER, FIELD(dimensions), 1, INT32_MAX, NULL, "N",
     "keep the first N numbers, then normalise again (default: all)"},
    {0, "windows", OPTION_FLAG, FIELD(windows), 1, 0, NULL, NULL,
     "cut longer texts into windows and average their vectors by token\n"
     "count, instead of cutting them off"},
    {0, "stride", OPTION_NUMBER, FIELD(stride), 0, INT32_MAX, NULL, "N",
     "tokens that neighbouring windows share (default: 0)"},
    END};

const struct option_row options_general[] = {
    {'q', "quiet", OPTION_FLAG, FIELD(quiet), 1, 0, NULL, NULL, "no warnings, no progress"},
    {'v', "verbose", OPTION_COUNT, FIELD(verbose), 0, 0, NULL, NULL, "say more; twice: still more"},
    {0, "progress", OPTION_FLAG, FIELD(progress), 1, 0, NULL, NULL,
     "show progress even where standard error is no terminal"},
    {'h', "help", OPTION_FLAG, FIELD(help), 1, 0, NULL, NULL, "print this help"},
    {'V', "version", OPTION_FLAG, FIELD(version), 1, 0, NULL, NULL, "print the version"},
    END};

/* "  -m, --model DIR", padded to the column of the descriptions. */
static void print_row(struct output *out, const struct option_row *row)
{
    char names[64];
    const char *line = row->help;
    int used;

    if (row->letter != 0)
        used = snprintf(names, sizeof names, "  -%c, --%s", row->letter, row->name);
    else
        used = snprintf(names, sizeof names, "      --%s", row->name);
    if (row->argument != NULL)
        snprintf(names + used, sizeof names - (size_t)used, " %s", row->argument);
    if (strlen(names) > 25)
        output_format(out, "%s\n%26s", names, "");
    else
        output_format(out, "%-26s", names);
    for (;;) {
        size_t size = strcspn(line, "\n");

        output_write(out, line, size);
        output_text(out, "\n");
        if (line[size] == '\0')
            return;
        output_format(out, "%26s", "");
        line += size + 1;
    }
}

int print_help(const struct command *command)
{
    struct output out;

    if (!output_open(&out, NULL))
        return EXIT_FAILED;
    output_format(&out, "Usage: bert %s %s\n\n", command->name, command->synopsis);
    output_text(&out, command->about);
    output_text(&out, "\n\nOptions:\n");
    for (const struct option_row *const *group = command->groups; *group != NULL; group++) {
        for (const struct option_row *row = *group; row->name != NULL; row++)
            print_row(&out, row);
    }
    output_text(&out, "\nExamples:\n");
    output_text(&out, command->examples);
    output_text(&out, "\n");
    output_text(&out, "Exit status: 0 all records answered, 1 some failed or output could not be\n"
                      "written, 2 usage, 3 model or input could not be opened, 130 interrupted.\n");
    return output_close(&out, true) ? EXIT_ANSWERED : EXIT_FAILED;
}
