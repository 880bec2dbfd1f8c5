/* SPDX-License-Identifier: MIT */
/* model.c - loading a model: files in, an immutable object out. */
#include "lib/api/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/api/options.h"
#include "lib/base/error.h"
#include "lib/base/fpenv.h"
#include "lib/base/size.h"
#include "lib/base/source.h"
#include "tokenizer/tokenizer.h"

enum {
    KNOWN_FLAGS = BERT_MODEL_MAP | BERT_MODEL_ALLOW_NONFINITE | BERT_MODEL_NO_TOKENIZER
                  | BERT_MODEL_NO_HEAD | BERT_MODEL_READ | BERT_MODEL_VERIFY | BERT_MODEL_REPACK,
    MAX_THREADS = 1024
};

/* One load in progress. */
struct load {
    bert_model *model;
    struct bert__source *source;
    struct bert__weights *weights;
    const bert_model_options *options;
    struct bert__network_options network;
    struct bert__watch watch;
    struct bert__arena calibrated; /* during the load */
    struct bert__calibration calibration;
    bert_error *err;
};

const struct bert__kernels *bert__model_kernels(const bert_model *model)
{
    return model->network->backend->host_kernels(model->network->device);
}

/* ---- Notes ------------------------------------------------------------------ */

/* A remark for bert_model_note() and the host's log. */
__attribute__((format(printf, 2, 3))) static bert_status add_note(struct load *l,
                                                                  const char *format, ...)
{
    bert_model *model = l->model;
    struct bert__note **end = &model->notes, *note;
    char raw[sizeof((bert_error *)0)->message];
    bert_error text;
    va_list args;

    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    bert__fail(&text, BERT_OK, "%s", raw); /* one line, whole characters */
    note = bert__arena_get(&model->arena, sizeof *note);
    if (note == NULL)
        return bert__alloc_fail(model->alloc, "the model's notes", l->err);
    note->next = NULL;
    note->text = bert__arena_string(&model->arena, text.message, strlen(text.message));
    if (note->text == NULL)
        return bert__alloc_fail(model->alloc, "the model's notes", l->err);
    while (*end != NULL)
        end = &(*end)->next;
    *end = note;
    model->n_notes++;
    if (l->options->log != NULL)
        l->options->log(l->options->log_context, BERT_LOG_INFO, note->text);
    return BERT_OK;
}

static bert_status note_unused_tensors(struct load *l)
{
    const struct bert__tensor *tensor;
    bert_status st = BERT_OK;

    for (size_t i = 0; st == BERT_OK && (tensor = bert__weights_at(l->weights, i)) != NULL; i++) {
        if (!tensor->used)
            st = add_note(l, "%s: tensor %s is not used", bert__weights_path(l->weights),
                          tensor->name);
    }
    return st;
}

static bert_status note_tokenizer(struct load *l)
{
    bert_model *model = l->model;
    uint32_t known = bert_tokenizer_vocab_size(model->tokenizer);
    const char *text;
    bert_status st = BERT_OK;

    for (uint32_t i = 0;
         st == BERT_OK && (text = bert__tokenizer_note(model->tokenizer, i)) != NULL; i++)
        st = add_note(l, "%s", text);
    if (st == BERT_OK && known > model->config.vocab_size)
        st =
            add_note(l,
                     "the tokenizer has %lu ids, the model %lu: a text with an id past the model's "
                     "is refused",
                     (unsigned long)known, (unsigned long)model->config.vocab_size);
    return st;
}

/* ---- Steps of a load --------------------------------------------------------- */

static bert_status read_options(bert_model_options *o, const bert_model_options *src,
                                bert_error *err)
{
    bert_status st = bert__options_read(o, sizeof *o, src, "bert_model_options", err);

    if (st == BERT_OK && (o->flags & ~(uint32_t)KNOWN_FLAGS) != 0)
        st = bert__fail(err, BERT_EINVAL, "bert_model_options.flags 0x%lx has unknown bits",
                        (unsigned long)o->flags);
    if (st == BERT_OK && o->threads > MAX_THREADS)
        st = bert__fail(err, BERT_EINVAL, "bert_model_options.threads is %lu; at most %d",
                        (unsigned long)o->threads, MAX_THREADS);
    if (st == BERT_OK)
        st = bert__options_enum(o->precision, BERT_PRECISION_AUTO + 1,
                                "bert_model_options.precision", err);
    return st;
}

static bert_status open_device(struct load *l)
{
    bert_model *model = l->model;
    bert_status st;

    l->network = (struct bert__network_options){
        .backend = l->options->backend,
        .cpu = l->options->cpu,
        .repack = (l->options->flags & BERT_MODEL_REPACK) != 0,
    };
    st = bert__bundle_dtype(bert__source_bundle(l->source), l->options->precision,
                            &l->network.dtype, l->err);
    if (st == BERT_OK)
        st = bert__network_create(&model->network, model->alloc, &l->network, l->err);
    if (st == BERT_OK
        && !model->network->backend->has_dtype(model->network->device, l->network.dtype))
        st = bert__fail(l->err, BERT_EUNSUPPORTED, "precision %s is not supported on %s (%s)",
                        bert__dtype_name(l->network.dtype), model->network->backend->name,
                        bert_model_cpu(model));
    return st;
}

static bert_status read_calibration(struct load *l)
{
    const char *path = l->options->calibration;

    if (path == NULL)
        return BERT_OK;
    if (bert__source_bundle(l->source) != NULL)
        return bert__fail(l->err, BERT_EUNSUPPORTED,
                          "%s: a packed model can't be calibrated any more: load its directory",
                          bert__source_name(l->source));
    if (l->network.dtype != BERT__INT8)
        return bert__fail(l->err, BERT_EINVAL, "%s: a calibration is for int8, not for %s", path,
                          bert__dtype_name(l->network.dtype));
    l->network.calibration = &l->calibration;
    return bert__calibration_read(&l->calibration, &l->calibrated, l->model->alloc, path, l->err);
}

static bert_status load_heads(struct load *l)
{
    bert_model *model = l->model;
    bert_status st;

    if ((l->options->flags & BERT_MODEL_NO_HEAD) != 0 && !model->modules.splade.present) {
        bert__fail(&model->heads_missing, BERT_EUNSUPPORTED,
                   "the model was loaded without its task head (BERT_MODEL_NO_HEAD)");
        return BERT_OK;
    }
    st = bert__task_heads_load(&model->heads, model->network, l->weights, &model->heads_missing,
                               l->err);
    if (st == BERT_OK && model->heads_missing.code != BERT_OK)
        st = add_note(l, "%s", model->heads_missing.message);
    return st;
}

/* The config's labels; a head that has labels of no name calls them as the reference does. */
static bert_status name_labels(struct load *l)
{
    bert_model *model = l->model;
    uint32_t n = 0;
    size_t bytes;

    model->labels = model->config.labels;
    model->n_labels = model->config.n_labels;
    for (uint32_t i = 0; i < model->heads.n && model->n_labels == 0; i++) {
        if (model->heads.items[i].row->output == BERT__HEAD_LABELS)
            n = model->heads.items[i].decoder.n_out;
    }
    if (n == 0)
        return BERT_OK;
    if (bert__size_mul(n, sizeof *model->labels, &bytes))
        model->labels = bert__arena_get(&model->arena, bytes);
    for (uint32_t i = 0; i < n && model->labels != NULL; i++) {
        char text[24];

        snprintf(text, sizeof text, "LABEL_%lu", (unsigned long)i);
        model->labels[i] = bert__arena_string(&model->arena, text, strlen(text));
        if (model->labels[i] == NULL)
            model->labels = NULL;
    }
    model->n_labels = n;
    return model->labels != NULL ? BERT_OK
                                 : bert__alloc_fail(model->alloc, "the model's labels", l->err);
}

static bert_status load_token_heads(struct load *l, const struct bert__head_files *files)
{
    bert_model *model = l->model;
    bert_error *missing = &model->token_heads.vectors_missing;
    const struct bert__multi *multi = &model->modules.multi;
    bert_status st;

    if ((l->options->flags & BERT_MODEL_NO_HEAD) != 0 && !multi->present) {
        bert__fail(missing, BERT_EUNSUPPORTED,
                   "the model was loaded without its heads (BERT_MODEL_NO_HEAD)");
        return BERT_OK;
    }
    st = bert__token_heads_load(&model->token_heads, model->network, multi, files, l->err);
    if (st == BERT_OK && multi->present && multi->refusal == NULL && missing->code != BERT_OK)
        st = add_note(l, "%s", missing->message);
    return st;
}

static bert_status load_network(struct load *l, const struct bert__widen *widen)
{
    bert_model *model = l->model;
    bool nonfinite = (l->options->flags & BERT_MODEL_ALLOW_NONFINITE) != 0,
         map = (l->options->flags & BERT_MODEL_MAP) != 0;
    struct bert__head_files files = {l->source, NULL, widen, nonfinite};
    bert_status st =
        bert__weights_open(&l->weights, model->alloc, l->source, model->modules.transformer_path,
                           widen, map, nonfinite, l->err);

    if (st == BERT_OK)
        st = bert__network_load(model->network, &model->config, l->weights, &l->network, l->err);
    if (st == BERT_OK)
        st = load_heads(l);
    if (st == BERT_OK)
        st = name_labels(l);
    files.weights = l->weights;
    if (st == BERT_OK)
        st = bert__embedder_create(&model->embedder, model->network, model->modules.modules,
                                   model->modules.n_modules, &files, l->err);
    if (st == BERT_OK)
        st = load_token_heads(l, &files);
    if (st == BERT_OK)
        st = note_unused_tensors(l);
    if (st == BERT_OK && map && bert__source_bundle(l->source) == NULL) {
        model->weights = l->weights;
        l->weights = NULL;
    }
    return st;
}

/* Several threads pack what a directory holds. */
static bert_status load_on_threads(struct load *l, const struct bert__widen *widen)
{
    const struct bert__network *net = l->model->network;
    uint32_t threads = l->options->threads != 0 ? l->options->threads : bert__cpu_count();
    bert_status st = BERT_OK;

    if (net->backend->device_threads == NULL)
        return load_network(l, widen);
    st = net->backend->device_threads(net->device, threads, l->err);
    if (st == BERT_OK)
        st = load_network(l, widen);
    net->backend->device_threads(net->device, 1, NULL);
    return st;
}

/* One that is there but not handled is kept as an error for those who need it. */
static bert_status load_tokenizer(struct load *l)
{
    bert_model *model = l->model;
    bert_error why;
    bert_status st;

    if ((l->options->flags & BERT_MODEL_NO_TOKENIZER) != 0) {
        bert__fail(&model->tokenizer_error, BERT_EUNSUPPORTED,
                   "the model was loaded without its tokenizer (BERT_MODEL_NO_TOKENIZER)");
        return BERT_OK;
    }
    st = bert__tokenizer_load(&model->tokenizer, l->options->allocator, l->source,
                              model->modules.transformer_path, model->modules.do_lower_case, &why);
    if (st == BERT_EUNSUPPORTED) {
        model->tokenizer_error = why;
        return add_note(l, "%s", why.message);
    }
    if (st != BERT_OK)
        return bert__fail(l->err, st, "%s", why.message);
    if (model->tokenizer == NULL) {
        bert__fail(&model->tokenizer_error, BERT_EUNSUPPORTED,
                   "%s: there is no tokenizer (tokenizer.json or vocab.txt)",
                   bert__source_name(l->source));
        return BERT_OK;
    }
    return note_tokenizer(l);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* cli.md's longest input: max_seq_length decides alone; it can't pass the positions. */
static void set_max_length(bert_model *model)
{
    uint64_t limit = model->config.max_positions;
    uint64_t other = model->modules.max_seq_length;

    if (other == 0 && model->tokenizer != NULL)
        other = bert_tokenizer_model_max_length(model->tokenizer);
    if (other != 0 && other < limit)
        limit = other;
    model->max_length = (uint32_t)limit;
    model->longest = model->max_length;
}

/* What can't be followed leaves the encoder without vectors of tokens. */
static bert_status resolve_multi(struct load *l)
{
    bert_model *model = l->model;
    struct bert__token_heads *heads = &model->token_heads;
    bert_error why = {BERT_OK, ""};
    bert_status st;

    for (int i = 0; i < BERT__ROLES; i++) {
        model->multi.limits[i] = model->max_length;
        model->multi.rules[i].skip_first = heads->skip_first;
    }
    if (!model->modules.multi.present || heads->vectors == NULL || model->tokenizer == NULL)
        return BERT_OK;
    st = bert__multi_resolve(&model->multi, &model->modules.multi, &model->config, model->tokenizer,
                             model->max_length, &model->arena, &why);
    if (st != BERT_OK && st != BERT_EUNSUPPORTED)
        return bert__fail(l->err, st, "%s", why.message);
    if (st == BERT_EUNSUPPORTED) {
        bert__embedder_destroy(heads->vectors, model->network);
        heads->vectors = NULL;
        bert__fail(&heads->vectors_missing, st, "%s: %s", bert__source_name(l->source),
                   why.message);
        return add_note(l, "%s", heads->vectors_missing.message);
    }
    for (int i = 0; i < BERT__ROLES; i++)
        model->longest = larger(model->longest, model->multi.limits[i]);
    model->longest = larger(model->longest, model->multi.widen_to);
    return BERT_OK;
}

/* "cls+mean" */
static bert_status set_pooling(struct load *l)
{
    static const char *const names[BERT__POOL_COUNT] = {
        [BERT__POOL_CLS] = "cls",           [BERT__POOL_MAX] = "max",
        [BERT__POOL_MEAN] = "mean",         [BERT__POOL_MEAN_SQRT_LEN] = "mean_sqrt_len",
        [BERT__POOL_WEIGHTED] = "weighted", [BERT__POOL_LAST] = "last",
    };
    const struct bert__module *pooling = &l->model->modules.modules[0];
    char text[128] = "";

    for (uint32_t i = 0; i < pooling->n_modes; i++) {
        strcat(text, i > 0 ? "+" : "");
        strcat(text, names[pooling->modes[i]]);
    }
    l->model->pooling = bert__arena_string(&l->model->arena, text, strlen(text));
    if (l->model->pooling == NULL)
        return bert__alloc_fail(l->model->alloc, "the model", l->err);
    return BERT_OK;
}

static bert_status note_modules(struct load *l)
{
    const struct bert__modules *modules = &l->model->modules;
    bert_status st = BERT_OK;

    for (uint32_t i = 0; st == BERT_OK && i < modules->n_notes; i++)
        st = add_note(l, "%s", modules->notes[i]);
    if (st == BERT_OK && modules->multi.present)
        return add_note(l,
                        "%s: a model of tokens' vectors; a text's one vector is the mean of the "
                        "last hidden states",
                        bert__source_name(l->source));
    if (st == BERT_OK && !modules->present)
        st = add_note(l, "%s: no modules.json; texts are embedded by mean pooling",
                      bert__source_name(l->source));
    return st;
}

static bert_status load_all(struct load *l)
{
    bert_model *model = l->model;
    const struct bert__kernels *k;
    struct bert__widen widen;
    bert_status st =
        bert__modules_load(&model->modules, &model->arena, model->alloc, l->source, l->err);

    if (st == BERT_OK)
        st = bert__config_load(&model->config, &model->arena, l->source,
                               model->modules.transformer_path, l->options->max_layers, l->err);
    if (st == BERT_OK)
        st = open_device(l);
    if (st != BERT_OK)
        return st;
    k = bert__model_kernels(model);
    widen = (struct bert__widen){k->f16_to_f32, k->bf16_to_f32, k->all_finite};
    st = read_calibration(l);
    if (st == BERT_OK)
        st = load_on_threads(l, &widen);
    if (st == BERT_OK)
        st = load_tokenizer(l);
    if (st == BERT_OK)
        st = set_pooling(l);
    if (st == BERT_OK)
        st = note_modules(l);
    if (st != BERT_OK)
        return st;
    set_max_length(model);
    return resolve_multi(l);
}

/* ---- The public calls -------------------------------------------------------- */

static void destroy(bert_model *model)
{
    struct bert__alloc *alloc = model->alloc;

    bert_tokenizer_unref(model->tokenizer);
    bert__embedder_destroy(model->embedder, model->network);
    bert__task_heads_free(&model->heads, model->network);
    bert__token_heads_free(&model->token_heads, model->network);
    bert__network_destroy(model->network);
    bert__weights_close(model->weights);
    bert__bundle_close(model->bundle);
    bert__arena_free(&model->arena);
    bert__alloc_free(alloc, model);
    bert__alloc_destroy(alloc);
}

static bert_status create(bert_model **out, const bert_model_options *o, bert_error *err)
{
    struct bert__alloc *alloc = bert__alloc_create(o->allocator, o->max_bytes);
    bert_model *model;

    if (alloc == NULL)
        return bert__fail_nomem(err, "the model");
    model = bert__alloc_array(alloc, 1, sizeof *model);
    if (model == NULL) {
        bert_status st = bert__alloc_fail(alloc, "the model", err);

        bert__alloc_destroy(alloc);
        return st;
    }
    model->alloc = alloc;
    atomic_init(&model->refs, 1);
    bert__arena_init(&model->arena, alloc);
    *out = model;
    return BERT_OK;
}

/* Where the files are: exactly one of the three. */
struct origin {
    const char *path;
    int fd;
    const bert_file *files;
    size_t n_files;
};

static bert_status open_source(struct load *l, const struct origin *from)
{
    struct bert__alloc *alloc = l->model->alloc;
    uint64_t max = l->options->max_file_bytes;

    if (from->path != NULL)
        return bert__source_open_path(&l->source, alloc, from->path, max, l->err);
    if (from->files != NULL)
        return bert__source_open_memory(&l->source, alloc, from->files, from->n_files, max, l->err);
    return bert__source_open_fd(&l->source, alloc, from->fd, max, l->err);
}

/* A mapped bundle lives on with the model. */
static void keep_bundle(struct load *l)
{
    const struct bert__bundle *bundle = bert__source_bundle(l->source);

    if (bundle == NULL || bundle->data == NULL)
        return;
    l->model->bundle = bert__source_take_bundle(l->source);
    bert__file_keep_mapping(l->model->bundle->file);
}

/* `traced`: it gets model and source, after a failure too, and what was read and made is noted. */
static bert_status load(bert_model **out, const struct origin *from, const bert_model_options *src,
                        struct bert__traced_model *traced, bert_error *err)
{
    bert_model_options options;
    struct load l = {.options = &options, .err = err};
    struct bert__fpenv fpenv;
    bert_status st = read_options(&options, src, err);

    *out = NULL;
    if (st == BERT_OK)
        st = create(&l.model, &options, err);
    if (st != BERT_OK)
        return st;
    bert__fpenv_enter(&fpenv);
    bert__watch_start(&l.watch, options.cancel, options.cancel_context);
    bert__alloc_watch(l.model->alloc, &l.watch);
    bert__arena_init(&l.calibrated, l.model->alloc);
    st = open_source(&l, from);
    if (st == BERT_OK && traced != NULL && options.calibration != NULL)
        st = bert__fail(err, BERT_EUNSUPPORTED, "%s: a calibrated model can't be packed",
                        options.calibration);
    if (traced != NULL) {
        bert__trace_init(&traced->trace, l.model->alloc);
        if (st == BERT_OK)
            bert__source_trace(l.source, &traced->trace);
    }
    if (st == BERT_OK)
        st = bert__bundle_prepare(bert__source_bundle(l.source), &options, err);
    if (st == BERT_OK)
        st = load_all(&l);
    if (st == BERT_OK)
        st = bert__watch_ended(&l.watch, err);
    bert__weights_close(l.weights);
    bert__arena_free(&l.calibrated);
    bert__alloc_watch(l.model->alloc, NULL);
    if (st == BERT_OK && traced == NULL)
        keep_bundle(&l);
    bert__fpenv_leave(&fpenv);
    if (traced != NULL) {
        traced->model = l.model;
        traced->source = l.source;
    } else {
        bert__source_close(l.source);
        if (st != BERT_OK)
            destroy(l.model);
    }
    if (st == BERT_OK)
        *out = l.model;
    return st;
}

bert_status bert__model_load_traced(struct bert__traced_model *out, const char *path,
                                    const bert_model_options *options, bert_error *err)
{
    struct origin from = {.path = path};
    bert_model *model;
    bert_status st;

    memset(out, 0, sizeof *out);
    st = load(&model, &from, options, out, err);
    if (st != BERT_OK && out->model != NULL)
        bert__model_traced_free(out);
    return st;
}

bert_status bert_model_load(bert_model **out, const char *path, const bert_model_options *options,
                            bert_error *err)
{
    struct origin from = {.path = path};

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (path == NULL)
        return bert__fail(err, BERT_EINVAL, "path is NULL");
    return load(out, &from, options, NULL, err);
}

bert_status bert_model_load_fd(bert_model **out, int directory_fd,
                               const bert_model_options *options, bert_error *err)
{
    struct origin from = {.fd = directory_fd};

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    return load(out, &from, options, NULL, err);
}

bert_status bert_model_load_memory(bert_model **out, const bert_file *files, size_t n_files,
                                   const bert_model_options *options, bert_error *err)
{
    struct origin from = {.files = files, .n_files = n_files};

    if (out == NULL)
        return bert__fail(err, BERT_EINVAL, "out is NULL");
    *out = NULL;
    if (files == NULL)
        return bert__fail(err, BERT_EINVAL, "files is NULL");
    return load(out, &from, options, NULL, err);
}

bert_model *bert_model_ref(bert_model *model)
{
    if (model != NULL)
        atomic_fetch_add_explicit(&model->refs, 1, memory_order_relaxed);
    return model;
}

void bert_model_unref(bert_model *model)
{
    if (model != NULL && atomic_fetch_sub_explicit(&model->refs, 1, memory_order_acq_rel) == 1)
        destroy(model);
}
