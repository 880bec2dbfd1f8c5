/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <math.h>

void die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

void *grab(size_t n, size_t size)
{
    void *memory = calloc(n > 0 ? n : 1, size);

    if (memory == NULL)
        die("memory", "there is none left");
    return memory;
}

float number_of(const char *argument)
{
    char *end;
    float number = strtof(argument, &end);

    if (end == argument || *end != '\0' || !isfinite(number))
        die(argument, "is no number");
    return number;
}

/* A full disk is an error, not a shorter answer. */
static void finish(void)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return;
    fprintf(stderr, "output: can't be written\n");
    _Exit(1);
}

/* ---- Models ---------------------------------------------------------------- */

void encoder_open(struct encoder *encoder, const char *path)
{
    bert_error error;

    atexit(finish);
    if (bert_model_load(&encoder->model, path, NULL, &error) != BERT_OK
        || bert_session_create(&encoder->session, encoder->model, NULL, &error) != BERT_OK)
        die(path, error.message);
    encoder->dim = bert_model_embedding_size(encoder->model);
}

void encoder_close(struct encoder *encoder)
{
    bert_session_destroy(encoder->session);
    bert_model_unref(encoder->model);
}

float *encoder_embed(const struct encoder *encoder, const bert_text *texts, size_t n)
{
    bert_embed_options options = BERT_EMBED_OPTIONS_INIT;
    float *vectors = grab(n, encoder->dim * sizeof *vectors);
    bert_error error;

    options.normalize = BERT_NORMALIZE_ON;
    if (bert_embed(encoder->session, texts, n, &options, vectors, n * encoder->dim, NULL, &error)
        != BERT_OK)
        die("embed", error.message);
    return vectors;
}

/* ---- Texts ------------------------------------------------------------------ */

static size_t unix_ends(char *bytes, size_t size)
{
    size_t kept = 0;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != '\r' || i + 1 == size || bytes[i + 1] != '\n')
            bytes[kept++] = bytes[i];
    return kept;
}

bert_text file_read(const char *path)
{
    size_t capacity = 1 << 16, size = 0, got;
    char *bytes = grab(capacity, 1);
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        die(path, "can't be opened");
    while ((got = fread(bytes + size, 1, capacity - size, file)) > 0) {
        size += got;
        if (size == capacity && (bytes = realloc(bytes, capacity *= 2)) == NULL)
            die(path, "there is no memory left");
    }
    if (ferror(file))
        die(path, "can't be read");
    fclose(file);
    size = unix_ends(bytes, size);
    bytes[size] = '\0'; /* there is room: a full buffer has grown */
    return (bert_text){bytes, size};
}

void lines_read(struct lines *lines, const char *path)
{
    bert_text file = file_read(path);
    size_t ends = 1, start = 0, line = 1;
    int csv = strlen(path) > 4 && strcmp(path + strlen(path) - 4, ".csv") == 0, quoted = 0;

    for (size_t i = 0; i < file.size; i++)
        ends += file.data[i] == '\n';
    lines->bytes = (char *)file.data;
    lines->text = grab(ends, sizeof *lines->text);
    lines->number = grab(ends, sizeof *lines->number);
    lines->n = 0;
    for (size_t i = 0; i <= file.size; i++) {
        quoted ^= csv && i < file.size && file.data[i] == '"';
        if (i < file.size && (file.data[i] != '\n' || quoted))
            continue;
        if (i > start) {
            lines->number[lines->n] = line;
            lines->text[lines->n++] = (bert_text){file.data + start, i - start};
        }
        for (; start <= i; start++)
            line += start < file.size && file.data[start] == '\n';
    }
    if (lines->n == 0)
        die(path, "has no lines");
}

void lines_need(const struct lines *lines, const char *path, char at)
{
    for (size_t i = 0; i < lines->n; i++)
        if (memchr(lines->text[i].data, at, lines->text[i].size) == NULL) {
            fprintf(stderr, "%s: line %zu has no %s\n", path, lines->number[i],
                    at == '\t' ? "tab" : "comma");
            exit(1);
        }
}

void lines_free(struct lines *lines)
{
    free(lines->number);
    free(lines->text);
    free(lines->bytes);
}

bert_text text_before(bert_text text, char at)
{
    const char *end = text.size > 0 ? memchr(text.data, at, text.size) : NULL;

    return (bert_text){text.data, end != NULL ? (size_t)(end - text.data) : text.size};
}

bert_text text_behind(bert_text text, char at)
{
    size_t skip = text_before(text, at).size;

    skip += skip < text.size;
    return (bert_text){text.data + skip, text.size - skip};
}

bert_text text_of(const char *string)
{
    return (bert_text){string, strlen(string)};
}

int text_equal(bert_text a, bert_text b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* ---- Pictures ------------------------------------------------------------------- */

FILE *svg_create(const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        die(path, "can't be written");
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 640\""
            " font-size=\"11\" font-family=\"sans-serif\" text-anchor=\"middle\" fill=\"white\">\n"
            "<rect width=\"640\" height=\"640\"/>\n");
    return file;
}

/* Bytes of the character at the start of a text; 0 where there is none that XML may have. */
static size_t character(bert_text text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t n = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    unsigned code = n == 1 ? at[0] : at[0] & (0x7fU >> n);
    static const unsigned least[] = {0, 0x20, 0x80, 0x800, 0x10000};

    if (n > text.size || (at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fU);
    }
    if ((code < least[n] && code != '\t') || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff
        || code == 0xfffe || code == 0xffff)
        return 0;
    return n;
}

void svg_text(FILE *file, bert_text text)
{
    while (text.size > 0) {
        size_t n = character(text);

        if (n == 0)
            fputc('?', file);
        else if (text.data[0] == '<')
            fputs("&lt;", file);
        else if (text.data[0] == '>')
            fputs("&gt;", file);
        else if (text.data[0] == '&')
            fputs("&amp;", file);
        else
            fwrite(text.data, 1, n, file);
        n += n == 0;
        text = (bert_text){text.data + n, text.size - n};
    }
}

void svg_finish(FILE *file, const char *path)
{
    fprintf(file, "</svg>\n");
    if (ferror(file) != 0 || fclose(file) != 0)
        die(path, "can't be written");
}

/* ---- Arithmetic ---------------------------------------------------------------- */

float dot(const float *a, const float *b, size_t n)
{
    float sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

void normalize(float *vector, size_t n)
{
    float length = sqrtf(dot(vector, vector, n));

    for (size_t i = 0; length > 0 && i < n; i++)
        vector[i] /= length;
}

void group_means(const float *rows, const size_t *group, size_t n, size_t dim, size_t k,
                 float *means)
{
    memset(means, 0, k * dim * sizeof *means);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < dim; j++)
            means[group[i] * dim + j] += rows[i * dim + j];
    for (size_t c = 0; c < k; c++)
        normalize(means + c * dim, dim);
}

size_t nearest(const float *vector, const float *rows, size_t n, size_t dim, float *score)
{
    size_t best = 0;

    *score = -2;
    for (size_t i = 0; i < n; i++) {
        float s = dot(vector, rows + i * dim, dim);

        if (s > *score) {
            *score = s;
            best = i;
        }
    }
    return best;
}

/* Rows without their mean. */
static float *centred(const float *rows, size_t n, size_t dim)
{
    float *out = grab(n, dim * sizeof *out);

    for (size_t j = 0; j < dim; j++) {
        float mean = 0;

        for (size_t i = 0; i < n; i++)
            mean += rows[i * dim + j] / (float)n;
        for (size_t i = 0; i < n; i++)
            out[i * dim + j] = rows[i * dim + j] - mean;
    }
    return out;
}

/* The direction of the widest spread, by power iteration. */
static void widest(const float *rows, size_t n, size_t dim, float *axis, float *next)
{
    for (size_t j = 0; j < dim; j++)
        axis[j] = 1.0F / (float)(1 + j);
    for (int step = 0; step < 300; step++) {
        memset(next, 0, dim * sizeof *next);
        for (size_t i = 0; i < n; i++) {
            float share = dot(rows + i * dim, axis, dim);

            for (size_t j = 0; j < dim; j++)
                next[j] += share * rows[i * dim + j];
        }
        normalize(next, dim);
        memcpy(axis, next, dim * sizeof *axis);
    }
}

float *principal(const float *rows, size_t n, size_t dim, size_t k)
{
    float *left = centred(rows, n, dim), *out = grab(n, k * sizeof *out);
    float *axis = grab(2 * dim, sizeof *axis);

    for (size_t c = 0; c < k; c++) {
        float sign = 0;

        widest(left, n, dim, axis, axis + dim);
        for (size_t i = 0; i < n; i++) {
            float share = dot(left + i * dim, axis, dim);

            /* Either direction would do: the first row shall be on the positive side. */
            if (i == 0)
                sign = share < 0 ? -1.0F : 1.0F;
            out[i * k + c] = sign * share;
            for (size_t j = 0; j < dim; j++)
                left[i * dim + j] -= share * axis[j];
        }
    }
    free(axis);
    free(left);
    return out;
}
