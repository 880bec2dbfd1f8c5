/* SPDX-License-Identifier: MIT */
/* serve_loop.c - one thread that reads, submits and answers. */
#include <jansson.h>
#include <poll.h>
#include <unistd.h>

#include "examples/bert/interrupt.h"
#include "examples/bert/memory.h"
#include "examples/bert/message.h"
#include "examples/bert/serve.h"

static bool stopped(const struct server *server)
{
    return interrupt_signal() != 0 || server->gone || !output_wanted(&server->output);
}

/* ---- Calls ------------------------------------------------------------------------------- */

static void add_pending(struct server *server, struct call *call)
{
    call->previous = server->pending.previous;
    call->next = &server->pending;
    call->previous->next = call;
    server->pending.previous = call;
    server->n_pending++;
}

static void end_call(struct server *server, struct call *call)
{
    if (call->next != NULL) {
        call->previous->next = call->next;
        call->next->previous = call->previous;
        server->n_pending--;
    }
    call_free(call);
}

static void refuse(struct server *server, struct call *call, const bert_error *error)
{
    write_error(&server->output, call, error);
    server->failed++;
    end_call(server, call);
}

/* One that finds the queue full is held until something has ended, unless there is nothing that
 * could end. */
static void submit(struct server *server, struct call *call)
{
    bert_error error;
    bert_status status = call_submit(call, server->engine, &error);

    server->held = NULL;
    if (status == BERT_OK)
        add_pending(server, call);
    else if (status == BERT_EBUSY && !server->options->reject && server->n_pending > 0)
        server->held = call;
    else
        refuse(server, call, &error);
}

/* Its answers come as those of all jobs that have ended. */
static void cancel(struct server *server, struct call *order)
{
    const json_t *id = json_object_get(order->json.value, "cancel");

    for (struct call *call = server->pending.next; call != &server->pending; call = call->next) {
        if (call_has_id(call, id))
            bert_job_cancel(call->job);
    }
    call_free(order);
}

static void take_line(struct server *server, bert_text line)
{
    struct call *call;
    bert_error error;

    if (!call_read(&call, line, ++server->lines, &error)) {
        refuse(server, call, &error);
    } else if (call->kind == CALL_CANCEL) {
        cancel(server, call);
    } else if (call->kind == CALL_MODELS) {
        write_models(&server->output, call, server);
        call_free(call);
    } else {
        submit(server, call);
    }
}

static void take_long(struct server *server)
{
    struct call *call = get_memory(1, sizeof *call);
    bert_error error;

    call->line = ++server->lines;
    error_set(&error, BERT_ELIMIT, "the line is longer than %d MiB", SERVE_LINE >> 20);
    refuse(server, call, &error);
}

/* ---- Waiting ------------------------------------------------------------------------------ */

/* Did any job end? */
static bool answer_all(struct server *server)
{
    bert_job *job;
    bool any = false;

    while (!stopped(server) && (job = bert_engine_next(server->engine)) != NULL) {
        struct call *call = bert_job_context(job);

        if (!write_answer(&server->output, call))
            server->failed++;
        end_call(server, call);
        bert_job_unref(job);
        any = true;
    }
    return any;
}

/* Is there more to do at once? */
static bool read_more(struct server *server)
{
    bert_text line;

    if (server->held != NULL || server->ended)
        return false;
    switch (input_try(&server->input, &line)) {
    case INPUT_LINE:
        take_line(server, line);
        return server->held == NULL;
    case INPUT_LONG:
        take_long(server);
        return true;
    case INPUT_MORE:
        return true;
    case INPUT_WAIT:
        return false;
    default:
        server->ended = true;
        return false;
    }
}

static void wait_for_any(struct server *server)
{
    bool reads = server->held == NULL && !server->ended;
    struct pollfd p[] = {{.fd = bert_engine_fd(server->engine), .events = POLLIN},
                         {.fd = interrupt_fd(), .events = POLLIN},
                         {.fd = reads ? server->input.fd : -1, .events = POLLIN},
                         {.fd = server->output.fd}};

    output_flush(&server->output);
    if (stopped(server))
        return;
    if (poll(p, sizeof p / sizeof *p, -1) > 0 && (p[3].revents & (POLLERR | POLLHUP)) != 0)
        server->gone = true; /* its reader has */
}

void serve_loop(struct server *server)
{
    server->pending.next = server->pending.previous = &server->pending;
    while (!stopped(server)) {
        bool any = answer_all(server);

        if (any && server->held != NULL)
            submit(server, server->held);
        if (read_more(server) || any)
            continue;
        if (server->ended && server->n_pending == 0 && server->held == NULL)
            break;
        wait_for_any(server);
    }
    if (stopped(server))
        bert_engine_stop(server->engine, BERT_STOP_CANCEL, NULL);
    for (bert_job *job; (job = bert_engine_next(server->engine)) != NULL;)
        bert_job_unref(job);
    while (server->pending.next != &server->pending)
        end_call(server, server->pending.next);
    call_free(server->held);
}
