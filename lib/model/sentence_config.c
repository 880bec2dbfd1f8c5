/* SPDX-License-Identifier: MIT */
/* sentence_config.c - sentence-transformers' settings: of the transformer, of the model. */
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/size.h"
#include "lib/model/modules_parts.h"

enum { MAX_LENGTH = 1 << 30, MAX_PROMPTS = 1 << 16 };

/* ---- The transformer's --------------------------------------------------------------------- */

/* Members of the keyword arguments that go to transformers; *harmless: keys that don't
 * change what comes out, NULL-terminated.  Any other is refused by name. */
static bert_status check_arguments(const struct bert__modules_reader *r,
                                   const struct bert__json_file *file, const char *key,
                                   const char *const *harmless)
{
    const struct bert__json *arguments;
    char name[84];
    bert_status status = bert__json_read_container(file->root, file->path, key, BERT__JSON_OBJECT,
                                                   &arguments, r->err);

    for (size_t i = 0; !status && arguments && i < arguments->u.object.count; i++) {
        const bert_text *argument = &arguments->u.object.members[i].key;
        bool known = false;

        for (const char *const *k = harmless; *k && !known; k++)
            known = strlen(*k) == argument->size && memcmp(*k, argument->data, argument->size) == 0;
        if (!known)
            status =
                bert__fail(r->err, BERT_EUNSUPPORTED, "%s: \"%s\": \"%s\" is not handled",
                           file->path, key, bert__printable(name, argument->data, argument->size));
    }
    return status;
}

/* A length for the tokenizer stands above max_seq_length. */
static bert_status read_lengths(const struct bert__modules_reader *r,
                                const struct bert__json_file *file)
{
    static const char *const processor[] = {"tokenizer_args", "processor_kwargs"};
    uint32_t *length = &r->out->max_seq_length;
    bert_status status = bert__json_read_u32(file->root, file->path, "max_seq_length", 1,
                                             MAX_LENGTH, length, r->err);

    for (size_t i = 0; !status && i < 2; i++)
        status = bert__json_read_u32(bert__json_find(file->root, processor[i]), file->path,
                                     "model_max_length", 1, MAX_LENGTH, length, r->err);
    return status;
}

/* What leaves the transformer must be its last hidden states, or its head's logits. */
static bert_status check_task(const struct bert__modules_reader *r,
                              const struct bert__json_file *file, enum bert__transformer_task task)
{
    bool logits = task == BERT__LOGITS || task == BERT__LOGITS_DEFAULT;
    const struct bert__json *text =
        bert__json_find(bert__json_find(file->root, "modality_config"), "text");
    const struct {
        const struct bert__json *object;
        const char *key, *expected;
    } checks[] = {{file->root, "transformer_task", logits ? "fill-mask" : "feature-extraction"},
                  {file->root, "module_output_name", "token_embeddings"},
                  {text, "method", "forward"},
                  {text, "method_output_name", logits ? "logits" : "last_hidden_state"}};
    char name[84];

    if (task == BERT__LOGITS && !bert__json_find(file->root, "transformer_task"))
        return bert__fail(r->err, BERT_EUNSUPPORTED,
                          "%s: \"transformer_task\" is missing; only \"fill-mask\" is handled",
                          file->path);

    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        bert_text value = {checks[i].expected, strlen(checks[i].expected)};
        bert_status status =
            bert__json_read_string(checks[i].object, file->path, checks[i].key, &value, r->err);

        if (status)
            return status;
        if (value.size != strlen(checks[i].expected)
            || memcmp(value.data, checks[i].expected, value.size) != 0)
            return bert__fail(r->err, BERT_EUNSUPPORTED,
                              "%s: \"%s\" is \"%s\"; only \"%s\" is handled", file->path,
                              checks[i].key, bert__printable(name, value.data, value.size),
                              checks[i].expected);
    }
    return BERT_OK;
}

/* Settings that would change the tokens. */
static bert_status refuse_settings(const struct bert__modules_reader *r,
                                   const struct bert__json_file *file,
                                   enum bert__transformer_task task)
{
    static const char *const keys[] = {"tokenizer_name_or_path", "query_expansion", "query_length",
                                       "document_length"};
    static const char *const none[] = {NULL};
    size_t n = task == BERT__TOKEN_VECTORS ? 1 : sizeof(keys) / sizeof(*keys);

    for (size_t i = 0; i < n; i++)
        if (bert__json_find(file->root, keys[i]))
            return bert__fail(r->err, BERT_EUNSUPPORTED, "%s: \"%s\" is not handled", file->path,
                              keys[i]);
    return check_arguments(r, file, "processing_kwargs", none);
}

static bert_status read_settings(const struct bert__modules_reader *r,
                                 const struct bert__json_file *file,
                                 enum bert__transformer_task task)
{
    static const char *const model[] = {"trust_remote_code",   "torch_dtype",       "dtype",
                                        "attn_implementation", "low_cpu_mem_usage", "device_map",
                                        "use_safetensors",     "add_pooling_layer", NULL};
    static const char *const processor[] = {"trust_remote_code", "model_max_length", "use_fast",
                                            "padding_side", NULL};
    static const char *const config[] = {"trust_remote_code", "use_cache", NULL};
    const struct {
        const char *key;
        const char *const *harmless;
    } arguments[] = {{"model_args", model},         {"model_kwargs", model},
                     {"tokenizer_args", processor}, {"processor_kwargs", processor},
                     {"config_args", config},       {"config_kwargs", config}};
    bert_status status = check_task(r, file, task);

    for (size_t i = 0; i < sizeof(arguments) / sizeof(*arguments) && !status; i++)
        status = check_arguments(r, file, arguments[i].key, arguments[i].harmless);
    if (!status)
        status = refuse_settings(r, file, task);
    if (!status && task == BERT__TOKEN_VECTORS)
        status = bert__multi_settings(r, file);
    if (!status)
        status = read_lengths(r, file);
    if (!status)
        status = bert__json_read_bool(file->root, file->path, "do_lower_case",
                                      &r->out->do_lower_case, r->err);
    return status;
}

/* The first of the names that holds anything. */
bert_status bert__transformer_settings(const struct bert__modules_reader *r,
                                       enum bert__transformer_task task)
{
    static const char *const names[] = {
        "sentence_bert_config.json",       "sentence_roberta_config.json",
        "sentence_distilbert_config.json", "sentence_camembert_config.json",
        "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
        "sentence_xlnet_config.json"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct bert__json_file file;
        bert_status status =
            bert__json_file(&file, r->scratch, r->source, r->out->transformer_path, names[i], 1,
                            BERT__CONFIG_BYTES, BERT__JSON_OBJECT, r->err);

        if (status)
            return status;
        if (file.root && file.root->u.object.count)
            return read_settings(r, &file, task);
    }
    return BERT_OK;
}

/* ---- The model's
 * --------------------------------------------------------------------------------- */

static bert_status read_prompt(const struct bert__modules_reader *r,
                               const struct bert__json_file *file,
                               const struct bert__json_member *m)
{
    struct bert__prompt *prompt = &r->out->prompts[r->out->n_prompts];
    char name[84];
    bert_text text = {"", 0};
    bert_status status;

    if (m->value.type == BERT__JSON_STRING)
        text = m->value.u.string;
    else if (m->value.type != BERT__JSON_NULL) /* null is the empty prompt */
        return bert__fail(r->err, BERT_EFORMAT, "%s: \"prompts\": \"%s\" is %s; expected a string",
                          file->path, bert__printable(name, m->key.data, m->key.size),
                          bert__json_type_name(&m->value));
    status = bert__modules_string(r, file->path, "prompts", &m->key, &prompt->name);
    if (status)
        return status;
    prompt->text.size = text.size;
    prompt->text.data = bert__arena_string(r->arena, text.data, text.size);
    if (!prompt->text.data)
        return bert__alloc_fail(r->arena->alloc, file->path, r->err);
    r->out->n_prompts++;
    return BERT_OK;
}

static bert_status read_prompts(const struct bert__modules_reader *r,
                                const struct bert__json_file *file)
{
    const struct bert__json *prompts;
    size_t n;
    bert_status status = bert__json_read_container(file->root, file->path, "prompts",
                                                   BERT__JSON_OBJECT, &prompts, r->err);

    if (status)
        return status;
    n = prompts ? prompts->u.object.count : 0;
    if (n > MAX_PROMPTS)
        return bert__fail(r->err, BERT_ELIMIT, "%s: %zu \"prompts\"; at most %d are handled",
                          file->path, n, MAX_PROMPTS);
    /* and two that prefixes make */
    r->out->prompts = bert__arena_get(r->arena, (n + 2) * sizeof(*r->out->prompts));
    if (!r->out->prompts)
        return bert__alloc_fail(r->arena->alloc, file->path, r->err);
    for (size_t i = 0; i < n && !status; i++)
        status = read_prompt(r, file, &prompts->u.object.members[i]);
    return status;
}

/* It must be there; "query" and "document" always are, as empty prompts if as nothing else. */
static bert_status read_default_prompt(const struct bert__modules_reader *r,
                                       const struct bert__json_file *file)
{
    const struct bert__json *value = bert__json_find(file->root, "default_prompt_name");
    char name[84];

    if (!value)
        return BERT_OK;
    for (uint32_t i = 0; i < r->out->n_prompts; i++)
        if (bert__json_equals(value, r->out->prompts[i].name)) {
            r->out->default_prompt = r->out->prompts[i].name;
            return BERT_OK;
        }
    if (value->type != BERT__JSON_STRING)
        return bert__fail(r->err, BERT_EFORMAT,
                          "%s: \"default_prompt_name\" is %s; expected a string", file->path,
                          bert__json_type_name(value));
    if (bert__json_equals(value, "query") || bert__json_equals(value, "document"))
        return BERT_OK;
    return bert__fail(r->err, BERT_EFORMAT,
                      "%s: \"default_prompt_name\" is \"%s\", which \"prompts\" lacks", file->path,
                      bert__printable(name, value->u.string.data, value->u.string.size));
}

/* The reference falls back to cosine for names that it doesn't know. */
static bert_status read_similarity(const struct bert__modules_reader *r,
                                   const struct bert__json_file *file)
{
    static const char *const known[] = {"cosine", "dot", "euclidean", "manhattan"};
    bert_text text = {NULL, 0};
    char name[84];
    bert_status status =
        bert__json_read_string(file->root, file->path, "similarity_fn_name", &text, r->err);

    if (status || !text.data)
        return status;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strlen(known[i]) == text.size && memcmp(known[i], text.data, text.size) == 0) {
            r->out->similarity = known[i];
            return BERT_OK;
        }
    return bert__modules_note(r, "similarity_fn_name \"%s\" is not known; cosine is used",
                              bert__printable(name, text.data, text.size));
}

/* PyLate's files have a prefix for queries or for documents. */
static bool has_prefix(const struct bert__json_file *file)
{
    return bert__json_get(file->root, "query_prefix") != NULL
           || bert__json_get(file->root, "document_prefix") != NULL;
}

/* Where no class is named, or SentenceTransformer is. */
static bert_status read_plain_class(const struct bert__modules_reader *r,
                                    const struct bert__json_file *file, bool pools,
                                    enum bert__multi_form *form)
{
    bool stanford = false;
    bert_status status = BERT_OK;

    if (!bert__json_find(file->root, "model_type"))
        status = bert__multi_is_stanford(r, &stanford);
    if (stanford)
        *form = BERT__MULTI_NATIVE;
    else if (has_prefix(file) && !pools)
        *form = BERT__MULTI_CONVERTED;
    return status;
}

/* The class that the model was saved as; absent: SentenceTransformer. */
static bert_status read_class(const struct bert__modules_reader *r,
                              const struct bert__json_file *file, bool pools, bool *converted,
                              enum bert__multi_form *form)
{
    const struct bert__json *class = bert__json_find(file->root, "model_type");
    bert_text text = {NULL, 0};
    char name[84];
    bert_status status =
        bert__json_read_string(file->root, file->path, "model_type", &text, r->err);

    if (status)
        return status;
    if (!text.data || bert__json_equals(class, "SentenceTransformer")) {
        status = read_plain_class(r, file, pools, form);
        *converted = *form != BERT__MULTI_NONE;
        return status;
    }
    *converted = true;
    r->out->splade.present = bert__json_equals(class, "SparseEncoder");
    if (bert__json_equals(class, "ColBERT"))
        *form = BERT__MULTI_PYLATE;
    if (bert__json_equals(class, "MultiVectorEncoder"))
        *form = BERT__MULTI_NATIVE;
    if (r->out->splade.present || *form != BERT__MULTI_NONE)
        return BERT_OK;
    return bert__modules_note(
        r, "saved as a %s: its modules are left out, and texts are pooled by the mean",
        bert__printable(name, text.data, text.size));
}

/* What a CrossEncoder says of its scores; its prompts are none of an embedding's. */
static bert_status read_cross_encoder(const struct bert__modules_reader *r,
                                      const struct bert__json_file *file)
{
    struct bert__modules *out = r->out;
    const char *name;
    bert_text path = {NULL, 0};
    bert_status status =
        bert__json_read_string(file->root, file->path, "activation_fn", &path, r->err);

    if (!status && path.data)
        status = bert__modules_string(r, file->path, "activation_fn", &path, &out->activation_fn);
    if (!status && path.data) {
        out->activation_file = bert__arena_string(r->arena, file->path, strlen(file->path));
        if (!out->activation_file)
            status = bert__alloc_fail(r->arena->alloc, file->path, r->err);
    }
    if (!status)
        status = read_prompts(r, file);
    if (!status)
        status = read_default_prompt(r, file);
    name = out->default_prompt;
    for (uint32_t i = 0; !status && name && i < out->n_prompts; i++)
        if (out->prompts[i].name == name)
            out->query_prompt = out->prompts[i].text;
    out->n_prompts = 0;
    out->default_prompt = NULL;
    return status;
}

static bert_status read_sparse_encoder(const struct bert__modules_reader *r,
                                       const struct bert__json_file *file)
{
    bert_status status;

    r->out->similarity = "dot";
    status = read_prompts(r, file);
    if (!status)
        status = read_default_prompt(r, file);
    if (!status)
        status = read_similarity(r, file);
    if (!status)
        status = bert__json_read_u32(file->root, file->path, "max_active_dims", 1, MAX_LENGTH,
                                     &r->out->splade.max_active, r->err);
    return status;
}

/* A prefix goes before the prompt of its side, unless the prompt has it already. */
static bert_status read_prefix(const struct bert__modules_reader *r,
                               const struct bert__json_file *file, const char *key,
                               const char *name, bert_text *marker)
{
    struct bert__modules *out = r->out;
    struct bert__prompt *prompt = NULL;
    bert_text text = {"", 0}, prefix = {"", 0};
    char *joined;
    bert_status status = bert__json_read_string(file->root, file->path, key, &prefix, r->err);

    if (status || !bert__json_get(file->root, key))
        return status;
    for (uint32_t i = 0; i < out->n_prompts && !prompt; i++)
        if (strcmp(out->prompts[i].name, name) == 0)
            prompt = &out->prompts[i];
    if (!prompt) {
        prompt = &out->prompts[out->n_prompts++];
        *prompt = (struct bert__prompt){name, text};
    }
    text = prompt->text;
    if (text.size >= prefix.size && memcmp(text.data, prefix.data, prefix.size) == 0)
        text = (bert_text){text.data + prefix.size, text.size - prefix.size};
    joined = bert__arena_get(r->arena, prefix.size + text.size + 1);
    if (!joined)
        return bert__alloc_fail(r->arena->alloc, file->path, r->err);
    memcpy(joined, prefix.data, prefix.size);
    memcpy(joined + prefix.size, text.data, text.size);
    joined[prefix.size + text.size] = 0;
    prompt->text = (bert_text){joined, prefix.size + text.size};
    *marker = (bert_text){joined, prefix.size};
    return BERT_OK;
}

/* Of a model that gives a vector of each token. */
static bert_status read_multi_encoder(const struct bert__modules_reader *r,
                                      const struct bert__json_file *file)
{
    struct bert__multi *multi = &r->out->multi;
    bert_status status = read_prompts(r, file);

    multi->mean =
        bert__json_equals(bert__json_find(file->root, "similarity_fn_name"), "meanmaxsim");
    r->out->similarity = multi->mean ? "meanmaxsim" : "maxsim";
    if (!status)
        status = read_prefix(r, file, "query_prefix", "query", &multi->markers[0]);
    if (!status)
        status = read_prefix(r, file, "document_prefix", "document", &multi->markers[1]);
    if (!status)
        status = read_default_prompt(r, file);
    return status ? status : bert__multi_pylate(r, file);
}

/* A file that isn't there says nothing. */
static bert_status read_no_config(const struct bert__modules_reader *r, bool *converted,
                                  enum bert__multi_form *form)
{
    struct bert__multi *multi = &r->out->multi;
    bert_status status = bert__multi_is_stanford(r, &multi->present);

    *converted = multi->present;
    if (multi->present) {
        *form = BERT__MULTI_NATIVE;
        r->out->similarity = "maxsim";
    }
    return status;
}

bert_status bert__sentence_config(const struct bert__modules_reader *r, bool pools, bool *converted,
                                  enum bert__multi_form *form)
{
    struct bert__json_file file;
    bert_status status =
        bert__json_file(&file, r->scratch, r->source, "", "config_sentence_transformers.json", 1,
                        BERT__CONFIG_BYTES, BERT__JSON_OBJECT, r->err);

    *converted = false;
    *form = BERT__MULTI_NONE;
    if (status)
        return status;
    if (!file.root)
        return read_no_config(r, converted, form);
    status = read_class(r, &file, pools, converted, form);
    r->out->multi.present = *form != BERT__MULTI_NONE;
    if (!status && r->out->multi.present)
        return read_multi_encoder(r, &file);
    if (!status && *converted
        && bert__json_equals(bert__json_find(file.root, "model_type"), "CrossEncoder"))
        return read_cross_encoder(r, &file);
    if (status || (*converted && !r->out->splade.present))
        return status;
    if (*converted)
        return read_sparse_encoder(r, &file);
    status = read_prompts(r, &file);
    if (!status)
        status = read_default_prompt(r, &file);
    if (!status)
        status = read_similarity(r, &file);
    if (!status)
        status = bert__json_read_u32(file.root, file.path, "truncate_dim", 1, MAX_LENGTH,
                                     &r->out->truncate_dim, r->err);
    return status;
}
