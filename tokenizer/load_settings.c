/* SPDX-License-Identifier: MIT */
/* load_settings.c - settings beside a vocabulary, as the reference's classes read them. */
#include "tokenizer/load_settings_parts.h"

#include "lib/base/error.h"
#include "lib/base/sort.h"

const char *const bert__named_keys[BERT__NAMED_COUNT] = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

/* ---- One token ------------------------------------------------------------ */

/* A string, or an object with "content" and flags. */
bert_status bert__read_token(const struct bert__load *l, const struct bert__json *value,
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
    *out = (struct bert__added_token){.id = BERT__AN_OBJECT};
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
        out->id |= BERT__UNSAID;
    out->id |= (out->normalized ? BERT__NORMALIZED : 0) | (out->special ? BERT__SPECIAL : 0);
    return status;
}

/* A token that has a role is special whatever the file says. */
bert_status bert__read_special(const struct bert__load *l, const struct bert__json *value,
                               const char *what, struct bert__added_token *out)
{
    bert_status status = bert__read_token(l, value, what, out);

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
    enum bert__mask mask = named == BERT__NAMED_MASK ? family->mask : BERT__MASK_STRING;

    token->lstrip = mask != BERT__MASK_STRING;
    if (mask == BERT__MASK_SPECIAL)
        token->id = BERT__AN_OBJECT | BERT__SPECIAL;
    else
        token->id = family->objects || token->lstrip ? BERT__AN_OBJECT | BERT__NORMALIZED : 0;
}

/* What a file says of the named tokens; null takes one away. */
static bert_status read_named(const struct bert__load *l, const struct bert__family *family,
                              const struct bert__json *file, bool is_map, struct bert__settings *s)
{
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        const struct bert__json *value = bert__json_get(file, bert__named_keys[i]);
        bert_status status;

        if (value == NULL)
            continue;
        s->said[i] = true;
        if (value->type == BERT__JSON_NULL || value->type == BERT__JSON_FALSE) {
            s->named[i] = (struct bert__added_token){0};
            s->plain[i] = false;
            continue;
        }
        s->plain[i] = is_map || value->type == BERT__JSON_STRING;
        status = bert__read_special(l, value, bert__named_keys[i], &s->named[i]);
        if (status != BERT_OK)
            return status;
        if (is_map
            && (s->named[i].id & BERT__AN_OBJECT)) /* the reader of this file knows its role */
            s->named[i].id =
                (s->named[i].id & BERT__UNSAID ? BERT__AN_OBJECT : s->named[i].id) | BERT__SPECIAL;
        if (value->type == BERT__JSON_STRING)
            take_string(&s->named[i], family, i);
    }
    return BERT_OK;
}

static void set_defaults(struct bert__settings *s, const struct bert__family *family)
{
    bool pieces = bert__family_is_pieces(family);

    *s = (struct bert__settings){.lower = family->lower,
                                 .clean_text = true,
                                 .keep_accents = family->keep_accents,
                                 .twice = family->id == BERT__FAMILY_REMBERT,
                                 .chinese = true,
                                 .strip = true,
                                 .add_prefix_space = pieces,
                                 .trim_offsets = true,
                                 .legacy = true};
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (family->named[i] != NULL)
            s->named[i] = (struct bert__added_token){
                .content = {family->named[i], strlen(family->named[i])}, .special = true};
        take_string(&s->named[i], family, i);
    }
}

/* ---- Lists ---------------------------------------------------------------- */

static bert_status list_init(const struct bert__load *l, struct bert__token_list *list, size_t cap)
{
    if (cap > BERT__MAX_EXTRA)
        return bert__fail(l->err, BERT_ELIMIT, "%s: %zu special tokens; at most %d are taken",
                          l->path, cap, BERT__MAX_EXTRA);
    list->n = 0;
    list->items = bert__arena_get(l->files, cap * sizeof *list->items);
    list->sorted = bert__arena_get(l->files, cap * sizeof *list->sorted);
    return list->items != NULL && list->sorted != NULL ? BERT_OK : bert__load_nomem(l);
}

/* By id; equal ones stay in the file's order. */
static int compare(const void *a, const void *b)
{
    const struct bert__listed *x = a, *y = b;

    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Of several of one id the last stays. */
static void list_sort(struct bert__token_list *list)
{
    uint32_t n = 0;

    bert__sort((void **)list->sorted, list->n, compare);
    for (uint32_t i = 0; i < list->n; i++) {
        if (i + 1 == list->n || list->sorted[i]->id != list->sorted[i + 1]->id)
            list->sorted[n++] = list->sorted[i];
    }
    list->n = n;
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
                                struct bert__token_list *list)
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
        status = bert__read_token(l, &m->value, "an entry of \"added_tokens_decoder\"", &token);
        if (status == BERT_OK)
            bert__list_add(list, id, &token);
    }
    list_sort(list);
    return status;
}

static bool is_named(const struct bert__settings *s, bert_text content)
{
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (bert__same_text(s->named[i].content, content))
            return true;
    }
    for (uint32_t i = 0; i < s->n_own; i++) {
        if (bert__same_text(s->own[i].token.content, content))
            return true;
    }
    return false;
}

/* Is it special to the reader of added_tokens.json, who overlooks defaults and objects? */
static bool is_special(const struct bert__settings *s, const struct bert__token_list *extra,
                       bert_text content)
{
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (s->plain[i] && bert__same_text(s->named[i].content, content))
            return true;
    }
    for (uint32_t i = 0; i < extra->n; i++) {
        if (!(extra->items[i].token.id & (BERT__AN_OBJECT | BERT__OF_MAP))
            && bert__same_text(extra->items[i].token.content, content))
            return true;
    }
    return false;
}

/* added_tokens.json: {"token": id} */
static bert_status read_added(const struct bert__load *l, const struct bert__json *file,
                              const struct bert__settings *s, const struct bert__token_list *extra,
                              struct bert__token_list *list)
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
            bert__list_add(list, id, &token);
    }
    list_sort(list);
    return status;
}

static bert_status count_list(const struct bert__load *l, const struct bert__json *value, size_t *n)
{
    if (value == NULL || value->type == BERT__JSON_NULL)
        return BERT_OK;
    if (value->type != BERT__JSON_ARRAY)
        return bert__fail(l->err, BERT_EFORMAT, "%s: the extra special tokens are %s", l->path,
                          bert__json_type_name(value));
    *n += value->u.array.count;
    return BERT_OK;
}

/* Lists of further special tokens: extra ones of tokenizer_config.json, which are special only if
 * they say so, or are strings; of the map; and those that it calls additional. */
static bert_status read_extra(const struct bert__load *l, const struct bert__json *const lists[3],
                              struct bert__token_list *list)
{
    size_t n = 0;
    bert_status status = BERT_OK;

    for (int k = 0; k < 3 && status == BERT_OK; k++)
        status = count_list(l, lists[k], &n);
    if (status == BERT_OK)
        status = list_init(l, list, n + 2); /* and LUKE's entities */
    for (int k = 0; k < 3; k++) {
        size_t count = bert__json_is(lists[k], BERT__JSON_ARRAY) ? lists[k]->u.array.count : 0;

        for (size_t i = 0; status == BERT_OK && i < count; i++) {
            struct bert__added_token token;

            status = (k > 0 ? bert__read_special : bert__read_token)(
                l, &lists[k]->u.array.items[i], "an extra special token", &token);
            token.id |= k == 2 ? BERT__OF_MAP : 0;
            if (status == BERT_OK)
                bert__list_add(list, 0, &token);
        }
    }
    return status;
}

/* ---- The files ------------------------------------------------------------ */

static bert_status read_flags(const struct bert__load *l, const struct bert__json *config,
                              const struct bert__family *family, struct bert__settings *s)
{
    bool split = false;
    const struct {
        const char *key;
        bool *out;
    } flags[] = {
        {"do_lower_case", &s->lower},
        {"split_special_tokens", &split},
        {"tokenize_chinese_chars", &s->chinese},
        {"keep_accents", &s->keep_accents},
        {"split_by_punct", &s->split_by_punct},
        {"add_prefix_space", &s->add_prefix_space},
        {"trim_offsets", &s->trim_offsets},
        {"clean_text", &s->clean_text},
        {"add_bos_token", &s->add_bos},
        {"add_eos_token", &s->add_eos},
        {"legacy", &s->legacy},
    };
    bert_status status = BERT_OK;

    for (size_t i = 0; status == BERT_OK && i < sizeof flags / sizeof *flags; i++)
        status = bert__json_read_bool(config, l->path, flags[i].key, flags[i].out, l->err);
    if (status == BERT_OK && split)
        return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: split_special_tokens is not supported",
                          l->path);
    s->lower = s->lower || family->always_lower;
    s->strip = s->lower;
    s->clean_text = s->clean_text || family->id != BERT__FAMILY_FUNNEL; /* who alone asks */
    s->asks_ends = bert__json_get(config, "add_bos_token") != NULL
                   || bert__json_get(config, "add_eos_token") != NULL;
    s->pad_left = bert__json_equals(bert__json_find(config, "padding_side"), "left");
    return status == BERT_OK
               ? bert__json_read_bool(config, l->path, "strip_accents", &s->strip, l->err)
               : status;
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

/* ---- Extra tokens ------------------------------------------------------------------------ */

static bool is_something(const struct bert__json *value)
{
    if (value == NULL || value->type == BERT__JSON_NULL || value->type == BERT__JSON_FALSE)
        return false;
    return value->type == BERT__JSON_ARRAY    ? value->u.array.count > 0
           : value->type == BERT__JSON_OBJECT ? value->u.object.count > 0
                                              : true;
}

/* The config's extra tokens, under the new name or the old. */
static const struct bert__json *extras_of(const struct bert__json *config)
{
    const struct bert__json *value = bert__json_get(config, "extra_special_tokens");
    const struct bert__json *old = bert__json_get(config, "additional_special_tokens");

    return old != NULL && !is_something(value) ? old : value;
}

/* Python's equality of two tokens that are to be added. */
static bool equals(const struct bert__added_token *a, const struct bert__added_token *b)
{
    return ((a->id ^ b->id) & (BERT__AN_OBJECT | BERT__NORMALIZED | BERT__SPECIAL)) == 0
           && bert__same_text(a->content, b->content) && a->single_word == b->single_word
           && a->lstrip == b->lstrip && a->rstrip == b->rstrip;
}

/* Is an equal one among the first n named tokens, or behind them the first n_own of the model's? */
static bool is_repeated(const struct bert__settings *s, int n, uint32_t n_own,
                        const struct bert__added_token *t)
{
    for (int i = 0; i < n; i++) {
        if (equals(&s->named[i], t))
            return true;
    }
    for (uint32_t i = 0; i < n_own; i++) {
        if (equals(&s->own[i].token, t))
            return true;
    }
    return false;
}

/* A named token is special, whatever the list says. */
static void collect_one(struct bert__settings *s, const struct bert__added_token *token,
                        int32_t more)
{
    struct bert__added_token *t = &s->tokens[s->n_tokens++];

    *t = *token;
    t->id |= more;
    if (!t->special && (more & BERT__SPECIAL || is_named(s, t->content))) {
        t->special = true;
        if (t->id & BERT__UNSAID)
            t->normalized = false;
    }
}

/* All but what the files list and name. */
static void collect_again(struct bert__settings *s, const struct bert__token_list *extra)
{
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (s->named[i].content.data != NULL)
            collect_one(s, &s->named[i], BERT__SPECIAL | (s->said[i] ? 0 : BERT__TOKEN_AGAIN));
    }
    for (uint32_t i = 0; i < s->n_own; i++)
        collect_one(s, &s->own[i].token, BERT__SPECIAL | BERT__TOKEN_AGAIN);
    for (uint32_t i = 0; i < extra->n; i++)
        collect_one(s, &extra->items[i].token, BERT__SPECIAL | BERT__TOKEN_AGAIN);
}

static bert_status collect(const struct bert__load *l, struct bert__settings *s,
                           const struct bert__token_list *first,
                           const struct bert__token_list *extra)
{
    uint32_t n = first->n + 2 * (extra->n + BERT__NAMED_COUNT + s->n_own);

    s->tokens = bert__arena_get(l->files, n * sizeof *s->tokens);
    s->listed_ids = bert__arena_get(l->files, n * sizeof *s->listed_ids);
    if (s->tokens == NULL || s->listed_ids == NULL)
        return bert__load_nomem(l);
    for (uint32_t i = 0; i < first->n; i++) {
        s->listed_ids[i] = first->sorted[i]->id;
        collect_one(s, &first->sorted[i]->token, 0);
    }
    s->n_listed = s->n_tokens;
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (s->named[i].content.data != NULL && !is_repeated(s, i, 0, &s->named[i]))
            s->tokens[s->n_tokens++] = s->named[i];
    }
    for (uint32_t i = 0; i < s->n_own; i++) {
        if (!is_repeated(s, BERT__NAMED_COUNT, i, &s->own[i].token))
            s->tokens[s->n_tokens++] = s->own[i].token;
    }
    for (uint32_t i = 0; i < extra->n; i++) {
        if (!is_repeated(s, BERT__NAMED_COUNT, s->n_own, &extra->items[i].token))
            collect_one(s, &extra->items[i].token, 0);
    }
    if (s->twice)
        collect_again(s, extra);
    return BERT_OK;
}

/* The vocabulary's own. */
static bert_status take_pieces(const struct bert__load *l, const struct bert__extra_tokens *own,
                               struct bert__token_list *list)
{
    bert_status status = list_init(l, list, own->n);

    for (uint32_t i = 0; status == BERT_OK && i < own->n; i++) {
        struct bert__added_token token = own->tokens[i];

        token.id = BERT__AN_OBJECT | (token.special ? BERT__SPECIAL : 0);
        bert__list_add(list, 0, &token);
    }
    return status;
}

/* Those of the config, then the map's; one that is an object stands in place of lists. */
static bert_status take_extra(const struct bert__load *l, const struct bert__family *family,
                              const struct bert__extra_tokens *own, const struct bert__json *config,
                              const struct bert__json *map, struct bert__settings *s,
                              struct bert__token_list *list)
{
    const struct bert__json *lists[3];
    const struct bert__json *extra = extras_of(config);
    const struct bert__json *more = bert__json_get(map, "extra_special_tokens");
    const struct bert__json *old = bert__json_get(map, "additional_special_tokens");
    bool there = extra != NULL || more != NULL;
    bert_status status = BERT_OK;

    if (old == NULL && is_something(bert__json_get(config, "extra_special_tokens")))
        old = bert__json_get(config, "additional_special_tokens");
    if (bert__json_is(extra, BERT__JSON_OBJECT)) {
        status = bert__own_roles(l, extra, s);
        extra = NULL;
        there = more != NULL;
    }
    if (status == BERT_OK && bert__json_is(more, BERT__JSON_OBJECT)) {
        status = bert__own_roles(l, more, s);
        extra = more = NULL;
        there = false;
    }
    if (status != BERT_OK)
        return status;
    if (!there && own != NULL)
        return take_pieces(l, own, list);
    lists[0] = extra;
    lists[1] = there ? more : NULL;
    lists[2] = there && family->id != BERT__FAMILY_LUKE ? NULL : old; /* whose class takes both */
    return read_extra(l, lists, list);
}

static bert_status read_names(struct bert__load *l, const struct bert__family *family,
                              const struct bert__json *config, const struct bert__json *map,
                              struct bert__settings *s)
{
    const char *map_path = l->path, *path = l->config_path != NULL ? l->config_path : l->path;
    bert_status status;

    l->path = path;
    status = read_named(l, family, config, false, s);
    if (status == BERT_OK)
        status = bert__own_defaults(l, family, s);
    if (status == BERT_OK)
        status = bert__own_read(l, config, false, false, s);
    l->path = map_path;
    if (status == BERT_OK && map != NULL)
        status = read_named(l, family, map, true, s);
    if (status == BERT_OK)
        status = bert__own_read(l, map, true, false, s);
    l->path = path;
    if (status == BERT_OK)
        status = bert__own_read(l, config, false, true, s);
    l->path = map_path;
    return status;
}

bert_status bert__settings_load(struct bert__load *l, const struct bert__family *family,
                                const struct bert__json *config,
                                const struct bert__extra_tokens *own, struct bert__settings *s)
{
    const struct bert__json *map = NULL, *added = NULL, *decoder;
    struct bert__token_list first = {0}, extras = {0};
    bool listed;
    bert_status status;

    set_defaults(s, family);
    if (l->config_path != NULL)
        l->path = l->config_path;
    decoder = bert__json_find(config, "added_tokens_decoder");
    listed = bert__json_is(decoder, BERT__JSON_OBJECT);
    status = read_flags(l, config, family, s);
    if (status == BERT_OK && listed)
        status = read_decoder(l, decoder, &first);
    else if (status == BERT_OK)
        status = read_beside(l, "special_tokens_map.json", &map);
    if (status == BERT_OK)
        status = read_names(l, family, config, map, s);
    if (status == BERT_OK)
        status = take_extra(l, family, own, config, map, s, &extras);
    if (status == BERT_OK)
        status = bert__own_entities(l, family, config, s, &extras);
    if (status == BERT_OK && !listed)
        status = read_beside(l, "added_tokens.json", &added);
    if (status == BERT_OK && added != NULL)
        status = read_added(l, added, s, &extras, &first);
    return status == BERT_OK ? collect(l, s, &first, &extras) : status;
}
