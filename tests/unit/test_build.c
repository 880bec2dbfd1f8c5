/* SPDX-License-Identifier: MIT */
/* test_build.c - what bert_build_info() and bert_has_feature() say is what this build is. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bert/base.h>
#include <bert/model.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"

/* The value of a line of bert_build_info(), without its newline; "" where there is no such line. */
static const char *value_of(char value[256], const char *name)
{
    const char *line = bert_build_info();
    size_t n = strlen(name);

    value[0] = '\0';
    for (; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, name, n) == 0 && strncmp(line + n, ": ", 2) == 0) {
            snprintf(value, 256, "%.*s", (int)strcspn(line + n + 2, "\n"), line + n + 2);
            return value;
        }
    }
    return value;
}

static void test_info(void **state)
{
    static const char *const names[] = {"version", "compiler", "target",   "kernels",
                                        "modules", "probes",   "sanitizer"};
    const char *info = bert_build_info(), *at = info;
    char value[256];
    size_t lines = 0;

    (void)state;
    assert_ptr_equal(info, bert_build_info());
    for (; *at != '\0'; lines++) {
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
    assert_int_equal(lines, sizeof names / sizeof *names);
    for (size_t i = 0; i < lines; i++)
        assert_string_not_equal(value_of(value, names[i]), "");
    assert_string_equal(value_of(value, "version"), bert_version());
    assert_null(strchr(info, '/')); /* no folder */
    assert_null(strstr(info, TEST_BUILDDIR));
}

/* The text, the features and the tables of kernels name the same ones. */
static void test_kernels(void **state)
{
    const struct bert__kernels *k;
    char text[256] = "", value[256], name[64];
    const char *feature;

    (void)state;
    for (size_t i = 0; (feature = bert_feature(i)) != NULL; i++) {
        if (strncmp(feature, "kernels.", 8) == 0) {
            strcat(text, text[0] != '\0' ? " " : "");
            strcat(text, feature + 8);
        }
    }
    assert_string_equal(text, value_of(value, "kernels"));
    for (uint32_t i = 0; (k = bert__kernels_at(i)) != NULL; i++) {
        snprintf(name, sizeof name, "kernels.%s", k->name);
        assert_true(bert_has_feature(name));
    }
    assert_false(bert_has_feature("kernels.mmx"));
}

static void test_features(void **state)
{
    const char *feature;
    char longer[64];
    size_t n = 0;

    (void)state;
    for (; (feature = bert_feature(n)) != NULL; n++) {
        assert_int_equal(bert_has_feature(feature), 1);
        snprintf(longer, sizeof longer, "%s.", feature);
        assert_int_equal(bert_has_feature(longer), 0);
        for (size_t i = 0; i < n; i++)
            assert_string_not_equal(feature, bert_feature(i));
    }
    assert_true(n >= 3);
    assert_null(bert_feature(n + 1));
    assert_null(bert_feature(SIZE_MAX));
    assert_false(bert_has_feature(NULL));
    assert_false(bert_has_feature(""));
    assert_false(bert_has_feature("model"));
    assert_true(bert_has_feature("model.safetensors"));
    assert_true(bert_has_feature("model.packed"));
}

static void test_options_of_configure(void **state)
{
    char value[256];

    (void)state;
#ifdef BERT_HAVE_BLAS
    assert_true(bert_has_feature("module.blas"));
    assert_string_equal(value_of(value, "modules"), "blas (" BERT_HAVE_BLAS ")");
#else
    assert_false(bert_has_feature("module.blas"));
    assert_string_equal(value_of(value, "modules"), "none");
#endif
#ifdef BERT_HAVE_SDT
    assert_true(bert_has_feature("usdt"));
    assert_string_equal(value_of(value, "probes"), "usdt");
#else
    assert_false(bert_has_feature("usdt"));
    assert_string_equal(value_of(value, "probes"), "none");
#endif
#ifdef BERT_SANITIZER
    assert_true(bert_has_feature("sanitizer"));
    assert_string_equal(value_of(value, "sanitizer"), BERT_SANITIZER);
#else
    assert_int_equal(bert_has_feature("sanitizer"),
                     strcmp(value_of(value, "sanitizer"), "none") != 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_options_of_configure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
