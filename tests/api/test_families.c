/* SPDX-License-Identifier: MIT */
/*
 * test_families.c - a checkpoint of each family against transformers, on every instruction
 * set: tests/fixtures/make_family_fixtures.py.  Each of its tensors is read and matters.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 4, LONGEST = 64, MAX_TOKENS = 64 };

static const struct expected_output {
    const char *name;
    bert_output bit;
} outputs_known[] = {
    {"logits", BERT_OUTPUT_LOGITS},
    {"start_logits", BERT_OUTPUT_START_LOGITS},
    {"end_logits", BERT_OUTPUT_END_LOGITS},
    {"last_hidden_state", BERT_OUTPUT_LAST_HIDDEN_STATE},
    {"pooler_output", BERT_OUTPUT_POOLER},
    {"hidden_states", BERT_OUTPUT_HIDDEN_STATES},
    {"attentions", BERT_OUTPUT_ATTENTIONS},
    {"prediction_logits", BERT_OUTPUT_PREDICTION_LOGITS},
    {"seq_relationship_logits", BERT_OUTPUT_SEQ_RELATIONSHIP_LOGITS},
    {"sop_logits", BERT_OUTPUT_SOP_LOGITS},
};
enum { KNOWN = sizeof outputs_known / sizeof *outputs_known };

/* Names of tensors, or parts of them, that change nothing: read past, or cancelled by the softmax
 * since they add the same to all scores of a query; NULL ends the list. */
static const char *const plain_keys[] = {"self.key.bias", "attn.k.bias", NULL};
static const char *const luke_past[] = {"entity_", "w2e_", "e2w_", "e2e_", "self.key.bias", NULL};
static const char *const ibert_past[] = {"self.key.bias", "_integer",  "scaling_factor", ".x_min",
                                         ".x_max",        "act_range", ".shift",         NULL};
static const char *const esm_past[] = {"contact_head", NULL};
static const char *const esm_table[] = {"contact_head", "self.key.bias", NULL};
static const char *const deberta_own[] = {"pos_key_proj.bias", NULL};
static const char *const jina_code[] = {"layer_norm_k.bias", NULL};
static const char *const squeeze[] = {"attention.key.bias", NULL};
static const char *const mobile_past[] = {"self.key.bias", "embedding_transformation", NULL};
static const char *const none[] = {NULL};
static const char *const own_bias[] = {"self.key.bias", "cls.predictions.bias",
                                       NULL}; /* decoder's */
static const char *const distil[] = {"k_lin.bias", NULL};
static const char *const albert[] = {"attention.key.bias", NULL};

static const struct checkpoint {
    const char *name;
    const char *const *past;
} checkpoints[] = {
    {"mpnet", plain_keys},
    {"modernbert", none},
    {"modernbert_mean", none},
    {"nomic_bert", none},
    {"nomic_bert_inner", none},
    {"gte", none},
    {"gte_inner", none},
    {"jina_v3", none},
    {"jina_v3_inner", none},
    {"eurobert_late", none},
    {"eurobert_mean", none},
    {"eurobert_bos", none},
    {"deberta", none},
    {"deberta_v2", none},
    {"deberta_v2_own", deberta_own},
    {"roformer", none},
    {"roformer_value", none},
    {"rembert", plain_keys},
    {"luke", luke_past},
    {"ibert", ibert_past},
    {"esm", esm_past},
    {"esm_absolute", esm_table},
    {"jina_bert", plain_keys},
    {"squeezebert", squeeze},
    {"nystromformer", plain_keys},
    {"nystromformer_landmarks", plain_keys},
    {"albert", albert},
    {"xlm_roberta", plain_keys},
    {"camembert", plain_keys},
    {"data2vec_text", plain_keys},
    {"roberta_prelayernorm", plain_keys},
    {"bert_generation", plain_keys},
    {"convbert", plain_keys},
    {"convbert_groups", plain_keys},
    {"mobilebert", plain_keys},
    {"mobilebert_narrow", mobile_past},
    {"mobilebert_wide", plain_keys},
    {"jina_bert_code", jina_code},
};
enum { N_CHECKPOINTS = sizeof checkpoints / sizeof *checkpoints };

/* Of BERT's kinds of heads and its nearest relatives, which test_heads.c compares. */
static const struct checkpoint head_checkpoints[] = {
    {"text", plain_keys},    {"score", plain_keys},    {"plain", plain_keys},
    {"token", plain_keys},   {"span", plain_keys},     {"choice", plain_keys},
    {"lm", plain_keys},      {"lm_own", own_bias},     {"lm_bias", own_bias},
    {"lm_untied", own_bias}, {"next", plain_keys},     {"pretraining", plain_keys},
    {"roberta", plain_keys}, {"distilbert", distil},   {"electra", plain_keys},

    {"ernie", plain_keys},   {"megatron", plain_keys}, {"xlm_roberta_xl", plain_keys},
};
enum { N_HEADS = sizeof head_checkpoints / sizeof *head_checkpoints };

static const char *folder(const char *name)
{
    return test_path("tests/data/models/family/%s", name);
}

/* ---- Against the reference -------------------------------------------------------------- */

static uint32_t expected_bits(const struct test_arrays *expected)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < KNOWN; i++)
        if (test_find(expected, "0.%s", outputs_known[i].name) != NULL)
            bits |= (uint32_t)outputs_known[i].bit;
    return bits;
}

static void check_output(const struct test_arrays *expected, const char *name, const char *cpu,
                         size_t c, const bert_outputs *outputs)
{
    for (size_t i = 0; i < KNOWN; i++) {
        const struct test_array *want = test_find(expected, "%zu.%s", c, outputs_known[i].name);
        uint32_t shape[4], rank;
        const float *got = bert_outputs_get(outputs, outputs_known[i].bit, 0, shape, &rank);
        char what[96];

        if (want == NULL)
            continue;
        assert_non_null(got);
        assert_int_equal(rank, want->rank);
        for (uint32_t r = 0; r < rank; r++)
            assert_int_equal(shape[r], want->shape[r]);
        snprintf(what, sizeof what, "%s %s case %zu %s", name, cpu, c, outputs_known[i].name);
        test_close(what, got, want->data, want->count);
    }
}

static void check_checkpoint(const struct checkpoint *k, const char *cpu)
{
    bert_model *model = test_load(folder(k->name), cpu);
    bert_session *session = test_session(model, 2);
    struct test_arrays expected;
    uint32_t bits;

    test_arrays_load(&expected, test_path("tests/data/models/family/%s/expected.bin", k->name));
    bits = expected_bits(&expected);
    assert_true(bits != 0);
    for (size_t c = 0; c < CASES; c++) {
        const struct test_array *ids = test_need(&expected, "%zu.ids", c);
        const struct test_array *types = test_find(&expected, "%zu.types", c);
        uint32_t offsets[2] = {0, (uint32_t)ids->count};
        bert_outputs *outputs;
        bert_error err;

        test_ok(bert_forward(session, bits, ids->data, types != NULL ? types->data : NULL, offsets,
                             1, &outputs, &err),
                &err);
        check_output(&expected, k->name, cpu, c, outputs);
        bert_outputs_free(outputs);
    }
    /* the last case is as long as the model goes */
    assert_int_equal(bert_model_max_positions(model), test_need(&expected, "3.ids")->count);
    bert_session_destroy(session);
    bert_model_unref(model);
    test_arrays_free(&expected);
}

static void test_reference(void **state)
{
    const char *cpu;

    (void)state;
    for (uint32_t level = 0; (cpu = bert_cpu_name(level)) != NULL; level++)
        for (size_t i = 0; i < N_CHECKPOINTS; i++)
            check_checkpoint(&checkpoints[i], cpu);
}

/* ---- Every tensor matters ---------------------------------------------------------------- */

/* Everything that the model gives for its longest text, in which every id and type is. */
static bert_outputs *answer(const struct test_files *files)
{
    bert_model *model = test_load_files(files, NULL);
    bert_session *session = test_session(model, 1);
    uint32_t n = bert_model_max_positions(model), types_n = bert_model_type_vocab_size(model);
    int32_t ids[LONGEST], types[LONGEST];
    uint32_t offsets[2] = {0, n};
    bert_outputs *outputs;
    bert_error err;

    assert_true(n <= LONGEST);
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = (int32_t)((i + 1) % bert_model_vocab_size(model));
        types[i] = types_n > 0 ? (int32_t)(i % types_n) : 0;
    }
    test_ok(bert_forward(session, bert_model_outputs(model) & ~(uint32_t)BERT_OUTPUT_ATTENTIONS,
                         ids, types, offsets, 1, &outputs, &err),
            &err);
    bert_session_destroy(session);
    bert_model_unref(model);
    return outputs;
}

static double difference(const bert_outputs *a, const bert_outputs *b)
{
    double worst = 0;

    for (size_t k = 0; k < KNOWN; k++) {
        uint32_t shape[4], rank;
        const float *x = bert_outputs_get(a, outputs_known[k].bit, 0, shape, &rank);
        const float *y = bert_outputs_get(b, outputs_known[k].bit, 0, shape, &rank);
        size_t n = 1;

        if (x == NULL || y == NULL)
            continue;
        for (uint32_t r = 0; r < rank; r++)
            n *= shape[r];
        for (size_t i = 0; i < n; i++)
            worst = fmax(worst, fabs((double)x[i] - (double)y[i]));
    }
    return worst;
}

/* Turn over the exponent's lowest bit: the value is halved or doubled, whatever its type. */
static void disturb(char *at, const char *dtype)
{
    if (strcmp(dtype, "F64") == 0)
        at[6] = (char)(at[6] ^ 0x10);
    else if (strcmp(dtype, "F32") == 0)
        at[2] = (char)(at[2] ^ (char)0x80);
    else if (strcmp(dtype, "BF16") == 0)
        at[0] = (char)(at[0] ^ (char)0x80);
    else
        at[1] = (char)(at[1] ^ 0x04);
}

static int is_past(const char *const *past, const char *name)
{
    for (; *past != NULL; past++)
        if (strstr(name, *past) != NULL)
            return 1;
    return 0;
}

enum { PLACES = 17 };

static void disturb_places(char *data, size_t size, size_t count, const char *dtype)
{
    size_t last = (size_t)-1;

    for (size_t k = 0; k < PLACES; k++) {
        size_t place = k * (count - 1) / (PLACES - 1);

        if (place != last)
            disturb(data + size * place, dtype);
        last = place;
    }
}

/* By how much the outputs move when places all over a tensor are disturbed. */
static double effect(struct test_files *files, const struct test_tensor *t,
                     const bert_outputs *plain)
{
    size_t size = strcmp(t->dtype, "F64") == 0 ? 8 : strcmp(t->dtype, "F32") == 0 ? 4 : 2;
    size_t count = (t->end - t->begin) / size;
    char *data = (void *)(uintptr_t)test_files_find(files, "model.safetensors")->data;
    bert_outputs *changed;
    double moved;

    disturb_places(data + t->begin, size, count, t->dtype);
    changed = answer(files);
    moved = difference(plain, changed);
    bert_outputs_free(changed);
    disturb_places(data + t->begin, size, count, t->dtype);
    return moved;
}

static void check_tensors(const struct checkpoint *k, const char *dir)
{
    struct test_files files = {NULL, 0};
    struct test_tensor t;
    bert_outputs *plain;
    size_t n = 0;

    test_files_add(&files, dir);
    plain = answer(&files);
    for (; test_tensor_at(test_files_find(&files, "model.safetensors"), n, &t); n++) {
        double d;

        if (strcmp(t.dtype, "I64") == 0 || t.begin == t.end)
            continue;
        d = effect(&files, &t, plain);
        if (is_past(k->past, t.name) ? !(d <= 3e-5) : !(d > 1e-4))
            fail_msg("%s: %s: halved or doubled values move the output by %.3g", k->name, t.name,
                     d);
    }
    assert_true(n > 10);
    bert_outputs_free(plain);
    test_files_free(&files);
}

static void test_every_tensor_matters(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CHECKPOINTS; i++)
        check_tensors(&checkpoints[i], folder(checkpoints[i].name));
    for (size_t i = 0; i < N_HEADS; i++)
        check_tensors(&head_checkpoints[i],
                      test_path("tests/data/models/head/%s", head_checkpoints[i].name));
}

/* ---- Memory -------------------------------------------------------------------------------- */

static bert_status live(const struct test_files *files, struct test_heap *heap, bert_error *err)
{
    static const int32_t ids[LONGEST] = {1, 2, 3};
    uint32_t offsets[2] = {0};
    bert_allocator allocator = test_heap_allocator(heap);
    bert_model_options mo = BERT_MODEL_OPTIONS_INIT;
    bert_session_options so = BERT_SESSION_OPTIONS_INIT;
    bert_session *session = NULL;
    bert_outputs *outputs = NULL;
    bert_model *model = NULL;
    bert_status status;

    mo.allocator = so.allocator = &allocator;
    so.threads = 1;
    so.max_tokens = LONGEST;
    status = bert_model_load_memory(&model, files->list, files->n, &mo, err);
    if (status == BERT_OK)
        status = bert_session_create(&session, model, &so, err);
    if (status == BERT_OK)
        offsets[1] = bert_model_max_positions(model);
    if (status == BERT_OK)
        status =
            bert_forward(session, bert_model_outputs(model), ids, NULL, offsets, 1, &outputs, err);
    bert_outputs_free(outputs);
    bert_session_destroy(session);
    bert_model_unref(model);
    return status;
}

/* Each allocation fails once: BERT_ENOMEM, and nothing is left behind. */
static void test_allocations(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CHECKPOINTS; i++) {
        struct test_files files = {NULL, 0};
        struct test_heap heap = {0};
        bert_error err;
        long calls;

        test_files_add(&files, folder(checkpoints[i].name));
        test_ok(live(&files, &heap, &err), &err);
        calls = heap.calls;
        for (long n = 1; n <= calls; n++) {
            heap = (struct test_heap){.fail_at = n};
            test_error(live(&files, &heap, &err), &err, BERT_ENOMEM, NULL);
            assert_int_equal(heap.live, 0);
        }
        test_files_free(&files);
    }
}

/* ---- What is refused ---------------------------------------------------------------------------
 */

static void refuse(const struct test_files *files, bert_status expected, const char *words)
{
    bert_model *model = NULL;
    bert_error err;

    test_error(bert_model_load_memory(&model, files->list, files->n, NULL, &err), &err, expected,
               words, NULL);
    assert_null(model);
}

/* The name of a tensor in the header becomes another of the same length. */
static void rename_tensor(struct test_files *files, const char *name)
{
    char *data = (void *)(uintptr_t)test_files_find(files, "model.safetensors")->data;
    size_t n = strlen(name);

    while (memcmp(data, name, n) != 0)
        data++;
    data[n - 1] = 'X';
}

static void test_refusals(void **state)
{
    static const struct {
        const char *name, *tensor;
    } missing[] = {
        {"mpnet", "mpnet.embeddings.word_embeddings.weight"},
        {"jina_v3_inner", "layers.0.mlp.fc1.weight"},
        {"gte_inner", "layers.0.mlp.up_proj.weight"},
        {"convbert", "convbert.encoder.layer.1.attention.self.key_conv_attn_layer.bias"},
        {"mobilebert", "mobilebert.encoder.layer.0.ffn.0.output.LayerNorm.weight"},
    };
    struct test_files files = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        test_files_add(&files, folder(missing[i].name));
        rename_tensor(&files, missing[i].tensor);
        refuse(&files, BERT_EFORMAT, missing[i].tensor);
        test_files_free(&files);
    }
    /* what the reference would apply to the model */
    test_files_add(&files, folder("mpnet"));
    test_files_set_text(&files, "adapter_config.json", "{\"peft_type\": \"LORA\"}");
    refuse(&files, BERT_EUNSUPPORTED, "adapter_config.json");
    test_files_free(&files);
}

/* ---- Landmarks ------------------------------------------------------------------------------ */

enum { COVERED = 24 /* tokens, 8 landmarks of 3 */, SHORT = 300 };

static char words[2 * COVERED];

/* As many words as make n tokens. */
static bert_text text_of(size_t n)
{
    memset(words, 'a', sizeof words);
    for (size_t i = 1; i < sizeof words; i += 2)
        words[i] = ' ';
    return (bert_text){words, 2 * (n - 2)};
}

static void check_short(bert_session *s, bert_text text)
{
    bert_text texts[SHORT];
    bert_embed_report reports[SHORT];
    float rows[SHORT][16];
    bert_tag_options tags = BERT_TAG_OPTIONS_INIT;
    bert_chunk_options chunks = BERT_CHUNK_OPTIONS_INIT;
    bert_entities *entities;
    bert_chunks *parts;
    bert_error err;

    for (size_t i = 0; i < SHORT; i++)
        texts[i] = text;
    test_ok(bert_embed(s, texts, SHORT, NULL, rows[0], SHORT * 16, reports, &err), &err);
    for (size_t i = 0; i < SHORT; i++)
        assert_int_equal(reports[i].status, BERT_ERANGE);
    tags.aggregation = BERT_AGGREGATE_NONE;
    test_ok(bert_tag(s, texts, SHORT, &tags, &entities, &err), &err);
    assert_int_equal(bert_entities_status(entities, SHORT - 1), BERT_ERANGE);
    assert_non_null(strstr(bert_entities_message(entities, 0), "24"));
    bert_entities_free(entities);
    chunks.chunk_tokens = 1;
    test_error(bert_embed_chunks(s, text, NULL, 0, &chunks, &parts, &err), &err, BERT_ERANGE, "24",
               NULL);
}

/* The encoder's scratch is for as many sequences as hold all tokens that landmarks cover: texts of
 * fewer are told so, and not run. */
static void test_landmarks_of_texts(void **state)
{
    struct test_files files = {0};
    bert_model *model;
    bert_session *session;
    bert_text whole = text_of(COVERED);
    float row[16];
    bert_error err;

    (void)state;
    test_files_add(&files, folder("nystromformer_landmarks"));
    test_files_set_text(&files, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
    model = test_load_files(&files, NULL);
    session = test_session(model, 2);
    test_ok(bert_embed(session, &whole, 1, NULL, row, 16, NULL, &err), &err);
    check_short(session, text_of(COVERED - 1));
    check_short(session, text_of(2));
    bert_session_destroy(session);
    bert_model_unref(model);
    test_files_free(&files);
}

/* ---- The table ------------------------------------------------------------------------------ */

static void test_table(void **state)
{
    uint32_t n = 0;

    (void)state;
    for (; bert_family(n, BERT_FAMILY_MODEL_TYPE) != NULL; n++) {
        for (int f = BERT_FAMILY_MODEL_TYPE; f <= BERT_FAMILY_FFN; f++)
            assert_non_null(bert_family(n, (bert_family_field)f));
        for (uint32_t k = 0; bert_family_task(n, k) != NULL; k++)
            for (uint32_t other = 0; other < k; other++)
                assert_string_not_equal(bert_family_task(n, k), bert_family_task(n, other));
    }
    assert_true(n >= 20);
    assert_null(bert_family(n, BERT_FAMILY_FFN));
    assert_null(bert_family(UINT32_MAX, BERT_FAMILY_MODEL_TYPE));
    assert_null(bert_family(0, (bert_family_field)6));
    assert_null(bert_family_task(n, 0));
    assert_null(bert_family_task(0, 99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),          cmocka_unit_test(test_every_tensor_matters),
        cmocka_unit_test(test_allocations),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_landmarks_of_texts), cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
