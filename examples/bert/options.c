/* SPDX-License-Identifier: MIT */
#include "examples/bert/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "examples/bert/message.h"

enum { MAX_ROWS = 64, FIRST_LONG = 256 };

/* The rows of a command's groups, one after another. */
struct rows {
    const struct option_row *row[MAX_ROWS];
    size_t count;
};

/* ---- Values ----------------------------------------------------------------- */

static bool parse_digits(const char *text, size_t size, int64_t *out)
{
    int64_t value = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value)
            || __builtin_add_overflow(value, text[i] - '0', &value))
            return false;
    }
    *out = value;
    return size > 0;
}

bool parse_number(const char *text, int64_t low, int64_t high, int64_t *out)
{
    int64_t value;

    if (!parse_digits(text, strlen(text), &value) || value < low || value > high)
        return false;
    *out = value;
    return true;
}

bool parse_numbers(const char *text, int64_t low, int64_t high, int64_t *out, size_t capacity,
                   size_t *count)
{
    *count = 0;
    for (;;) {
        size_t size = strcspn(text, ",");
        int64_t value;

        if (*count == capacity || !parse_digits(text, size, &value) || value < low || value > high)
            return false;
        out[(*count)++] = value;
        if (text[size] == '\0')
            return true;
        text += size + 1;
    }
}

/* "2", "0.5": digits with at most one point between them. */
static bool parse_real(const char *text, double *out)
{
    size_t whole = strspn(text, "0123456789"), size = whole;

    if (text[size] == '.')
        size += 1 + strspn(text + size + 1, "0123456789");
    if (whole == 0 || size > 16 || text[size] != '\0')
        return false;
    *out = strtod(text, NULL);
    return *out > 0 && *out <= 86400;
}

bool parse_choice(const char *choices, const char *text, int *place)
{
    size_t size = strlen(text);

    for (int i = 0; *choices != '\0'; i++) {
        size_t n = strcspn(choices, "|");

        if (n == size && memcmp(choices, text, n) == 0) {
            *place = i;
            return true;
        }
        choices += n + (choices[n] == '|');
    }
    return false;
}

static bool bad_value(const struct option_row *row, const char *value, bert_error *error)
{
    switch (row->kind) {
    case OPTION_NUMBER:
        error_set(error, BERT_EINVAL, "'%s' is not a whole number from %" PRId64 " to %" PRId64,
                  value, row->low, row->high);
        break;
    case OPTION_REAL:
        error_set(error, BERT_EINVAL, "'%s' is no number above 0 and up to 86400", value);
        break;
    case OPTION_LIST:
        error_set(error, BERT_EINVAL, "more than %d", MAX_LIST);
        break;
    default:
        error_set(error, BERT_EINVAL, "'%s' is none of %s", value, row->choices);
    }
    return false;
}

bool options_set(struct options *options, const struct option_row *row, const char *value,
                 bert_error *error)
{
    struct option_list *list;
    char *field = (char *)options + row->field;
    int place;

    switch (row->kind) {
    case OPTION_FLAG:
        *(int *)(void *)field = (int)row->low;
        return true;
    case OPTION_COUNT:
        *(int *)(void *)field += 1;
        return true;
    case OPTION_STRING:
        *(const char **)(void *)field = value;
        return true;
    case OPTION_LIST:
        list = (struct option_list *)(void *)field;
        if (list->n == MAX_LIST)
            return bad_value(row, value, error);
        list->values[list->n++] = value;
        return true;
    case OPTION_NUMBER:
        return parse_number(value, row->low, row->high, (int64_t *)(void *)field)
               || bad_value(row, value, error);
    case OPTION_REAL:
        return parse_real(value, (double *)(void *)field) || bad_value(row, value, error);
    case OPTION_CHOICE:
        if (!parse_choice(row->choices, value, &place))
            return bad_value(row, value, error);
        *(int *)(void *)field = (int)row->low + place;
        return true;
    }
    return true;
}

/* ---- Parsing ---------------------------------------------------------------- */

static void collect_rows(struct rows *rows, const struct command *command)
{
    rows->count = 0;
    for (const struct option_row *const *group = command->groups; *group != NULL; group++) {
        for (const struct option_row *row = *group; row->name != NULL; row++)
            rows->row[rows->count++] = row;
    }
}

static int takes_value(const struct option_row *row)
{
    return row->kind != OPTION_FLAG && row->kind != OPTION_COUNT;
}

/* getopt's tables; long options have the value FIRST_LONG + row. */
static void make_tables(const struct rows *rows, struct option *longs, char *shorts)
{
    *shorts++ = ':';
    for (size_t i = 0; i < rows->count; i++) {
        const struct option_row *row = rows->row[i];

        longs[i] = (struct option){row->name, takes_value(row), NULL, (int)(FIRST_LONG + i)};
        if (row->letter != 0) {
            *shorts++ = row->letter;
            if (takes_value(row))
                *shorts++ = ':';
        }
    }
    longs[rows->count] = (struct option){0};
    *shorts = '\0';
}

static const struct option_row *find_row(const struct rows *rows, int value)
{
    if (value >= FIRST_LONG)
        return rows->row[value - FIRST_LONG];
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->row[i]->letter == value)
            return rows->row[i];
    }
    return NULL;
}

static int bad_option(const struct command *command, const struct rows *rows, int result,
                      char *const *argv)
{
    const char *given = argv[optind - 1];

    if (result == ':' && optopt >= FIRST_LONG)
        return usage_error(command->name, "option '--%s' needs a value",
                           find_row(rows, optopt)->name);
    if (result == ':')
        return usage_error(command->name, "option '-%c' needs a value", optopt);
    if (optopt >= FIRST_LONG)
        return usage_error(command->name, "option '--%s' takes no value",
                           find_row(rows, optopt)->name);
    if (optopt != 0)
        return usage_error(command->name, "unknown option '-%c'", optopt);
    return usage_error(command->name, "unknown or ambiguous option '%s'", given);
}

void options_default(struct options *options, const struct command *command)
{
    const char *model = getenv("BERT_MODEL");

    memset(options, 0, sizeof *options);
    options->command = command->name;
    options->model = model != NULL && *model != '\0' ? model : NULL;
    options->truncation = -1;
    options->threads = options->max_tokens = options->max_length = -1;
    options->max_answer = options->stride = options->pad = options->dimensions = options->top = -1;
    options->max_active = options->chunks = -1;
    options->format = -1;
    options->seconds = options->percentile = options->outlier_ratio = -1;
    options->outliers = -1;
    options->window = options->step = options->sample = options->seed = -1;
    options->false_alarms = -1;
    options->workers = options->queue = options->batch_tokens = options->batch_wait_ms = -1;
}

int options_parse(struct options *options, const struct command *command, int argc, char **argv)
{
    struct rows rows;
    struct option longs[MAX_ROWS + 1];
    char shorts[2 * MAX_ROWS + 2];
    bert_error error;
    int result;

    options_default(options, command);
    collect_rows(&rows, command);
    make_tables(&rows, longs, shorts);
    opterr = 0;
    while ((result = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (result == ':' || result == '?')
            return bad_option(command, &rows, result, argv);
        if (!options_set(options, find_row(&rows, result), optarg, &error))
            return usage_error(command->name, "--%s: %s", find_row(&rows, result)->name,
                               error.message);
    }
    options->texts = argv + optind;
    options->n_texts = (size_t)(argc - optind);
    options->truncation_given = options->truncation >= 0;
    if (options->truncation < 0)
        options->truncation = TRUNCATION_RIGHT;
    return 0;
}
