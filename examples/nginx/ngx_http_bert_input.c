/* SPDX-License-Identifier: MIT */
/* ngx_http_bert_input.c - the texts of a request: its whole body, or what its JSON names. */
#include "ngx_http_bert.h"

static bert_status refuse(bert_error *err, bert_status code, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    err->code = code;
    *ngx_vslprintf((u_char *)err->message, (u_char *)err->message + sizeof err->message - 1, format,
                   values) = '\0';
    va_end(values);
    return code;
}

/* ---- The body ------------------------------------------------------------ */

static u_char *append(ngx_buf_t *part, u_char *to)
{
    size_t size = (size_t)ngx_buf_size(part);

    if (size == 0) /* the end of a chunked body */
        return to;
    if (ngx_buf_in_memory(part))
        return ngx_cpymem(to, part->pos, size);
    /* Over client_body_buffer_size; nginx wrote it just now, so that it is in memory still. */
    if (ngx_read_file(part->file, to, size, part->file_pos) != (ssize_t)size)
        return NULL;
    return to + size;
}

static bert_status whole_body(ngx_http_request_t *r, bert_text *out, bert_error *err)
{
    ngx_chain_t *first = r->request_body != NULL ? r->request_body->bufs : NULL, *part;
    size_t size = 0;
    u_char *to;

    for (part = first; part != NULL; part = part->next)
        size += (size_t)ngx_buf_size(part->buf);
    out->data = "";
    out->size = size;
    if (size == 0)
        return BERT_OK;
    if (first->next == NULL && ngx_buf_in_memory(first->buf)) {
        out->data = (const char *)first->buf->pos;
        return BERT_OK;
    }
    to = ngx_palloc(r->pool, size);
    if (to == NULL)
        return refuse(err, BERT_ENOMEM, "no memory for a body of %uz bytes", size);
    out->data = (const char *)to;
    for (part = first; part != NULL && to != NULL; part = part->next)
        to = append(part->buf, to);
    return to != NULL ? BERT_OK : refuse(err, BERT_EIO, "the body's file can't be read");
}

/* ---- JSON ---------------------------------------------------------------- */

static bert_status take_string(json_t *value, const char *what, bert_text *out, bert_error *err)
{
    if (!json_is_string(value))
        return refuse(err, BERT_EINVAL, "%s is no string", what);
    out->data = json_string_value(value);
    out->size = json_string_length(value);
    return BERT_OK;
}

static bert_status take_texts(ngx_http_request_t *r, json_t *list, ngx_http_bert_input_t *input,
                              bert_error *err)
{
    ngx_http_bert_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_bert_module);
    char what[64];

    if (!json_is_array(list))
        return refuse(err, BERT_EINVAL, "\"texts\" is no list");
    input->n = json_array_size(list);
    input->listed = 1;
    if (input->n > conf->max_texts)
        return refuse(err, BERT_ELIMIT, "%uz texts; bert_max_texts is %ui", input->n,
                      conf->max_texts);
    input->texts = ngx_palloc(r->pool, (input->n + 1) * sizeof(bert_text));
    if (input->texts == NULL)
        return refuse(err, BERT_ENOMEM, "no memory for %uz texts", input->n);
    for (size_t i = 0; i < input->n; i++) {
        *ngx_snprintf((u_char *)what, sizeof what - 1, "\"texts\"[%uz]", i) = '\0';
        if (take_string(json_array_get(list, i), what, &input->texts[i], err) != BERT_OK)
            return err->code;
    }
    return BERT_OK;
}

static bert_status take_key(ngx_http_request_t *r, const char *key, json_t *value,
                            ngx_http_bert_input_t *input, bert_error *err)
{
    ngx_http_bert_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_bert_module);

    if (ngx_strcmp(key, "query") == 0 && conf->task == BERT_TASK_RERANK)
        return take_string(value, "\"query\"", &input->query, err);
    if (ngx_strcmp(key, "texts") == 0 && input->texts == NULL)
        return take_texts(r, value, input, err);
    if (ngx_strcmp(key, "text") == 0 && input->texts == NULL) {
        input->n = 1;
        input->texts = ngx_palloc(r->pool, sizeof(bert_text));
        if (input->texts == NULL)
            return refuse(err, BERT_ENOMEM, "no memory for a text");
        return take_string(value, "\"text\"", input->texts, err);
    }
    return refuse(err, BERT_EINVAL, "unknown key: there are \"text\" or \"texts\"%s",
                  conf->task == BERT_TASK_RERANK ? ", and \"query\"" : "");
}

static bert_status take_json(ngx_http_request_t *r, bert_text body, ngx_http_bert_input_t *input,
                             bert_error *err)
{
    ngx_http_bert_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_bert_module);
    json_error_t error;
    const char *key;
    json_t *value;

    input->json = json_loadb(body.data, body.size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (input->json == NULL) /* jansson's own message shows the text */
        return refuse(err, BERT_EINVAL, "the body is no JSON%s, at byte %d",
                      json_error_code(&error) == json_error_invalid_utf8 ? " in UTF-8" : "",
                      error.position);
    if (!json_is_object(input->json))
        return refuse(err, BERT_EINVAL, "the body is no JSON object");
    json_object_foreach(input->json, key, value)
    {
        if (take_key(r, key, value, input, err) != BERT_OK)
            return err->code;
    }
    if (input->texts == NULL)
        return refuse(err, BERT_EINVAL, "no \"text\" and no \"texts\"");
    if (conf->task == BERT_TASK_RERANK && input->query.data == NULL)
        return refuse(err, BERT_EINVAL, "no \"query\"");
    return BERT_OK;
}

/* ---- Both ---------------------------------------------------------------- */

static ngx_uint_t is_json(ngx_http_request_t *r)
{
    static const char json[] = "application/json";
    ngx_table_elt_t *type = r->headers_in.content_type;

    return type != NULL && type->value.len >= sizeof json - 1
           && ngx_strncasecmp(type->value.data, (u_char *)json, sizeof json - 1) == 0
           && (type->value.len == sizeof json - 1
               || ngx_strchr("; \t", type->value.data[sizeof json - 1]) != NULL);
}

bert_status ngx_http_bert_input_read(ngx_http_request_t *r, ngx_http_bert_input_t *input,
                                     bert_error *err)
{
    ngx_http_bert_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_bert_module);
    bert_text body;

    ngx_memzero(input, sizeof *input);
    if (whole_body(r, &body, err) != BERT_OK)
        return err->code;
    if (is_json(r))
        return take_json(r, body, input, err);
    if (conf->task == BERT_TASK_RERANK)
        return refuse(err, BERT_EINVAL, "the body has to be application/json");
    input->texts = ngx_palloc(r->pool, sizeof(bert_text));
    if (input->texts == NULL)
        return refuse(err, BERT_ENOMEM, "no memory for a text");
    input->texts[0] = body;
    input->n = 1;
    return BERT_OK;
}

void ngx_http_bert_input_free(ngx_http_bert_input_t *input)
{
    json_decref(input->json);
    input->json = NULL;
}
