/* SPDX-License-Identifier: MIT */
/* test_config.c - config.json: what is read, and what is refused by which name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_config.h"
#include "tests/unit/support_files.h"

#define BERT(rest) "{\"model_type\":\"bert\"," rest "}"

static void test_defaults(void **state)
{
    struct test_config l;

    (void)state;
    assert_int_equal(test_config_load(&l, "{\"model_type\":\"bert\"}"), BERT_OK);
    assert_ptr_equal(l.config.arch, bert__arch_find("bert", 4, NULL, 0));
    assert_int_equal(l.config.hidden_size, 768);
    assert_int_equal(l.config.layers, 12);
    assert_int_equal(l.config.heads, 12);
    assert_int_equal(l.config.head_size, 64);
    assert_int_equal(l.config.intermediate_size, 3072);
    assert_int_equal(l.config.vocab_size, 30522);
    assert_int_equal(l.config.max_positions, 512);
    assert_int_equal(l.config.type_vocab_size, 2);
    assert_true(l.config.norm_eps == 1e-12f);
    assert_string_equal(l.config.activation, "gelu");
    assert_null(l.config.labels);
    assert_int_equal(l.config.n_labels, 0);
    assert_string_equal(l.config.path, "(memory)/config.json");
    assert_non_null(bert__json_get(l.config.json, "model_type"));
    test_config_done(&l);
}

static void test_values(void **state)
{
    struct test_config l;

    (void)state;
    assert_int_equal(
        test_config_load_from(
            &l,
            BERT("\"hidden_size\":48,\"num_hidden_layers\":3,\"num_attention_heads\":16,"
                 "\"intermediate_size\":100,\"vocab_size\":77,"
                 "\"max_position_embeddings\":33,\"type_vocab_size\":1,"
                 "\"layer_norm_eps\":1e-05,\"hidden_act\":\"gelu_new\","
                 /* read past, as the reference reads past them */
                 "\"position_embedding_type\":\"relative_key\",\"chunk_size_feed_forward\":7,"
                 "\"hidden_dropout_prob\":0.1,\"pruned_heads\":{},\"dtype\":\"float16\","
                 "\"architectures\":[\"BertForMaskedLM\"],\"is_decoder\":false,"
                 "\"add_cross_attention\":false,\"auto_map\":null,"
                 "\"quantization_config\":null,\"per_layer_config\":{},\"use_cache\":true"),
            "0_Transformer/config.json", "0_Transformer", 3, 0),
        BERT_OK);
    assert_int_equal(l.config.hidden_size, 48);
    assert_int_equal(l.config.layers, 3);
    assert_int_equal(l.config.heads, 16);
    assert_int_equal(l.config.head_size, 3);
    assert_int_equal(l.config.intermediate_size, 100);
    assert_int_equal(l.config.vocab_size, 77);
    assert_int_equal(l.config.max_positions, 33);
    assert_int_equal(l.config.type_vocab_size, 1);
    assert_true(l.config.norm_eps == 1e-5f);
    assert_string_equal(l.config.activation, "gelu_new");
    assert_string_equal(l.config.path, "(memory)/0_Transformer/config.json");
    test_config_done(&l);
}

static void test_family(void **state)
{
    struct test_config l;

    (void)state;
    assert_int_equal(test_config_load_from(&l, "{}", "other", "", 0, 0), BERT_EIO);
    assert_non_null(strstr(l.err.message, "config.json: no such file"));
    test_config_done(&l);
    test_config_refuse("", BERT_EFORMAT, "line 1");
    test_config_refuse("[1]", BERT_EFORMAT, "the file holds an array; expected an object");
    test_config_refuse("{\"model_type\":\"bert\",\"model_type\":\"bert\"}", BERT_EFORMAT,
                       "duplicate");
    test_config_refuse("{}", BERT_EUNSUPPORTED, "\"model_type\" is missing");
    test_config_refuse("{\"model_type\":null}", BERT_EUNSUPPORTED, "\"model_type\" is missing");
    test_config_refuse("{\"model_type\":7}", BERT_EFORMAT, "\"model_type\" is a number");
    test_config_refuse("{\"model_type\":\"llama\"}", BERT_EUNSUPPORTED,
                       "\"model_type\" is \"llama\"");
    test_config_refuse("{\"model_type\":\"BERT\"}", BERT_EUNSUPPORTED, "\"BERT\"");
    test_config_refuse("{\"model_type\":\"bert\\u0000\"}", BERT_EUNSUPPORTED, "\"bert?\"");
    test_config_refuse("{\"model_type\":\"\"}", BERT_EUNSUPPORTED, "\"\"");
    assert_null(bert__arch_find("ber", 3, NULL, 0));
    assert_null(bert__arch_find("bertx", 5, NULL, 0));
    assert_non_null(bert__arch_at(0));
    assert_null(bert__arch_at(UINT32_MAX));
}

static void test_refused_features(void **state)
{
    (void)state;
    test_config_refuse(BERT("\"is_decoder\":true"), BERT_EUNSUPPORTED, "\"is_decoder\" is true");
    test_config_refuse(BERT("\"is_decoder\":\"yes\""), BERT_EFORMAT, "\"is_decoder\" is \"yes\"");
    test_config_refuse(BERT("\"add_cross_attention\":true"), BERT_EUNSUPPORTED,
                       "\"add_cross_attention\"");
    test_config_refuse(BERT("\"quantization_config\":{\"quant_method\":\"gptq\"}"),
                       BERT_EUNSUPPORTED, "quant_method \"gptq\"");
    test_config_refuse(BERT("\"quantization_config\":{}"), BERT_EUNSUPPORTED,
                       "\"quantization_config\"");
    test_config_refuse(BERT("\"quantization_config\":7"), BERT_EUNSUPPORTED,
                       "\"quantization_config\"");
    test_config_refuse(
        BERT("\"auto_map\":{\"AutoConfig\":\"jinaai/x--configuration_bert.OtherConfig\"}"),
        BERT_EUNSUPPORTED, "\"AutoConfig\" is \"jinaai/x--configuration_bert.OtherConfig\"");
    test_config_refuse(BERT("\"auto_map\":{\"AutoTokenizer\":[\"t.T\",null],\"AutoModel\":7}"),
                       BERT_EUNSUPPORTED, "\"AutoModel\" is \"...\"");
    test_config_refuse(BERT("\"auto_map\":[]"), BERT_EFORMAT, "\"auto_map\" is an array");
    test_config_accept(BERT("\"auto_map\":{}"));
    test_config_accept(BERT("\"auto_map\":{\"AutoTokenizer\":[\"t.T\",null]}"));
    test_config_refuse(BERT("\"per_layer_config\":{\"0\":{\"hidden_size\":16}}"), BERT_EUNSUPPORTED,
                       "\"per_layer_config\"");
}

static void test_numbers(void **state)
{
    static const char *const keys[] = {
        "hidden_size", "num_hidden_layers",       "num_attention_heads", "intermediate_size",
        "vocab_size",  "max_position_embeddings", "type_vocab_size"};
    static const struct {
        const char *value;
        bert_status status;
        const char *words;
    } cases[] = {{"0", BERT_EFORMAT, "is 0; expected a whole number from 1"},
                 {"-0", BERT_EFORMAT, "is 0;"},
                 {"-1", BERT_EFORMAT, "is -1; expected a whole number from 1"},
                 {"-9223372036854775808", BERT_EFORMAT, "is -9223372036854775808"},
                 {"12.0", BERT_EFORMAT, "a fractional number"},
                 {"0.5", BERT_EFORMAT, "a fractional number"},
                 {"1e30", BERT_EFORMAT, "too large a number"},
                 {"\"12\"", BERT_EFORMAT, "is \"12\""},
                 {"true", BERT_EFORMAT, "is true"},
                 {"null", BERT_EFORMAT, "is null"},
                 {"[12]", BERT_EFORMAT, "is an array"},
                 {"{}", BERT_EFORMAT, "is an object"},
                 {"1000000000", BERT_ELIMIT, "is 1000000000; at most"},
                 {"4294967296", BERT_ELIMIT, "is 4294967296; at most"},
                 {"4294967308", BERT_ELIMIT, "is 4294967308"}, /* 12 in 32 bits */
                 {"9223372036854775807", BERT_ELIMIT, "is 9223372036854775807"}};

    (void)state;
    for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
            char text[160], words[128];

            snprintf(text, sizeof(text), BERT("\"%s\":%s"), keys[k], cases[i].value);
            snprintf(words, sizeof(words), "\"%s\" %s%s", keys[k],
                     strncmp(cases[i].words, "is ", 3) ? "is " : "", cases[i].words);
            test_config_refuse(text, cases[i].status, words);
        }
}

static void test_contradictions(void **state)
{
    struct test_config l;

    (void)state;
    test_config_refuse(BERT("\"hidden_size\":100,\"num_attention_heads\":3"), BERT_EFORMAT,
                       "\"hidden_size\" 100 is not a multiple of \"num_attention_heads\" 3");
    test_config_refuse(BERT("\"hidden_size\":2,\"num_attention_heads\":4"), BERT_EFORMAT,
                       "not a multiple");
    test_config_refuse(BERT("\"num_hidden_layers\":1025"), BERT_ELIMIT,
                       "\"num_hidden_layers\" is 1025; at most 1024");
    assert_int_equal(
        test_config_load_from(&l, BERT("\"num_hidden_layers\":4"), "config.json", "", 3, 0),
        BERT_ELIMIT);
    assert_non_null(strstr(l.err.message, "\"num_hidden_layers\" is 4; at most 3"));
    test_config_done(&l);
    assert_int_equal(
        test_config_load_from(&l, BERT("\"num_hidden_layers\":2000"), "config.json", "", 2000, 0),
        BERT_OK);
    test_config_done(&l);
}

static void test_eps_and_activation(void **state)
{
    (void)state;
    test_config_refuse(BERT("\"layer_norm_eps\":-1e-12"), BERT_EFORMAT,
                       "\"layer_norm_eps\" is -1e-12");
    test_config_refuse(BERT("\"layer_norm_eps\":1e39"), BERT_EFORMAT,
                       "\"layer_norm_eps\" is 1e+39");
    test_config_refuse(BERT("\"layer_norm_eps\":1e999"), BERT_EFORMAT, "\"layer_norm_eps\"");
    test_config_refuse(BERT("\"layer_norm_eps\":NaN"), BERT_EFORMAT, "line 1");
    test_config_refuse(BERT("\"layer_norm_eps\":\"1e-12\""), BERT_EFORMAT,
                       "\"layer_norm_eps\" is \"1e-12\"");
    test_config_refuse(BERT("\"layer_norm_eps\":null"), BERT_EFORMAT, "\"layer_norm_eps\" is null");
    test_config_accept(BERT("\"layer_norm_eps\":0"));
    test_config_refuse(BERT("\"hidden_act\":null"), BERT_EFORMAT, "\"hidden_act\" is null");
    test_config_refuse(BERT("\"hidden_act\":3"), BERT_EFORMAT, "\"hidden_act\" is a number");
    test_config_refuse(BERT("\"hidden_act\":\"gelu\\u0000x\""), BERT_EFORMAT,
                       "\"hidden_act\" holds a NUL");
}

static void labels_are(const char *rest, uint32_t n, const char *const *labels)
{
    struct test_config l;

    if (test_config_load(&l, rest))
        fail_msg("%s: %s", rest, l.err.message);
    assert_int_equal(l.config.n_labels, n);
    for (uint32_t i = 0; i < n; i++)
        assert_string_equal(l.config.labels[i], labels[i]);
    test_config_done(&l);
}

static void refuse_many_labels(void)
{
    enum { N = (1 << 20) + 1 };
    char *text = malloc(N * 20 + 64), *p = text;

    assert_non_null(text);
    p += sprintf(p, "{\"model_type\":\"bert\",\"id2label\":{");
    for (unsigned i = 0; i < N; i++)
        p += sprintf(p, "%s\"%u\":\"\"", i ? "," : "", i);
    strcpy(p, "}}");
    test_config_refuse(text, BERT_ELIMIT, "\"id2label\" has 1048577 labels; at most 1048576");
    free(text);
}

static void test_labels(void **state)
{
    static const char *const abc[] = {"A", "B\xC3\xA9", "C"};
    static const char *const made[] = {"LABEL_0", "LABEL_1", "LABEL_2"};
    static const char *const numbers[] = {"0", "-1"};

    (void)state;
    labels_are(BERT("\"id2label\":{\"2\":\"C\",\"0\":\"A\",\"1\":\"B\\u00e9\"}"), 3, abc);
    labels_are(BERT("\"id2label\":{\"2\":\"C\",\"0\":\"A\",\"1\":\"B\\u00e9\"},\"num_labels\":3"),
               3, abc);
    labels_are(BERT("\"num_labels\":3"), 3, made);
    labels_are(BERT("\"num_labels\":2,\"id2label\":{\"0\":\"A\"}"), 2, made);
    labels_are(BERT("\"num_labels\":0,\"id2label\":{\"0\":\"A\"}"), 0, made);
    labels_are(BERT("\"id2label\":{\"0\":0,\"1\":-1}"), 2, numbers);
    labels_are(BERT("\"id2label\":{}"), 0, made);
    labels_are(BERT("\"id2label\":null"), 0, made);
    test_config_refuse(BERT("\"id2label\":[\"A\"]"), BERT_EFORMAT, "\"id2label\" is an array");
    test_config_refuse(BERT("\"id2label\":{\"0\":\"A\",\"2\":\"C\"}"), BERT_EFORMAT,
                       "\"id2label\": \"2\" is no id; expected 0 to 1 without gaps");
    test_config_refuse(BERT("\"id2label\":{\"a\":\"A\"}"), BERT_EFORMAT, "\"a\" is no id");
    test_config_refuse(BERT("\"id2label\":{\"00\":\"A\"}"), BERT_EFORMAT, "\"00\" is no id");
    test_config_refuse(BERT("\"id2label\":{\"-0\":\"A\"}"), BERT_EFORMAT, "\"-0\" is no id");
    test_config_refuse(BERT("\"id2label\":{\"\":\"A\"}"), BERT_EFORMAT, "\"\" is no id");
    test_config_refuse(BERT("\"id2label\":{\"4294967296\":\"A\"}"), BERT_EFORMAT, "is no id");
    test_config_refuse(BERT("\"id2label\":{\"0\":null}"), BERT_EFORMAT, "\"0\" is null");
    test_config_refuse(BERT("\"id2label\":{\"0\":\"a\\u0000\"}"), BERT_EFORMAT, "holds a NUL");
    refuse_many_labels();
    test_config_refuse(BERT("\"num_labels\":-1"), BERT_EFORMAT, "\"num_labels\" is -1");
    test_config_refuse(BERT("\"num_labels\":100000000"), BERT_EFORMAT, "\"num_labels\"");
}

static void test_allocation_failures(void **state)
{
    static const char text[] = BERT("\"id2label\":{\"0\":\"A\"},\"hidden_act\":\"gelu\"");
    long n = 1;

    (void)state;
    for (;; n++) {
        struct test_config l;
        bert_status status = test_config_load_from(&l, text, "config.json", "", 0, n);

        test_config_done(&l);
        if (!status)
            break;
        assert_int_equal(status, BERT_ENOMEM);
    }
    assert_true(n > 5);
}

/* A config that is no config costs no memory. */
static void test_huge_file(void **state)
{
    char *text = malloc((64 << 20) + 2);
    struct test_config l;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', (64 << 20) + 1);
    text[(64 << 20) + 1] = 0;
    assert_int_equal(test_config_load(&l, text), BERT_ELIMIT);
    assert_non_null(strstr(l.err.message, "67108865 bytes, over the limit"));
    assert_true(bert__alloc_peak(l.alloc) < 100000);
    test_config_done(&l);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_refused_features),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_eps_and_activation),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_huge_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
