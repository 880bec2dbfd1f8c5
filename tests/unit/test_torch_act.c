/* SPDX-License-Identifier: MIT */
/* test_torch_act.c - activations against torch's, as make_vector_fixtures.py wrote them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "lib/head/torch_act.h"

enum { NUMBERS = 76, ACTIVATIONS = 22 };

struct record {
    char name[16];
    float values[NUMBERS];
};

static void check(const struct record *x, const struct record *want, const char *home)
{
    char path[64];
    bert__act_fn *fn;

    snprintf(path, sizeof path, "%s%s", home, want->name);
    fn = bert__torch_act(path);
    assert_non_null(fn);
    for (size_t i = 0; i < NUMBERS; i++) {
        double y = (double)want->values[i], got = fn((double)x->values[i]);

        if (!(fabs(got - y) <= 2e-6 * fmax(1, fabs(y))))
            fail_msg("%s(%.9g) is %.9g, expected %.9g", path, (double)x->values[i], got, y);
    }
}

static void test_reference(void **state)
{
    FILE *f = fopen(TEST_SRCDIR "/tests/data/activations.bin", "rb");
    struct record x, want;
    int n = 0;

    (void)state;
    assert_non_null(f);
    assert_int_equal(fread(&x, sizeof x, 1, f), 1);
    assert_string_equal(x.name, "x");
    while (fread(&want, sizeof want, 1, f) == 1) {
        check(&x, &want, "torch.nn.");
        check(&x, &want, "torch.nn.modules.activation.");
        n++;
    }
    fclose(f);
    assert_int_equal(n, ACTIVATIONS);
}

static void test_unknown(void **state)
{
    (void)state;
    assert_null(bert__torch_act("torch.nn.Softmax"));
    assert_null(bert__torch_act("torch.nn.PReLU"));
    assert_null(bert__torch_act("torch.nn."));
    assert_null(bert__torch_act("my.nn.Tanh"));
    assert_null(bert__torch_act(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference),
                                       cmocka_unit_test(test_unknown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
