/* SPDX-License-Identifier: MIT */
/* load_settings_parts.h - what the readers of settings share. */
#ifndef BERT_TOKENIZER_LOAD_SETTINGS_PARTS_H
#define BERT_TOKENIZER_LOAD_SETTINGS_PARTS_H

#include "tokenizer/load_settings.h"

enum {
    BERT__MAX_EXTRA = 1 << 14,
    /* `id` of a token until it gets one: the file writes it as an object, */
    BERT__AN_OBJECT = 1,
    BERT__UNSAID = 2,     /* which doesn't say whether it is normalized; */
    BERT__NORMALIZED = 4, /* as long as it has no role, it is; */
    BERT__SPECIAL = 8,    /* it is special without a role; */
    BERT__OF_MAP = 64     /* the map calls it additional */
};

/* Keys of the named tokens. */
extern const char *const bert__named_keys[BERT__NAMED_COUNT];

/* A list being made, in the load's arena. */
struct bert__listed {
    struct bert__added_token token;
    int64_t id; /* that the file gives it */
};

struct bert__token_list {
    struct bert__listed *items;
    struct bert__listed **sorted;
    uint32_t n;
};

static inline void bert__list_add(struct bert__token_list *list, int64_t id,
                                  const struct bert__added_token *token)
{
    list->sorted[list->n] = &list->items[list->n];
    list->items[list->n].token = *token;
    list->items[list->n++].id = id;
}

/* Are both there, and alike? */
static inline bool bert__same_text(bert_text a, bert_text b)
{
    return a.data != NULL && b.data != NULL && a.size == b.size
           && memcmp(a.data, b.data, a.size) == 0;
}

/* A string, or an object with "content" and flags; the second: with a role, so that it is
 * special. */
bert_status bert__read_token(const struct bert__load *load, const struct bert__json *value,
                             const char *what, struct bert__added_token *out);
bert_status bert__read_special(const struct bert__load *load, const struct bert__json *value,
                               const char *what, struct bert__added_token *out);

/* Tokens under names of the model's own: those of the class, what a file says under
 * "..._token" (strings, or tokens that say what they are), extra tokens that are an object. */
bert_status bert__own_defaults(const struct bert__load *load, const struct bert__family *family,
                               struct bert__settings *settings);
bert_status bert__own_read(const struct bert__load *load, const struct bert__json *file,
                           bool is_map, bool strings, struct bert__settings *settings);
bert_status bert__own_roles(const struct bert__load *load, const struct bert__json *extra,
                            struct bert__settings *settings);
/* LUKE's class adds the marks of an entity a second time, behind the extra tokens. */
bert_status bert__own_entities(const struct bert__load *load, const struct bert__family *family,
                               const struct bert__json *config, struct bert__settings *settings,
                               struct bert__token_list *list);

#endif
