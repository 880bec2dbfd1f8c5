/* SPDX-License-Identifier: MIT */
/* ngx_http_bert_output.c - answers, as `bert serve` writes them, and errors. */
#include "ngx_http_bert.h"

#include <math.h>

/* ---- A buffer that grows -------------------------------------------------- */

typedef struct {
    ngx_pool_t *pool;
    u_char *data;
    size_t size;
    size_t capacity;
    ngx_uint_t failed;
} out_t;

/* Room for `size` more bytes; NULL: no memory, which is kept in mind. */
static u_char *room(out_t *out, size_t size)
{
    size_t capacity = 2 * out->capacity + size + 256;
    u_char *data;

    if (out->failed || out->capacity - out->size >= size)
        return out->failed ? NULL : out->data + out->size;
    data = ngx_palloc(out->pool, capacity);
    if (data == NULL) {
        out->failed = 1;
        return NULL;
    }
    if (out->size > 0) {
        ngx_memcpy(data, out->data, out->size);
        ngx_pfree(out->pool, out->data);
    }
    out->data = data;
    out->capacity = capacity;
    return data + out->size;
}

static void put(out_t *out, const char *text)
{
    size_t size = ngx_strlen(text);
    u_char *to = room(out, size);

    if (to != NULL) {
        ngx_memcpy(to, text, size);
        out->size += size;
    }
}

/* Labels and messages are UTF-8. */
static void put_string(out_t *out, const char *text)
{
    u_char *from = (u_char *)text; /* read only */
    size_t size = ngx_strlen(text);
    u_char *to = room(out, size + ngx_escape_json(NULL, from, size) + 2);

    if (to == NULL)
        return;
    *to = '"';
    to = (u_char *)ngx_escape_json(to + 1, from, size);
    *to++ = '"';
    out->size = (size_t)(to - out->data);
}

static void put_integer(out_t *out, uint64_t value)
{
    u_char *to = room(out, NGX_INT64_LEN);

    if (to != NULL)
        out->size = (size_t)(ngx_sprintf(to, "%uL", value) - out->data);
}

/* `digits` has nine, of which `point` stand before the point; zeros at the end are left out. */
static u_char *write_digits(u_char *to, uint32_t digits, int point)
{
    u_char text[9];
    int n = 9;

    for (int i = 8; i >= 0; i--, digits /= 10)
        text[i] = (u_char)('0' + digits % 10);
    while (n > point && n > 1 && text[n - 1] == '0')
        n--;
    if (point <= 0) {
        *to++ = '0';
        *to++ = '.';
        for (int i = point; i < 0; i++)
            *to++ = '0';
    }
    for (int i = 0; i < n; i++) {
        if (i > 0 && i == point)
            *to++ = '.';
        *to++ = text[i];
    }
    return to;
}

static u_char *write_any(u_char *to, float value)
{
    char *text = (char *)to, *comma;
    int n = snprintf(text, 32, "%.9g", (double)value);

    comma = memchr(text, ',', (size_t)n); /* another module may have set a locale */
    if (comma != NULL)
        *comma = '.';
    return to + n;
}

/* As `bert` writes them, "%.9g", which give the same float back, but several times as fast: this is
 * in the event loop.  Of some millions of numbers one has another last digit, and still does. */
static void put_float(out_t *out, float value)
{
    static const double bounds[] = {1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5};
    static const double scales[] = {1e12, 1e11, 1e10, 1e9, 1e8, 1e7, 1e6, 1e5, 1e4};
    double size = fabs((double)value);
    u_char *to = room(out, 32);
    uint32_t digits;
    int i = 0;

    if (to == NULL)
        return;
    if (!isfinite(value)) {
        put(out, "null");
    } else if (size < 1e-4 || size >= 1e5) {
        out->size = (size_t)(write_any(to, value) - out->data);
    } else {
        while (size >= bounds[i])
            i++;
        digits = (uint32_t)lrint(size * scales[i]);
        if (digits == 1000000000) { /* rounded up to the next power */
            digits /= 10;
            i++;
        }
        if (value < 0)
            *to++ = '-';
        out->size = (size_t)(write_digits(to, digits, i - 3) - out->data);
    }
}

static void put_error(out_t *out, bert_status status, const char *message)
{
    put(out, "{\"error\": {\"code\": ");
    put_string(out, bert_status_name(status));
    put(out, ", \"message\": ");
    put_string(out, message);
    put(out, "}}");
}

/* ---- Answers --------------------------------------------------------------- */

static void put_vector(out_t *out, bert_job *job, size_t i)
{
    const bert_embed_report *report = bert_job_reports(job) + i;
    size_t n, width;
    const float *row = bert_job_vectors(job, &n, &width);

    if (report->status != BERT_OK) {
        put_error(out, report->status, bert_job_report_message(job, i));
        return;
    }
    put(out, "{\"embedding\": [");
    for (size_t k = 0; k < width; k++) {
        put(out, k > 0 ? "," : "");
        put_float(out, row[i * width + k]);
    }
    put(out, "], \"tokens\": ");
    put_integer(out, report->tokens);
    put(out, ", \"truncated\": ");
    put_integer(out, report->truncated);
    put(out, "}");
}

static void put_labels(out_t *out, bert_job *job, size_t i)
{
    const bert_classifications *result = bert_job_classifications(job);
    const bert_label_score *labels = bert_classifications_labels(result, i);
    size_t n = bert_classifications_count(result, i);

    if (bert_classifications_status(result, i) != BERT_OK) {
        put_error(out, bert_classifications_status(result, i),
                  bert_classifications_message(result, i));
        return;
    }
    put(out, "{\"labels\": [");
    for (size_t k = 0; k < n; k++) {
        put(out, k > 0 ? ", {\"label\": " : "{\"label\": ");
        put_string(out, labels[k].label);
        put(out, ", \"score\": ");
        put_float(out, labels[k].score);
        put(out, "}");
    }
    put(out, "]}");
}

/* Number i of the best. */
static void put_ranked(out_t *out, bert_job *job, size_t i)
{
    const bert_ranked *best = bert_rankings_best(bert_job_rankings(job));

    put(out, "{\"index\": ");
    put_integer(out, best[i].index);
    put(out, ", \"score\": ");
    put_float(out, best[i].score);
    put(out, "}");
}

static ngx_int_t send_json(ngx_http_request_t *r, bert_job *job, ngx_uint_t listed)
{
    ngx_http_bert_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_bert_module);
    void (*put_record)(out_t *, bert_job *, size_t) = put_vector;
    out_t out = {r->pool, NULL, 0, 0, 0};
    size_t n, width;

    if (conf->task == BERT_TASK_EMBED) {
        bert_job_vectors(job, &n, &width);
    } else if (conf->task == BERT_TASK_CLASSIFY) {
        n = bert_classifications_size(bert_job_classifications(job));
        put_record = put_labels;
    } else {
        n = bert_rankings_count(bert_job_rankings(job));
        put_record = put_ranked;
        listed = 1;
    }
    put(&out, listed ? "{\"results\": [" : "");
    for (size_t i = 0; i < n; i++) {
        put(&out, i > 0 ? ", " : "");
        put_record(&out, job, i);
    }
    put(&out, listed ? "]}\n" : "\n");
    if (out.failed)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return ngx_http_bert_send(r, NGX_HTTP_OK, "application/json", out.data, out.size);
}

static void unref(void *job)
{
    bert_job_unref(job);
}

/* The vectors where they lie: the job is kept until they are sent. */
static ngx_int_t send_float32(ngx_http_request_t *r, bert_job *job)
{
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, 0);
    const bert_embed_report *reports = bert_job_reports(job);
    size_t n, width;
    const float *rows = bert_job_vectors(job, &n, &width);
    bert_error err;

    if (cleanup == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    cleanup->handler = unref;
    cleanup->data = bert_job_ref(job);
    for (size_t i = 0; i < n; i++) {
        if (reports[i].status == BERT_OK)
            continue;
        err.code = reports[i].status;
        *ngx_snprintf((u_char *)err.message, sizeof err.message - 1, "text %uz: %s", i,
                      bert_job_report_message(job, i)) = '\0';
        return ngx_http_bert_send_error(r, &err);
    }
    return ngx_http_bert_send(r, NGX_HTTP_OK, "application/octet-stream", (u_char *)rows,
                              n * width * sizeof(float));
}

ngx_int_t ngx_http_bert_send_answer(ngx_http_request_t *r, bert_job *job, ngx_uint_t listed)
{
    ngx_http_bert_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_bert_module);
    bert_error err;

    if (bert_job_status(job, &err) != BERT_OK)
        return ngx_http_bert_send_error(r, &err);
    return conf->float32 ? send_float32(r, job) : send_json(r, job, listed);
}

/* ---- Sending --------------------------------------------------------------- */

ngx_int_t ngx_http_bert_send(ngx_http_request_t *r, ngx_uint_t status, const char *type,
                             u_char *data, size_t size)
{
    ngx_buf_t *buf = ngx_calloc_buf(r->pool);
    ngx_chain_t chain = {buf, NULL};
    ngx_int_t rc;

    if (buf == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    buf->pos = buf->start = data;
    buf->last = buf->end = data + size;
    buf->memory = size > 0; /* which filters may not write to */
    buf->last_buf = r == r->main;
    buf->last_in_chain = 1;
    r->headers_out.status = status;
    r->headers_out.content_length_n = (off_t)size;
    r->headers_out.content_type.data = (u_char *)type;
    r->headers_out.content_type.len = r->headers_out.content_type_len = ngx_strlen(type);
    rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
        return rc;
    return ngx_http_output_filter(r, &chain);
}

static ngx_uint_t http_status(bert_status status)
{
    switch (status) {
    case BERT_EINVAL:
    case BERT_ERANGE:
        return NGX_HTTP_BAD_REQUEST;
    case BERT_ELIMIT:
        return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
    case BERT_EBUSY:
    case BERT_ECANCELED: /* the worker goes */
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    case BERT_ETIMEDOUT:
        return NGX_HTTP_GATEWAY_TIME_OUT;
    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}

static ngx_int_t add_retry_after(ngx_http_request_t *r)
{
    ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);

    if (header == NULL)
        return NGX_ERROR;
    ngx_memzero(header, sizeof *header);
    header->hash = 1;
    ngx_str_set(&header->key, "Retry-After");
    ngx_str_set(&header->value, "1");
    return NGX_OK;
}

ngx_int_t ngx_http_bert_send_error(ngx_http_request_t *r, const bert_error *err)
{
    ngx_uint_t status = http_status(err->code);
    ngx_uint_t level = status == NGX_HTTP_INTERNAL_SERVER_ERROR ? NGX_LOG_ERR : NGX_LOG_INFO;
    out_t out = {r->pool, NULL, 0, 0, 0};

    ngx_log_error(level, r->connection->log, 0, "bert: %s [%s]", err->message,
                  bert_status_name(err->code));
    put_error(&out, err->code, err->message);
    put(&out, "\n");
    if (out.failed || (status == NGX_HTTP_SERVICE_UNAVAILABLE && add_retry_after(r) != NGX_OK))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return ngx_http_bert_send(r, status, "application/json", out.data, out.size);
}
