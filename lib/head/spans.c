/* SPDX-License-Identifier: MIT */
/* spans.c - the best spans of a window. */
#include "lib/head/spans.h"

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/head/chars.h"
#include "lib/head/scores.h"

enum { MOST = 1 << 28 }; /* spans of a window that are kept */

/* ---- Memory ------------------------------------------------------------------------ */

bert_status bert__spans_init(struct bert__spans *s, struct bert__alloc *alloc, uint32_t window,
                             uint32_t max_answer, uint64_t count, bert_error *err)
{
    uint64_t most;

    *s = (struct bert__spans){.alloc = alloc, .window = window, .cls_id = -1};
    s->max_answer = max_answer < window ? max_answer : window;
    most = (uint64_t)window * s->max_answer;
    most = most < MOST ? most : MOST;
    s->cap = (uint32_t)(count < most ? count : most);
    s->start = bert__alloc_array(alloc, window, sizeof *s->start);
    s->end = bert__alloc_array(alloc, window, sizeof *s->end);
    s->allowed = bert__alloc_array(alloc, window, sizeof *s->allowed);
    s->list = bert__alloc_items(alloc, s->cap, sizeof *s->list);
    if (s->start == NULL || s->end == NULL || s->allowed == NULL || s->list == NULL)
        return bert__alloc_fail(alloc, "the spans of a window", err);
    return BERT_OK;
}

void bert__spans_free(struct bert__spans *s)
{
    bert__alloc_free(s->alloc, s->start);
    bert__alloc_free(s->alloc, s->end);
    bert__alloc_free(s->alloc, s->allowed);
    bert__alloc_free(s->alloc, s->list);
}

/* ---- Probabilities ------------------------------------------------------------------- */

static void allow(struct bert__spans *s, const bert_encoding *window)
{
    const int8_t *sequences = bert_encoding_sequence_ids(window);
    const int32_t *ids = bert_encoding_ids(window);

    for (size_t i = 0; i < bert_encoding_size(window); i++)
        s->allowed[i] = i == 0 || sequences[i] == 1 || ids[i] == s->cls_id;
}

/* One column, `logits` two apart; `packed` is scratch as long as the result. */
static void column(const struct bert__spans *s, const float *logits, size_t n, float *p)
{
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        if (s->allowed[i])
            p[k++] = logits[2 * i];
    }
    bert__softmax(p, k, p);
    for (size_t i = n; i-- > 0;) /* k never runs past i */
        p[i] = s->allowed[i] ? p[--k] : 0;
}

/* ---- The best: a heap with the worst on top -------------------------------------------- */

static bool worse(const struct bert__token_span *a, const struct bert__token_span *b)
{
    if (a->score < b->score || a->score > b->score)
        return a->score < b->score;
    return a->start != b->start ? a->start > b->start : a->end > b->end;
}

static void sift_down(struct bert__token_span *heap, uint32_t n, struct bert__token_span moved)
{
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child + 1 < n && worse(&heap[child + 1], &heap[child]))
            child++;
        if (child >= n || !worse(&heap[child], &moved))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moved;
}

static void sift_up(struct bert__token_span *heap, uint32_t i, struct bert__token_span moved)
{
    while (i > 0 && worse(&moved, &heap[(i - 1) / 2])) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = moved;
}

static void offer(struct bert__spans *s, const struct bert__token_span *span)
{
    if (s->n < s->cap)
        sift_up(s->list, s->n++, *span);
    else if (worse(&s->list[0], span))
        sift_down(s->list, s->n, *span);
}

static void sort(struct bert__spans *s)
{
    for (uint32_t i = s->n; i-- > 1;) { /* the worst of what is left goes last */
        struct bert__token_span worst = s->list[0];

        sift_down(s->list, i, s->list[i]);
        s->list[i] = worst;
    }
}

void bert__spans_find(struct bert__spans *s, const bert_encoding *window, const float *logits,
                      float *null)
{
    uint32_t n = (uint32_t)bert_encoding_size(window);

    allow(s, window);
    column(s, logits, n, s->start);
    column(s, logits + 1, n, s->end);
    *null = s->start[0] * s->end[0];
    s->n = 0;
    for (uint32_t i = 1; i < n; i++) {
        for (uint32_t k = i; s->start[i] > 0 && k < n && k - i < s->max_answer; k++) {
            struct bert__token_span span = {i, k, s->start[i] * s->end[k]};

            if (span.score > 0)
                offer(s, &span);
        }
    }
    sort(s);
}

/* ---- Words --------------------------------------------------------------------------- */

static bool has_word(const bert_encoding *window, uint32_t i)
{
    return bert_encoding_sequence_ids(window)[i] >= 0 && bert_encoding_word_ids(window)[i] >= 0;
}

/* The context's tokens of word `word`, which are neighbours; false: this window has none. */
static bool word_tokens(const bert_encoding *window, int32_t word, size_t near, size_t *first,
                        size_t *last)
{
    const int8_t *sequences = bert_encoding_sequence_ids(window);
    const int32_t *words = bert_encoding_word_ids(window);
    size_t n = bert_encoding_size(window), i = near;

    /* a token of the question is only here for a cls token that is written in it */
    for (i = sequences[near] == 1 ? near : 0; i < n; i++) {
        if (sequences[i] == 1 && words[i] == word)
            break;
    }
    if (i == n)
        return false;
    for (*first = i; *first > 0 && sequences[*first - 1] == 1 && words[*first - 1] == word;)
        --*first;
    for (*last = i; *last + 1 < n && sequences[*last + 1] == 1 && words[*last + 1] == word;)
        ++*last;
    return true;
}

/* A byte of the text that token i is of, as the byte of the context with as many code points
 * before it: what the reference makes of a token of the question. */
static size_t in_context(const bert_encoding *window, uint32_t i, size_t byte, bert_text question,
                         bert_text context)
{
    struct bert__char_cursor from = {0, 0}, to = {0, 0};

    if (bert_encoding_sequence_ids(window)[i] != 0)
        return byte;
    return bert__char_cursor_forward(&to, context, bert__char_cursor_to(&from, question, byte));
}

bert_span bert__span_bytes(const bert_encoding *window, bert_text question, bert_text context,
                           const struct bert__token_span *span)
{
    const bert_span *offsets = bert_encoding_offsets(window);
    const int32_t *words = bert_encoding_word_ids(window);
    uint32_t s = span->start, e = span->end;
    size_t first, last, unused;
    bert_span at;

    if (has_word(window, s) && has_word(window, e)
        && word_tokens(window, words[s], s, &first, &unused)
        && word_tokens(window, words[e], e, &unused, &last)) {
        at = (bert_span){offsets[first].start, offsets[last].end};
    } else {
        at.start = in_context(window, s, offsets[s].start, question, context);
        at.end = in_context(window, e, offsets[e].end, question, context);
    }
    return at;
}
