/* SPDX-License-Identifier: MIT */
/* module_configs.c - the config.json of a Pooling, a Dense, a Normalize. */
#include <string.h>

#include "lib/base/error.h"
#include "lib/model/modules_parts.h"

enum { MAX_FEATURES = 1 << 20 };

static bert_status open_config(const struct bert__modules_reader *r, const struct bert__module *m,
                               int optional, struct bert__json_file *file)
{
    return bert__json_file(file, r->scratch, r->source, m->path, "config.json", optional,
                           BERT__CONFIG_BYTES, BERT__JSON_OBJECT, r->err);
}

/* ---- Pooling ------------------------------------------------------------------------------- */

/* In the order in which the legacy booleans concatenate. */
static const struct {
    const char *name, *legacy;
    enum bert__pooling_mode mode;
} modes[] = {
    {"cls", "pooling_mode_cls_token", BERT__POOL_CLS},
    {"max", "pooling_mode_max_tokens", BERT__POOL_MAX},
    {"mean", "pooling_mode_mean_tokens", BERT__POOL_MEAN},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", BERT__POOL_MEAN_SQRT_LEN},
    {"weightedmean", "pooling_mode_weightedmean_tokens", BERT__POOL_WEIGHTED},
    {"lasttoken", "pooling_mode_lasttoken", BERT__POOL_LAST},
};

enum { N_MODES = sizeof(modes) / sizeof(*modes) };

static bert_status add_mode(const struct bert__modules_reader *r,
                            const struct bert__json_file *file, const struct bert__json *value,
                            struct bert__module *m)
{
    char name[84];

    if (value->type != BERT__JSON_STRING)
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"pooling_mode\" holds %s; expected a string",
                          file->path, bert__json_type_name(value));
    for (size_t i = 0; i < N_MODES; i++) {
        if (!bert__json_equals(value, modes[i].name))
            continue;
        if (m->n_modes == BERT__POOL_COUNT)
            return bert__fail(r->err, BERT_EUNSUPPORTED,
                              "%s: \"pooling_mode\" has more than %d modes", file->path,
                              BERT__POOL_COUNT);
        m->modes[m->n_modes++] = modes[i].mode;
        return BERT_OK;
    }
    return bert__fail(r->err, BERT_EUNSUPPORTED, "%s: \"pooling_mode\" \"%s\" is not handled",
                      file->path,
                      bert__printable(name, value->u.string.data, value->u.string.size));
}

static bert_status read_modes(const struct bert__modules_reader *r,
                              const struct bert__json_file *file, const struct bert__json *value,
                              struct bert__module *m)
{
    bert_status status = BERT_OK;

    if (value->type != BERT__JSON_ARRAY)
        return add_mode(r, file, value, m);
    for (size_t i = 0; i < value->u.array.count && !status; i++)
        status = add_mode(r, file, &value->u.array.items[i], m);
    if (!status && !m->n_modes)
        status = bert__fail(r->err, BERT_EFORMAT, "%s: \"pooling_mode\" is empty", file->path);
    return status;
}

/* No mode set at all is the mean, as in the reference. */
static bert_status read_legacy_modes(const struct bert__modules_reader *r,
                                     const struct bert__json_file *file, struct bert__module *m)
{
    for (size_t i = 0; i < N_MODES; i++) {
        bool set = false;
        bert_status status =
            bert__json_read_bool(file->root, file->path, modes[i].legacy, &set, r->err);

        if (status)
            return status;
        if (set)
            m->modes[m->n_modes++] = modes[i].mode;
    }
    if (!m->n_modes)
        m->modes[m->n_modes++] = BERT__POOL_MEAN;
    return BERT_OK;
}

/* A "pooling_mode..." that nobody here knows would change the answer. */
static bert_status refuse_unknown_modes(const struct bert__modules_reader *r,
                                        const struct bert__json_file *file)
{
    static const char prefix[] = "pooling_mode";
    size_t n = sizeof(prefix) - 1;
    char name[84];

    for (size_t i = 0; i < file->root->u.object.count; i++) {
        const bert_text *key = &file->root->u.object.members[i].key;
        bool known = key->size == n;

        if (key->size < n || memcmp(key->data, prefix, n) != 0)
            continue;
        for (size_t j = 0; j < N_MODES && !known; j++)
            known = strlen(modes[j].legacy) == key->size
                    && memcmp(modes[j].legacy, key->data, key->size) == 0;
        if (!known)
            return bert__fail(r->err, BERT_EUNSUPPORTED, "%s: \"%s\" is not handled", file->path,
                              bert__printable(name, key->data, key->size));
    }
    return BERT_OK;
}

bert_status bert__module_pooling(const struct bert__modules_reader *r, struct bert__module *m)
{
    struct bert__json_file file;
    const struct bert__json *value;
    bert_status status = open_config(r, m, 0, &file);

    if (status)
        return status;
    m->kind = BERT__MODULE_POOLING;
    m->include_prompt = true;
    status = refuse_unknown_modes(r, &file);
    if (status)
        return status;
    value = bert__json_get(file.root, "pooling_mode");
    status = value ? read_modes(r, &file, value, m) : read_legacy_modes(r, &file, m);
    if (!status)
        status = bert__json_read_bool(file.root, file.path, "include_prompt", &m->include_prompt,
                                      r->err);
    return status;
}

/* ---- What Dense and Normalize work on ------------------------------------------------------ */

static bert_status check_features(const struct bert__modules_reader *r,
                                  const struct bert__json_file *file)
{
    static const char *const keys[] = {"module_input_name", "module_output_name"};
    char name[84];

    for (size_t i = 0; i < 2; i++) {
        bert_text text = {NULL, 0};
        const struct bert__json *value = bert__json_find(file->root, keys[i]);
        bert_status status = bert__json_read_string(file->root, file->path, keys[i], &text, r->err);

        if (status)
            return status;
        if (value && !bert__json_equals(value, r->features))
            return bert__fail(r->err, BERT_EUNSUPPORTED,
                              "%s: \"%s\" is \"%s\"; only \"%s\" is handled", file->path, keys[i],
                              bert__printable(name, text.data, text.size), r->features);
    }
    return BERT_OK;
}

/* ---- Dense
 * --------------------------------------------------------------------------------------- */

static bert_status read_activation(const struct bert__modules_reader *r,
                                   const struct bert__json_file *file, struct bert__module *m)
{
    /* the classes as they are built without arguments */
    static const struct {
        const char *class, *name;
    } known[] = {{"Identity", "identity"},
                 {"Tanh", "tanh"},
                 {"ReLU", "relu"},
                 {"GELU", "gelu"},
                 {"Sigmoid", "sigmoid"},
                 {"SiLU", "silu"},
                 {"ReLU6", "torch.nn.ReLU6"},
                 {"RReLU", "torch.nn.RReLU"},
                 {"LeakyReLU", "torch.nn.LeakyReLU"},
                 {"ELU", "torch.nn.ELU"},
                 {"CELU", "torch.nn.CELU"},
                 {"SELU", "torch.nn.SELU"},
                 {"Softplus", "torch.nn.Softplus"},
                 {"Softshrink", "torch.nn.Softshrink"},
                 {"Softsign", "torch.nn.Softsign"},
                 {"LogSigmoid", "torch.nn.LogSigmoid"},
                 {"Mish", "torch.nn.Mish"},
                 {"Tanhshrink", "torch.nn.Tanhshrink"},
                 {"Hardshrink", "torch.nn.Hardshrink"},
                 {"Hardsigmoid", "torch.nn.Hardsigmoid"},
                 {"Hardswish", "torch.nn.Hardswish"},
                 {"Hardtanh", "torch.nn.Hardtanh"}};
    static const char home[] = "torch.nn.";
    const struct bert__json *value = bert__json_get(file->root, "activation_function");
    bert_text text;
    char name[84];

    m->activation = "tanh"; /* the class's default */
    if (!value)
        return BERT_OK;
    if (value->type != BERT__JSON_STRING)
        return bert__fail(r->err, BERT_EFORMAT,
                          "%s: \"activation_function\" is %s; expected a string", file->path,
                          bert__json_type_name(value));
    text = value->u.string;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        size_t n = strlen(known[i].class);

        if (text.size > sizeof(home) - 1 + n || text.size == sizeof(home) - 1 + n) {
            if (memcmp(text.data, home, sizeof(home) - 1) == 0
                && text.data[text.size - n - 1] == '.'
                && memcmp(text.data + text.size - n, known[i].class, n) == 0) {
                m->activation = known[i].name;
                return BERT_OK;
            }
        }
    }
    return bert__fail(r->err, BERT_EUNSUPPORTED,
                      "%s: \"activation_function\" \"%s\" is not handled", file->path,
                      bert__printable(name, text.data, text.size));
}

static bert_status need_features(const struct bert__modules_reader *r,
                                 const struct bert__json_file *file, const char *key, uint32_t *out)
{
    if (!bert__json_find(file->root, key))
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"%s\" is missing", file->path, key);
    return bert__json_read_u32(file->root, file->path, key, 1, MAX_FEATURES, out, r->err);
}

bert_status bert__module_dense(const struct bert__modules_reader *r, struct bert__module *m)
{
    struct bert__json_file file;
    bert_status status = open_config(r, m, 0, &file);

    if (status)
        return status;
    m->kind = BERT__MODULE_DENSE;
    m->has_bias = true;
    status = check_features(r, &file);
    if (!status)
        status = need_features(r, &file, "in_features", &m->in_features);
    if (!status)
        status = need_features(r, &file, "out_features", &m->out_features);
    if (!status)
        status = bert__json_read_bool(file.root, file.path, "bias", &m->has_bias, r->err);
    if (!status)
        status =
            bert__json_read_bool(file.root, file.path, "use_residual", &m->use_residual, r->err);
    if (!status)
        status = read_activation(r, &file, m);
    return status;
}

/* ---- LayerNorm
 * ------------------------------------------------------------------------------------- */

bert_status bert__module_layer_norm(const struct bert__modules_reader *r, struct bert__module *m)
{
    struct bert__json_file file;
    bert_status status = open_config(r, m, 0, &file);

    m->kind = BERT__MODULE_LAYER_NORM;
    if (!status)
        status = need_features(r, &file, "dimension", &m->in_features);
    m->out_features = m->in_features;
    return status;
}

/* ---- Normalize
 * -------------------------------------------------------------------------------------- */

bert_status bert__module_normalize(const struct bert__modules_reader *r, struct bert__module *m)
{
    struct bert__json_file file;
    bert_status status = open_config(r, m, 1, &file);

    m->kind = BERT__MODULE_NORMALIZE;
    if (status || !file.root)
        return status;
    return check_features(r, &file);
}
