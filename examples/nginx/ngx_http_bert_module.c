/* SPDX-License-Identifier: MIT */
/* ngx_http_bert_module.c - the directives, and loading of models: in the master, see the header. */
#include "ngx_http_bert.h"

enum { DEFAULT_TIMEOUT_MS = 60000, DEFAULT_TEXTS = 64 };

/* Prints where in the configuration, too. */
static char *refuse(ngx_conf_t *cf, const char *format, ...)
{
    ngx_str_t *words = cf->args->elts;
    u_char text[NGX_MAX_CONF_ERRSTR], *end;
    va_list values;

    va_start(values, format);
    end = ngx_vslprintf(text, text + sizeof text, format, values);
    va_end(values);
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" directive: %*s", &words[0],
                       (size_t)(end - text), text);
    return NGX_CONF_ERROR;
}

/* The value of "name=value"; NULL if the word is another. */
static u_char *value_of(ngx_str_t *word, const char *name)
{
    size_t size = ngx_strlen(name);

    if (ngx_strncmp(word->data, name, size) != 0 || word->data[size] != '=')
        return NULL;
    return word->data + size + 1;
}

/* ---- bert_model NAME PATH [precision=P] ----------------------------------------- */

static ngx_http_bert_model_t *find_model(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_http_bert_main_conf_t *mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_bert_module);
    ngx_http_bert_model_t *models = mcf->models.elts;

    for (ngx_uint_t i = 0; i < mcf->models.nelts; i++) {
        if (models[i].name.len == name->len
            && ngx_memcmp(models[i].name.data, name->data, name->len) == 0)
            return &models[i];
    }
    return NULL;
}

static ngx_uint_t take_precision(const u_char *name, uint32_t *out)
{
    static const char *const names[] = {"fp32", "bf16", "int8", "auto"};
    static const uint32_t values[] = {BERT_PRECISION_FP32, BERT_PRECISION_BF16, BERT_PRECISION_INT8,
                                      BERT_PRECISION_AUTO};

    for (size_t i = 0; name != NULL && i < sizeof values / sizeof *values; i++) {
        if (ngx_strcmp(name, names[i]) == 0) {
            *out = values[i];
            return 1;
        }
    }
    return 0;
}

static void unref_model(void *model)
{
    bert_model_unref(model);
}

static char *set_model(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_http_bert_main_conf_t *mcf = conf;
    ngx_str_t *words = cf->args->elts, *name = &words[1], *path = &words[2];
    bert_model_options options = BERT_MODEL_OPTIONS_INIT;
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    ngx_http_bert_model_t *model;
    bert_error err;

    (void)command;
    if (name->len == 0)
        return refuse(cf, "the model's name is empty");
    if (find_model(cf, name) != NULL)
        return refuse(cf, "there are two models \"%V\"", name);
    if (cf->args->nelts > 3
        && !take_precision(value_of(&words[3], "precision"), &options.precision))
        return refuse(cf, "\"%V\" is not precision=fp32, bf16, int8 or auto", &words[3]);
    if (cleanup == NULL || ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK)
        return NGX_CONF_ERROR;
    model = ngx_array_push(&mcf->models);
    if (model == NULL)
        return NGX_CONF_ERROR;
    model->name = *name;
    options.threads = 1; /* the master is going to fork */
    if (bert_model_load(&model->model, (char *)path->data, &options, &err) != BERT_OK)
        return refuse(cf, "model \"%V\": %s [%s]", name, err.message, bert_status_name(err.code));
    cleanup->handler = unref_model;
    cleanup->data = model->model;
    return NGX_CONF_OK;
}

/* ---- bert_engine [NAME=VALUE ...] --------------------------------------------------- */

enum unit { COUNT, TIME, BYTES };

static const struct {
    const char *name;
    size_t offset;
    enum unit unit;
} settings[] = {
    {"workers", offsetof(bert_engine_options, workers), COUNT},
    {"threads", offsetof(bert_engine_options, threads), COUNT},
    {"queue", offsetof(bert_engine_options, queue_requests), COUNT},
    {"batch_tokens", offsetof(bert_engine_options, batch_tokens), COUNT},
    {"queue_bytes", offsetof(bert_engine_options, queue_bytes), BYTES},
    {"queue_time", offsetof(bert_engine_options, queue_ns), TIME},
    {"batch_wait", offsetof(bert_engine_options, batch_wait_ns), TIME},
    {"cache", offsetof(bert_engine_options, cache_bytes), BYTES},
};

static ngx_uint_t take_setting(ngx_str_t *word, size_t which, bert_engine_options *options)
{
    u_char *field = (u_char *)options + settings[which].offset;
    ngx_str_t text;
    int64_t value;

    text.data = value_of(word, settings[which].name);
    text.len = ngx_strlen(text.data);
    if (settings[which].unit == COUNT)
        value = ngx_atoi(text.data, text.len);
    else if (settings[which].unit == TIME)
        value = ngx_parse_time(&text, 0);
    else
        value = ngx_parse_offset(&text);
    if (value < 0 || (settings[which].unit == COUNT && value > UINT32_MAX))
        return 0;
    if (settings[which].unit == COUNT)
        *(uint32_t *)(void *)field = (uint32_t)value;
    else
        *(uint64_t *)(void *)field =
            settings[which].unit == TIME ? (uint64_t)value * 1000000 : (uint64_t)value;
    return 1;
}

/* What no engine takes is told now: later a worker without one would end, and none come after it.
 */
static char *check_engine(ngx_conf_t *cf, const bert_engine_options *options)
{
    bert_engine *engine;
    bert_error err;

    if (bert_engine_create(&engine, options, &err) != BERT_OK)
        return refuse(cf, "%s [%s]", err.message, bert_status_name(err.code));
    bert_engine_destroy(engine);
    return NGX_CONF_OK;
}

static char *set_engine(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_http_bert_main_conf_t *mcf = conf;
    ngx_str_t *words = cf->args->elts;

    (void)command;
    for (ngx_uint_t i = 1; i < cf->args->nelts; i++) {
        size_t which = 0, n = sizeof settings / sizeof *settings;

        while (which < n && value_of(&words[i], settings[which].name) == NULL)
            which++;
        if (which == n || !take_setting(&words[i], which, &mcf->options))
            return refuse(cf, "\"%V\" is no setting of the engine", &words[i]);
    }
    return check_engine(cf, &mcf->options);
}

/* ---- bert_embed NAME [prompt=P] [format=float32], bert_classify, bert_rerank NAME [top=N] --- */

static char *take_top(ngx_conf_t *cf, ngx_str_t *word, uint32_t *top)
{
    u_char *value = value_of(word, "top");
    ngx_int_t n = value != NULL ? ngx_atoi(value, ngx_strlen(value)) : NGX_ERROR;

    if (n < 1 || n > UINT32_MAX)
        return refuse(cf, "\"%V\" is not top=N", word);
    *top = (uint32_t)n;
    return NGX_CONF_OK;
}

static char *take_embed_word(ngx_conf_t *cf, ngx_str_t *word, ngx_http_bert_loc_conf_t *blcf)
{
    u_char *prompt = value_of(word, "prompt"), *format = value_of(word, "format");

    if (prompt != NULL)
        blcf->options.embed.prompt_name = (char *)prompt;
    else if (format != NULL
             && (ngx_strcmp(format, "float32") == 0 || ngx_strcmp(format, "json") == 0))
        blcf->float32 = *format == 'f';
    else
        return refuse(cf, "\"%V\" is not prompt=NAME, format=json or format=float32", word);
    return NGX_CONF_OK;
}

/* What the model can't do is told now, not request by request. */
static char *check_task(ngx_conf_t *cf, ngx_str_t *name, bert_model *model,
                        ngx_http_bert_loc_conf_t *blcf)
{
    const bert_embed_options *embed = &blcf->options.embed;
    const bert_tokenizer *tokenizer;
    bert_error err;
    size_t width;

    if (bert_model_tokenizer(model, &tokenizer, &err) != BERT_OK
        || (blcf->task == BERT_TASK_EMBED
            && bert_embed_size(model, embed, &width, &err) != BERT_OK))
        return refuse(cf, "model \"%V\": %s [%s]", name, err.message, bert_status_name(err.code));
    if (blcf->task != BERT_TASK_EMBED
        && ngx_strcmp(bert_model_task(model), "text-classification") != 0)
        return refuse(cf, "model \"%V\" is for %s", name, bert_model_task(model));
    if (blcf->task == BERT_TASK_RERANK && bert_model_label_count(model) != 1)
        return refuse(cf, "model \"%V\" has %uD labels, not one", name,
                      bert_model_label_count(model));
    return NGX_CONF_OK;
}

static char *take_words(ngx_conf_t *cf, ngx_http_bert_loc_conf_t *blcf)
{
    ngx_str_t *words = cf->args->elts;
    char *rc = NGX_CONF_OK;

    for (ngx_uint_t i = 2; rc == NGX_CONF_OK && i < cf->args->nelts; i++) {
        if (blcf->task == BERT_TASK_EMBED)
            rc = take_embed_word(cf, &words[i], blcf);
        else if (blcf->task == BERT_TASK_CLASSIFY)
            rc = take_top(cf, &words[i], &blcf->options.classify.top);
        else
            rc = take_top(cf, &words[i], &blcf->options.rerank.top);
    }
    return rc;
}

static char *set_handler(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t *clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler != NULL)
        return "is one of two handlers of this location";
    clcf->handler = handler;
    return NGX_CONF_OK;
}

static char *set_task(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_http_bert_loc_conf_t *blcf = conf;
    ngx_str_t *words = cf->args->elts;
    ngx_http_bert_model_t *model = find_model(cf, &words[1]);

    if (blcf->task != 0)
        return "is one of two tasks of this location";
    if (model == NULL)
        return refuse(cf, "no \"bert_model %V ...\" before it", &words[1]);
    blcf->task = (uint32_t)command->offset;
    blcf->model = (char *)model->name.data;
    if (blcf->task == BERT_TASK_EMBED)
        blcf->options.embed = (bert_embed_options)BERT_EMBED_OPTIONS_INIT;
    else if (blcf->task == BERT_TASK_CLASSIFY)
        blcf->options.classify = (bert_classify_options)BERT_CLASSIFY_OPTIONS_INIT;
    else
        blcf->options.rerank = (bert_rerank_options)BERT_RERANK_OPTIONS_INIT;
    if (take_words(cf, blcf) != NGX_CONF_OK
        || check_task(cf, &words[1], model->model, blcf) != NGX_CONF_OK)
        return NGX_CONF_ERROR;
    return set_handler(cf, ngx_http_bert_handler);
}

static char *set_metrics(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_http_bert_main_conf_t *mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_bert_module);

    (void)command;
    (void)conf;
    mcf->metrics = 1;
    return set_handler(cf, ngx_http_bert_metrics_handler);
}

/* ---- Configurations -------------------------------------------------------------- */

static void *create_main_conf(ngx_conf_t *cf)
{
    ngx_http_bert_main_conf_t *mcf = ngx_pcalloc(cf->pool, sizeof *mcf);

    if (mcf == NULL
        || ngx_array_init(&mcf->models, cf->pool, 4, sizeof(ngx_http_bert_model_t)) != NGX_OK)
        return NULL;
    mcf->options = (bert_engine_options)BERT_ENGINE_OPTIONS_INIT;
    return mcf;
}

static void *create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_bert_loc_conf_t *blcf = ngx_pcalloc(cf->pool, sizeof *blcf);

    if (blcf != NULL) {
        blcf->timeout = NGX_CONF_UNSET_MSEC;
        blcf->max_texts = NGX_CONF_UNSET_UINT;
    }
    return blcf;
}

static char *merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_bert_loc_conf_t *above = parent, *blcf = child;
    ngx_http_core_loc_conf_t *clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    ngx_conf_merge_msec_value(blcf->timeout, above->timeout, DEFAULT_TIMEOUT_MS);
    ngx_conf_merge_uint_value(blcf->max_texts, above->max_texts, DEFAULT_TEXTS);
    if (blcf->timeout == 0 || blcf->max_texts == 0)
        return "is 0, where bert_timeout and bert_max_texts are at least 1";
    /* `if` and `limit_except` are locations without a name, inside the one that has the task. */
    if (clcf->noname && blcf->task == 0 && above->task != 0) {
        blcf->task = above->task;
        blcf->model = above->model;
        blcf->options = above->options;
        blcf->float32 = above->float32;
        if (clcf->handler == NULL)
            clcf->handler = ngx_http_bert_handler;
    }
    return NGX_CONF_OK;
}

/* What directives only say together. */
static ngx_int_t check_all(ngx_conf_t *cf)
{
    ngx_http_bert_main_conf_t *mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_bert_module);
    ngx_http_bert_model_t *models = mcf->models.elts;
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    uint64_t bytes;
    bert_error err;

    if (mcf->metrics && mcf->models.nelts == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"bert_metrics\" without a \"bert_model\"");
        return NGX_ERROR;
    }
    o.max_tokens = mcf->options.batch_tokens;
    o.threads = 1;
    for (ngx_uint_t i = 0; i < mcf->models.nelts; i++) {
        if (bert_session_estimate(models[i].model, &o, &bytes, &err) == BERT_OK
            && bytes <= (uint64_t)ngx_pagesize * (uint64_t)sysconf(_SC_PHYS_PAGES))
            continue;
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"bert_engine batch_tokens=%uD\": model \"%V\" needs more memory for "
                           "such a batch than there is",
                           o.max_tokens, &models[i].name);
        return NGX_ERROR;
    }
    return NGX_OK;
}

/* ---- The module -------------------------------------------------------------------- */

#define ANYWHERE NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF

static ngx_command_t commands[] = {
    {ngx_string("bert_model"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE23, set_model,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    {ngx_string("bert_engine"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE, set_engine,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    {ngx_string("bert_embed"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE123, set_task,
     NGX_HTTP_LOC_CONF_OFFSET, BERT_TASK_EMBED, NULL},
    {ngx_string("bert_classify"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE12, set_task,
     NGX_HTTP_LOC_CONF_OFFSET, BERT_TASK_CLASSIFY, NULL},
    {ngx_string("bert_rerank"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE12, set_task,
     NGX_HTTP_LOC_CONF_OFFSET, BERT_TASK_RERANK, NULL},
    {ngx_string("bert_metrics"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_metrics,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    {ngx_string("bert_timeout"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_msec_slot,
     NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_bert_loc_conf_t, timeout), NULL},
    {ngx_string("bert_max_texts"), ANYWHERE | NGX_CONF_TAKE1, ngx_conf_set_num_slot,
     NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_bert_loc_conf_t, max_texts), NULL},
    ngx_null_command,
};

static ngx_http_module_t context = {
    .postconfiguration = check_all,
    .create_main_conf = create_main_conf,
    .create_loc_conf = create_loc_conf,
    .merge_loc_conf = merge_loc_conf,
};

ngx_module_t ngx_http_bert_module = {
    NGX_MODULE_V1,
    &context,
    commands,
    NGX_HTTP_MODULE,
    NULL, /* init master */
    NULL, /* init module */
    ngx_http_bert_init_process,
    NULL, /* init thread */
    NULL, /* exit thread */
    ngx_http_bert_exit_process,
    NULL, /* exit master */
    NGX_MODULE_V1_PADDING,
};
