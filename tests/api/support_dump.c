/* SPDX-License-Identifier: MIT */
/* support_dump.c - results as text. */
#include "support_dump.h"

#include <string.h>

#include "support.h"

void dump(struct dump *d, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(d->text + d->size, sizeof d->text - d->size, format, args);
    va_end(args);
    assert_true(n >= 0 && d->size + (size_t)n < sizeof d->text);
    d->size += (size_t)n;
}

static unsigned bits(float value)
{
    uint32_t out;

    memcpy(&out, &value, sizeof out);
    return out;
}

void dump_classifications(struct dump *d, const bert_classifications *r)
{
    for (size_t i = 0; i < bert_classifications_size(r); i++) {
        const bert_label_score *l = bert_classifications_labels(r, i);

        dump(d, "%s %s cut %d", bert_status_name(bert_classifications_status(r, i)),
             bert_classifications_message(r, i), (int)bert_classifications_truncated(r, i));
        for (size_t k = 0; k < bert_classifications_count(r, i); k++)
            dump(d, " %u %s %08x", (unsigned)l[k].id, l[k].label, bits(l[k].score));
        dump(d, "\n");
    }
}

void dump_rankings(struct dump *d, const bert_rankings *r)
{
    for (size_t i = 0; i < bert_rankings_size(r); i++)
        dump(d, "%s %s cut %d %08x\n", bert_status_name(bert_rankings_status(r, i)),
             bert_rankings_message(r, i), (int)bert_rankings_truncated(r, i),
             bits(bert_rankings_score(r, i)));
    for (size_t k = 1; k < bert_rankings_count(r); k++)
        assert_true(bert_rankings_best(r)[k - 1].score >= bert_rankings_best(r)[k].score);
}

void dump_entities(struct dump *d, const bert_entities *r)
{
    for (size_t i = 0; i < bert_entities_size(r); i++) {
        const bert_entity *e = bert_entities_list(r, i);

        dump(d, "%s %s", bert_status_name(bert_entities_status(r, i)), bert_entities_message(r, i));
        for (size_t k = 0; k < bert_entities_count(r, i); k++)
            dump(d, " %s %u %08x %zu-%zu %zu-%zu", e[k].label, (unsigned)e[k].id, bits(e[k].score),
                 e[k].bytes.start, e[k].bytes.end, e[k].chars.start, e[k].chars.end);
        dump(d, "\n");
    }
}

void dump_answers(struct dump *d, const bert_answers *r)
{
    for (size_t i = 0; i < bert_answers_size(r); i++) {
        const bert_answer_span *a = bert_answers_list(r, i);

        dump(d, "%s %s", bert_status_name(bert_answers_status(r, i)), bert_answers_message(r, i));
        for (size_t k = 0; k < bert_answers_count(r, i); k++)
            dump(d, " %u %08x %zu-%zu %zu-%zu", (unsigned)a[k].is_null, bits(a[k].score),
                 a[k].bytes.start, a[k].bytes.end, a[k].chars.start, a[k].chars.end);
        dump(d, "\n");
    }
}

void dump_nexts(struct dump *d, const bert_nexts *r)
{
    for (size_t i = 0; i < bert_nexts_size(r); i++) {
        const bert_next *item = bert_nexts_get(r, i);

        dump(d, "%s %s cut %d", bert_status_name(bert_nexts_status(r, i)), bert_nexts_message(r, i),
             (int)bert_nexts_truncated(r, i));
        if (item != NULL)
            dump(d, " %08x %08x %08x", bits(item->is_next), bits(item->logits[0]),
                 bits(item->logits[1]));
        dump(d, "\n");
    }
}

void dump_fills(struct dump *d, const bert_fills *r)
{
    for (size_t i = 0; i < bert_fills_size(r); i++) {
        dump(d, "%s %s cut %d", bert_status_name(bert_fills_status(r, i)), bert_fills_message(r, i),
             (int)bert_fills_truncated(r, i));
        for (size_t m = 0, n = 0; m < bert_fills_masks(r, i); m++) {
            const bert_fill *best = bert_fills_best(r, i, m, &n);

            for (size_t k = 0; k < n; k++)
                dump(d, " %d %08x %.*s in %s", (int)best[k].id, bits(best[k].score),
                     (int)best[k].token.size, best[k].token.data, best[k].text.data);
        }
        dump(d, "\n");
    }
    assert_null(bert_fills_best(r, 0, 100, NULL));
}
