/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line.  Each option is one row of a table, from which both
 * parsing and --help are made.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bert.h>

/* In the order of the choices' names below. */
enum truncation { TRUNCATION_RIGHT, TRUNCATION_LEFT, TRUNCATION_NONE };
enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_NPY, FORMAT_CSV, FORMAT_BIN };
enum quantize { QUANTIZE_NONE, QUANTIZE_INT8, QUANTIZE_UINT8, QUANTIZE_BINARY, QUANTIZE_UBINARY };
enum { MAX_LIST = 64 };
enum { POOLING_NONE = 7 }; /* after the values of bert_pooling */

/* What was given more than once. */
struct option_list {
    const char *values[MAX_LIST];
    size_t n;
};

/* Numbers are -1 and strings NULL when not given. */
struct options {
    const char *command;
    char *const *texts; /* arguments that are no options */
    size_t n_texts;
    /* all */
    const char *model, *input, *output, *cpu;
    int json, jsonl, quiet, verbose, progress, help, version;
    int precision; /* a bert_precision */
    int read, verify, repack;
    const char *calibration;
    int truncation, truncation_given;
    int64_t threads, max_tokens, max_length;
    /* tokenize, decode */
    const char *tokenizer;
    int pair, no_special, keep_special, strategy, chars, ids_only, count;
    int64_t stride, pad;
    /* info */
    int families, build;
    /* forward */
    const char *outputs;
    int hidden_states, attentions;
    /* embed, similarity, search */
    int pooling, normalize, quantize, format, windows;
    int role; /* a bert_role */
    int64_t dimensions, max_active, top;
    const char *prompt, *prompt_name, *query;
    const char *ranges, *calibrate, *save_ranges;
    int64_t chunks;
    int spans;
    /* classify */
    int function; /* a bert_function */
    int explain;
    /* rerank */
    int raw;
    /* tag, answer */
    int aggregate; /* a bert_aggregation */
    int no_null;
    int64_t max_answer;
    const char *question;
    /* fill */
    const char *targets;
    /* pack */
    int no_head;
    /* calibrate */
    double percentile, outlier_ratio;
    int64_t outliers;
    /* manifest */
    const char *golden;
    int check, links;
    /* mask */
    const char *kinds, *key;
    /* profile */
    const char *check_file, *name;
    int64_t window, step, sample, seed;
    double false_alarms;
    /* bench */
    const char *random, *texts_file, *lengths, *batches;
    double seconds;
    /* serve */
    struct option_list models;
    int stdio, reject;
    int64_t workers, queue, batch_tokens, batch_wait_ms;
};

enum option_kind {
    OPTION_FLAG,   /* sets an int to `low` */
    OPTION_COUNT,  /* adds 1 to an int */
    OPTION_NUMBER, /* an int64_t from low to high */
    OPTION_REAL,   /* a double */
    OPTION_STRING,
    OPTION_LIST,  /* a struct option_list: one more string */
    OPTION_CHOICE /* an int: `low` + place in `choices` */
};

struct option_row {
    char letter; /* 0: none */
    const char *name;
    enum option_kind kind;
    size_t field; /* offset in struct options */
    int64_t low, high;
    const char *choices;  /* names joined by '|' */
    const char *argument; /* for --help */
    const char *help;     /* lines after the first are indented */
};

struct command {
    const char *name;
    const char *summary;
    const char *synopsis; /* after "bert NAME" */
    const char *about;
    const char *examples;
    const struct option_row *const *groups; /* ends with NULL; each group with a row without name */
    int (*run)(const struct options *options);
};

/* Groups that commands share. */
extern const struct option_row options_model[], options_input[], options_output[],
    options_records[], options_pooling[], options_general[];

/* Parse into *options; EXIT_ANSWERED, or EXIT_USAGE after a message. */
int options_parse(struct options *options, const struct command *command, int argc, char **argv);

/* As if nothing had been given. */
void options_default(struct options *options, const struct command *command);
/* Set the field of a row; `value` is borrowed, and NULL for a flag.  False: the error says what is
 * wrong with the value, not with which option. */
bool options_set(struct options *options, const struct option_row *row, const char *value,
                 bert_error *error);

/* Where a name stands among names that are joined by '|'. */
bool parse_choice(const char *choices, const char *text, int *place);
/* Strict decimal numbers: digits and nothing else. */
bool parse_number(const char *text, int64_t low, int64_t high, int64_t *out);
/* A list "16,128,512" of up to `capacity` numbers. */
bool parse_numbers(const char *text, int64_t low, int64_t high, int64_t *out, size_t capacity,
                   size_t *count);

/* --help of a command on standard output; the exit code. */
int print_help(const struct command *command);

#endif
