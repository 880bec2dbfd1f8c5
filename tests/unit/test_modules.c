/* SPDX-License-Identifier: MIT */
/* test_modules.c - sentence-transformers' files, in the old and the new spelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/model/modules.h"
#include "tests/unit/support_alloc.h"
#include "tests/unit/support_files.h"

static struct test_files files;
static struct test_alloc host;
static struct bert__alloc *alloc;
static struct bert__arena arena;
static struct bert__modules modules;
static bert_error err;

static bert_status load_failing(long fail_at)
{
    struct bert__source *source = NULL;
    bert_status status;

    memset(&err, 0, sizeof(err));
    test_alloc_init(&host, fail_at);
    alloc = bert__alloc_create(&host.host, 0);
    if (!alloc)
        return BERT_ENOMEM;
    bert__arena_init(&arena, alloc);
    status = bert__source_open_memory(&source, alloc, files.files, files.count, 0, &err);
    if (!status)
        status = bert__modules_load(&modules, &arena, alloc, source, &err);
    bert__source_close(source);
    return status;
}

static void unload(void)
{
    if (alloc)
        bert__arena_free(&arena);
    bert__alloc_destroy(alloc);
    assert_int_equal(host.live, 0);
}

static void load(void)
{
    if (load_failing(0))
        fail_msg("refused: %s", err.message);
}

static void refused(bert_status expected, const char *words)
{
    bert_status status = load_failing(0);

    if (status != expected || !strstr(err.message, words))
        fail_msg("%d \"%s\"; expected %d \"%s\"", status, err.message, expected, words);
    unload();
}

#define OLD "sentence_transformers.models."
#define NEW "sentence_transformers.sentence_transformer.modules."

#define BASE "sentence_transformers.base.modules."

/* A modules.json of pairs of path and type, NULL at the end; names are "0", "1", ... */
static const char *list_of(const char *path, ...)
{
    static char list[8192];
    char *p = list + sprintf(list, "[");
    va_list args;

    va_start(args, path);
    for (int i = 0; path; i++, path = va_arg(args, const char *))
        p += sprintf(p, "%s{\"idx\":%d,\"name\":\"%d\",\"path\":\"%s\",\"type\":\"%s\"}",
                     i ? "," : "", i, i, path, va_arg(args, const char *));
    va_end(args);
    strcpy(p, "]");
    return list;
}

static const char mean[] = "{\"word_embedding_dimension\":32,\"pooling_mode_cls_token\":false,"
                           "\"pooling_mode_mean_tokens\":true,\"pooling_mode_max_tokens\":false}";

/* Transformer, Pooling and one more. */
static void put_third(const char *type, const char *config)
{
    test_files_free(&files);
    test_files_text(&files, "modules.json",
                    list_of("", OLD "Transformer", "1_Pooling", OLD "Pooling", "2", type, NULL));
    test_files_text(&files, "1_Pooling/config.json", mean);
    if (config)
        test_files_text(&files, "2/config.json", config);
}

static void put_basic(void)
{
    put_third(OLD "Normalize", NULL);
}

static int tear_down(void **state)
{
    (void)state;
    test_files_free(&files);
    return 0;
}

/* ---- modules.json -------------------------------------------------------------------------- */

static void test_absent(void **state)
{
    (void)state;
    /* without modules.json the reference looks at none of these */
    test_files_text(&files, "sentence_bert_config.json", "{\"max_seq_length\":7}");
    test_files_text(&files, "config_sentence_transformers.json", "{\"prompts\":{\"a\":\"b\"}}");
    load();
    assert_false(modules.present);
    assert_string_equal(modules.transformer_path, "");
    assert_int_equal(modules.n_modules, 1);
    assert_int_equal(modules.modules[0].kind, BERT__MODULE_POOLING);
    assert_int_equal(modules.modules[0].n_modes, 1);
    assert_int_equal(modules.modules[0].modes[0], BERT__POOL_MEAN);
    assert_true(modules.modules[0].include_prompt);
    assert_int_equal(modules.max_seq_length, 0);
    assert_int_equal(modules.n_prompts, 0);
    assert_string_equal(modules.similarity, "cosine");
    unload();
}

static void test_old_names(void **state)
{
    (void)state;
    put_basic();
    test_files_text(&files, "sentence_bert_config.json",
                    "{\"max_seq_length\":256,\"do_lower_case\":true}");
    load();
    assert_true(modules.present);
    assert_int_equal(modules.n_modules, 2);
    assert_int_equal(modules.modules[0].modes[0], BERT__POOL_MEAN);
    assert_string_equal(modules.modules[0].path, "1_Pooling");
    assert_int_equal(modules.modules[1].kind, BERT__MODULE_NORMALIZE);
    assert_int_equal(modules.max_seq_length, 256);
    assert_true(modules.do_lower_case);
    assert_null(modules.default_prompt);
    assert_int_equal(modules.truncate_dim, 0);
    assert_int_equal(modules.n_notes, 0);
    unload();
}

/* As version 6.2 saves it. */
static void test_new_names(void **state)
{
    (void)state;
    test_files_text(&files, "modules.json",
                    list_of("0_Transformer/", BASE "transformer.Transformer", "1_Pooling",
                            NEW "pooling.Pooling", "2_Dense", BASE "dense.Dense", "3_Dropout",
                            NEW "dropout.Dropout", "4_Normalize", BASE "normalize.Normalize",
                            NULL));
    test_files_text(&files, "0_Transformer/sentence_bert_config.json",
                    "{\"transformer_task\":\"feature-extraction\",\"modality_config\":{\"text\":{"
                    "\"method\":\"forward\",\"method_output_name\":\"last_hidden_state\"}},"
                    "\"module_output_name\":\"token_embeddings\"}");
    test_files_text(&files, "1_Pooling/config.json",
                    "{\"embedding_dimension\":32,\"pooling_mode\":[\"cls\",\"max\"],"
                    "\"include_prompt\":false}");
    test_files_text(&files, "2_Dense/config.json",
                    "{\"in_features\":64,\"out_features\":16,\"bias\":false,"
                    "\"activation_function\":\"torch.nn.modules.linear.Identity\","
                    "\"module_input_name\":\"sentence_embedding\","
                    "\"module_output_name\":\"sentence_embedding\",\"use_residual\":true}");
    test_files_text(&files, "3_Dropout/config.json", "{\"dropout\":0.1}");
    test_files_text(&files, "4_Normalize/config.json",
                    "{\"module_input_name\":\"sentence_embedding\",\"module_output_name\":null}");
    load();
    assert_string_equal(modules.transformer_path, "0_Transformer");
    assert_int_equal(modules.n_modules, 3);
    assert_int_equal(modules.modules[0].n_modes, 2);
    assert_int_equal(modules.modules[0].modes[0], BERT__POOL_CLS);
    assert_int_equal(modules.modules[0].modes[1], BERT__POOL_MAX);
    assert_false(modules.modules[0].include_prompt);
    assert_int_equal(modules.modules[1].kind, BERT__MODULE_DENSE);
    assert_string_equal(modules.modules[1].path, "2_Dense");
    assert_int_equal(modules.modules[1].in_features, 64);
    assert_int_equal(modules.modules[1].out_features, 16);
    assert_false(modules.modules[1].has_bias);
    assert_true(modules.modules[1].use_residual);
    assert_string_equal(modules.modules[1].activation, "identity");
    assert_int_equal(modules.modules[2].kind, BERT__MODULE_NORMALIZE);
    assert_int_equal(modules.max_seq_length, 0);
    unload();
}

static void list_refused(const char *list, bert_status expected, const char *words)
{
    char kept[1024]; /* list_of() has one buffer */

    assert_true(strlen(list) < sizeof(kept));
    strcpy(kept, list);
    put_basic();
    test_files_text(&files, "2/config.json", "{\"in_features\":32,\"out_features\":32}");
    test_files_text(&files, "modules.json", kept);
    refused(expected, words);
}

static void test_lists(void **state)
{
    (void)state;
    list_refused("{}", BERT_EFORMAT, "the file holds an object; expected an array");
    list_refused("[]", BERT_EUNSUPPORTED, "no Pooling");
    list_refused(list_of("", OLD "Transformer", NULL), BERT_EUNSUPPORTED, "no Pooling");
    list_refused("[7]", BERT_EFORMAT, "module 0: \"type\" is absent");
    list_refused("[{\"type\":7}]", BERT_EFORMAT, "module 0: \"type\" is a number");
    list_refused("[{\"type\":\"" OLD "Transformer\",\"path\":\"\"}]", BERT_EFORMAT,
                 "module 0: \"name\" is absent");
    list_refused("[{\"type\":\"" OLD "Transformer\",\"name\":\"0\"}]", BERT_EFORMAT,
                 "module 0: \"path\" is absent");
    list_refused("[{\"type\":\"" OLD "Transformer\",\"name\":\"0\",\"path\":\"\"},"
                 "{\"type\":\"" OLD "Pooling\",\"name\":\"0\",\"path\":\"1_Pooling\"}]",
                 BERT_EFORMAT, "modules 0 and 1 are both named \"0\"");
}

static void test_paths(void **state)
{
    static const struct {
        const char *path;
        bert_status status;
        const char *words;
    } cases[] = {{"../1_Pooling", BERT_EFORMAT, "is not the name of a file below it"},
                 {"/etc", BERT_EFORMAT, "is not the name of a file below it"},
                 {"1_Pooling/..", BERT_EFORMAT, "is not the name of a file below it"},
                 {"a\\u0000b", BERT_EFORMAT, "\"path\" holds a NUL"},
                 {"none", BERT_EIO, "none/config.json: no such file"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        list_refused(list_of("", OLD "Transformer", cases[i].path, OLD "Pooling", NULL),
                     cases[i].status, cases[i].words);
}

static void test_orders(void **state)
{
    (void)state;
    list_refused(list_of("1_Pooling", OLD "Pooling", NULL), BERT_EUNSUPPORTED,
                 "module 0 is a Pooling; only a Transformer");
    list_refused(list_of("", OLD "Dropout", NULL), BERT_EUNSUPPORTED, "module 0 is a Dropout");
    list_refused(list_of("", OLD "Transformer", "", OLD "Transformer", NULL), BERT_EUNSUPPORTED,
                 "module 1 is a Transformer");
    list_refused(list_of("", OLD "Transformer", "2", OLD "Normalize", NULL), BERT_EUNSUPPORTED,
                 "module 1 is a Normalize");
    list_refused(list_of("", OLD "Transformer", "2", OLD "Dense", NULL), BERT_EUNSUPPORTED,
                 "module 1 is a Dense");
    list_refused(list_of("", OLD "Transformer", "1_Pooling", OLD "Pooling", "1_Pooling",
                         OLD "Pooling", NULL),
                 BERT_EUNSUPPORTED, "module 2 is a Pooling");
    put_basic();
    test_files_text(
        &files, "modules.json",
        list_of("", OLD "Transformer", "x", OLD "Dropout", "1_Pooling", OLD "Pooling", NULL));
    load();
    assert_int_equal(modules.n_modules, 1);
    unload();
}

static void test_unknown_types(void **state)
{
    static const char *const types[] = {OLD "Asym",
                                        OLD "Router",
                                        OLD "WordEmbeddings",
                                        OLD "CNN",
                                        OLD "LSTM",
                                        OLD "BoW",
                                        OLD "StaticEmbedding",
                                        OLD "CLIPModel",
                                        OLD "WeightedLayerPooling",
                                        OLD "Denser",
                                        OLD "dense",
                                        "sentence_transformers.base.modules.router.Router",
                                        "sentence_transformers.sparse_encoder.models.Pooling",
                                        "pylate.models.Dense.Dense",
                                        "custom.Pooling",
                                        "Dense",
                                        OLD,
                                        ""};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        char words[160];

        put_third(types[i], "{\"in_features\":1,\"out_features\":1}");
        snprintf(words, sizeof(words), "module 2 is a \"%s\", which is not handled", types[i]);
        refused(BERT_EUNSUPPORTED, words);
    }
}

static void test_many_modules(void **state)
{
    char list[8192], *p = list;

    (void)state;
    put_basic();
    p += sprintf(p, "[{\"name\":\"0\",\"path\":\"\",\"type\":\"" OLD "Transformer\"}");
    for (int i = 1; i < 65; i++)
        p += sprintf(p, ",{\"name\":\"%d\",\"path\":\"\",\"type\":\"" OLD "Normalize\"}", i);
    strcpy(p, "]");
    test_files_text(&files, "modules.json", list);
    refused(BERT_ELIMIT, "65 modules; at most 64");
}

/* ---- Pooling -----------------------------------------------------------------------------------
 */

static void pools(const char *config, size_t n, const enum bert__pooling_mode *modes)
{
    put_basic();
    test_files_text(&files, "1_Pooling/config.json", config);
    load();
    assert_int_equal(modules.modules[0].n_modes, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(modules.modules[0].modes[i], modes[i]);
    unload();
}

#define POOLS(config, ...)                                                                         \
    pools(config,                                                                                  \
          sizeof((enum bert__pooling_mode[]){__VA_ARGS__}) / sizeof(enum bert__pooling_mode),      \
          (enum bert__pooling_mode[]){__VA_ARGS__})

static void test_pooling(void **state)
{
    (void)state;
    POOLS("{}", BERT__POOL_MEAN);
    POOLS("{\"pooling_mode_mean_tokens\":false}", BERT__POOL_MEAN);
    POOLS("{\"pooling_mode_cls_token\":true}", BERT__POOL_CLS);
    /* in the reference's order, whatever the file's */
    POOLS("{\"pooling_mode_lasttoken\":true,\"pooling_mode_weightedmean_tokens\":true,"
          "\"pooling_mode_mean_sqrt_len_tokens\":true,\"pooling_mode_mean_tokens\":true,"
          "\"pooling_mode_max_tokens\":true,\"pooling_mode_cls_token\":true}",
          BERT__POOL_CLS, BERT__POOL_MAX, BERT__POOL_MEAN, BERT__POOL_MEAN_SQRT_LEN,
          BERT__POOL_WEIGHTED, BERT__POOL_LAST);
    POOLS("{\"pooling_mode\":\"mean\"}", BERT__POOL_MEAN);
    POOLS("{\"pooling_mode\":\"lasttoken\"}", BERT__POOL_LAST);
    POOLS("{\"pooling_mode\":[\"weightedmean\"]}", BERT__POOL_WEIGHTED);
    POOLS("{\"pooling_mode\":[\"mean_sqrt_len_tokens\",\"cls\",\"cls\"]}", BERT__POOL_MEAN_SQRT_LEN,
          BERT__POOL_CLS, BERT__POOL_CLS);
    /* the new key wins */
    POOLS("{\"pooling_mode_max_tokens\":true,\"pooling_mode\":\"cls\"}", BERT__POOL_CLS);
}

static void pooling_refused(const char *config, bert_status expected, const char *words)
{
    put_basic();
    test_files_text(&files, "1_Pooling/config.json", config);
    refused(expected, words);
    assert_non_null(strstr(err.message, "1_Pooling/config.json: "));
}

static void test_lying_pooling(void **state)
{
    (void)state;
    pooling_refused("[]", BERT_EFORMAT, "expected an object");
    pooling_refused("{\"pooling_mode\":\"attention\"}", BERT_EUNSUPPORTED,
                    "\"pooling_mode\" \"attention\"");
    pooling_refused("{\"pooling_mode\":[\"cls\",\"Mean\"]}", BERT_EUNSUPPORTED, "\"Mean\"");
    pooling_refused("{\"pooling_mode\":[]}", BERT_EFORMAT, "\"pooling_mode\" is empty");
    pooling_refused("{\"pooling_mode\":7}", BERT_EFORMAT, "\"pooling_mode\" holds a number");
    pooling_refused("{\"pooling_mode\":null}", BERT_EFORMAT, "\"pooling_mode\" holds null");
    pooling_refused("{\"pooling_mode\":[\"cls\",\"cls\",\"cls\",\"cls\",\"cls\",\"cls\",\"cls\"]}",
                    BERT_EUNSUPPORTED, "more than 6 modes");
    pooling_refused("{\"pooling_mode_cls_token\":1}", BERT_EFORMAT,
                    "\"pooling_mode_cls_token\" is 1");
    pooling_refused("{\"pooling_mode_attention\":true}", BERT_EUNSUPPORTED,
                    "\"pooling_mode_attention\"");
    pooling_refused("{\"include_prompt\":\"no\"}", BERT_EFORMAT, "\"include_prompt\" is \"no\"");
}

/* ---- Dense, Normalize
 * ------------------------------------------------------------------------------ */

#define DENSE(rest) "{\"in_features\":32,\"out_features\":8" rest "}"

static void activates(const char *class, const char *name)
{
    char config[256];

    snprintf(config, sizeof(config), DENSE(",\"activation_function\":\"%s\""), class);
    put_third(OLD "Dense", config);
    load();
    assert_string_equal(modules.modules[1].activation, name);
    unload();
}

static void dense_refused(const char *config, bert_status expected, const char *words)
{
    put_third(OLD "Dense", config);
    refused(expected, words);
    if (config)
        assert_non_null(strstr(err.message, "2/config.json: "));
}

static void test_dense(void **state)
{
    (void)state;
    put_third(OLD "Dense", DENSE(""));
    load();
    assert_true(modules.modules[1].has_bias);
    assert_false(modules.modules[1].use_residual);
    assert_string_equal(modules.modules[1].activation, "tanh");
    unload();
    activates("torch.nn.modules.activation.Tanh", "tanh");
    activates("torch.nn.Tanh", "tanh");
    activates("torch.nn.modules.linear.Identity", "identity");
    activates("torch.nn.modules.activation.ReLU", "relu");
    activates("torch.nn.modules.activation.GELU", "gelu");
    activates("torch.nn.modules.activation.Sigmoid", "sigmoid");
    activates("torch.nn.modules.activation.SiLU", "silu");
    activates("torch.nn.modules.activation.ELU", "torch.nn.ELU");
    activates("torch.nn.modules.activation.SELU", "torch.nn.SELU");
    dense_refused(NULL, BERT_EIO, "2/config.json: no such file");
    dense_refused("{}", BERT_EFORMAT, "\"in_features\" is missing");
    dense_refused("{\"in_features\":32}", BERT_EFORMAT, "\"out_features\" is missing");
    dense_refused("{\"in_features\":0,\"out_features\":8}", BERT_EFORMAT, "\"in_features\" is 0");
    dense_refused("{\"in_features\":8,\"out_features\":-8}", BERT_EFORMAT,
                  "\"out_features\" is -8");
    dense_refused("{\"in_features\":1e9,\"out_features\":8}", BERT_EFORMAT, "\"in_features\"");
    dense_refused("{\"in_features\":8,\"out_features\":1000000000}", BERT_EFORMAT, "1000000000");
    dense_refused(DENSE(",\"bias\":0"), BERT_EFORMAT, "\"bias\" is 0");
    dense_refused(DENSE(",\"use_residual\":1"), BERT_EFORMAT, "\"use_residual\" is 1");
    dense_refused(DENSE(",\"activation_function\":null"), BERT_EFORMAT,
                  "\"activation_function\" is null");
    dense_refused(DENSE(",\"activation_function\":\"torch.nn.modules.activation.Softmax\""),
                  BERT_EUNSUPPORTED, "\"torch.nn.modules.activation.Softmax\"");
    dense_refused(DENSE(",\"activation_function\":\"torch.nn.XTanh\""), BERT_EUNSUPPORTED, "XTanh");
    dense_refused(DENSE(",\"activation_function\":\"my.nn.Tanh\""), BERT_EUNSUPPORTED,
                  "my.nn.Tanh");
    dense_refused(DENSE(",\"activation_function\":\"Tanh\""), BERT_EUNSUPPORTED, "\"Tanh\"");
    dense_refused(DENSE(",\"activation_function\":\"torch.nn.\""), BERT_EUNSUPPORTED, "torch.nn.");
    dense_refused(DENSE(",\"activation_function\":\"\""), BERT_EUNSUPPORTED, "\"\"");
    dense_refused(DENSE(",\"module_input_name\":\"token_embeddings\""), BERT_EUNSUPPORTED,
                  "\"module_input_name\" is \"token_embeddings\"");
    dense_refused(DENSE(",\"module_output_name\":\"x\""), BERT_EUNSUPPORTED,
                  "\"module_output_name\" is \"x\"");
    dense_refused(DENSE(",\"module_output_name\":1"), BERT_EFORMAT, "\"module_output_name\" is 1");
}

static void test_normalize(void **state)
{
    (void)state;
    put_third(OLD "Normalize", "{}");
    load();
    unload();
    put_third(OLD "Normalize", "{\"module_input_name\":\"token_embeddings\"}");
    refused(BERT_EUNSUPPORTED, "\"module_input_name\" is \"token_embeddings\"");
}

static void test_layer_norm(void **state)
{
    (void)state;
    put_third(NEW "layer_norm.LayerNorm", "{\"dimension\":32}");
    load();
    assert_int_equal(modules.modules[1].kind, BERT__MODULE_LAYER_NORM);
    assert_int_equal(modules.modules[1].in_features, 32);
    unload();
    put_third(OLD "LayerNorm", "{}");
    refused(BERT_EFORMAT, "\"dimension\" is missing");
    put_third(OLD "LayerNorm", "{\"dimension\":0}");
    refused(BERT_EFORMAT, "\"dimension\" is 0");
    list_refused(list_of("", OLD "Transformer", "2", OLD "LayerNorm", NULL), BERT_EUNSUPPORTED,
                 "module 1 is a LayerNorm");
}

/* ---- The transformer's settings
 * ----------------------------------------------------------------------- */

static void test_settings_names(void **state)
{
    static const char *const names[] = {
        "sentence_bert_config.json",       "sentence_roberta_config.json",
        "sentence_distilbert_config.json", "sentence_camembert_config.json",
        "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
        "sentence_xlnet_config.json"};

    (void)state;
    put_basic();
    for (size_t i = sizeof(names) / sizeof(*names); i-- > 0;) { /* each before those behind it */
        char text[64];

        snprintf(text, sizeof(text), "{\"max_seq_length\":%zu}", 100 + i);
        test_files_text(&files, names[i], text);
        load();
        assert_int_equal(modules.max_seq_length, 100 + i);
        unload();
    }
    test_files_text(&files, names[0], "{}"); /* an empty one counts as none */
    load();
    assert_int_equal(modules.max_seq_length, 101);
    unload();
}

static void length_is(const char *settings, uint32_t length)
{
    put_basic();
    test_files_text(&files, "sentence_bert_config.json", settings);
    load();
    assert_int_equal(modules.max_seq_length, length);
    unload();
}

static void settings_refused(const char *settings, bert_status expected, const char *words)
{
    put_basic();
    test_files_text(&files, "sentence_bert_config.json", settings);
    refused(expected, words);
    assert_non_null(strstr(err.message, "sentence_bert_config.json: "));
}

static void test_settings(void **state)
{
    (void)state;
    length_is("{\"max_seq_length\":null,\"do_lower_case\":false}", 0);
    length_is("{\"max_seq_length\":512,\"processor_kwargs\":{\"model_max_length\":64}}", 64);
    length_is("{\"max_seq_length\":512,\"tokenizer_args\":{\"model_max_length\":64}}", 64);
    length_is("{\"max_seq_length\":5,\"model_args\":{\"torch_dtype\":\"float16\","
              "\"trust_remote_code\":true},\"tokenizer_args\":{},\"config_args\":{}}",
              5);
    settings_refused("[]", BERT_EFORMAT, "expected an object");
    settings_refused("{\"max_seq_length\":0}", BERT_EFORMAT, "\"max_seq_length\" is 0");
    settings_refused("{\"max_seq_length\":-1}", BERT_EFORMAT, "\"max_seq_length\" is -1");
    settings_refused("{\"max_seq_length\":512.0}", BERT_EFORMAT, "\"max_seq_length\"");
    settings_refused("{\"max_seq_length\":\"512\"}", BERT_EFORMAT, "\"max_seq_length\" is \"512\"");
    settings_refused("{\"do_lower_case\":\"yes\"}", BERT_EFORMAT, "\"do_lower_case\" is \"yes\"");
    settings_refused("{\"transformer_task\":\"fill-mask\"}", BERT_EUNSUPPORTED,
                     "\"transformer_task\" is \"fill-mask\"");
    settings_refused("{\"module_output_name\":\"sentence_embedding\"}", BERT_EUNSUPPORTED,
                     "\"module_output_name\" is \"sentence_embedding\"");
    settings_refused("{\"modality_config\":{\"text\":{\"method_output_name\":\"pooler_output\"}}}",
                     BERT_EUNSUPPORTED, "\"method_output_name\" is \"pooler_output\"");
    settings_refused("{\"modality_config\":{\"text\":{\"method\":\"get_text_features\"}}}",
                     BERT_EUNSUPPORTED, "\"method\" is \"get_text_features\"");
    settings_refused("{\"config_kwargs\":{\"num_hidden_layers\":2}}", BERT_EUNSUPPORTED,
                     "\"config_kwargs\": \"num_hidden_layers\"");
    settings_refused("{\"config_args\":{\"x\":2}}", BERT_EUNSUPPORTED, "\"config_args\": \"x\"");
    settings_refused("{\"model_args\":{\"subfolder\":\"x\"}}", BERT_EUNSUPPORTED, "\"subfolder\"");
    settings_refused("{\"tokenizer_args\":{\"truncation_side\":\"left\"}}", BERT_EUNSUPPORTED,
                     "\"tokenizer_args\": \"truncation_side\"");
    settings_refused("{\"tokenizer_args\":7}", BERT_EFORMAT, "\"tokenizer_args\" is 7");
    settings_refused("{\"processor_kwargs\":{\"model_max_length\":0}}", BERT_EFORMAT,
                     "\"model_max_length\" is 0");
    settings_refused("{\"processing_kwargs\":{\"text\":{}}}", BERT_EUNSUPPORTED,
                     "\"processing_kwargs\": \"text\"");
    settings_refused("{\"query_length\":32}", BERT_EUNSUPPORTED, "\"query_length\"");
    settings_refused("{\"query_expansion\":{}}", BERT_EUNSUPPORTED, "\"query_expansion\"");
    settings_refused("{\"tokenizer_name_or_path\":\"x\"}", BERT_EUNSUPPORTED,
                     "\"tokenizer_name_or_path\"");
}

/* ---- The model's
 * ---------------------------------------------------------------------------------- */

static void put_config(const char *config)
{
    put_basic();
    test_files_text(&files, "config_sentence_transformers.json", config);
}

static void config_refused(const char *config, bert_status expected, const char *words)
{
    put_config(config);
    refused(expected, words);
    assert_non_null(strstr(err.message, "config_sentence_transformers.json: "));
}

static void test_prompts(void **state)
{
    (void)state;
    put_config("{\"prompts\":{\"query\":\"q\\u00e9: \",\"zero\":\"a\\u0000b\",\"none\":null,"
               "\"empty\":\"\"},\"default_prompt_name\":\"zero\"}");
    load();
    assert_int_equal(modules.n_prompts, 4);
    assert_string_equal(modules.prompts[0].name, "query");
    assert_int_equal(modules.prompts[0].text.size, 5);
    assert_memory_equal(modules.prompts[0].text.data, "q\xC3\xA9: ", 5);
    assert_memory_equal(modules.prompts[1].text.data, "a\0b", 3);
    assert_int_equal(modules.prompts[1].text.size, 3);
    assert_string_equal(modules.prompts[2].name, "none");
    assert_int_equal(modules.prompts[2].text.size, 0);
    assert_int_equal(modules.prompts[3].text.size, 0);
    assert_string_equal(modules.default_prompt, "zero");
    unload();
    /* these two always exist in the reference, empty */
    put_config("{\"prompts\":{},\"default_prompt_name\":\"document\"}");
    load();
    assert_null(modules.default_prompt);
    unload();
    config_refused("{\"prompts\":[]}", BERT_EFORMAT, "\"prompts\" is an array");
    config_refused("{\"prompts\":{\"a\":7}}", BERT_EFORMAT, "\"prompts\": \"a\" is a number");
    config_refused("{\"prompts\":{\"a\\u0000\":\"x\"}}", BERT_EFORMAT, "holds a NUL");
    config_refused("{\"default_prompt_name\":\"a\"}", BERT_EFORMAT,
                   "\"default_prompt_name\" is \"a\", which \"prompts\" lacks");
    config_refused("{\"prompts\":{\"b\":\"\"},\"default_prompt_name\":\"\"}", BERT_EFORMAT,
                   "\"default_prompt_name\" is \"\"");
    config_refused("{\"default_prompt_name\":7}", BERT_EFORMAT,
                   "\"default_prompt_name\" is a number");
}

static void similarity_is(const char *config, const char *similarity, uint32_t notes)
{
    put_config(config);
    load();
    assert_string_equal(modules.similarity, similarity);
    assert_int_equal(modules.n_notes, notes);
    unload();
}

static void test_model_settings(void **state)
{
    (void)state;
    similarity_is("{}", "cosine", 0);
    similarity_is("{\"similarity_fn_name\":null}", "cosine", 0);
    similarity_is("{\"similarity_fn_name\":\"cosine\"}", "cosine", 0);
    similarity_is("{\"similarity_fn_name\":\"dot\"}", "dot", 0);
    similarity_is("{\"similarity_fn_name\":\"euclidean\"}", "euclidean", 0);
    similarity_is("{\"similarity_fn_name\":\"manhattan\"}", "manhattan", 0);
    similarity_is("{\"similarity_fn_name\":\"maxsim\"}", "cosine", 1);
    config_refused("{\"similarity_fn_name\":7}", BERT_EFORMAT, "\"similarity_fn_name\" is 7");
    put_config("{\"truncate_dim\":16,\"__version__\":{\"sentence_transformers\":\"99\"}}");
    load();
    assert_int_equal(modules.truncate_dim, 16);
    unload();
    config_refused("{\"truncate_dim\":0}", BERT_EFORMAT, "\"truncate_dim\" is 0");
    config_refused("{\"truncate_dim\":-1}", BERT_EFORMAT, "\"truncate_dim\" is -1");
    config_refused("[]", BERT_EFORMAT, "expected an object");
}

static void test_other_classes(void **state)
{
    (void)state;
    put_config("{\"model_type\":\"CrossEncoder\",\"prompts\":{\"a\":\"b\"}}");
    test_files_text(&files, "sentence_bert_config.json",
                    "{\"transformer_task\":\"sequence-classification\"}");
    load();
    assert_false(modules.present);
    assert_int_equal(modules.n_modules, 1);
    assert_int_equal(modules.modules[0].modes[0], BERT__POOL_MEAN);
    assert_int_equal(modules.n_prompts, 0);
    assert_int_equal(modules.n_notes, 1);
    assert_non_null(strstr(modules.notes[0], "CrossEncoder"));
    unload();
    put_config("{\"model_type\":\"SentenceTransformer\"}");
    load();
    assert_true(modules.present);
    unload();
    config_refused("{\"model_type\":7}", BERT_EFORMAT, "\"model_type\" is 7");
}

static void test_allocation_failures(void **state)
{
    long n = 1;

    (void)state;
    put_third(OLD "Dense", DENSE(""));
    test_files_text(&files, "sentence_bert_config.json", "{\"max_seq_length\":9}");
    test_files_text(&files, "config_sentence_transformers.json",
                    "{\"prompts\":{\"a\":\"b\"},\"similarity_fn_name\":\"x\"}");
    for (;; n++) {
        bert_status status = load_failing(n);

        unload();
        if (!status)
            break;
        assert_int_equal(status, BERT_ENOMEM);
    }
    assert_true(n > 10);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_absent),
        TEST(test_old_names),
        TEST(test_new_names),
        TEST(test_lists),
        TEST(test_paths),
        TEST(test_orders),
        TEST(test_unknown_types),
        TEST(test_many_modules),
        TEST(test_pooling),
        TEST(test_lying_pooling),
        TEST(test_dense),
        TEST(test_normalize),
        TEST(test_layer_norm),
        TEST(test_settings_names),
        TEST(test_settings),
        TEST(test_prompts),
        TEST(test_model_settings),
        TEST(test_other_classes),
        TEST(test_allocation_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
