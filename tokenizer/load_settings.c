/* SPDX-License-Identifier: MIT */
/* load_settings.c - settings beside a vocabulary, as the reference's classes read them. */
#include "tokenizer/load_settings.h"

#include "lib/base/error.h"
#include "lib/base/sort.h"

enum {
    MAX_EXTRA = 1 << 14,
    /* `id` of a token until it gets one: the file writes it as an object, */
    AN_OBJECT = 1,
    UNSAID = 2,     /* which doesn't say whether it is normalized; */
    NORMALIZED = 4, /* as long as it has no role, it is; */
    SPECIAL = 8     /* it is special without a role */
};

static const char *const keys[BERT__NAMED_COUNT] = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

/* ---- One token ------------------------------------------------------------ */

/* A string, or an object with "content" and flags. */
static bert_status read_token(const struct bert__load *l, const struct bert__json *value,
                              const char *what, struct bert__added_token *out)
{
    bert_status status;

    if (value->type == BERT__JSON_STRING) {
        *out = (struct bert__added_token){.content = value->u.string, .special = true};
        return BERT_OK;
    }
    if (value->type != BERT__JSON_OBJECT)
        return bert__fail(l->err, BERT_EFORMAT, "%s: %s is %s; expected a token", l->path, what,
                          bert__json_type_name(value));
    *out = (struct bert__added_token){.id = AN_OBJECT};
    status = bert__load_text(l, value, what, "content", &out->content);
    if (status == BERT_OK)
        status = bert__json_read_bool(value, l->path, "single_word", &out->single_word, l->err);
    if (status == BERT_OK)
        status = bert__json_read_bool(value, l->path, "lstrip", &out->lstrip, l->err);
    if (status == BERT_OK)
        status = bert__json_read_bool(value, l->path, "rstrip", &out->rstrip, l->err);
    if (status == BERT_OK)
        status = bert__json_read_bool(value, l->path, "special", &out->special, l->err);
    out->normalized = !out->special;
    if (status == BERT_OK)
        status = bert__json_read_bool(value, l->path, "normalized", &out->normalized, l->err);
    if (bert__json_find(value, "normalized") == NULL)
        out->id |= UNSAID;
    out->id |= (out->normalized ? NORMALIZED : 0) | (out->special ? SPECIAL : 0);
    return status;
}

/* A token that has a role is special whatever the file says. */
static bert_status read_special(const struct bert__load *l, const struct bert__json *value,
                                const char *what, struct bert__added_token *out)
{
    bert_status status = read_token(l, value, what, out);

    out->special = true;
    if (value->type == BERT__JSON_OBJECT && bert__json_find(value, "normalized") == NULL)
        out->normalized = false;
    return status;
}

/* ---- Named tokens --------------------------------------------------------- */

/* What the class makes of a name that is a string. */
static void take_string(struct bert__added_token *token, const struct bert__family *family,
                        int named)
{
    bool mask = named == BERT__NAMED_MASK && family->mask_lstrip;

    token->lstrip = mask;
    token->id = family->objects ? AN_OBJECT | NORMALIZED : mask ? AN_OBJECT | SPECIAL : 0;
}

/* What a file says of the named tokens; null takes one away. */
static bert_status read_named(const struct bert__load *l, const struct bert__family *family,
                              const struct bert__json *file, bool is_map, struct bert__settings *s)
{
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        const struct bert__json *value = bert__json_get(file, keys[i]);
        bert_status status;

        if (value == NULL)
            continue;
        if (value->type == BERT__JSON_NULL || value->type == BERT__JSON_FALSE) {
            s->named[i] = (struct bert__added_token){0};
            s->plain[i] = false;
            continue;
        }
        s->plain[i] = is_map || value->type == BERT__JSON_STRING;
        status = read_special(l, value, keys[i], &s->named[i]);
        if (status != BERT_OK)
            return status;
        if (is_map && (s->named[i].id & AN_OBJECT)) /* the reader of this file knows its role */
            s->named[i].id = (s->named[i].id & UNSAID ? AN_OBJECT : s->named[i].id) | SPECIAL;
        if (value->type == BERT__JSON_STRING)
            take_string(&s->named[i], family, i);
    }
    return BERT_OK;
}

static void set_defaults(struct bert__settings *s, const struct bert__family *family)
{
    bool pieces = family->id >= BERT__FAMILY_XLMR;

    *s = (struct bert__settings){.lower = family->lower,
                                 .chinese = true,
                                 .strip = true,
                                 .add_prefix_space = pieces,
                                 .trim_offsets = true};
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (family->named[i] != NULL)
            s->named[i] = (struct bert__added_token){
                .content = {family->named[i], strlen(family->named[i])}, .special = true};
        take_string(&s->named[i], family, i);
    }
}

/* ---- Lists ---------------------------------------------------------------- */

/* A list being made, in the load's arena. */
struct listed {
    struct bert__added_token token;
    int64_t id; /* that the file gives it */
};

struct list {
    struct listed *items;
    struct listed **sorted;
    uint32_t n;
};

static bert_status list_init(const struct bert__load *l, struct list *list, size_t cap)
{
    if (cap > MAX_EXTRA)
        return bert__fail(l->err, BERT_ELIMIT, "%s: %zu special tokens; at most %d are taken",
                          l->path, cap, MAX_EXTRA);
    list->n = 0;
    list->items = bert__arena_get(l->files, cap * sizeof *list->items);
    list->sorted = bert__arena_get(l->files, cap * sizeof *list->sorted);
    return list->items != NULL && list->sorted != NULL ? BERT_OK : bert__load_nomem(l);
}

static void list_add(struct list *list, int64_t id, const struct bert__added_token *token)
{
    list->sorted[list->n] = &list->items[list->n];
    list->items[list->n].token = *token;
    list->items[list->n++].id = id;
}

/* By id; equal ones stay in the file's order. */
static int compare(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;

    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void list_sort(struct list *list)
{
    bert__sort((void **)list->sorted, list->n, compare);
}

/* A key that is a number; false if it is not. */
static bool parse_id(bert_text key, int64_t *out)
{
    *out = 0;
    if (key.size == 0 || key.size > 10)
        return false;
    for (size_t i = 0; i < key.size; i++) {
        if (key.data[i] < '0' || key.data[i] > '9')
            return false;
        *out = *out * 10 + (key.data[i] - '0');
    }
    return true;
}

/* added_tokens_decoder: {"id": {token}} */
static bert_status read_decoder(const struct bert__load *l, const struct bert__json *decoder,
                                struct list *list)
{
    bert_status status = list_init(l, list, decoder->u.object.count);

    for (size_t i = 0; status == BERT_OK && i < decoder->u.object.count; i++) {
        const struct bert__json_member *m = &decoder->u.object.members[i];
        struct bert__added_token token;
        char name[84];
        int64_t id;

        if (!parse_id(m->key, &id))
            return bert__fail(l->err, BERT_EFORMAT,
                              "%s: \"added_tokens_decoder\" has the key \"%s\"; expected an id",
                              l->path, bert__printable(name, m->key.data, m->key.size));
        status = read_token(l, &m->value, "an entry of \"added_tokens_decoder\"", &token);
        if (status == BERT_OK)
            list_add(list, id, &token);
    }
    list_sort(list);
    return status;
}

static bool same(bert_text a, bert_text b)
{
    return a.data != NULL && b.data != NULL && a.size == b.size
           && memcmp(a.data, b.data, a.size) == 0;
}

static bool is_named(const struct bert__settings *s, bert_text content)
{
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (same(s->named[i].content, content))
            return true;
    }
    return false;
}

/* Is it special to the reader of added_tokens.json, who overlooks defaults and objects? */
static bool is_special(const struct bert__settings *s, const struct list *extra, bert_text content)
{
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (s->plain[i] && same(s->named[i].content, content))
            return true;
    }
    for (uint32_t i = 0; i < extra->n; i++) {
        if (!(extra->items[i].token.id & AN_OBJECT) && same(extra->items[i].token.content, content))
            return true;
    }
    return false;
}

/* added_tokens.json: {"token": id} */
static bert_status read_added(const struct bert__load *l, const struct bert__json *file,
                              const struct bert__settings *s, const struct list *extra,
                              struct list *list)
{
    bert_status status = list_init(l, list, file->u.object.count);

    for (size_t i = 0; status == BERT_OK && i < file->u.object.count; i++) {
        const struct bert__json_member *m = &file->u.object.members[i];
        struct bert__added_token token = {.content = m->key,
                                          .special = is_special(s, extra, m->key)};
        int32_t id;

        token.normalized = !token.special;
        status = bert__load_id_value(l, &m->value, "an id", &id);
        if (status == BERT_OK)
            list_add(list, id, &token);
    }
    list_sort(list);
    return status;
}

/* Further special tokens: a list, or an object of roles.  Those of a list in
 * tokenizer_config.json are special only if they say so, or are strings. */
static bert_status read_extra(const struct bert__load *l, const struct bert__json *value,
                              bool is_map, struct list *list)
{
    bool object = bert__json_is(value, BERT__JSON_OBJECT);
    size_t n = object ? value->u.object.count : 0;
    bert_status status = BERT_OK;

    if (bert__json_is(value, BERT__JSON_ARRAY))
        n = value->u.array.count;
    else if (value != NULL && !object)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the extra special tokens are %s", l->path,
                          bert__json_type_name(value));
    status = list_init(l, list, n);
    for (size_t i = 0; status == BERT_OK && i < n; i++) {
        const struct bert__json *item =
            object ? &value->u.object.members[i].value : &value->u.array.items[i];
        struct bert__added_token token;

        status = (object || is_map ? read_special : read_token)(l, item, "an extra special token",
                                                                &token);
        if (status == BERT_OK)
            list_add(list, 0, &token);
    }
    return status;
}

/* ---- The files ------------------------------------------------------------ */

static bert_status read_flags(const struct bert__load *l, const struct bert__json *config,
                              struct bert__settings *s)
{
    bert_status status = bert__json_read_bool(config, l->path, "do_lower_case", &s->lower, l->err);
    bool split = false;

    if (status == BERT_OK)
        status = bert__json_read_bool(config, l->path, "split_special_tokens", &split, l->err);
    if (status == BERT_OK && split)
        return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: split_special_tokens is not supported",
                          l->path);
    s->strip = s->lower;
    if (status == BERT_OK)
        status = bert__json_read_bool(config, l->path, "strip_accents", &s->strip, l->err);
    if (status == BERT_OK)
        status =
            bert__json_read_bool(config, l->path, "tokenize_chinese_chars", &s->chinese, l->err);
    if (status == BERT_OK)
        status = bert__json_read_bool(config, l->path, "keep_accents", &s->keep_accents, l->err);
    if (status == BERT_OK)
        status =
            bert__json_read_bool(config, l->path, "split_by_punct", &s->split_by_punct, l->err);
    if (status == BERT_OK)
        status =
            bert__json_read_bool(config, l->path, "add_prefix_space", &s->add_prefix_space, l->err);
    if (status == BERT_OK)
        status = bert__json_read_bool(config, l->path, "trim_offsets", &s->trim_offsets, l->err);
    return status;
}

static bert_status read_beside(struct bert__load *l, const char *name,
                               const struct bert__json **out)
{
    struct bert__json_file file;
    bert_status status;

    *out = NULL;
    if (bert__source_single(l->source) != NULL)
        return BERT_OK; /* a bare vocab.txt: whatever lies beside it */
    status = bert__json_file(&file, l->files, l->source, l->directory, name, 1, BERT__CONFIG_BYTES,
                             BERT__JSON_OBJECT, l->err);
    if (status == BERT_OK && file.root != NULL) {
        l->path = file.path;
        *out = file.root;
    }
    return status;
}

/* Extras under either name; of special_tokens_map.json, else of the config. */
static const struct bert__json *extras_of(const struct bert__json *file)
{
    const struct bert__json *value = bert__json_find(file, "extra_special_tokens");

    return value != NULL ? value : bert__json_find(file, "additional_special_tokens");
}

/* Is an equal one among the first n named tokens? */
static bool is_repeated(const struct bert__settings *s, int n, const struct bert__added_token *t)
{
    for (int i = 0; i < n; i++) {
        const struct bert__added_token *other = &s->named[i];

        if (((other->id ^ t->id) & (AN_OBJECT | NORMALIZED | SPECIAL)) == 0
            && same(other->content, t->content) && other->single_word == t->single_word
            && other->lstrip == t->lstrip && other->rstrip == t->rstrip)
            return true;
    }
    return false;
}

/* A named token is special, whatever the list says. */
static void collect_one(struct bert__settings *s, const struct bert__added_token *token)
{
    struct bert__added_token *t = &s->tokens[s->n_tokens++];

    *t = *token;
    if (!t->special && is_named(s, t->content)) {
        t->special = true;
        if (t->id & UNSAID)
            t->normalized = false;
    }
}

static bert_status collect(const struct bert__load *l, struct bert__settings *s,
                           const struct list *first, const struct list *extra)
{
    uint32_t n = first->n + extra->n + BERT__NAMED_COUNT;

    s->tokens = bert__arena_get(l->files, n * sizeof *s->tokens);
    if (s->tokens == NULL)
        return bert__load_nomem(l);
    for (uint32_t i = 0; i < first->n; i++)
        collect_one(s, &first->sorted[i]->token);
    s->n_listed = s->n_tokens;
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (s->named[i].content.data != NULL && !is_repeated(s, i, &s->named[i]))
            s->tokens[s->n_tokens++] = s->named[i];
    }
    for (uint32_t i = 0; i < extra->n; i++) {
        if (!is_repeated(s, BERT__NAMED_COUNT, &extra->items[i].token))
            collect_one(s, &extra->items[i].token);
    }
    return BERT_OK;
}

/* The vocabulary's own, unless the settings name others. */
static bert_status take_extra(const struct bert__load *l, const struct bert__extra_tokens *own,
                              const struct bert__json *extra, bool is_map, struct list *list)
{
    bert_status status;

    if (own == NULL || extra != NULL)
        return read_extra(l, extra, is_map, list);
    status = list_init(l, list, own->n);
    for (uint32_t i = 0; status == BERT_OK && i < own->n; i++) {
        struct bert__added_token token = own->tokens[i];

        token.id = AN_OBJECT | (token.special ? SPECIAL : 0);
        list_add(list, 0, &token);
    }
    return status;
}

bert_status bert__settings_load(struct bert__load *l, const struct bert__family *family,
                                const struct bert__json *config,
                                const struct bert__extra_tokens *own, struct bert__settings *s)
{
    const struct bert__json *map = NULL, *added = NULL, *decoder, *extra;
    struct list first = {0}, extras = {0};
    bert_status status;

    set_defaults(s, family);
    if (l->config_path != NULL)
        l->path = l->config_path;
    decoder = bert__json_find(config, "added_tokens_decoder");
    extra = extras_of(config);
    status = read_flags(l, config, s);
    if (status == BERT_OK)
        status = read_named(l, family, config, false, s);
    if (status == BERT_OK && bert__json_is(decoder, BERT__JSON_OBJECT))
        status = read_decoder(l, decoder, &first);
    else if (status == BERT_OK)
        status = read_beside(l, "special_tokens_map.json", &map);
    if (status == BERT_OK && map != NULL) {
        status = read_named(l, family, map, true, s);
        extra = extras_of(map) != NULL ? extras_of(map) : extra;
    }
    if (status == BERT_OK)
        status = take_extra(l, own, extra, extras_of(map) != NULL, &extras);
    if (status == BERT_OK && !bert__json_is(decoder, BERT__JSON_OBJECT))
        status = read_beside(l, "added_tokens.json", &added);
    if (status == BERT_OK && added != NULL)
        status = read_added(l, added, s, &extras, &first);
    return status == BERT_OK ? collect(l, s, &first, &extras) : status;
}
