/* SPDX-License-Identifier: MIT */
/* ngx_http_bert_engine.c - the worker's engine, and the requests that wait for it. */
#include "ngx_http_bert.h"

enum {
    NS_PER_MS = 1000000,
    GRACE_MS = 10000 /* past the engine's deadline, which it sees between two layers */
};

/* A request in the engine.  It may be gone before its job: then the job is canceled, and the call
 * goes when bert_engine_next() gives that. */
typedef struct {
    ngx_http_request_t *request; /* NULL: gone */
    ngx_http_cleanup_t *cleanup; /* the request's, which tells of that */
    bert_job *job;
    ngx_event_t timer;
    ngx_uint_t listed;
} call_t;

/* ---- The end of a job ------------------------------------------------------ */

static void forget_request(call_t *call)
{
    call->request = NULL;
    call->cleanup->handler = NULL;
    if (call->timer.timer_set)
        ngx_del_timer(&call->timer);
}

static void finish(bert_job *job)
{
    call_t *call = bert_job_context(job);
    ngx_http_request_t *r = call->request;

    if (r != NULL) {
        ngx_connection_t *c = r->connection;

        forget_request(call);
        ngx_http_set_log_request(c->log, r);
        ngx_http_finalize_request(r, ngx_http_bert_send_answer(r, job, call->listed));
        ngx_http_run_posted_requests(c);
    }
    bert_job_unref(call->job);
    ngx_free(call);
}

/* bert_engine_fd() is readable. */
static void wake(ngx_event_t *event)
{
    ngx_connection_t *c = event->data;
    ngx_http_bert_main_conf_t *mcf = c->data;
    bert_job *job;

    while ((job = bert_engine_next(mcf->engine)) != NULL) {
        finish(job);
        bert_job_unref(job);
    }
}

/* ---- A request ------------------------------------------------------------- */

/* The request ends before its job: its client is gone, most often. */
static void request_gone(void *data)
{
    call_t *call = data;

    forget_request(call);
    bert_job_cancel(call->job);
}

/* The engine's deadline is earlier.  The timer also keeps a worker that is to go, which waits for
 * timers and not for requests. */
static void overdue(ngx_event_t *event)
{
    call_t *call = event->data;

    bert_job_cancel(call->job);
}

static bert_status submit(ngx_http_request_t *r, call_t *call, bert_error *err)
{
    ngx_http_bert_main_conf_t *mcf = ngx_http_get_module_main_conf(r, ngx_http_bert_module);
    ngx_http_bert_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_bert_module);
    bert_request request = BERT_REQUEST_INIT;
    ngx_http_bert_input_t input;
    bert_status status = ngx_http_bert_input_read(r, &input, err);

    if (status == BERT_OK) {
        request.model = conf->model;
        request.task = conf->task;
        request.options = &conf->options;
        request.texts = input.texts;
        request.n = input.n;
        request.query = input.query;
        request.timeout_ns = (uint64_t)conf->timeout * NS_PER_MS;
        request.notify = BERT_NOTIFY_QUEUE;
        request.context = call;
        call->listed = input.listed;
        status = bert_engine_submit(mcf->engine, &request, &call->job, err);
    }
    ngx_http_bert_input_free(&input);
    return status;
}

static void wait_for(ngx_http_request_t *r, call_t *call)
{
    ngx_http_bert_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_bert_module);
    ngx_event_t *read = r->connection->read;

    call->request = r;
    call->cleanup->handler = request_gone;
    call->cleanup->data = call;
    call->timer.handler = overdue;
    call->timer.data = call;
    call->timer.log = r->connection->log;
    ngx_add_timer(&call->timer, conf->timeout + GRACE_MS);
    if (r != r->main)
        return;
    /* See whether the client goes; it may have gone already. */
    r->read_event_handler = ngx_http_test_reading;
    if (read->ready) {
        ngx_post_event(read, &ngx_posted_events);
    }
}

static void body_read(ngx_http_request_t *r)
{
    call_t *call = ngx_calloc(sizeof *call, r->connection->log);
    ngx_http_cleanup_t *cleanup = ngx_http_cleanup_add(r, 0);
    bert_error err;

    if (call == NULL || cleanup == NULL) {
        ngx_free(call);
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    } else if (submit(r, call, &err) != BERT_OK) {
        ngx_free(call);
        ngx_http_finalize_request(r, ngx_http_bert_send_error(r, &err));
    } else {
        call->cleanup = cleanup;
        wait_for(r, call);
    }
}

/* There is none where nginx makes no workers (master_process off) and was told to reload. */
static ngx_uint_t has_engine(ngx_http_request_t *r)
{
    ngx_http_bert_main_conf_t *mcf = ngx_http_get_module_main_conf(r, ngx_http_bert_module);

    if (mcf->engine == NULL)
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "bert: this process has no engine");
    return mcf->engine != NULL;
}

ngx_int_t ngx_http_bert_handler(ngx_http_request_t *r)
{
    ngx_int_t rc;

    if (!(r->method & NGX_HTTP_POST))
        return NGX_HTTP_NOT_ALLOWED;
    if (!has_engine(r))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    rc = ngx_http_read_client_request_body(r, body_read);
    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

/* ---- Metrics ---------------------------------------------------------------- */

ngx_int_t ngx_http_bert_metrics_handler(ngx_http_request_t *r)
{
    ngx_http_bert_main_conf_t *mcf = ngx_http_get_module_main_conf(r, ngx_http_bert_module);
    bert_metrics *metrics = ngx_palloc(r->pool, sizeof *metrics);
    char *text = NULL;
    size_t size = 0;
    bert_error err;
    ngx_int_t rc;

    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
        return NGX_HTTP_NOT_ALLOWED;
    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK)
        return rc;
    if (metrics == NULL || !has_engine(r))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    metrics->size = sizeof *metrics;
    if (bert_engine_metrics(mcf->engine, metrics, &err) != BERT_OK)
        return ngx_http_bert_send_error(r, &err);
    bert_metrics_prometheus(metrics, NULL, 0, &size, NULL);
    text = ngx_palloc(r->pool, size);
    if (text == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (bert_metrics_prometheus(metrics, text, size, &size, &err) != BERT_OK)
        return ngx_http_bert_send_error(r, &err);
    return ngx_http_bert_send(r, NGX_HTTP_OK, "text/plain; version=0.0.4", (u_char *)text, size);
}

/* ---- The worker -------------------------------------------------------------- */

static ngx_int_t failed(ngx_cycle_t *cycle, const bert_error *err)
{
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "bert: %s [%s]", err->message,
                  bert_status_name(err->code));
    return NGX_ERROR;
}

static ngx_int_t make_engine(ngx_cycle_t *cycle, ngx_http_bert_main_conf_t *mcf)
{
    ngx_core_conf_t *ccf = (ngx_core_conf_t *)ngx_get_conf(cycle->conf_ctx, ngx_core_module);
    ngx_http_bert_model_t *models = mcf->models.elts;
    bert_engine_options options = mcf->options;
    bert_error err;

    /* Several workers part the CPUs among them; one alone has what libbert finds. */
    if (options.threads == 0 && ccf->worker_processes > 1)
        options.threads = (uint32_t)ngx_max(1, ngx_ncpu / ccf->worker_processes);
    if (bert_engine_create(&mcf->engine, &options, &err) != BERT_OK)
        return failed(cycle, &err);
    for (ngx_uint_t i = 0; i < mcf->models.nelts; i++) {
        if (bert_engine_add_model(mcf->engine, (char *)models[i].name.data, models[i].model, &err)
            != BERT_OK)
            return failed(cycle, &err);
    }
    return NGX_OK;
}

ngx_int_t ngx_http_bert_init_process(ngx_cycle_t *cycle)
{
    ngx_http_bert_main_conf_t *mcf =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_bert_module);
    ngx_connection_t *c;

    if (mcf == NULL || mcf->models.nelts == 0 || ngx_process == NGX_PROCESS_HELPER)
        return NGX_OK;
    if (make_engine(cycle, mcf) != NGX_OK)
        return NGX_ERROR;
    c = ngx_get_connection(bert_engine_fd(mcf->engine), cycle->log);
    if (c == NULL)
        return NGX_ERROR;
    c->data = mcf;
    c->read->handler = wake;
    c->read->log = c->write->log = cycle->log;
    mcf->wake = c;
    /* Not edge-triggered: wake() doesn't read the descriptor. */
    return ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
}

void ngx_http_bert_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_bert_main_conf_t *mcf =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_bert_module);
    bert_job *job;

    if (mcf == NULL || mcf->engine == NULL)
        return;
    if (mcf->wake != NULL) { /* the descriptor is the engine's */
        ngx_del_event(mcf->wake->read, NGX_READ_EVENT, 0);
        ngx_free_connection(mcf->wake);
        mcf->wake->fd = (ngx_socket_t)-1;
    }
    bert_engine_stop(mcf->engine, BERT_STOP_CANCEL, NULL);
    while ((job = bert_engine_next(mcf->engine)) != NULL) {
        call_t *call = bert_job_context(job);

        if (call->request != NULL)
            forget_request(call);
        bert_job_unref(call->job);
        bert_job_unref(job);
        ngx_free(call);
    }
    bert_engine_destroy(mcf->engine);
    mcf->engine = NULL;
}
