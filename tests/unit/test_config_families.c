/* SPDX-License-Identifier: MIT */
/* test_config_families.c - the keys of config.json that only some families have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_config.h"

#define OF(type, rest) "{\"model_type\":\"" type "\"," rest "}"
#define MODERN(rest)   OF("modernbert", "\"num_hidden_layers\":4," rest)
#define NOMIC(rest)    OF("nomic_bert", rest)
#define GTE(rest)      OF("gte", rest)
#define EURO(rest)     OF("eurobert", rest)
#define ESM(rest)      OF("esm", rest)
#define REMOTE(class)  "\"auto_map\":{\"AutoConfig\":\"someone/code--configuration." class "\"}"
#define JINA(rest)     OF("bert", REMOTE("JinaBertConfig") "," rest)
#define JINA_FFN       "\"feed_forward_type\":\"geglu\""

static void check(const char *text, struct test_config *l)
{
    if (test_config_load(l, text))
        fail_msg("%s\n is refused: %s", text, l->err.message);
}

/* ---- Which row ------------------------------------------------------------------------- */

static void test_every_row_by_its_name(void **state)
{
    (void)state;
    for (uint32_t i = 0; bert__arch_at(i); i++) {
        const struct bert__arch *row = bert__arch_at(i);
        const char *remote = row->only_remote ? row->remote_config : NULL;

        assert_ptr_equal(bert__arch_find(row->model_type, strlen(row->model_type), remote,
                                         remote ? strlen(remote) : 0),
                         row);
        assert_non_null(row->prefixes);
        assert_non_null(row->tensors.word);
    }
    test_config_refuse("{\"model_type\":\"xlnet\"}", BERT_EUNSUPPORTED, "\"xlnet\"");
}

static void test_own_code(void **state)
{
    struct test_config l;

    (void)state;
    check(JINA(JINA_FFN), &l);
    assert_string_equal(l.config.arch->remote_config, "JinaBertConfig");
    assert_int_equal(l.config.distance, BERT__DISTANCE_ALIBI);
    test_config_done(&l);
    /* the same class under another type, another class under the same type */
    test_config_refuse(OF("roberta", REMOTE("JinaBertConfig")), BERT_EUNSUPPORTED,
                       "configuration.JinaBertConfig");
    test_config_refuse(OF("bert", REMOTE("JinaBertConfigs")), BERT_EUNSUPPORTED,
                       "configuration.JinaBertConfigs");
    test_config_refuse(NOMIC(REMOTE("OtherConfig")), BERT_EUNSUPPORTED, "never run");
    test_config_accept(NOMIC(REMOTE("NomicBertConfig")));
    test_config_accept(OF("new", REMOTE("NewConfig")));
    test_config_accept(EURO(REMOTE("EuroBertConfig")));
}

static void test_ffn_activation(void **state)
{
    struct test_config l;

    (void)state;
    check(JINA("\"feed_forward_type\":\"reglu\",\"hidden_act\":\"tanh\""), &l);
    assert_string_equal(l.config.ffn_activation, "relu");
    assert_string_equal(l.config.activation, "tanh");
    test_config_done(&l);
    test_config_refuse(JINA("\"hidden_act\":\"gelu\""), BERT_EFORMAT,
                       "\"feed_forward_type\" is missing");
    test_config_refuse(JINA("\"feed_forward_type\":\"original\""), BERT_EUNSUPPORTED,
                       "\"feed_forward_type\" \"original\"");
    test_config_refuse(JINA("\"feed_forward_type\":3"), BERT_EFORMAT, "feed_forward_type");
}

/* ---- What a row takes for granted -------------------------------------------------------- */

static void test_fixed(void **state)
{
    (void)state;
    test_config_refuse(JINA(JINA_FFN ",\"position_embedding_type\":\"absolute\""),
                       BERT_EUNSUPPORTED, "\"position_embedding_type\" is not alibi");
    test_config_refuse(GTE("\"position_embedding_type\":\"absolute\""), BERT_EUNSUPPORTED,
                       "\"position_embedding_type\" is not rope");
    test_config_refuse(GTE("\"layer_norm_type\":\"rms_norm\""), BERT_EUNSUPPORTED,
                       "\"layer_norm_type\"");
    test_config_refuse(GTE("\"logn_attention_scale\":true"), BERT_EUNSUPPORTED,
                       "\"logn_attention_scale\" is not false");
    test_config_accept(GTE("\"logn_attention_scale\":false,\"pack_qkv\":true"));
    test_config_refuse(NOMIC("\"activation_function\":\"gelu\""), BERT_EUNSUPPORTED,
                       "\"activation_function\" is not swiglu");
    test_config_refuse(NOMIC("\"prenorm\":true"), BERT_EUNSUPPORTED, "\"prenorm\"");
    test_config_refuse(NOMIC("\"rotary_emb_scale_base\":512"), BERT_EUNSUPPORTED,
                       "\"rotary_emb_scale_base\" is not null");
    test_config_refuse(NOMIC("\"use_rms_norm\":[]"), BERT_EUNSUPPORTED, "\"use_rms_norm\"");
    test_config_refuse(OF("ibert", "\"quant_mode\":true"), BERT_EUNSUPPORTED,
                       "\"quant_mode\" is not false");
    test_config_refuse(OF("ibert", "\"hidden_act\":\"relu\""), BERT_EUNSUPPORTED,
                       "\"hidden_act\" is not gelu");
}

/* A type that the family doesn't have, and never had. */
static void test_position_types(void **state)
{
    (void)state;
    test_config_accept(OF("bert", "\"position_embedding_type\":null"));
    test_config_accept(OF("bert", "\"position_embedding_type\":\"relative_key_query\""));
    test_config_accept(OF("jina_embeddings_v3", "\"position_embedding_type\":\"rotary\""));
    test_config_accept(OF("modernbert", "\"position_embedding_type\":\"absolute\""));
    test_config_refuse(OF("bert", "\"position_embedding_type\":\"rotary\""), BERT_EUNSUPPORTED,
                       "\"position_embedding_type\" \"rotary\" is not handled for type bert");
    test_config_refuse(OF("roberta", "\"position_embedding_type\":\"alibi\""), BERT_EUNSUPPORTED,
                       "\"position_embedding_type\" \"alibi\"");
    test_config_refuse(OF("mpnet", "\"position_embedding_type\":7"), BERT_EUNSUPPORTED,
                       "\"position_embedding_type\"");
}

static void test_adapters(void **state)
{
    (void)state;
    test_config_accept(OF("bert", "\"adapters\":{\"adapters\":{},\"config_map\":{}}"));
    test_config_refuse(OF("bert", "\"adapters\":{\"adapters\":{\"sst\":\"houlsby\"}}"),
                       BERT_EUNSUPPORTED, "\"adapters\"");
    test_config_refuse(OF("roberta", "\"peft_type\":\"LORA\""), BERT_EUNSUPPORTED, "\"peft_type\"");
    test_config_refuse(OF("jina_embeddings_v3", "\"lora_adaptations\":[\"separation\"]"),
                       BERT_EUNSUPPORTED, "\"lora_adaptations\"");
    test_config_accept(OF("jina_embeddings_v3", "\"lora_adaptations\":[]"));
}

/* ---- Rotary positions ---------------------------------------------------------------------- */

static void test_rope(void **state)
{
    struct test_config l;

    (void)state;
    test_config_refuse(EURO("\"rope_parameters\":{\"rope_type\":\"yarn\",\"rope_theta\":1e4}"),
                       BERT_EUNSUPPORTED, "rope_type \"yarn\"");
    test_config_refuse(EURO("\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}"),
                       BERT_EUNSUPPORTED, "\"rope_scaling\": rope_type \"linear\"");
    test_config_refuse(EURO("\"rope_scaling\":{\"type\":\"ntk\",\"factor\":2}"), BERT_EUNSUPPORTED,
                       "rope_type \"ntk\"");
    test_config_refuse(EURO("\"rope_scaling\":[]"), BERT_EFORMAT, "\"rope_scaling\" is an array");
    test_config_refuse(EURO("\"rope_parameters\":7"), BERT_EFORMAT, "\"rope_parameters\"");
    test_config_refuse(EURO("\"rope_theta\":0"), BERT_EFORMAT, "base of the rotary angles is 0");
    test_config_refuse(EURO("\"rope_theta\":-1"), BERT_EFORMAT, "base of the rotary angles is -1");
    test_config_refuse(OF("new", "\"rope_scaling\":{\"type\":\"ntk\",\"factor\":0}"), BERT_EFORMAT,
                       "\"factor\"");
    check(OF("new", "\"rope_scaling\":{\"type\":\"ntk\",\"factor\":4.0}"), &l);
    assert_true(l.config.rotary_ntk == 4.0);
    test_config_done(&l);
    check(EURO("\"rope_theta\":250000"), &l);
    assert_true(l.config.rotary_theta[0] == 250000);
    test_config_done(&l);
    /* the block wins */
    check(EURO("\"rope_theta\":1,\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":5}"),
          &l);
    assert_true(l.config.rotary_theta[0] == 5);
    test_config_done(&l);
}

/* Two names of the same keys, of the hub and of transformers. */
static void test_rope_of_layers(void **state)
{
    struct test_config l;

    (void)state;
    check(MODERN("\"global_rope_theta\":3,\"local_rope_theta\":4"), &l);
    assert_true(l.config.rotary_theta[0] == 3 && l.config.rotary_theta[1] == 4);
    test_config_done(&l);
    check(MODERN("\"rope_parameters\":{\"full_attention\":{\"rope_theta\":7},"
                 "\"sliding_attention\":{\"rope_type\":\"default\",\"rope_theta\":8}}"),
          &l);
    assert_true(l.config.rotary_theta[0] == 7 && l.config.rotary_theta[1] == 8);
    test_config_done(&l);
    test_config_refuse(
        MODERN("\"rope_parameters\":{\"sliding_attention\":{\"rope_type\":\"dynamic\"}}"),
        BERT_EUNSUPPORTED, "rope_type \"dynamic\"");
    check(NOMIC("\"n_embd\":96,\"n_head\":4,\"n_layer\":3,\"rotary_emb_base\":9,"
                "\"rotary_emb_fraction\":0.5"),
          &l);
    assert_int_equal(l.config.hidden_size, 96);
    assert_int_equal(l.config.layers, 3);
    assert_int_equal(l.config.rotary_size, 12);
    assert_true(l.config.rotary_theta[0] == 9);
    test_config_done(&l);
}

static void test_rotary_size(void **state)
{
    (void)state;
    test_config_refuse(OF("roformer", "\"hidden_size\":21,\"num_attention_heads\":3"), BERT_EFORMAT,
                       "7 values of a head of 7");
    test_config_refuse(NOMIC("\"hidden_size\":64,\"num_attention_heads\":4,"
                             "\"rotary_emb_fraction\":0.2"),
                       BERT_EFORMAT, "3 values of a head of 16");
    test_config_refuse(NOMIC("\"rotary_emb_fraction\":0"), BERT_EFORMAT,
                       "\"rotary_emb_fraction\" is 0");
    test_config_refuse(NOMIC("\"rotary_emb_fraction\":1.5"), BERT_EFORMAT,
                       "\"rotary_emb_fraction\" is 1.5");
}

/* ---- Layers and heads ------------------------------------------------------------------------ */

static void test_local_layers(void **state)
{
    struct test_config l;

    (void)state;
    check(MODERN("\"local_attention\":7"), &l);
    assert_int_equal(l.config.window, 3);
    assert_false(l.config.local[0]);
    assert_true(l.config.local[1] && l.config.local[2]);
    assert_false(l.config.local[3]);
    test_config_done(&l);
    check(MODERN("\"layer_types\":[\"sliding_attention\",\"full_attention\",\"full_attention\","
                 "\"sliding_attention\"]"),
          &l);
    assert_true(l.config.local[0] && l.config.local[3]);
    assert_false(l.config.local[1] || l.config.local[2]);
    test_config_done(&l);
    test_config_refuse(MODERN("\"layer_types\":[\"full_attention\"]"), BERT_EFORMAT,
                       "\"layer_types\" has 1 entries for 4 layers");
    test_config_refuse(MODERN("\"layer_types\":[\"full_attention\",\"full_attention\",\"chunked\","
                              "\"full_attention\"]"),
                       BERT_EUNSUPPORTED, "\"layer_types\": entry 2");
    test_config_refuse(MODERN("\"layer_types\":[1,2,3,4]"), BERT_EUNSUPPORTED, "entry 0");
    test_config_refuse(MODERN("\"global_attn_every_n_layers\":0"), BERT_EFORMAT,
                       "\"global_attn_every_n_layers\"");
}

static void test_heads(void **state)
{
    struct test_config l;

    (void)state;
    test_config_refuse(EURO("\"num_attention_heads\":12,\"num_key_value_heads\":5"), BERT_EFORMAT,
                       "\"num_attention_heads\" 12 is not a multiple of \"num_key_value_heads\" 5");
    test_config_refuse(EURO("\"num_key_value_heads\":24"), BERT_EFORMAT, "\"num_key_value_heads\"");
    test_config_refuse(EURO("\"num_key_value_heads\":0"), BERT_EFORMAT, "\"num_key_value_heads\"");
    check(EURO("\"num_key_value_heads\":4,\"head_dim\":10"), &l);
    assert_int_equal(l.config.kv_heads, 4);
    assert_int_equal(l.config.head_size, 10);
    test_config_done(&l);
    /* with a size of its own a head need not divide the hidden size */
    test_config_accept(EURO("\"hidden_size\":50,\"num_attention_heads\":12,\"head_dim\":8"));
    test_config_refuse(EURO("\"hidden_size\":50,\"num_attention_heads\":12"), BERT_EFORMAT,
                       "not a multiple");
}

static void test_groups(void **state)
{
    struct test_config l;

    (void)state;
    check(OF("squeezebert", "\"q_groups\":2,\"output_groups\":1"), &l);
    assert_int_equal(l.config.linear_groups[BERT__GROUPED_QUERY], 2);
    assert_int_equal(l.config.linear_groups[BERT__GROUPED_KEY], 4);
    assert_int_equal(l.config.linear_groups[BERT__GROUPED_ATTENTION_OUTPUT], 1);
    assert_int_equal(l.config.linear_groups[BERT__GROUPED_FFN_DOWN], 1);
    test_config_done(&l);
    test_config_refuse(OF("squeezebert", "\"v_groups\":5"), BERT_EFORMAT,
                       "\"v_groups\" 5 does not divide the widths 768 and 768");
    test_config_refuse(OF("squeezebert", "\"intermediate_groups\":0"), BERT_EFORMAT,
                       "\"intermediate_groups\"");
    check(OF("bert", "\"q_groups\":5"), &l);
    assert_int_equal(l.config.linear_groups[BERT__GROUPED_QUERY], 1);
    test_config_done(&l);
}

static void test_landmarks(void **state)
{
    struct test_config l;

    (void)state;
    check("{\"model_type\":\"nystromformer\"}", &l);
    assert_int_equal(l.config.value_conv, 65);
    assert_int_equal(l.config.max_positions, 510);
    assert_int_equal(l.config.position_rows, 512);
    test_config_done(&l);
    check(OF("nystromformer", "\"conv_kernel_size\":null"), &l);
    assert_int_equal(l.config.value_conv, 0);
    test_config_done(&l);
    check(OF("nystromformer", "\"segment_means_seq_len\":150"), &l);
    assert_int_equal(l.config.landmarks, 64);
    assert_int_equal(l.config.max_positions, 128);
    assert_int_equal(l.config.only_length, 128);
    assert_int_equal(l.config.position_rows, 512);
    test_config_done(&l);
    test_config_refuse(OF("nystromformer", "\"segment_means_seq_len\":63"), BERT_EFORMAT,
                       "\"num_landmarks\" 64 and \"segment_means_seq_len\" 63 take no text");
    test_config_refuse(OF("nystromformer", "\"segment_means_seq_len\":512"), BERT_EFORMAT,
                       "\"max_position_embeddings\" 510");
    test_config_refuse(OF("nystromformer", "\"conv_kernel_size\":4"), BERT_EFORMAT,
                       "\"conv_kernel_size\" is 4");
    test_config_refuse(OF("nystromformer", "\"inv_coeff_init_option\":true"), BERT_EUNSUPPORTED,
                       "\"inv_coeff_init_option\"");
}

/* ---- Layers that aren't BERT's
 * --------------------------------------------------------------------
 */

static void test_mixed(void **state)
{
    struct test_config l;

    (void)state;
    check("{\"model_type\":\"convbert\"}", &l);
    assert_int_equal(l.config.heads, 6);
    assert_int_equal(l.config.head_size, 64);
    assert_int_equal(l.config.mix_size, 9);
    test_config_done(&l);
    check(OF("convbert", "\"num_attention_heads\":3,\"head_ratio\":4,\"hidden_size\":10"), &l);
    assert_int_equal(l.config.heads, 1);
    assert_int_equal(l.config.head_size, 5);
    test_config_done(&l);
    test_config_refuse(OF("convbert", "\"hidden_size\":774"), BERT_EFORMAT,
                       "\"hidden_size\" 774 is not a multiple of twice the 6 heads");
    test_config_refuse(OF("convbert", "\"conv_kernel_size\":8"), BERT_EFORMAT,
                       "\"conv_kernel_size\" is 8");
    test_config_refuse(OF("convbert", "\"num_groups\":5"), BERT_EFORMAT, "\"num_groups\" 5");
    test_config_refuse(OF("convbert", "\"head_ratio\":0"), BERT_EFORMAT, "\"head_ratio\"");
}

static void test_bottlenecks(void **state)
{
    struct test_config l;

    (void)state;
    check("{\"model_type\":\"mobilebert\"}", &l);
    assert_int_equal(l.config.layer_size, 128);
    assert_int_equal(l.config.head_size, 32);
    assert_int_equal(l.config.bottleneck, BERT__BOTTLENECK_KEYS);
    assert_int_equal(l.config.ffn_count, 4);
    assert_int_equal(l.config.embedding_places, 3);
    assert_true(l.config.plain_norms && !l.config.pooler_is_first);
    test_config_done(&l);
    check(OF("mobilebert", "\"use_bottleneck\":false,\"intra_bottleneck_size\":7"), &l);
    assert_int_equal(l.config.layer_size, 512);
    assert_int_equal(l.config.bottleneck, BERT__BOTTLENECK_NONE);
    test_config_done(&l);
    test_config_refuse(OF("mobilebert", "\"intra_bottleneck_size\":126"), BERT_EFORMAT,
                       "\"intra_bottleneck_size\" 126 is not a multiple of "
                       "\"num_attention_heads\" 4");
    test_config_refuse(OF("mobilebert", "\"key_query_shared_bottleneck\":false"), BERT_EFORMAT,
                       "\"intra_bottleneck_size\" 128 can't read \"hidden_size\" 512");
    test_config_accept(OF("mobilebert", "\"key_query_shared_bottleneck\":false,"
                                        "\"use_bottleneck_attention\":true"));
    test_config_refuse(OF("mobilebert", "\"normalization_type\":\"rms_norm\""), BERT_EUNSUPPORTED,
                       "\"normalization_type\" \"rms_norm\"");
    test_config_refuse(OF("mobilebert", "\"num_feedforward_networks\":0"), BERT_EFORMAT,
                       "\"num_feedforward_networks\"");
    test_config_refuse(OF("mobilebert", "\"trigram_input\":3"), BERT_EFORMAT, "trigram_input");
}

/* ---- Positions ----------------------------------------------------------------------------------
 */

static void test_positions(void **state)
{
    struct test_config l;

    (void)state;
    check(ESM("\"position_embedding_type\":\"rotary\",\"max_position_embeddings\":100"), &l);
    assert_int_equal(l.config.position, BERT__POSITION_NONE);
    assert_int_equal(l.config.distance, BERT__DISTANCE_ROTARY);
    assert_int_equal(l.config.max_positions, 100);
    test_config_done(&l);
    check(ESM("\"max_position_embeddings\":100,\"pad_token_id\":3"), &l);
    assert_int_equal(l.config.position, BERT__POSITION_AFTER_PADDING);
    assert_int_equal(l.config.distance, BERT__DISTANCE_NONE);
    assert_int_equal(l.config.max_positions, 96);
    test_config_done(&l);
    test_config_refuse(ESM("\"position_embedding_type\":\"relative_key\""), BERT_EUNSUPPORTED,
                       "\"position_embedding_type\" \"relative_key\"");
    test_config_refuse(ESM("\"token_dropout\":true"), BERT_EFORMAT, "\"mask_token_id\"");
    test_config_refuse(ESM("\"token_dropout\":true,\"mask_token_id\":-1"), BERT_EFORMAT,
                       "\"mask_token_id\"");
    test_config_accept(ESM("\"token_dropout\":true,\"mask_token_id\":32"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_by_its_name),
        cmocka_unit_test(test_own_code),
        cmocka_unit_test(test_ffn_activation),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_rope),
        cmocka_unit_test(test_rope_of_layers),
        cmocka_unit_test(test_rotary_size),
        cmocka_unit_test(test_local_layers),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_landmarks),
        cmocka_unit_test(test_position_types),
        cmocka_unit_test(test_adapters),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_bottlenecks),
        cmocka_unit_test(test_positions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
