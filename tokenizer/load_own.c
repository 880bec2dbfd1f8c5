/* SPDX-License-Identifier: MIT */
/* load_own.c - special tokens under names of the model's own, or of its class. */
#include "lib/base/error.h"
#include "tokenizer/load_settings_parts.h"

/* ---- Tokens under names of the model's own ----------------------------------------------- */

static bool is_own_key(bert_text key)
{
    static const char end[] = "_token";
    const size_t n = sizeof end - 1;

    if (key.size < n || memcmp(key.data + key.size - n, end, n) != 0)
        return false;
    for (int i = 0; i < BERT__NAMED_COUNT; i++) {
        if (bert__load_is(key, bert__named_keys[i]))
            return false;
    }
    return true;
}

/* One of a name that is there already takes its place. */
static bert_status put_own(const struct bert__load *l, bert_text key,
                           const struct bert__added_token *token, struct bert__settings *s)
{
    uint32_t i = 0;

    while (i < s->n_own && !bert__same_text(s->own[i].key, key))
        i++;
    if (i == BERT__OWN_MAX)
        return bert__fail(l->err, BERT_ELIMIT, "%s: more than %d named tokens", l->path,
                          BERT__OWN_MAX);
    s->own[i].key = key;
    s->own[i].token = *token;
    s->n_own += i == s->n_own;
    return BERT_OK;
}

/* What a file says under "..._token": strings, or tokens that say what they are. */
bert_status bert__own_read(const struct bert__load *l, const struct bert__json *file, bool is_map,
                           bool strings, struct bert__settings *s)
{
    size_t n = file != NULL ? file->u.object.count : 0;
    bert_status status = BERT_OK;

    for (size_t i = 0; status == BERT_OK && i < n; i++) {
        const struct bert__json_member *m = &file->u.object.members[i];
        bool string = m->value.type == BERT__JSON_STRING;
        bool token = m->value.type == BERT__JSON_OBJECT
                     && (is_map || bert__json_get(&m->value, "__type") != NULL);
        struct bert__added_token t;

        if (!is_own_key(m->key) || !(strings ? string : token || (is_map && string)))
            continue;
        status = bert__read_special(l, &m->value, "a named token", &t);
        if (status == BERT_OK)
            status = put_own(l, m->key, &t, s);
    }
    return status;
}

/* Extra tokens that are an object: they have names too. */
bert_status bert__own_roles(const struct bert__load *l, const struct bert__json *extra,
                            struct bert__settings *s)
{
    bert_status status = BERT_OK;

    for (size_t i = 0; status == BERT_OK && i < extra->u.object.count; i++) {
        const struct bert__json_member *m = &extra->u.object.members[i];
        struct bert__added_token t;

        status = bert__read_special(l, &m->value, "an extra special token", &t);
        if (status == BERT_OK)
            status = put_own(l, m->key, &t, s);
    }
    return status;
}

/* ---- Classes with tokens of their own ---------------------------------------------------- */

static const struct {
    enum bert__family_id family;
    const char *key, *content;
} own_tokens[] = {
    {BERT__FAMILY_SPLINTER, "question_token", "[QUESTION]"},
    {BERT__FAMILY_LUKE, "entity_1_token", "<ent>"},
    {BERT__FAMILY_LUKE, "entity_2_token", "<ent2>"},
    {BERT__FAMILY_LUKE, "entity_unk_token", "[UNK]"},
    {BERT__FAMILY_LUKE, "entity_pad_token", "[PAD]"},
    {BERT__FAMILY_LUKE, "entity_mask_token", "[MASK]"},
    {BERT__FAMILY_LUKE, "entity_mask2_token", "[MASK2]"},
};

bert_status bert__own_defaults(const struct bert__load *l, const struct bert__family *family,
                               struct bert__settings *s)
{
    bert_status status = BERT_OK;

    for (size_t i = 0; i < sizeof own_tokens / sizeof *own_tokens && status == BERT_OK; i++) {
        const char *key = own_tokens[i].key, *content = own_tokens[i].content;
        struct bert__added_token t = {.content = {content, strlen(content)}, .special = true};

        if (own_tokens[i].family == family->id)
            status = put_own(l, (bert_text){key, strlen(key)}, &t, s);
    }
    return status;
}

/* LUKE's class adds the marks of an entity a second time, as what the settings make of them;
 * their older name goes first. */
static bert_status take_entity(const struct bert__load *l, const struct bert__json *config,
                               const char *old, const char *key, struct bert__settings *s,
                               struct bert__token_list *list)
{
    const struct bert__json *value = bert__json_get(config, old);
    struct bert__added_token mark = {.special = true},
                             again = {.id = BERT__AN_OBJECT | BERT__NORMALIZED};
    bert_text name = {key, strlen(key)};
    bert_status status = BERT_OK;

    if (value == NULL)
        value = bert__json_get(config, key);
    for (uint32_t i = 0; i < s->n_own; i++) {
        if (bert__same_text(s->own[i].key, name))
            again.content = s->own[i].token.content;
    }
    if (bert__json_is(value, BERT__JSON_STRING))
        again.content = value->u.string;
    else if (value != NULL)
        status = bert__read_token(l, value, key, &again);
    again.normalized = (again.id & BERT__NORMALIZED) != 0;
    mark.content = again.content;
    for (uint32_t i = 0; i < list->n; i++) {
        if (bert__same_text(list->items[i].token.content, again.content))
            return status == BERT_OK ? put_own(l, name, &mark, s) : status;
    }
    if (status == BERT_OK)
        bert__list_add(list, 0, &again);
    return status == BERT_OK ? put_own(l, name, &mark, s) : status;
}

bert_status bert__own_entities(const struct bert__load *l, const struct bert__family *family,
                               const struct bert__json *config, struct bert__settings *s,
                               struct bert__token_list *list)
{
    bert_status status;

    if (family->id != BERT__FAMILY_LUKE)
        return BERT_OK;
    status = take_entity(l, config, "entity_token_1", "entity_1_token", s, list);
    return status == BERT_OK ? take_entity(l, config, "entity_token_2", "entity_2_token", s, list)
                             : status;
}
