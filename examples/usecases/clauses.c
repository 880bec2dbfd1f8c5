/* SPDX-License-Identifier: MIT */
/*
 * clauses - which clause of a long contract says this, and is there any?
 *
 *   clauses MODEL_DIR CONTRACT REQUIREMENTS [LIMIT]
 *
 * The contract may be longer than the model's window: its paragraphs, which an empty line
 * separates, are what is searched, and one that is itself longer is read in windows.  For each line
 * of REQUIREMENTS prints the closest clause and where it is; "doubtful" if that scores below LIMIT
 * [0.45].  A score says how near a clause is, not that it says so.
 */
#include "support.h"

enum { CLAUSES = 1024 };

static size_t split(bert_text text, bert_text clause[CLAUSES])
{
    size_t n = 0, at = 0;

    while (at < text.size) {
        size_t start = at;

        while (at < text.size
               && (text.data[at] != '\n' || at + 1 == text.size || text.data[at + 1] != '\n'))
            at++;
        if (n == CLAUSES)
            die("contract", "too many clauses");
        clause[n] = (bert_text){text.data + start, at - start};
        while (clause[n].size > 0 && clause[n].data[clause[n].size - 1] == '\n')
            clause[n].size--;
        n += clause[n].size > 0;
        while (at < text.size && text.data[at] == '\n')
            at++;
    }
    return n;
}

/* Unit vectors of clauses of any length. */
static float *embed(const struct encoder *encoder, const bert_text *clause, size_t n,
                    size_t *tokens)
{
    bert_embed_options options = BERT_EMBED_OPTIONS_INIT;
    bert_embed_report *reports = grab(n, sizeof *reports);
    float *rows = grab(n, encoder->dim * sizeof *rows);
    bert_error error;

    options.normalize = BERT_NORMALIZE_ON;
    options.overlong = BERT_OVERLONG_WINDOWS;
    options.stride = 32;
    if (bert_embed(encoder->session, clause, n, &options, rows, n * encoder->dim, reports, &error)
        != BERT_OK)
        die("embed", error.message);
    for (size_t i = 0; i < n; i++) {
        if (reports[i].status != BERT_OK)
            die("a clause", bert_status_name(reports[i].status));
        *tokens += reports[i].tokens;
    }
    free(reports);
    return rows;
}

/* The clause's first line, which is short. */
static void print(bert_text all, bert_text clause, float score, float limit)
{
    size_t line = 1;

    for (const char *at = all.data; at < clause.data; at++)
        line += *at == '\n';
    printf("  %s%.3f  line %zu: %.*s\n", score < limit ? "doubtful " : "", (double)score, line,
           SHOW(text_before(clause, '\n')));
}

int main(int argc, char **argv)
{
    float limit = argc == 5 ? number_of(argv[4]) : 0.45F, *rows, *asked;
    bert_text contract, *clause;
    struct encoder encoder;
    struct lines wanted;
    size_t n, tokens = 0;

    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: clauses MODEL_DIR CONTRACT REQUIREMENTS [LIMIT]\n");
        return 2;
    }
    encoder_open(&encoder, argv[1]);
    contract = file_read(argv[2]);
    lines_read(&wanted, argv[3]);
    clause = grab(CLAUSES, sizeof *clause);
    n = split(contract, clause);
    if (n == 0)
        die(argv[2], "has no clauses");
    rows = embed(&encoder, clause, n, &tokens);
    asked = encoder_embed(&encoder, wanted.text, wanted.n);
    printf("%zu clauses of %zu tokens; the model reads %u at once\n", n, tokens,
           bert_model_max_length(encoder.model));
    for (size_t i = 0; i < wanted.n; i++) {
        float score;
        size_t best = nearest(asked + i * encoder.dim, rows, n, encoder.dim, &score);

        printf("%.*s\n", SHOW(wanted.text[i]));
        print(contract, clause[best], score, limit);
    }
    free(asked);
    free(rows);
    free(clause);
    lines_free(&wanted);
    free((char *)contract.data);
    encoder_close(&encoder);
    return 0;
}
