/* SPDX-License-Identifier: MIT */
/* trace.c - spans of requests for the host, with ids of W3C Trace Context. */
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/sys.h"
#include "lib/serve/engine_parts.h"

/* ---- Ids ----------------------------------------------------------------------------- */

static void new_id(bert_engine *e, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t n = atomic_fetch_add_explicit(&e->spans, 1, memory_order_relaxed);
        uint64_t id = bert__mix(e->trace_seed ^ n, UINT64_C(0x9E3779B97F4A7C15) + 2 * n) | 1;

        memcpy(out + i, &id, sizeof id);
    }
}

/* Of a request's own span. */
static void stage_id(const bert_job *job, uint32_t stage, uint8_t out[8])
{
    memcpy(out, job->span_id, 8);
    out[0] = (uint8_t)(out[0] ^ stage << 6);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower-case hexadecimal digits; not all of them 0. */
static bool read_hex(const char *text, uint8_t *out, size_t size)
{
    uint8_t any = 0;

    for (size_t i = 0; i < size; i++) {
        int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);

        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
        any |= out[i];
    }
    return any != 0;
}

/* "VERSION-TRACE-PARENT-FLAGS"; of versions after 00 more may follow (Trace Context, 3.2). */
static bool read_parent(bert_job *job, const char *text)
{
    uint8_t version, flags;
    size_t size = strnlen(text, 56);

    if (size < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-' || digit(text[0]) < 0
        || digit(text[1]) < 0 || digit(text[53]) < 0 || digit(text[54]) < 0)
        return false;
    version = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
    flags = (uint8_t)(digit(text[53]) << 4 | digit(text[54]));
    if (version == 0xFF || (version == 0 ? size != 55 : size > 55 && text[55] != '-')
        || !read_hex(text + 3, job->trace_id, 16) || !read_hex(text + 36, job->parent_id, 8))
        return false;
    job->sampled = (flags & 1) != 0;
    return true;
}

/* ---- Events -------------------------------------------------------------------------- */

static void tell(bert_engine *e, const bert_job *job, uint32_t stage, bool ends, uint64_t time_ns)
{
    bert_trace_event event = {.stage = stage,
                              .ends = ends,
                              .time_ns = time_ns,
                              .id = job->request.id,
                              .task = job->request.task,
                              .sampled = job->sampled,
                              .model = job->served->name,
                              .version = job->served->version};

    memcpy(event.trace_id, job->trace_id, 16);
    stage_id(job, stage, event.span_id);
    memcpy(event.parent_id, stage == BERT_STAGE_REQUEST ? job->parent_id : job->span_id, 8);
    if (ends) {
        event.status = bert_job_done(job) ? bert_job_status(job, NULL) : BERT_OK;
        event.tokens = job->info.batch_tokens;
        event.requests = job->info.batch_requests;
    }
    e->trace(e->trace_context, &event);
}

void bert__trace_begin(bert_engine *e, bert_job *job, const char *traceparent)
{
    uint64_t now;

    if (e->trace == NULL)
        return;
    if (traceparent == NULL || !read_parent(job, traceparent)) {
        memset(job->parent_id, 0, sizeof job->parent_id);
        new_id(e, job->trace_id, sizeof job->trace_id);
        job->sampled = true;
    }
    new_id(e, job->span_id, sizeof job->span_id);
    now = bert__sys()->now_ns();
    tell(e, job, BERT_STAGE_REQUEST, false, now);
    tell(e, job, BERT_STAGE_QUEUE, false, now);
}

void bert__trace_batch(bert_engine *e, const bert_job *job)
{
    uint64_t at = job->queued.arrival_ns + job->info.queue_ns;

    if (e->trace == NULL || job->aside)
        return;
    tell(e, job, BERT_STAGE_QUEUE, true, at);
    tell(e, job, BERT_STAGE_BATCH, false, at);
}

void bert__trace_end(bert_engine *e, const bert_job *job)
{
    uint64_t at;

    if (e->trace == NULL || job->aside)
        return;
    at = bert__sys()->now_ns();
    tell(e, job, job->ran ? BERT_STAGE_BATCH : BERT_STAGE_QUEUE, true, at);
    tell(e, job, BERT_STAGE_REQUEST, true, at);
}
