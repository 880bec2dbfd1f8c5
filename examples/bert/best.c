/* SPDX-License-Identifier: MIT */
#include "examples/bert/best.h"

#include <inttypes.h>
#include <stdlib.h>

#include "examples/bert/heads.h"
#include "examples/bert/json_out.h"
#include "examples/bert/memory.h"

struct hit {
    uint64_t index;
    float score;
    char *text;
    size_t size;
};

/* ---- A heap, the worst first ------------------------------------------------------ */

/* On a tie the earlier record is better. */
static bool worse(const struct hit *a, const struct hit *b)
{
    return a->score < b->score || (a->score == b->score && a->index > b->index);
}

static void swap(struct hit *a, struct hit *b)
{
    struct hit t = *a;

    *a = *b;
    *b = t;
}

static void sift_up(struct hit *hits, size_t i)
{
    while (i > 0 && worse(&hits[i], &hits[(i - 1) / 2])) {
        swap(&hits[i], &hits[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void sift_down(struct hit *hits, size_t count, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < count && worse(&hits[child + 1], &hits[child]))
            child++;
        if (child >= count || !worse(&hits[child], &hits[i]))
            return;
        swap(&hits[i], &hits[child]);
        i = child;
    }
}

void best_offer(struct best *best, const struct record *record, float score)
{
    struct hit hit = {record->index, score, NULL, record->text.size};
    bool full = best->top > 0 && best->count == best->top;

    if (full && !worse(&best->hits[0], &hit))
        return;
    hit.text = copy_bytes(record->text.data, hit.size);
    if (full) {
        free(best->hits[0].text);
        best->hits[0] = hit;
        sift_down(best->hits, best->count, 0);
        return;
    }
    if (best->count == best->capacity) {
        best->capacity = best->capacity > 0 ? 2 * best->capacity : 16;
        best->hits = grow_memory(best->hits, best->capacity, sizeof *best->hits);
    }
    best->hits[best->count] = hit;
    sift_up(best->hits, best->count++);
}

void best_free(struct best *best)
{
    for (size_t i = 0; i < best->count; i++)
        free(best->hits[i].text);
    free(best->hits);
}

/* ---- Output ------------------------------------------------------------------------- */

static int best_first(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;

    return worse(x, y) ? 1 : worse(y, x) ? -1 : 0;
}

void rank_members(struct output *out, uint64_t index, float score, const char *text, size_t size)
{
    output_format(out, "\"index\": %" PRIu64 ", \"score\": ", index);
    json_put_float(out, score);
    json_put_name(out, "text");
    json_put_string(out, text, size);
}

static void put_hit(struct job *job, const struct hit *hit)
{
    struct output *out = &job->output;

    if (!job->options->json) {
        output_format(out, "%.4f\t", (double)hit->score);
        output_printable(out, hit->text, hit->size);
        output_write(out, "\n", 1);
        return;
    }
    output_text(out, "{");
    rank_members(out, hit->index, hit->score, hit->text, hit->size);
    output_text(out, "}\n");
}

void best_put(struct best *best, struct job *job)
{
    if (best->count > 0)
        qsort(best->hits, best->count, sizeof *best->hits, best_first);
    for (size_t i = 0; i < best->count && !job_stopped(job); i++)
        put_hit(job, &best->hits[i]);
}
