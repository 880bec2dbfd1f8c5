/* SPDX-License-Identifier: MIT */
/*
 * ngx_http_bert.h - embeddings, labels and rankings of texts, inside nginx.
 *
 * Threads.  All code of the module runs in nginx's own thread: while the configuration is read, in
 * the master; later in the event loop of a worker.  The engine's threads run libbert's code alone.
 * What they have ended they put into a queue, and bert_engine_fd() becomes readable: that wakes the
 * event loop, and bert_engine_next() hands out the jobs there.  So no other thread ever touches
 * anything of nginx, none of which may be touched by two.
 *
 * Processes.  Models are loaded by the master, with one thread, before it forks: what is wrong with
 * them is told by `nginx -t`, and all workers share their memory.  Each worker makes an engine of
 * its own, after the fork, whose threads start with its first request.
 */
#ifndef NGX_HTTP_BERT_H
#define NGX_HTTP_BERT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <bert.h>
#include <jansson.h>

typedef struct {
    ngx_str_t name;
    bert_model *model;
} ngx_http_bert_model_t;

/* Of http {}. */
typedef struct {
    ngx_array_t models; /* ngx_http_bert_model_t */
    bert_engine_options options;
    ngx_flag_t metrics;     /* some location shows them */
    bert_engine *engine;    /* the worker's; NULL in the master */
    ngx_connection_t *wake; /* bert_engine_fd(), for the event loop */
} ngx_http_bert_main_conf_t;

/* Of a location. */
typedef struct {
    uint32_t task; /* a bert_task; 0: none */
    const char *model;
    union {
        size_t size;
        bert_embed_options embed;
        bert_classify_options classify;
        bert_rerank_options rerank;
    } options;
    ngx_flag_t float32; /* vectors as they are, not as JSON */
    ngx_msec_t timeout;
    ngx_uint_t max_texts;
} ngx_http_bert_loc_conf_t;

/* The texts of a request.  They lie in its pool, its body, or `json`. */
typedef struct {
    json_t *json;
    bert_text query;
    bert_text *texts;
    size_t n;
    unsigned listed : 1; /* "texts", not "text": the answer is a list too */
} ngx_http_bert_input_t;

extern ngx_module_t ngx_http_bert_module;

/* ngx_http_bert_engine.c */
ngx_int_t ngx_http_bert_init_process(ngx_cycle_t *cycle);
void ngx_http_bert_exit_process(ngx_cycle_t *cycle);
ngx_int_t ngx_http_bert_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_bert_metrics_handler(ngx_http_request_t *r);

/* ngx_http_bert_input.c: read the body; free what was read, also after a failure. */
bert_status ngx_http_bert_input_read(ngx_http_request_t *r, ngx_http_bert_input_t *input,
                                     bert_error *err);
void ngx_http_bert_input_free(ngx_http_bert_input_t *input);

/* ngx_http_bert_output.c: what they return is for ngx_http_finalize_request(). */
ngx_int_t ngx_http_bert_send(ngx_http_request_t *r, ngx_uint_t status, const char *type,
                             u_char *data, size_t size);
ngx_int_t ngx_http_bert_send_error(ngx_http_request_t *r, const bert_error *err);
ngx_int_t ngx_http_bert_send_answer(ngx_http_request_t *r, bert_job *job, ngx_uint_t listed);

#endif /* NGX_HTTP_BERT_H */
