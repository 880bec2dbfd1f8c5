/* SPDX-License-Identifier: MIT */
/* test_tok_named.c - which ids are the unknown, the first and the mask token, by every way to say
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "tokenizer/tokenizer.h"

#define TOKENIZER                                                                                  \
    "{\"added_tokens\":[],\"normalizer\":null,\"pre_tokenizer\":null,\"post_processor\":null,"     \
    "\"decoder\":null,\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"[UNK]\",\"vocab\":{"       \
    "\"[UNK]\":0,\"[CLS]\":1,\"[MASK]\":2,\"<s>\":3,\"<unk>\":4,\"<mask>\":5,\"own\":6}}}"

struct expected {
    int32_t unk, cls, mask;
};

static bert_file file(const char *name, const char *text)
{
    return (bert_file){name, text, strlen(text)};
}

/* A text of NULL: the file is not there. */
static void check(const char *config, const char *settings, const char *map, struct expected want)
{
    bert_file files[4] = {file("tokenizer.json", TOKENIZER)};
    bert_tokenizer *tok;
    size_t n = 1;
    bert_error err;

    if (config != NULL)
        files[n++] = file("config.json", config);
    if (settings != NULL)
        files[n++] = file("tokenizer_config.json", settings);
    if (map != NULL)
        files[n++] = file("special_tokens_map.json", map);
    assert_int_equal(bert_tokenizer_load_memory(&tok, files, n, NULL, &err), BERT_OK);
    assert_int_equal(bert__tokenizer_named(tok, BERT__NAMED_UNK), want.unk);
    assert_int_equal(bert__tokenizer_named(tok, BERT__NAMED_CLS), want.cls);
    assert_int_equal(bert__tokenizer_named(tok, BERT__NAMED_MASK), want.mask);
    bert_tokenizer_unref(tok);
}

static void test_class(void **state)
{
    (void)state;
    check(NULL, "{\"tokenizer_class\":\"BertTokenizerFast\"}", NULL, (struct expected){0, 1, 2});
    check(NULL, "{\"tokenizer_class\":\"RobertaTokenizer\"}", NULL, (struct expected){4, 3, 5});
    check("{\"model_type\":\"bert\"}", NULL, NULL, (struct expected){0, 1, 2});
    check("{\"model_type\":\"roberta\"}", "{}", NULL, (struct expected){4, 3, 5});
    /* a class without names */
    check("{\"model_type\":\"bert\"}", "{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}", NULL,
          (struct expected){-1, -1, -1});
}

static void test_unsaid(void **state)
{
    (void)state;
    check(NULL, NULL, NULL, (struct expected){0, 1, 2});
    check("{\"model_type\":\"somebert\"}", "{}", NULL, (struct expected){0, 1, 2});
}

/* Whether models are given types, by transformers 5 and by 4. */
static void check_types(const char *settings, bool five, bool four)
{
    bert_file files[2] = {file("tokenizer.json", TOKENIZER),
                          file("tokenizer_config.json", settings)};
    bert_tokenizer *tok;
    bert_error err;

    assert_int_equal(bert_tokenizer_load_memory(&tok, files, 2, NULL, &err), BERT_OK);
    assert_int_equal(bert__tokenizer_gives_types(tok, false), five);
    assert_int_equal(bert__tokenizer_gives_types(tok, true), four);
    bert_tokenizer_unref(tok);
}

static void test_types(void **state)
{
    (void)state;
    check_types("{\"tokenizer_class\":\"BertTokenizer\"}", true, true);
    check_types("{\"tokenizer_class\":\"PreTrainedTokenizerFast\"}", false, true);
    check_types("{\"tokenizer_class\":\"TokenizersBackend\"}", false, true);
    check_types("{\"tokenizer_class\":\"SomebodysTokenizer\"}", false, true);
    check_types("{}", true, true);
    check_types("{\"tokenizer_class\":\"TokenizersBackend\",\"model_input_names\":"
                "[\"input_ids\",\"token_type_ids\"]}",
                true, true);
    check_types("{\"tokenizer_class\":\"XLMRobertaTokenizerFast\"}", false, false);
    check_types("{\"tokenizer_class\":\"AlbertTokenizer\"}", false, true);
    check_types("{\"tokenizer_class\":\"BertTokenizer\",\"model_input_names\":[\"input_ids\"]}",
                false, false);
    check_types("{\"tokenizer_class\":\"RobertaTokenizer\",\"model_input_names\":"
                "[\"input_ids\",\"token_type_ids\"]}",
                true, true);
}

static void test_said(void **state)
{
    (void)state;
    check("{\"model_type\":\"bert\"}",
          "{\"unk_token\":\"own\",\"cls_token\":null,\"mask_token\":{\"content\":\"<mask>\"}}",
          NULL, (struct expected){6, -1, 5});
    check("{\"model_type\":\"bert\"}", "{\"unk_token\":\"own\"}", "{\"unk_token\":\"<unk>\"}",
          (struct expected){4, 1, 2});
    /* the map is not read where the tokens are listed */
    check("{\"model_type\":\"bert\"}", "{\"unk_token\":\"own\",\"added_tokens_decoder\":{}}",
          "{\"unk_token\":\"<unk>\"}", (struct expected){6, 1, 2});
    /* not in the vocabulary */
    check("{\"model_type\":\"bert\"}", "{\"cls_token\":\"nowhere\"}", NULL,
          (struct expected){0, -1, 2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_class),
        cmocka_unit_test(test_unsaid),
        cmocka_unit_test(test_said),
        cmocka_unit_test(test_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
