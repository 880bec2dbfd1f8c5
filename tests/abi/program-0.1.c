/* SPDX-License-Identifier: MIT */
/*
 * program-0.1.c - a host as it was compiled against the headers of 0.1; test_program.sh runs it
 * with every later library.  program-0.1.x86_64 is this file, made by program.sh and kept: neither
 * of them changes any more.
 *
 *     program-0.1 MODELS full|long|short|zeroed     MODELS: tests/data/models
 *
 * Every option struct lies before bytes that mean nothing, which the library must not read:
 *   full     options as the headers have them
 *   long     a later header's: larger, with zeros
 *   short    an earlier header's: the last fields are not there
 *   zeroed   as full, with zeros in those fields: gives what short gives
 * Prints the answers; a line "wrong: ..." and exit code 1 where the library breaks its word.
 */
#include <bert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 8, SLOT = 4096, NOISE = 0xa5 };

enum { FULL, LONG, SHORT, ZEROED };

static int mode; /* of these */
static const char *models;
static bert_error err;

static void check(int holds, const char *what)
{
    if (holds)
        return;
    printf("wrong: %s: %s\n", what, err.message);
    exit(1);
}

/* ---- Options ---------------------------------------------------------------------- */

/* A copy for the library, as this mode has it; of the struct's bytes `old` were there earlier. */
static void *give(const void *options, size_t size, size_t old)
{
    static _Alignas(16) unsigned char slots[SLOTS][SLOT];
    static unsigned next;
    unsigned char *slot = slots[next++ % SLOTS];
    size_t told = mode == SHORT ? old : mode == LONG ? size + 1024 : size;

    memset(slot, NOISE, SLOT);
    memcpy(slot, options, size);
    if (mode == SHORT)
        memset(slot + old, NOISE, size - old);
    if (mode == ZEROED)
        memset(slot + old, 0, size - old);
    if (mode == LONG)
        memset(slot + size, 0, told - size);
    memcpy(slot, &told, sizeof told);
    return slot;
}
#define GIVE(options, first_new)                                                                   \
    give(&(options), sizeof(options), offsetof(__typeof__(options), first_new))

/* Options that no version can know: the last byte of the largest struct there may be. */
static const void *unknown(void)
{
    static _Alignas(16) unsigned char slot[SLOT];
    size_t told = SLOT;

    memcpy(slot, &told, sizeof told);
    slot[SLOT - 1] = 1;
    return slot;
}

static const void *unset(void)
{
    static const size_t none[SLOT / sizeof(size_t)];

    return none;
}

/* ---- Callbacks -------------------------------------------------------------------- */

static atomic_int blocks, asked, done, logged;

static void *take(void *context, size_t bytes, size_t alignment)
{
    check(context == &blocks, "context of alloc");
    check(bytes > 0 && alignment > 0 && alignment <= 4096 && (alignment & (alignment - 1)) == 0,
          "arguments of alloc");
    atomic_fetch_add(&blocks, 1);
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void give_back(void *context, void *memory)
{
    check(context == &blocks && memory != NULL, "arguments of free");
    atomic_fetch_sub(&blocks, 1);
    free(memory);
}

static const bert_allocator allocator = {take, give_back, &blocks};

static int ask(void *context)
{
    check(context == &asked, "context of cancel");
    atomic_fetch_add(&asked, 1);
    return 0;
}

static void note(void *context, bert_log_level level, const char *message)
{
    check(context == &logged && level >= BERT_LOG_WARNING && message != NULL, "arguments of log");
    atomic_fetch_add(&logged, 1);
}

static void when_done(void *context, bert_job *job)
{
    check(context == &done && bert_job_done(job) && bert_job_id(job) == 7, "arguments of done");
    atomic_fetch_add(&done, 1);
}

/* ---- Loading ---------------------------------------------------------------------- */

static bert_text text(const char *string)
{
    bert_text t = {string, strlen(string)};

    return t;
}

static bert_model *load(const char *name)
{
    bert_model_options o = BERT_MODEL_OPTIONS_INIT;
    bert_model *model;
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", models, name);
    o.precision = BERT_PRECISION_FP32;
    o.cpu = "scalar";
    o.allocator = &allocator;
    o.log = note;
    o.log_context = &logged;
    o.cancel = ask;
    o.cancel_context = &asked;
    o.threads = 1;
    o.max_file_bytes = 1; /* in bytes that are not there in an earlier header's */
    check(bert_model_load(&model, path, GIVE(o, max_bytes), &err)
              == (mode == SHORT || mode == ZEROED ? BERT_OK : BERT_ELIMIT),
          "max_file_bytes");
    bert_model_unref(model);
    check(bert_model_load(&model, path, unknown(), &err) == BERT_EINVAL && model == NULL, "model");
    check(bert_model_load(&model, path, unset(), &err) == BERT_EINVAL && model == NULL, "model");
    o.max_file_bytes = 1 << 30;
    check(bert_model_load(&model, path, GIVE(o, max_bytes), &err) == BERT_OK, name);
    check(strcmp(bert_model_cpu(model), "scalar") == 0, "cpu");
    return model;
}

static bert_session *start(const char *name)
{
    bert_session_options o = BERT_SESSION_OPTIONS_INIT;
    bert_model *model = load(name);
    bert_session *session;

    o.max_tokens = 512;
    o.threads = 1;
    o.allocator = &allocator;
    o.cancel = ask;
    o.cancel_context = &asked;
    o.timeout_ns = UINT64_C(600000000000);
    check(bert_session_create(&session, model, unknown(), &err) == BERT_EINVAL, "session");
    check(bert_session_create(&session, model, GIVE(o, timeout_ns), &err) == BERT_OK, "session");
    bert_model_unref(model);
    return session;
}

/* ---- Tasks ------------------------------------------------------------------------ */

static void tokenize(void)
{
    bert_session *session = start("task/classify");
    bert_tokenize_options o = BERT_TOKENIZE_OPTIONS_INIT;
    const bert_tokenizer *tokenizer;
    bert_encoding *encoding;

    check(bert_model_tokenizer(bert_session_model(session), &tokenizer, &err) == BERT_OK,
          "tokenizer");
    o.max_length = 6;
    o.side = BERT_TRUNCATE_LEFT;
    o.pad_length = 9;
    check(bert_tokenize(tokenizer, text("the cat sat on the warm mat"), NULL, GIVE(o, side),
                        &encoding, &err)
              == BERT_OK,
          "tokenize");
    printf("tokens:");
    for (size_t i = 0; i < bert_encoding_size(encoding); i++)
        printf(" %ld", (long)bert_encoding_ids(encoding)[i]);
    printf("\n");
    bert_encoding_free(encoding);
    check(bert_tokenize(tokenizer, text("a"), NULL, unknown(), &encoding, &err) == BERT_EINVAL,
          "tokenize");
    bert_session_destroy(session);
}

static void print_vectors(const float *vectors, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++) {
        double norm = 0;

        printf("vector:");
        for (size_t k = 0; k < width; k++)
            norm += (double)vectors[i * width + k] * (double)vectors[i * width + k];
        for (size_t k = 0; k < width && k < 6; k++)
            printf(" %.4f", (double)vectors[i * width + k]);
        printf(" (%zu)\n", width);
        check(norm > 0.999 && norm < 1.001, "norm");
    }
}

static const bert_text cats[2] = {{"the cat sat on the mat", 22}, {"prices rose\0today", 17}};

static bert_embed_options embed_options(void)
{
    static const bert_text prompt = {"query: ", 7};
    bert_embed_options o = BERT_EMBED_OPTIONS_INIT;

    o.pooling = BERT_POOLING_MEAN;
    o.normalize = BERT_NORMALIZE_ON;
    o.dimensions = 16;
    o.max_length = 5;
    o.prompt = &prompt;
    return o;
}

static void embed(void)
{
    bert_session *session = start("embed/base");
    bert_embed_options o = embed_options();
    bert_embed_report reports[2];
    float out[2 * 16];

    check(bert_embed(session, cats, 2, GIVE(o, max_length), out, 32, reports, &err) == BERT_OK,
          "embed");
    print_vectors(out, 2, 16);
    for (int i = 0; i < 2; i++)
        printf("report: %d %lu %lu\n", (int)reports[i].status, (unsigned long)reports[i].tokens,
               (unsigned long)reports[i].truncated);
    check(bert_embed(session, cats, 2, unknown(), out, 32, NULL, &err) == BERT_EINVAL, "embed");
    check(bert_embed(session, cats, 2, unset(), out, 32, NULL, &err) == BERT_EINVAL, "embed");
    check(bert_embed(session, cats, 2, GIVE(o, max_length), out, 31, NULL, &err) == BERT_ERANGE
              && err.code == BERT_ERANGE && err.message[0] != '\0',
          "an array that is too small");
    bert_session_destroy(session);
}

static void classify(void)
{
    bert_session *session = start("task/classify");
    bert_classify_options o = BERT_CLASSIFY_OPTIONS_INIT;
    bert_classifications *result;

    o.function = BERT_FUNCTION_SIGMOID;
    o.top = 2;
    o.max_length = 4;
    check(bert_classify(session, cats, NULL, 2, GIVE(o, top), &result, &err) == BERT_OK,
          "classify");
    for (size_t i = 0; i < bert_classifications_size(result); i++) {
        const bert_label_score *labels = bert_classifications_labels(result, i);

        for (size_t k = 0; k < bert_classifications_count(result, i); k++)
            printf("label: %s %lu %.4f\n", labels[k].label, (unsigned long)labels[k].id,
                   (double)labels[k].score);
    }
    bert_classifications_free(result);
    check(bert_classify(session, cats, NULL, 2, unknown(), &result, &err) == BERT_EINVAL
              && result == NULL,
          "classify");
    bert_session_destroy(session);
}

static void rerank(void)
{
    bert_session *session = start("task/rerank_st");
    bert_rerank_options o = BERT_RERANK_OPTIONS_INIT;
    bert_rankings *result;

    o.raw = 1;
    o.top = 1;
    check(bert_rerank(session, text("a cat"), cats, 2, GIVE(o, top), &result, &err) == BERT_OK,
          "rerank");
    for (size_t i = 0; i < bert_rankings_count(result); i++)
        printf("ranked: %zu %.4f\n", bert_rankings_best(result)[i].index,
               (double)bert_rankings_best(result)[i].score);
    bert_rankings_free(result);
    bert_session_destroy(session);
}

static void tag(void)
{
    bert_session *session = start("task/tag");
    bert_tag_options o = BERT_TAG_OPTIONS_INIT;
    bert_text paris = text("paris is a \xe2\x98\x83 cat");
    bert_entities *result;

    o.aggregation = BERT_AGGREGATE_NONE;
    check(bert_tag(session, &paris, 1, GIVE(o, aggregation), &result, &err) == BERT_OK, "tag");
    for (size_t i = 0; i < bert_entities_count(result, 0); i++) {
        const bert_entity *e = &bert_entities_list(result, 0)[i];

        printf("entity: %s %lu %.4f [%zu, %zu) [%zu, %zu)\n", e->label, (unsigned long)e->id,
               (double)e->score, e->bytes.start, e->bytes.end, e->chars.start, e->chars.end);
    }
    bert_entities_free(result);
    bert_session_destroy(session);
}

static void answer(void)
{
    bert_session *session = start("task/answer");
    bert_answer_options o = BERT_ANSWER_OPTIONS_INIT;
    bert_text question = text("who is a cat");
    bert_answers *result;

    o.top = 3;
    o.no_null = 1;
    o.max_answer = 1;
    check(bert_answer(session, &question, cats, 1, GIVE(o, max_answer), &result, &err) == BERT_OK,
          "answer");
    for (size_t i = 0; i < bert_answers_count(result, 0); i++) {
        const bert_answer_span *a = &bert_answers_list(result, 0)[i];

        printf("answer: %.4f [%zu, %zu) %lu\n", (double)a->score, a->bytes.start, a->bytes.end,
               (unsigned long)a->is_null);
    }
    bert_answers_free(result);
    bert_session_destroy(session);
}

static void fill(void)
{
    bert_session *session = start("task/fill");
    bert_fill_options o = BERT_FILL_OPTIONS_INIT;
    bert_text masked = text("the cat sat on the [MASK]"), targets[2] = {text("mat"), text("rug")};
    bert_fills *result;
    size_t n;

    o.top = 2;
    o.n_targets = 2;
    o.targets = targets;
    check(bert_fill_mask(session, &masked, 1, GIVE(o, n_targets), &result, &err) == BERT_OK,
          "fill");
    for (size_t i = 0; i < bert_fills_masks(result, 0); i++) {
        const bert_fill *best = bert_fills_best(result, 0, i, &n);

        for (size_t k = 0; k < n; k++)
            printf("fill: %ld %.4f %.*s | %.*s\n", (long)best[k].id, (double)best[k].score,
                   (int)best[k].token.size, best[k].token.data, (int)best[k].text.size,
                   best[k].text.data);
    }
    bert_fills_free(result);
    bert_session_destroy(session);
}

/* ---- The engine ------------------------------------------------------------------- */

static void check_noise(const unsigned char *at, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        check(at[i] == NOISE, what);
}

static void describe(bert_engine *engine, const bert_job *job)
{
    static union {
        bert_metrics metrics;
        unsigned char bytes[sizeof(bert_metrics) + 1024];
    } m;
    union {
        bert_job_info info;
        unsigned char bytes[sizeof(bert_job_info) + 1024];
    } j;

    memset(&j, NOISE, sizeof j);
    j.info.size = sizeof j.info;
    check(bert_job_describe(job, &j.info, &err) == BERT_OK, "describe");
    check(j.info.batch_requests == 1 && j.info.total_ns >= j.info.compute_ns, "description");
    check_noise(j.bytes + sizeof j.info, 1024, "more than bert_job_info is written");
    memset(&m, NOISE, sizeof m);
    m.metrics.size = sizeof m.metrics;
    check(bert_engine_metrics(engine, &m.metrics, &err) == BERT_OK, "metrics");
    check(m.metrics.size == sizeof m.metrics && m.metrics.requests_answered >= 1, "metrics");
    check_noise(m.bytes + sizeof m.metrics, 1024, "more than bert_metrics is written");
}

static void serve(void)
{
    bert_engine_options o = BERT_ENGINE_OPTIONS_INIT;
    bert_request r = BERT_REQUEST_INIT;
    bert_embed_options e = embed_options();
    bert_model *model = load("embed/base");
    bert_engine *engine;
    bert_job *job;
    const float *vectors;
    size_t n, width;

    o.workers = 1;
    o.threads = 1;
    o.queue_requests = 4;
    o.allocator = &allocator;
    check(bert_engine_create(&engine, unknown(), &err) == BERT_EINVAL, "engine");
    check(bert_engine_create(&engine, GIVE(o, allocator), &err) == BERT_OK, "engine");
    check(bert_engine_add_model(engine, "cats", model, &err) == BERT_OK, "add");
    bert_model_unref(model);
    r.model = "cats";
    r.texts = cats;
    r.n = 2;
    r.task = BERT_TASK_EMBED;
    r.options = GIVE(e, max_length);
    r.timeout_ns = UINT64_C(600000000000);
    r.id = 7;
    r.tenant = "me";
    check(bert_engine_run(engine, GIVE(r, tenant), &job, &err) == BERT_OK, "run");
    check(bert_job_id(job) == 7 && strcmp(bert_job_model_name(job), "cats") == 0, "job");
    vectors = bert_job_vectors(job, &n, &width);
    print_vectors(vectors, n, width);
    describe(engine, job);
    bert_job_unref(job);
    r.notify = BERT_NOTIFY_CALLBACK;
    r.done = when_done;
    r.context = &done;
    check(bert_engine_submit(engine, GIVE(r, tenant), NULL, &err) == BERT_OK, "submit");
    check(bert_engine_submit(engine, unknown(), NULL, &err) == BERT_EINVAL, "submit");
    check(bert_engine_stop(engine, BERT_STOP_DRAIN, &err) == BERT_OK, "stop");
    bert_engine_destroy(engine);
    check(atomic_load(&done) == 1, "done was not called once");
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"full", "long", "short", "zeroed"};

    for (int i = 0; i < 4 && argc == 3; i++) {
        if (strcmp(argv[2], names[i]) == 0) {
            mode = i;
            models = argv[1];
        }
    }
    if (models == NULL) {
        fprintf(stderr, "usage: %s MODELS full|long|short|zeroed\n", argv[0]);
        return 2;
    }
    check(bert_version()[0] != '\0' && bert_build_info()[0] != '\0'
              && bert_has_feature("model.safetensors"),
          "version");
    check(strcmp(bert_status_name(BERT_ENONFINITE), "BERT_ENONFINITE") == 0, "status");
    tokenize();
    embed();
    classify();
    rerank();
    tag();
    answer();
    fill();
    serve();
    check(atomic_load(&asked) > 0, "cancel was not asked");
    check(atomic_load(&blocks) == 0, "blocks were not given back");
    return 0;
}
