/* SPDX-License-Identifier: MIT */
/*
 * hostile.c - what texts made to be slow cost a tokenizer, beside ordinary ones:
 *   bench-hostile TOKENIZER ENGLISH MIXED
 * A table: ns of processor time a byte to ids and offsets and to a count, each over that of the
 * ordinary text of its kind; and what is left of a text of which 512 tokens are wanted.  Words of
 * letters stand beside English words none of which comes twice, so that no cache answers them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bert.h>

enum { MB = 1000000, ROUNDS = 3 };

enum fill { REPEAT, RANDOM_LETTERS, DESCENDING_MARKS };

enum kind { ENGLISH, MIXED, NEW_WORDS, KINDS }; /* of the text beside it */

struct input {
    const char *name;
    enum fill fill;
    const char *unit;
    size_t size;
    enum kind kind;
};

static const struct input inputs[] = {
    {"a", REPEAT, "a", MB, NEW_WORDS},
    {"dots", REPEAT, ".", MB, ENGLISH},
    {"spaces", REPEAT, " ", MB, ENGLISH},
    {"newlines", REPEAT, "\n", MB, ENGLISH},
    {"digits", REPEAT, "1", MB, NEW_WORDS},
    {"'s", REPEAT, "'s", MB, ENGLISH},
    {"a and space", REPEAT, "a ", MB, ENGLISH},
    {"ab", REPEAT, "ab", MB, NEW_WORDS},
    {"[MASK]", REPEAT, "[MASK]", MB, ENGLISH},
    {"<mask>", REPEAT, " <mask>", MB, ENGLISH},
    {"random word", RANDOM_LETTERS, NULL, MB, NEW_WORDS},
    {"random word 10 MB", RANDOM_LETTERS, NULL, 10 * MB, NEW_WORDS},
    {"NUL", REPEAT, NULL, MB, ENGLISH},
    {"marks descending", DESCENDING_MARKS, NULL, MB, MIXED},
    {"e and marks", REPEAT, "e\xCC\x81\xCC\x96", MB, MIXED},
    {"CJK", REPEAT, "\xE4\xB8\xAD", MB, MIXED},
    {"no-break space", REPEAT, "\xC2\xA0", MB, MIXED},
    {"underscores", REPEAT, "\xE2\x96\x81", MB, MIXED},
    {"joined emoji", REPEAT, "\xF0\x9F\x91\xA8\xE2\x80\x8D", MB, MIXED},
    {"bytes FF", REPEAT, "\xFF", MB, MIXED},
    {"Hangul jamo", REPEAT, "\xE1\x84\x80\xE1\x85\xA1", MB, MIXED},
    {"ligature", REPEAT, "\xEF\xB7\xBA", MB, MIXED},
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Inputs ------------------------------------------------------------------- */

static char *descending_marks(size_t size)
{
    /* classes 240, 230, 220, 202, 1: each needs to go before those in front of it */
    static const char unit[] = "\xCD\x85\xCC\x80\xCC\x96\xCC\xA1\xCC\xB4";
    char *s = malloc(size);
    size_t each = size / 5 / 2 * 2;

    for (size_t i = 0; s != NULL && i < size; i++)
        s[i] = unit[(i / each < 5 ? i / each : 4) * 2 + i % 2];
    return s;
}

static char *make(const struct input *in)
{
    char *s = in->fill == DESCENDING_MARKS ? descending_marks(in->size) : malloc(in->size);
    size_t n = in->unit != NULL ? strlen(in->unit) : 1;
    uint32_t x = 12345;

    for (size_t i = 0; s != NULL && in->fill != DESCENDING_MARKS && i < in->size; i++) {
        x = x * 1664525u + 1013904223u;
        s[i] = in->fill == RANDOM_LETTERS ? (char)('a' + (x >> 16) % 26)
               : in->unit != NULL         ? in->unit[i % n]
                                          : 0;
    }
    return s;
}

static char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *data = malloc(2 * MB);

    if (f == NULL || data == NULL)
        return NULL;
    *size = fread(data, 1, 2 * MB, f);
    fclose(f);
    return data;
}

static int compare(const void *a, const void *b)
{
    const bert_text *x = a, *y = b;
    size_t n = x->size < y->size ? x->size : y->size;
    int order = memcmp(x->data, y->data, n);

    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

/* The words of a text in the order of the alphabet, each once, a space behind each. */
static char *new_words(bert_text text, size_t *size)
{
    bert_text *words = malloc((text.size / 2 + 1) * sizeof *words);
    char *out = malloc(text.size + 1);
    size_t n = 0, begin = 0;

    for (size_t i = 0; words != NULL && i <= text.size; i++) {
        if (i < text.size && text.data[i] != ' ' && text.data[i] != '\n')
            continue;
        if (i > begin)
            words[n++] = (bert_text){text.data + begin, i - begin};
        begin = i + 1;
    }
    *size = 0;
    if (words != NULL && out != NULL)
        qsort(words, n, sizeof *words, compare);
    for (size_t i = 0; out != NULL && i < n; i++) {
        if (i > 0 && compare(&words[i - 1], &words[i]) == 0)
            continue;
        memcpy(out + *size, words[i].data, words[i].size);
        *size += words[i].size;
        out[(*size)++] = ' ';
    }
    free(words);
    return out;
}

/* ---- Measuring ---------------------------------------------------------------- */

enum way { ENCODE, COUNT, STOP, CUT };

static size_t once(const bert_tokenizer *tok, bert_text text, enum way way)
{
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bert_encoding *e = NULL;
    bert_error err;
    size_t n = 0;
    bert_status status;

    o.max_length = way == STOP ? 512 : 0;
    o.stop_early = way == STOP;
    if (way == COUNT)
        status = bert_count_tokens(tok, text, NULL, NULL, &n, &err);
    else if (way == CUT)
        status = bert_cut_text(tok, text, 510, BERT_TRUNCATE_RIGHT, &n, &err);
    else
        status = bert_tokenize(tok, text, NULL, &o, &e, &err);
    if (status != BERT_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    if (e != NULL)
        n = bert_encoding_size(e);
    bert_encoding_free(e);
    return n;
}

/* Seconds of the best round. */
static double best(const bert_tokenizer *tok, bert_text text, enum way way, size_t *n)
{
    double least = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        double start = now(), took;

        *n = once(tok, text, way);
        took = now() - start;
        least = took < least ? took : least;
    }
    return least;
}

static void row(const bert_tokenizer *tok, const char *name, bert_text text, double ordinary[2])
{
    size_t n, ignored;
    double size = (double)text.size / 1e9; /* to ns a byte */
    double encode = best(tok, text, ENCODE, &n) / size;
    double count = best(tok, text, COUNT, &ignored) / size;
    double stop = best(tok, text, STOP, &ignored), cut = best(tok, text, CUT, &ignored);

    if (ordinary[0] == 0) {
        ordinary[0] = encode;
        ordinary[1] = count;
    }
    printf("%-20s %9zu %8.1f %6.2fx %8.1f %6.2fx %9.0f %9.0f\n", name, n, encode,
           encode / ordinary[0], count, count / ordinary[1], stop * 1e6, cut * 1e6);
    fflush(stdout);
}

/* The most memory that this program has had, in MB. */
static double peak_mb(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    double kb = 0;

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtod(line + 6, NULL);
    }
    if (f != NULL)
        fclose(f);
    return kb / 1e3;
}

static void ordinary_rows(const bert_tokenizer *tok, char **argv, double ordinary[KINDS][2])
{
    static const char *const names[KINDS] = {"English", "mixed", "English, new words"};

    for (int i = 0; i < KINDS; i++) {
        bert_text text = {NULL, 0};
        char *data = read_file(argv[i == MIXED ? 3 : 2], &text.size), *words;

        text.data = data;
        if (data == NULL)
            exit(1);
        if (i == NEW_WORDS) {
            words = new_words(text, &text.size);
            free(data);
            text.data = data = words;
        }
        if (data == NULL)
            exit(1);
        row(tok, names[i], text, ordinary[i]);
        free(data);
    }
}

int main(int argc, char **argv)
{
    double ordinary[KINDS][2] = {{0}}, start = now();
    bert_tokenizer *tok;
    bert_error err;

    if (argc != 4) {
        fprintf(stderr, "usage: bench-hostile TOKENIZER ENGLISH MIXED\n");
        return 2;
    }
    if (bert_tokenizer_load(&tok, argv[1], NULL, &err) != BERT_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("loaded in %.0f ms, at most %.0f MB\n", (now() - start) * 1e3, peak_mb());
    printf("%-20s %9s %8s %7s %8s %7s %9s %9s\n", "text", "tokens", "ns/byte", "ratio", "count",
           "ratio", "512: us", "cut: us");
    ordinary_rows(tok, argv, ordinary);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        bert_text text = {make(&inputs[i]), inputs[i].size};

        if (text.data == NULL)
            return 1;
        row(tok, inputs[i].name, text, ordinary[inputs[i].kind]);
        free((void *)(uintptr_t)text.data);
    }
    printf("at most %.0f MB\n", peak_mb());
    bert_tokenizer_unref(tok);
    return 0;
}
