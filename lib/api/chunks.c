/* SPDX-License-Identifier: MIT */
/* chunks.c - bert/chunks.h: token vectors of the whole text first, then each part's pooling. */
#include <bert/chunks.h>
#include <string.h>

#include "lib/api/embed.h"
#include "lib/api/options.h"
#include "lib/api/tokenize.h"
#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/head/scores.h"

struct bert_chunks {
    struct bert__alloc *alloc;
    bert_chunk *list;
    float *vectors; /* [n][width] */
    size_t n, width;
    uint64_t tokens;
};

/* A token of the text: its bytes, an empty one as if it had one. */
struct token {
    size_t start, end;
};

struct job {
    struct bert__embed_request request;
    struct bert__embed_windows windows;
    bert_encoding *first; /* owned */
    char *joined;         /* prompt and text */
    size_t text_size;
    uint32_t chunk_tokens;
    struct token *tokens; /* of the text, each once */
    size_t *reach;        /* [n_tokens] the largest end up to it: ascends */
    size_t *floor;        /* [n_tokens] the least start from it on: ascends */
    size_t n_tokens;
    float *hidden;   /* [n_tokens][hidden] */
    float *gathered; /* [tokens of the part that has most][hidden] */
    bert_chunks *out;
};

/* ---- Options --------------------------------------------------------------------------- */

static bert_status read_options(struct job *job, const bert_model *model, const bert_span *spans,
                                const bert_chunk_options *options, bert_error *err)
{
    bert_embed_options embed = BERT_EMBED_OPTIONS_INIT;
    bert_chunk_options o;
    bert_status st = bert__options_read(&o, sizeof o, options, "bert_chunk_options", err);

    if (st == BERT_OK)
        st = bert__options_enum(o.windows, 2, "bert_chunk_options.windows", err);
    if (st != BERT_OK)
        return st;
    if (spans == NULL && o.chunk_tokens == 0)
        return bert__fail(err, BERT_EINVAL, "spans is NULL and chunk_tokens is 0");
    embed.pooling = o.pooling;
    embed.normalize = o.normalize;
    embed.dimensions = o.dimensions;
    embed.max_length = o.max_length;
    embed.overlong = o.windows ? BERT_OVERLONG_WINDOWS : BERT_OVERLONG_ERROR;
    embed.stride = o.stride;
    embed.prompt = o.prompt;
    embed.prompt_name = o.prompt_name;
    job->chunk_tokens = o.chunk_tokens;
    return bert__embed_request_read(&job->request, model, &embed, err);
}

static bert_status check_spans(const bert_span *spans, size_t n, size_t size, bert_error *err)
{
    for (size_t i = 0; spans != NULL && i < n; i++) {
        if (spans[i].start > spans[i].end || spans[i].end > size)
            return bert__fail(err, BERT_EINVAL, "spans[%zu] is [%zu, %zu); the text has %zu bytes",
                              i, (size_t)spans[i].start, (size_t)spans[i].end, size);
    }
    return BERT_OK;
}

/* Before item i of a long loop: false once the call is to end. */
static bool goes_on(const struct job *job, size_t i)
{
    return bert__watch_goes_on_at(&job->request.session->watch, i);
}

static bert_status ended(const struct job *job, bert_error *err)
{
    return bert__watch_ended(&job->request.session->watch, err);
}

/* ---- Tokens of the text ------------------------------------------------------------------ */

static bert_status tokenize(struct job *job, bert_text text, bert_error *err)
{
    const struct bert__embed_request *r = &job->request;
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    bool windows = r->overlong == BERT_OVERLONG_WINDOWS;
    bert_status st = bert__embed_join(r->session->alloc, r->prompt, &text, &job->joined, err);

    if (st != BERT_OK)
        return st;
    if (windows) {
        o.max_length = r->max_length;
        o.stride = r->stride;
        o.overflow = 1;
    }
    st = bert__tokenize(r->tokenizer, &r->session->watch, text, NULL, &o, &job->first, err);
    if (st != BERT_OK)
        return st;
    job->windows = (struct bert__embed_windows){.request = r, .first = job->first};
    if (bert_encoding_size(job->first) == 0)
        return bert__fail(err, BERT_EINVAL, "the text has no tokens");
    if (bert_encoding_size(job->first) > r->max_length)
        return bert__fail(err, BERT_ERANGE,
                          "the text has %zu tokens, the limit is %lu: ask for windows",
                          bert_encoding_size(job->first), (unsigned long)r->max_length);
    return BERT_OK;
}

static size_t count_windows(const struct job *job)
{
    return 1 + bert_encoding_overflow_count(job->first);
}

/* Of a window's tokens, special ones left out, those that no other window has, or that are
 * farther from the edge of this one. */
static void kept_of(const struct job *job, size_t i, size_t *from, size_t *to)
{
    const bert_encoding *e = bert__embed_window(&job->windows, i);
    const uint8_t *special = bert_encoding_special_mask(e);
    size_t stride = job->request.stride, n = 0;

    for (size_t k = 0; k < bert_encoding_size(e); k++)
        n += special[k] == 0;
    *from = i > 0 ? stride / 2 : 0;
    *to = i + 1 < count_windows(job) ? n - (stride - stride / 2) : n;
}

/* Is token k of an encoding one of the text's own?  *token: which bytes. */
static bool is_text(const struct job *job, const bert_encoding *e, size_t k, struct token *token)
{
    bert_span at = bert_encoding_offsets(e)[k];
    size_t prompt = job->request.prompt.size;

    if (at.end < prompt || (at.end == prompt && prompt > 0 && at.start < prompt))
        return false;
    token->start = at.start > prompt ? at.start - prompt : 0;
    token->end = at.end - prompt;
    if (token->end <= token->start)
        token->end = token->start + 1;
    return true;
}

/* Calls take() for each token of the text that window i gives, with its place in the window. */
typedef void take_fn(struct job *job, size_t place, struct token token, const float *rows);

static void each_token(struct job *job, size_t i, const float *rows, take_fn *take)
{
    const bert_encoding *e = bert__embed_window(&job->windows, i);
    const uint8_t *special = bert_encoding_special_mask(e);
    size_t from, to, at = 0;
    struct token token;

    kept_of(job, i, &from, &to);
    for (size_t k = 0; k < bert_encoding_size(e); k++) {
        if (special[k])
            continue;
        if (at >= from && at < to && is_text(job, e, k, &token))
            take(job, k, token, rows);
        at++;
    }
}

static void take_token(struct job *job, size_t place, struct token token, const float *rows)
{
    (void)place;
    (void)rows;
    job->tokens[job->n_tokens++] = token;
}

static void take_row(struct job *job, size_t place, struct token token, const float *rows)
{
    uint32_t width = job->request.session->model->config.hidden_size;

    (void)token;
    memcpy(job->hidden + job->n_tokens++ * width, rows + place * width, width * sizeof *rows);
}

static void find_bounds(struct job *job)
{
    for (size_t i = 0, most = 0; i < job->n_tokens; i++) {
        most = job->tokens[i].end > most ? job->tokens[i].end : most;
        job->reach[i] = most;
    }
    for (size_t i = job->n_tokens, least = SIZE_MAX; i-- > 0;) {
        least = job->tokens[i].start < least ? job->tokens[i].start : least;
        job->floor[i] = least;
    }
}

static bert_status find_tokens(struct job *job, bert_error *err)
{
    struct bert__alloc *alloc = job->request.session->alloc;
    struct bert__watch *watch = &job->request.session->watch;
    size_t n = 0, width = job->request.session->model->config.hidden_size;

    for (size_t i = 0; i < count_windows(job); i++)
        n += bert_encoding_size(bert__embed_window(&job->windows, i));
    job->tokens = bert__alloc_items(alloc, n, sizeof *job->tokens);
    job->reach = bert__alloc_items(alloc, n, sizeof *job->reach);
    job->floor = bert__alloc_items(alloc, n, sizeof *job->floor);
    if (job->tokens == NULL || job->reach == NULL || job->floor == NULL)
        return bert__alloc_fail(alloc, "the text's tokens", err);
    for (size_t i = 0; i < count_windows(job) && bert__watch_goes_on(watch); i++)
        each_token(job, i, NULL, take_token);
    find_bounds(job);
    if (ended(job, err) != BERT_OK)
        return ended(job, err);
    job->hidden = bert__alloc_items(alloc, job->n_tokens, width * sizeof *job->hidden);
    return job->hidden != NULL ? BERT_OK : bert__alloc_fail(alloc, "the tokens' vectors", err);
}

/* ---- Parts ---------------------------------------------------------------------------------- */

/* The end of a run of chunk_tokens tokens from `from` on; bytes of one character stay together. */
static size_t run_end(const struct job *job, size_t from)
{
    size_t to = from, most = job->n_tokens - from;

    to += job->chunk_tokens < most ? job->chunk_tokens : most;
    while (to < job->n_tokens && job->floor[to] < job->reach[to - 1])
        to++;
    return to;
}

/* Less than all once the call is to end. */
static size_t count_runs(const struct job *job)
{
    size_t n = 0;

    for (size_t from = 0; from < job->n_tokens && goes_on(job, n); from = run_end(job, from))
        n++;
    return n;
}

static bert_span run_span(const struct job *job, size_t from, size_t to)
{
    size_t end = job->reach[to - 1];

    /* an empty last token has no byte of its own */
    return (bert_span){job->floor[from], end < job->text_size ? end : job->text_size};
}

static bert_status create_result(struct job *job, const bert_span *spans, size_t n, bert_error *err)
{
    struct bert__alloc *alloc =
        bert__alloc_create(bert__alloc_host(job->request.session->alloc), 0);
    bert_chunks *r = alloc != NULL ? bert__alloc_array(alloc, 1, sizeof *r) : NULL;
    size_t floats;

    if (r == NULL) {
        bert__alloc_destroy(alloc);
        return bert__fail_nomem(err, "the result");
    }
    job->out = r;
    r->alloc = alloc;
    r->n = spans != NULL ? n : count_runs(job);
    r->width = job->request.width;
    r->list = bert__alloc_array(alloc, r->n, sizeof *r->list);
    if (bert__size_mul(r->n, r->width, &floats))
        r->vectors = bert__alloc_array(alloc, floats, sizeof *r->vectors);
    if (r->list == NULL || r->vectors == NULL)
        return bert__fail_nomem(err, "the result");
    for (size_t i = 0, from = 0; i < r->n && goes_on(job, i); i++) {
        size_t to = spans == NULL ? run_end(job, from) : 0;

        r->list[i].bytes = spans != NULL ? spans[i] : run_span(job, from, to);
        r->list[i].vector = r->vectors + i * r->width;
        from = to;
    }
    return ended(job, err);
}

/* The first place whose value is above x; `values` ascend. */
static size_t first_above(const size_t *values, size_t n, size_t x)
{
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;

        if (values[middle] > x)
            n = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Tokens that overlap a part lie in [*from, *to); nearly always all of these do. */
static void bounds_of(const struct job *job, bert_span span, size_t *from, size_t *to)
{
    *from = first_above(job->reach, job->n_tokens, span.start);
    *to = span.end > 0 ? first_above(job->floor, job->n_tokens, span.end - 1) : 0;
}

static bool overlaps(const struct token *token, bert_span span)
{
    return token->start < span.end && token->end > span.start;
}

static uint32_t count_overlapping(const struct job *job, bert_span span)
{
    size_t from, to;
    uint32_t n = 0;

    bounds_of(job, span, &from, &to);
    for (size_t k = from; k < to; k++)
        n += overlaps(&job->tokens[k], span);
    return n;
}

static bert_status reserve_gathered(struct job *job, bert_error *err)
{
    bert_session *s = job->request.session;
    size_t most = 0;

    for (size_t i = 0; i < job->out->n && goes_on(job, i); i++) {
        job->out->list[i].tokens = count_overlapping(job, job->out->list[i].bytes);
        if (job->out->list[i].tokens > most)
            most = job->out->list[i].tokens;
    }
    job->gathered =
        bert__alloc_items(s->alloc, most, s->model->config.hidden_size * sizeof *job->gathered);
    return job->gathered != NULL ? ended(job, err)
                                 : bert__alloc_fail(s->alloc, "a part's tokens", err);
}

/* Its row before the modules that follow the pooling. */
static void pool_part(struct job *job, const bert_chunk *part, float *row)
{
    const struct bert__embed_request *r = &job->request;
    uint32_t width = r->session->model->config.hidden_size, n = 0;
    uint32_t offsets[2] = {0, part->tokens};
    struct bert__batch batch = {.offsets = offsets, .n_sequences = 1, .n_tokens = part->tokens};
    struct bert__pool pool = {.kernels = bert__model_kernels(r->session->model),
                              .batch = &batch,
                              .hidden = job->gathered,
                              .width = width,
                              .module = &r->pooling,
                              .rows = row};
    size_t from, to;

    memset(row, 0, r->pooled_width * sizeof *row);
    bounds_of(job, part->bytes, &from, &to);
    for (size_t k = from; k < to; k++) {
        if (overlaps(&job->tokens[k], part->bytes))
            memcpy(job->gathered + (size_t)n++ * width, job->hidden + k * width,
                   width * sizeof *job->gathered);
    }
    if (n > 0)
        bert__pool_task(&pool, 0, 0);
}

/* At most as many parts at once as the session has rows. */
static bert_status pool_parts(struct job *job, bert_error *err)
{
    const struct bert__embed_request *r = &job->request;
    bert_session *s = r->session;
    bert_chunks *out = job->out;

    for (size_t first = 0, n; first < out->n; first += n) {
        uint32_t width;
        float *rows;
        bert_status st;

        n = out->n - first < s->max_sequences ? out->n - first : s->max_sequences;
        for (size_t i = 0; i < n && bert__watch_goes_on(&s->watch); i++)
            pool_part(job, &out->list[first + i], s->texts.rows + i * r->pooled_width);
        st = ended(job, err);
        if (st == BERT_OK)
            st = bert__embed_finish(r, (uint32_t)n, &rows, &width, err);
        if (st != BERT_OK)
            return st;
        for (size_t i = 0; i < n; i++) {
            if (out->list[first + i].tokens > 0)
                bert__embed_row(r, rows + i * width, out->vectors + (first + i) * out->width);
        }
    }
    return bert__finite(out->vectors, out->n * out->width)
               ? BERT_OK
               : bert__fail(err, BERT_ENONFINITE, "the model gives NaN or infinity for this text");
}

/* ---- The call ------------------------------------------------------------------------------- */

static bert_status run_batch(struct job *job, size_t first, const struct bert__batch *batch,
                             bool last, bert_error *err)
{
    bert_session *s = job->request.session;
    uint32_t width = s->model->config.hidden_size;
    const float *hidden;
    bert_status st = bert__exec_run(s->exec, batch, &s->watch, NULL, &hidden, err);

    if (st != BERT_OK)
        return st;
    for (uint32_t i = 0; i < batch->n_sequences; i++)
        each_token(job, first + i, hidden + (size_t)batch->offsets[i] * width, take_row);
    job->out->tokens += batch->n_tokens;
    if (last)
        st = pool_parts(job, err);
    bert__exec_finish(s->exec);
    return st;
}

static bert_status run_windows(struct job *job, bert_error *err)
{
    struct bert__text_scratch *t = &job->request.session->texts;
    size_t count = count_windows(job), next = 0;
    bert_status st = BERT_OK;

    job->n_tokens = 0; /* counted again as their vectors come */
    while (next < count && st == BERT_OK) {
        struct bert__batch batch = {t->ids, t->type_ids, t->offsets, 0, 0, NULL};
        size_t first = next;

        st = bert__embed_fill(&job->windows, &next, count, &batch, err);
        if (st == BERT_OK)
            st = run_batch(job, first, &batch, next == count, err);
    }
    return st;
}

static bert_status run(struct job *job, bert_text text, const bert_span *spans, size_t n,
                       bert_error *err)
{
    bert_status st = tokenize(job, text, err);

    if (st == BERT_OK)
        st = find_tokens(job, err);
    if (st == BERT_OK)
        st = create_result(job, spans, n, err);
    if (st == BERT_OK)
        st = reserve_gathered(job, err);
    return st == BERT_OK ? run_windows(job, err) : st;
}

static void release(struct job *job)
{
    struct bert__alloc *alloc = job->request.session->alloc;

    bert_encoding_free(job->first);
    bert__alloc_free(alloc, job->joined);
    bert__alloc_free(alloc, job->tokens);
    bert__alloc_free(alloc, job->reach);
    bert__alloc_free(alloc, job->floor);
    bert__alloc_free(alloc, job->hidden);
    bert__alloc_free(alloc, job->gathered);
}

bert_status bert_embed_chunks(bert_session *s, bert_text text, const bert_span *spans, size_t n,
                              const bert_chunk_options *options, bert_chunks **out, bert_error *err)
{
    struct job job = {.text_size = text.size};
    const bert_tokenizer *tokenizer;
    bert_status st;

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (s == NULL || (text.data == NULL && text.size > 0))
        return bert__fail(err, BERT_EINVAL, "%s is NULL", s == NULL ? "session" : "text.data");
    st = bert_model_tokenizer(s->model, &tokenizer, err);
    if (st == BERT_OK)
        st = read_options(&job, s->model, spans, options, err);
    if (st == BERT_OK)
        st = check_spans(spans, n, text.size, err);
    if (st == BERT_OK)
        st = bert__session_enter(s, err);
    if (st != BERT_OK)
        return st;
    job.request.session = s;
    st = run(&job, text, spans, n, err);
    release(&job);
    bert__session_leave(s);
    if (st == BERT_OK)
        *out = job.out;
    else
        bert_chunks_free(job.out);
    return st;
}

/* ---- Reading ----------------------------------------------------------------------------------
 */

void bert_chunks_free(bert_chunks *r)
{
    struct bert__alloc *alloc;

    if (r == NULL)
        return;
    alloc = r->alloc;
    bert__alloc_free(alloc, r->list);
    bert__alloc_free(alloc, r->vectors);
    bert__alloc_free(alloc, r);
    bert__alloc_destroy(alloc);
}

size_t bert_chunks_count(const bert_chunks *r)
{
    return r->n;
}

const bert_chunk *bert_chunks_list(const bert_chunks *r)
{
    return r->n > 0 ? r->list : NULL;
}

size_t bert_chunks_dimensions(const bert_chunks *r)
{
    return r->width;
}

uint64_t bert_chunks_tokens(const bert_chunks *r)
{
    return r->tokens;
}
