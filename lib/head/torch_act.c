/* SPDX-License-Identifier: MIT */
/* torch_act.c - activations by the names of their torch classes, with the classes' defaults. */
#include "lib/head/torch_act.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

double bert__act_identity(double x)
{
    return x;
}

double bert__act_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static double relu(double x)
{
    return x > 0 ? x : 0;
}

static double relu6(double x)
{
    return clamp(x, 0, 6);
}

/* outside of training: the mean of its bounds, 1/8 and 1/3 */
static double rrelu(double x)
{
    return x > 0 ? x : 11.0 / 48 * x;
}

static double leaky_relu(double x)
{
    return x > 0 ? x : 0.01 * x;
}

static double elu(double x)
{
    return x > 0 ? x : expm1(x);
}

/* Klambauer et al., "Self-Normalizing Neural Networks" */
static double selu(double x)
{
    return 1.0507009873554804934193349852946
           * (x > 0 ? x : 1.6732632423543772848170429916717 * expm1(x));
}

static double gelu(double x)
{
    return 0.5 * x * (1 + erf(x * 0.70710678118654752440));
}

static double silu(double x)
{
    return x * bert__act_sigmoid(x);
}

static double softplus(double x)
{
    return x > 20 ? x : log1p(exp(x));
}

static double log_sigmoid(double x)
{
    return x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x));
}

static double mish(double x)
{
    return x * tanh(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)));
}

static double softsign(double x)
{
    return x / (1 + fabs(x));
}

static double softshrink(double x)
{
    return x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0;
}

static double hardshrink(double x)
{
    return fabs(x) > 0.5 ? x : 0;
}

static double tanhshrink(double x)
{
    return x - tanh(x);
}

static double hardtanh(double x)
{
    return clamp(x, -1, 1);
}

static double hardsigmoid(double x)
{
    return relu6(x + 3) / 6;
}

static double hardswish(double x)
{
    return x * hardsigmoid(x);
}

static const struct {
    const char *class;
    bert__act_fn *fn;
} known[] = {
    {"Identity", bert__act_identity},
    {"Sigmoid", bert__act_sigmoid},
    {"Tanh", tanh},
    {"ReLU", relu},
    {"ReLU6", relu6},
    {"RReLU", rrelu},
    {"LeakyReLU", leaky_relu},
    {"ELU", elu},
    {"CELU", elu}, /* the same at the default alpha */
    {"SELU", selu},
    {"GELU", gelu},
    {"SiLU", silu},
    {"Softplus", softplus},
    {"LogSigmoid", log_sigmoid},
    {"Mish", mish},
    {"Softshrink", softshrink},
    {"Softsign", softsign},
    {"Tanhshrink", tanhshrink},
    {"Hardshrink", hardshrink},
    {"Hardtanh", hardtanh},
    {"Hardsigmoid", hardsigmoid},
    {"Hardswish", hardswish},
};

bert__act_fn *bert__torch_act(const char *path)
{
    static const char *const homes[] = {"torch.nn.modules.activation.", "torch.nn.modules.linear.",
                                        "torch.nn.modules.", "torch.nn."};

    for (size_t h = 0; h < sizeof homes / sizeof *homes; h++) {
        size_t n = strlen(homes[h]);

        for (size_t i = 0; strncmp(path, homes[h], n) == 0 && i < sizeof known / sizeof *known;
             i++) {
            if (strcmp(path + n, known[i].class) == 0)
                return known[i].fn;
        }
    }
    return NULL;
}
