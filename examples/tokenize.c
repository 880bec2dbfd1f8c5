/* SPDX-License-Identifier: MIT */
/*
 * tokenize.c - split texts into tokens.
 *
 *   tokenize MODEL_DIR|tokenizer.json|vocab.txt TEXT...
 *
 * Prints, for each token, its id, its bytes in the text, and how the vocabulary
 * spells it.
 */
#include <stdio.h>
#include <string.h>

#include <bert.h>

static void print_tokens(const bert_encoding *encoding)
{
    const int32_t *ids = bert_encoding_ids(encoding);
    const bert_span *spans = bert_encoding_offsets(encoding);

    for (size_t i = 0; i < bert_encoding_size(encoding); i++) {
        bert_text token = bert_encoding_token(encoding, i);

        printf("%6d  [%zu, %zu)  %.*s\n", (int)ids[i], spans[i].start, spans[i].end,
               (int)token.size, token.data);
    }
}

int main(int argc, char **argv)
{
    bert_tokenizer *tokenizer;
    bert_error error;
    int rc = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: tokenize MODEL_DIR|tokenizer.json|vocab.txt TEXT...\n");
        return 2;
    }
    if (bert_tokenizer_load(&tokenizer, argv[1], NULL, &error) != BERT_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (int i = 2; i < argc && rc == 0; i++) {
        bert_text text = {argv[i], strlen(argv[i])};
        bert_encoding *encoding;

        if (bert_tokenize(tokenizer, text, NULL, NULL, &encoding, &error) != BERT_OK) {
            fprintf(stderr, "%s\n", error.message);
            rc = 1;
        } else {
            print_tokens(encoding);
        }
        bert_encoding_free(encoding);
    }
    bert_tokenizer_unref(tokenizer);
    return rc;
}
