/* SPDX-License-Identifier: MIT */
/*
 * conversation - what does somebody want of an assistant, and with what details?
 *
 *   conversation MODEL_DIR EXAMPLES UTTERANCE...
 *
 * Lines of EXAMPLES are "intent<TAB>utterance", whose details stand in brackets with their names:
 * "wake me at [time:half past six]".  An utterance has the intent of the nearest example.  Each of
 * its words, as a vector that knows its neighbours, has the slot of the nearest word among that
 * intent's examples.  MODEL_DIR is any embedding model; nothing is trained.
 */
#include "support.h"

enum { WORDS = 48, SLOT = 24 };

struct utterance {
    bert_text intent, text; /* the text without brackets, from grab() */
    size_t n;
    bert_span word[WORDS];
    char slot[WORDS][SLOT]; /* "" for none */
    bert_chunks *chunks;    /* a unit vector of each word */
};

/* Reads the marked text: words with their slots, and the text as somebody would say it. */
static void parse(struct utterance *u, bert_text marked)
{
    char *text = grab(marked.size + 1, 1), slot[SLOT] = "";
    size_t size = 0;
    int inside = 0; /* a word */

    for (size_t i = 0; i < marked.size; i++) {
        if (marked.data[i] == '[') {
            bert_text rest = {marked.data + i + 1, marked.size - i - 1};
            bert_text name = text_before(rest, ':');

            snprintf(slot, sizeof slot, "%.*s", SHOW(name));
            i += name.size + 1;
        } else if (marked.data[i] == ']') {
            slot[0] = '\0';
        } else {
            if (marked.data[i] != ' ' && !inside && u->n < WORDS) {
                u->word[u->n].start = size;
                memcpy(u->slot[u->n++], slot, sizeof slot);
            }
            inside = marked.data[i] != ' ';
            text[size++] = marked.data[i];
            if (inside)
                u->word[u->n - 1].end = size;
        }
    }
    u->text = (bert_text){text, size};
}

/* A vector of each word, of one pass over the utterance. */
static void embed_words(const struct encoder *encoder, struct utterance *u)
{
    bert_chunk_options options = BERT_CHUNK_OPTIONS_INIT;
    bert_error error;

    options.normalize = BERT_NORMALIZE_ON;
    if (bert_embed_chunks(encoder->session, u->text, u->word, u->n, &options, &u->chunks, &error)
        != BERT_OK)
        die("words", error.message);
}

static void free_utterance(struct utterance *u)
{
    bert_chunks_free(u->chunks);
    free((char *)u->text.data);
}

/* The slot of the word that is nearest, among the examples of one intent. */
static const char *find_slot(const float *vector, bert_text intent, const struct utterance *known,
                             size_t n, size_t dim)
{
    const char *slot = "";
    float best = -2;

    for (size_t i = 0; i < n; i++)
        for (size_t w = 0; w < known[i].n && text_equal(known[i].intent, intent); w++) {
            float score = dot(vector, bert_chunks_list(known[i].chunks)[w].vector, dim);

            if (score > best) {
                best = score;
                slot = known[i].slot[w];
            }
        }
    return slot;
}

static void understand(const struct encoder *encoder, const struct utterance *known,
                       const float *rows, size_t n, const char *said)
{
    struct utterance u = {.n = 0};
    const char *before = "";
    float score, *row;

    parse(&u, text_of(said));
    embed_words(encoder, &u);
    row = encoder_embed(encoder, &u.text, 1);
    u.intent = known[nearest(row, rows, n, encoder->dim, &score)].intent;
    printf("%s\n  %.*s %.3f", said, SHOW(u.intent), (double)score);
    for (size_t i = 0; i < u.n; i++) {
        const char *slot =
            find_slot(bert_chunks_list(u.chunks)[i].vector, u.intent, known, n, encoder->dim);

        if (strcmp(slot, before) != 0 && slot[0] != '\0')
            printf("\n  %s:", slot);
        if (slot[0] != '\0')
            printf(" %.*s", (int)(u.word[i].end - u.word[i].start), u.text.data + u.word[i].start);
        before = slot;
    }
    printf("\n");
    free(row);
    free_utterance(&u);
}

int main(int argc, char **argv)
{
    struct encoder encoder;
    struct lines lines;
    struct utterance *known;
    float *rows;

    if (argc < 4) {
        fprintf(stderr, "usage: conversation MODEL_DIR EXAMPLES UTTERANCE...\n");
        return 2;
    }
    encoder_open(&encoder, argv[1]);
    lines_read(&lines, argv[2]);
    lines_need(&lines, argv[2], '\t');
    known = grab(lines.n, sizeof *known);
    for (size_t i = 0; i < lines.n; i++) {
        known[i].intent = text_before(lines.text[i], '\t');
        parse(&known[i], text_behind(lines.text[i], '\t'));
        embed_words(&encoder, &known[i]);
        lines.text[i] = known[i].text;
    }
    rows = encoder_embed(&encoder, lines.text, lines.n);
    for (int i = 3; i < argc; i++)
        understand(&encoder, known, rows, lines.n, argv[i]);
    for (size_t i = 0; i < lines.n; i++)
        free_utterance(&known[i]);
    free(rows);
    free(known);
    lines_free(&lines);
    encoder_close(&encoder);
    return 0;
}
