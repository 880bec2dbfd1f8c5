/* SPDX-License-Identifier: MIT */
/* golden_run.c - each task's answers in the one form of golden inputs. */
#include <bert/tasks.h>
#include <string.h>

#include "lib/api/golden.h"
#include "lib/base/error.h"
#include "lib/base/size.h"

enum { LABELS = 64, TOKENS = 5, WIDE_TOKENS = 50 };

/* One call in progress. */
struct run {
    bert_session *session;
    const struct bert__golden *golden;
    struct bert__golden_answer *answers;
    struct bert__arena *arena;
    bert_error *err;
};

/* ---- Items ------------------------------------------------------------------------ */

static bert_status failed_text(bert_error *err, bert_status st, size_t i, const char *message)
{
    return bert__fail(err, st, "text %zu: %s", i, message);
}

static bert_status no_memory(const struct run *r)
{
    return bert__alloc_fail(r->arena->alloc, "golden inputs", r->err);
}

/* Zeroed items of text i. */
static struct bert__golden_item *give_items(const struct run *r, size_t i, size_t n)
{
    struct bert__golden_answer *answer = &r->answers[i];
    size_t bytes;

    answer->items = NULL;
    answer->n = n;
    if (bert__size_mul(n, sizeof *answer->items, &bytes))
        answer->items = bert__arena_get(r->arena, bytes);
    if (answer->items != NULL)
        memset(answer->items, 0, bytes);
    return answer->items;
}

static bert_text label_of(const char *label)
{
    return (bert_text){label, strlen(label)};
}

/* ---- Embedding ----------------------------------------------------------------------- */

static bert_status embed(bert_session *session, const struct bert__golden *g, bool wide,
                         struct bert__golden_answer *answers, struct bert__arena *arena,
                         bert_error *err)
{
    size_t width, floats, bytes;
    float *rows = NULL;
    bert_status st = bert_embed_size(bert_session_model(session), NULL, &width, err);

    (void)wide;
    if (st != BERT_OK)
        return st;
    if (bert__size_mul(g->n, width, &floats) && bert__size_mul(floats, sizeof *rows, &bytes))
        rows = bert__arena_get(arena, bytes);
    if (rows == NULL)
        return bert__alloc_fail(arena->alloc, "golden inputs", err);
    st = bert_embed(session, g->texts, g->n, NULL, rows, floats, NULL, err);
    for (size_t i = 0; st == BERT_OK && i < g->n; i++) {
        answers[i].vector = rows + i * width;
        answers[i].width = width;
    }
    return st;
}

/* ---- Classification --------------------------------------------------------------------- */

static bert_status take_labels(const struct run *r, const bert_classifications *result, size_t i)
{
    const bert_label_score *labels = bert_classifications_labels(result, i);
    size_t n = bert_classifications_count(result, i);
    bert_status st = bert_classifications_status(result, i);
    struct bert__golden_item *items;

    if (st != BERT_OK)
        return failed_text(r->err, st, i, bert_classifications_message(result, i));
    items = give_items(r, i, n);
    for (size_t k = 0; items != NULL && k < n; k++) {
        items[k].label = label_of(labels[k].label);
        items[k].score = (double)labels[k].score;
    }
    return items != NULL ? BERT_OK : no_memory(r);
}

static bert_status classify(bert_session *session, const struct bert__golden *g, bool wide,
                            struct bert__golden_answer *answers, struct bert__arena *arena,
                            bert_error *err)
{
    struct run r = {session, g, answers, arena, err};
    bert_classify_options o = BERT_CLASSIFY_OPTIONS_INIT;
    bert_classifications *result;
    bert_status st;

    o.top = wide ? 0 : LABELS;
    st = bert_classify(session, g->texts, g->pairs, g->n, &o, &result, err);
    for (size_t i = 0; st == BERT_OK && i < g->n; i++)
        st = take_labels(&r, result, i);
    bert_classifications_free(result);
    return st;
}

/* ---- Re-ranking --------------------------------------------------------------------------- */

static bert_status rerank_one(const struct run *r, size_t i)
{
    struct bert__golden_item *item = give_items(r, i, 1);
    bert_rankings *result;
    bert_status st;

    if (item == NULL)
        return no_memory(r);
    st = bert_rerank(r->session, r->golden->texts[i], &r->golden->pairs[i], 1, NULL, &result,
                     r->err);
    if (st == BERT_OK) {
        st = bert_rankings_status(result, 0);
        if (st != BERT_OK)
            failed_text(r->err, st, i, bert_rankings_message(result, 0));
        item->score = (double)bert_rankings_score(result, 0);
    }
    bert_rankings_free(result);
    return st;
}

static bert_status rerank(bert_session *session, const struct bert__golden *g, bool wide,
                          struct bert__golden_answer *answers, struct bert__arena *arena,
                          bert_error *err)
{
    struct run r = {session, g, answers, arena, err};
    bert_status st = BERT_OK;

    (void)wide;
    for (size_t i = 0; st == BERT_OK && i < g->n; i++)
        st = rerank_one(&r, i);
    return st;
}

/* ---- Entities ------------------------------------------------------------------------------- */

static bert_status take_entities(const struct run *r, const bert_entities *result, size_t i)
{
    const bert_entity *list = bert_entities_list(result, i);
    size_t n = bert_entities_count(result, i);
    bert_status st = bert_entities_status(result, i);
    struct bert__golden_item *items;

    if (st != BERT_OK)
        return failed_text(r->err, st, i, bert_entities_message(result, i));
    items = give_items(r, i, n);
    for (size_t k = 0; items != NULL && k < n; k++) {
        items[k].label = label_of(list[k].label);
        items[k].start = list[k].bytes.start;
        items[k].end = list[k].bytes.end;
        items[k].score = (double)list[k].score;
    }
    return items != NULL ? BERT_OK : no_memory(r);
}

static bert_status tag(bert_session *session, const struct bert__golden *g, bool wide,
                       struct bert__golden_answer *answers, struct bert__arena *arena,
                       bert_error *err)
{
    struct run r = {session, g, answers, arena, err};
    bert_entities *result;
    bert_status st = bert_tag(session, g->texts, g->n, NULL, &result, err);

    (void)wide;
    for (size_t i = 0; st == BERT_OK && i < g->n; i++)
        st = take_entities(&r, result, i);
    bert_entities_free(result);
    return st;
}

/* ---- Answers ----------------------------------------------------------------------------------
 */

/* That there is no answer is the place [0, 0). */
static bert_status take_answer(const struct run *r, const bert_answers *result, size_t i)
{
    const bert_answer_span *best = bert_answers_list(result, i);
    bert_status st = bert_answers_status(result, i);
    size_t n = bert_answers_count(result, i) > 0 ? 1 : 0;
    struct bert__golden_item *item;

    if (st != BERT_OK)
        return failed_text(r->err, st, i, bert_answers_message(result, i));
    item = give_items(r, i, n);
    if (item == NULL)
        return no_memory(r);
    if (n > 0) {
        item->start = best->bytes.start;
        item->end = best->bytes.end;
        item->score = (double)best->score;
    }
    return BERT_OK;
}

static bert_status answer(bert_session *session, const struct bert__golden *g, bool wide,
                          struct bert__golden_answer *answers, struct bert__arena *arena,
                          bert_error *err)
{
    struct run r = {session, g, answers, arena, err};
    bert_answers *result;
    bert_status st = bert_answer(session, g->texts, g->pairs, g->n, NULL, &result, err);

    (void)wide;
    for (size_t i = 0; st == BERT_OK && i < g->n; i++)
        st = take_answer(&r, result, i);
    bert_answers_free(result);
    return st;
}

/* ---- Masks
 * --------------------------------------------------------------------------------------- */

static bert_status take_tokens(const struct run *r, const bert_fills *result, size_t i)
{
    size_t masks = bert_fills_masks(result, i), total = 0, at = 0, n;
    bert_status st = bert_fills_status(result, i);
    struct bert__golden_item *items;

    if (st != BERT_OK)
        return failed_text(r->err, st, i, bert_fills_message(result, i));
    for (size_t m = 0; m < masks; m++) {
        bert_fills_best(result, i, m, &n);
        total += n;
    }
    items = give_items(r, i, total);
    if (items == NULL)
        return no_memory(r);
    for (size_t m = 0; m < masks; m++) {
        const bert_fill *best = bert_fills_best(result, i, m, &n);

        for (size_t k = 0; k < n; k++, at++) {
            items[at].mask = m;
            items[at].id = (uint64_t)best[k].id;
            items[at].score = (double)best[k].score;
        }
    }
    return BERT_OK;
}

static bert_status fill(bert_session *session, const struct bert__golden *g, bool wide,
                        struct bert__golden_answer *answers, struct bert__arena *arena,
                        bert_error *err)
{
    struct run r = {session, g, answers, arena, err};
    bert_fill_options o = BERT_FILL_OPTIONS_INIT;
    bert_fills *result;
    bert_status st;

    o.top = wide ? WIDE_TOKENS : TOKENS;
    st = bert_fill_mask(session, g->texts, g->n, &o, &result, err);
    for (size_t i = 0; st == BERT_OK && i < g->n; i++)
        st = take_tokens(&r, result, i);
    bert_fills_free(result);
    return st;
}

/* ---- Next sentence
 * --------------------------------------------------------------------------------- */

static bert_status take_next(const struct run *r, const bert_nexts *result, size_t i)
{
    const bert_next *next = bert_nexts_get(result, i);
    struct bert__golden_item *item;

    if (next == NULL)
        return failed_text(r->err, bert_nexts_status(result, i), i, bert_nexts_message(result, i));
    item = give_items(r, i, 1);
    if (item == NULL)
        return no_memory(r);
    item->score = (double)next->is_next;
    return BERT_OK;
}

static bert_status next(bert_session *session, const struct bert__golden *g, bool wide,
                        struct bert__golden_answer *answers, struct bert__arena *arena,
                        bert_error *err)
{
    struct run r = {session, g, answers, arena, err};
    bert_nexts *result;
    bert_status st = bert_next_sentence(session, g->texts, g->pairs, g->n, NULL, &result, err);

    (void)wide;
    for (size_t i = 0; st == BERT_OK && i < g->n; i++)
        st = take_next(&r, result, i);
    bert_nexts_free(result);
    return st;
}

/* ---- All
 * -----------------------------------------------------------------------------------------------
 */

static const struct bert__golden_task tasks[] = {
    [BERT_GOLDEN_EMBED] = {"embed", BERT__GOLDEN_VECTOR, BERT__PAIR_NONE, false, embed},
    [BERT_GOLDEN_CLASSIFY] = {"classify", BERT__GOLDEN_LABEL, BERT__PAIR_MAY, true, classify},
    [BERT_GOLDEN_RERANK] = {"rerank", 0, BERT__PAIR_MUST, false, rerank},
    [BERT_GOLDEN_TAG] = {"tag", BERT__GOLDEN_LABEL | BERT__GOLDEN_PLACE, BERT__PAIR_NONE, false,
                         tag},
    [BERT_GOLDEN_ANSWER] = {"answer", BERT__GOLDEN_PLACE, BERT__PAIR_MUST, false, answer},
    [BERT_GOLDEN_FILL] = {"fill", BERT__GOLDEN_TOKEN, BERT__PAIR_NONE, true, fill},
    [BERT_GOLDEN_NEXT] = {"next", 0, BERT__PAIR_MUST, false, next},
};

const struct bert__golden_task *bert__golden_task(uint32_t task)
{
    return task > BERT_GOLDEN_AUTO && task < sizeof tasks / sizeof *tasks ? &tasks[task] : NULL;
}

bert_status bert__golden_run(bert_session *session, const struct bert__golden *golden, bool wide,
                             struct bert__golden_answer **out, struct bert__arena *arena,
                             bert_error *err)
{
    size_t bytes;

    *out = NULL;
    if (bert__size_mul(golden->n, sizeof **out, &bytes))
        *out = bert__arena_get(arena, bytes);
    if (*out == NULL)
        return bert__alloc_fail(arena->alloc, "golden inputs", err);
    memset(*out, 0, bytes);
    return tasks[golden->task].run(session, golden, wide, *out, arena, err);
}
