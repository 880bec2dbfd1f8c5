/* SPDX-License-Identifier: MIT */
/*
 * multilingual - does a model know that sentences of several languages say the same?
 *
 *   multilingual MODEL_DIR FILE [TOKENIZER]
 *
 * Lines of FILE are "language<TAB>sentence"; the k-th sentence of each language says the same, and
 * the first language is that into which the others are matched.  Prints for each language how many
 * sentences find theirs, and into how many tokens a word falls, by the model's tokenizer and
 * by another (a tokenizer.json or its folder): one that falls into many, or into [UNK], has not
 * been learnt.  Any embedding model will do; one for one language does badly at the others.
 */
#include "support.h"

enum { LANGUAGES = 32 };

struct group {
    size_t first, n;
};

/* Runs of lines of one language. */
static size_t part(const struct lines *lines, struct group group[LANGUAGES])
{
    size_t n = 0;

    for (size_t i = 0; i < lines->n; i++) {
        if (i == 0
            || !text_equal(text_before(lines->text[i], '\t'),
                           text_before(lines->text[i - 1], '\t'))) {
            if (n == LANGUAGES)
                die("languages", "too many");
            group[n++] = (struct group){i, 0};
        }
        group[n - 1].n++;
    }
    return n;
}

static size_t words(bert_text text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.size; i++)
        n += text.data[i] == ' ';
    return n;
}

static void print_tokens(const bert_tokenizer *tokenizer, const bert_text *text, size_t n)
{
    int32_t unknown = bert_tokenizer_special_id(tokenizer, BERT_SPECIAL_UNK);
    bert_tokenize_options options = BERT_TOKENIZE_OPTIONS_INIT;
    size_t n_words = 0, n_tokens = 0, n_unknown = 0;

    options.no_special = 1;
    for (size_t i = 0; i < n; i++) {
        bert_encoding *encoding;
        bert_error error;

        if (bert_tokenize(tokenizer, text[i], NULL, &options, &encoding, &error) != BERT_OK)
            die("tokenize", error.message);
        for (size_t j = 0; j < bert_encoding_size(encoding); j++)
            n_unknown += bert_encoding_ids(encoding)[j] == unknown;
        n_tokens += bert_encoding_size(encoding);
        n_words += words(text[i]);
        bert_encoding_free(encoding);
    }
    printf("  %.2f tokens a word, %zu unknown", (double)n_tokens / (double)n_words, n_unknown);
}

int main(int argc, char **argv)
{
    struct group group[LANGUAGES];
    const bert_tokenizer *own;
    bert_tokenizer *other = NULL;
    struct encoder encoder;
    struct lines lines;
    bert_error error;
    bert_text *text;
    float *rows;
    size_t n;

    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: multilingual MODEL_DIR FILE [TOKENIZER]\n");
        return 2;
    }
    encoder_open(&encoder, argv[1]);
    lines_read(&lines, argv[2]);
    lines_need(&lines, argv[2], '\t');
    if (bert_model_tokenizer(encoder.model, &own, &error) != BERT_OK
        || (argc == 4 && bert_tokenizer_load(&other, argv[3], NULL, &error) != BERT_OK))
        die("tokenizer", error.message);
    n = part(&lines, group);
    text = grab(lines.n, sizeof *text);
    for (size_t i = 0; i < lines.n; i++)
        text[i] = text_behind(lines.text[i], '\t');
    rows = encoder_embed(&encoder, text, lines.n);
    for (size_t g = 0; g < n; g++) {
        size_t found = 0;

        for (size_t i = 0; i < group[g].n; i++) {
            const float *row = rows + (group[g].first + i) * encoder.dim;
            float score;

            found +=
                nearest(row, rows + group[0].first * encoder.dim, group[0].n, encoder.dim, &score)
                == i;
        }
        printf("%.*s  %zu of %zu matched", SHOW(text_before(lines.text[group[g].first], '\t')),
               found, group[g].n);
        print_tokens(own, text + group[g].first, group[g].n);
        if (other != NULL)
            print_tokens(other, text + group[g].first, group[g].n);
        printf("\n");
    }
    bert_tokenizer_unref(other);
    free(rows);
    free(text);
    lines_free(&lines);
    encoder_close(&encoder);
    return 0;
}
