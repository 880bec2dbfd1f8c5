/* SPDX-License-Identifier: MIT */
/* load_pretokenizer.c - "pre_tokenizer" of tokenizer.json. */
#include "lib/base/error.h"
#include "tokenizer/load.h"
#include "tokenizer/load_steps.h"
#include "tokenizer/text.h"

static const char what[] = "the pre-tokenizer";

struct name {
    const char *text;
    int value;
};

static bert_status add(struct bert__load *l, const struct bert__pre_step *step)
{
    return bert__pretokenizer_add(&l->tok->pretokenizer, &l->tok->arena, step)
               ? BERT_OK
               : bert__load_nomem(l);
}

/* One of n names; absent: *out stays. */
static bert_status load_name(const struct bert__load *l, const struct bert__json *value,
                             const char *key, const struct name *names, size_t n, int *out)
{
    bert_text text;
    char shown[84];
    bert_status status;

    if (bert__json_get(value, key) == NULL)
        return BERT_OK;
    status = bert__load_text(l, value, what, key, &text);
    if (status != BERT_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        if (bert__load_is(text, names[i].text)) {
            *out = names[i].value;
            return BERT_OK;
        }
    }
    return bert__fail(l->err, BERT_EUNSUPPORTED, "%s: \"%s\" of %s is \"%s\", which is not known",
                      l->path, key, what, bert__printable(shown, text.data, text.size));
}

static bert_status load_behavior(const struct bert__load *l, const struct bert__json *value,
                                 enum bert__behavior *out)
{
    static const struct name names[] = {{"Removed", BERT__REMOVED},
                                        {"Isolated", BERT__ISOLATED},
                                        {"MergedWithPrevious", BERT__MERGED_WITH_PREVIOUS},
                                        {"MergedWithNext", BERT__MERGED_WITH_NEXT},
                                        {"Contiguous", BERT__CONTIGUOUS}};
    int behavior = (int)*out;
    bert_status status = load_name(l, value, "behavior", names, 5, &behavior);

    *out = (enum bert__behavior)behavior;
    return status;
}

/* A text of one character. */
static bert_status load_char(struct bert__load *l, const struct bert__json *value, const char *key,
                             bert_text *out)
{
    bert_status status = bert__load_text(l, value, what, key, out);

    if (status != BERT_OK)
        return status;
    if (out->size == 0 || bert__text_len(out->data[0]) != out->size)
        return bert__fail(l->err, BERT_EFORMAT, "%s: \"%s\" of %s is not one character", l->path,
                          key, what);
    return bert__load_copy(l, *out, out) ? BERT_OK : bert__load_nomem(l);
}

/* Absent or null: *out stays. */
static bert_status load_flag(const struct bert__load *l, const struct bert__json *value,
                             const char *key, bool *out)
{
    if (bert__json_find(value, key) == NULL)
        return BERT_OK;
    return bert__load_bool(l, value, what, key, out);
}

static bert_status load_punctuation(struct bert__load *l, const struct bert__json *value)
{
    struct bert__pre_step step = {.kind = BERT__PRE_PUNCTUATION, .behavior = BERT__ISOLATED};
    bert_status status = load_behavior(l, value, &step.behavior);

    return status == BERT_OK ? add(l, &step) : status;
}

static bert_status load_digits(struct bert__load *l, const struct bert__json *value)
{
    struct bert__pre_step step = {.kind = BERT__PRE_DIGITS};
    bool individual;
    bert_status status = bert__load_bool(l, value, what, "individual_digits", &individual);

    if (status != BERT_OK)
        return status;
    step.behavior = individual ? BERT__ISOLATED : BERT__CONTIGUOUS;
    return add(l, &step);
}

static bert_status load_byte_level(struct bert__load *l, const struct bert__json *value)
{
    static const char gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+"
                               "|\\s+(?!\\S)|\\s+";
    struct bert__pre_step step = {.kind = BERT__PRE_BYTE_LEVEL,
                                  .behavior = BERT__ISOLATED,
                                  .prepend = BERT__PREPEND_NEVER,
                                  .split = true};
    bool prefix, trims, known;
    bert_status status = bert__load_bool(l, value, what, "add_prefix_space", &prefix);

    if (status == BERT_OK) /* it is for the post-processor; the reference wants it here */
        status = bert__load_bool(l, value, what, "trim_offsets", &trims);
    if (status == BERT_OK && bert__json_get(value, "use_regex") != NULL)
        status = bert__load_bool(l, value, what, "use_regex", &step.split);
    if (status != BERT_OK)
        return status;
    if (prefix)
        step.prepend = BERT__PREPEND_ALWAYS;
    if (!bert__pattern_regex(&step.pattern, &l->tok->arena, (bert_text){gpt2, sizeof gpt2 - 1},
                             &known))
        return bert__load_nomem(l);
    return add(l, &step);
}

static bert_status load_metaspace(struct bert__load *l, const struct bert__json *value)
{
    static const struct name schemes[] = {{"always", BERT__PREPEND_ALWAYS},
                                          {"first", BERT__PREPEND_FIRST},
                                          {"never", BERT__PREPEND_NEVER}};
    struct bert__pre_step step = {.kind = BERT__PRE_METASPACE, .split = true};
    int scheme = BERT__PREPEND_ALWAYS;
    bool prefix = true;
    bert_status status = load_char(l, value, "replacement", &step.replacement);

    if (status == BERT_OK)
        status = load_name(l, value, "prepend_scheme", schemes, 3, &scheme);
    if (status == BERT_OK)
        status = load_flag(l, value, "add_prefix_space", &prefix);
    if (status == BERT_OK)
        status = load_flag(l, value, "split", &step.split);
    if (status != BERT_OK)
        return status;
    if (!prefix && scheme != BERT__PREPEND_NEVER)
        return bert__fail(l->err, BERT_EFORMAT,
                          "%s: \"add_prefix_space\" of %s is false, and \"prepend_scheme\" is not "
                          "\"never\"",
                          l->path, what);
    step.prepend = (enum bert__prepend)scheme;
    return add(l, &step);
}

static bert_status load_delimiter(struct bert__load *l, const struct bert__json *value)
{
    struct bert__pre_step step = {.kind = BERT__PRE_SPLIT, .behavior = BERT__REMOVED};
    bert_text delimiter;
    bert_status status = load_char(l, value, "delimiter", &delimiter);

    if (status != BERT_OK)
        return status;
    if (!bert__pattern_text(&step.pattern, &l->tok->arena, delimiter))
        return bert__load_nomem(l);
    return add(l, &step);
}

/* The empty text is found at each place, so that characters stand alone, whatever becomes of
 * matches; or they are what is removed. */
static bool is_empty(const struct bert__json *value)
{
    const struct bert__json *pattern = bert__json_get(value, "pattern");

    return pattern != NULL && pattern->type == BERT__JSON_OBJECT && pattern->u.object.count == 1
           && (bert__json_equals(bert__json_get(pattern, "String"), "")
               || bert__json_equals(bert__json_get(pattern, "Regex"), ""));
}

static void split_all(struct bert__pre_step *step)
{
    bert__pattern_any(&step->pattern);
    if (!step->invert || step->behavior != BERT__REMOVED)
        step->behavior = BERT__ISOLATED;
    step->invert = false;
}

static bert_status load_split(struct bert__load *l, const struct bert__json *value)
{
    struct bert__pre_step step = {.kind = BERT__PRE_SPLIT};
    const struct bert__json *behavior;
    bool empty = is_empty(value);
    bert_status status = empty ? BERT_OK : bert__load_pattern(l, value, "a Split", &step.pattern);

    if (status == BERT_OK)
        status = bert__load_need(l, value, "a Split", "behavior", &behavior);
    if (status == BERT_OK)
        status = load_behavior(l, value, &step.behavior);
    if (status == BERT_OK)
        status = bert__load_bool(l, value, "a Split", "invert", &step.invert);
    if (empty)
        split_all(&step);
    return status == BERT_OK ? add(l, &step) : status;
}

static bert_status load_step(struct bert__load *l, const struct bert__json *value, bert_text type)
{
    static const struct {
        const char *type;
        enum bert__pre_kind kind;
    } plain[] = {{"BertPreTokenizer", BERT__PRE_BERT},
                 {"Whitespace", BERT__PRE_WHITESPACE},
                 {"WhitespaceSplit", BERT__PRE_WHITESPACE_SPLIT},
                 {"UnicodeScripts", BERT__PRE_SCRIPTS}};
    static const struct {
        const char *type;
        bert_status (*load)(struct bert__load *, const struct bert__json *);
    } others[] = {{"Punctuation", load_punctuation},      {"Digits", load_digits},
                  {"ByteLevel", load_byte_level},         {"Metaspace", load_metaspace},
                  {"CharDelimiterSplit", load_delimiter}, {"Split", load_split}};

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (bert__load_is(type, plain[i].type))
            return add(l, &(struct bert__pre_step){.kind = plain[i].kind});
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (bert__load_is(type, others[i].type))
            return others[i].load(l, value);
    }
    return bert__load_unsupported(l, "pre-tokenizer", type);
}

/* Is the model BPE?  Old files don't name it. */
static bool is_bpe(const struct bert__json *model)
{
    const struct bert__json *type = bert__json_get(model, "type");

    return type != NULL ? bert__json_equals(type, "BPE") : bert__json_get(model, "merges") != NULL;
}

bert_status bert__load_pretokenizer(struct bert__load *l, const struct bert__json *root)
{
    struct bert__pretokenizer *p = &l->tok->pretokenizer;
    bert_status status = bert__load_steps(l, root, "pre_tokenizer", "pretokenizers", load_step);

    if (status == BERT_OK)
        p->byte_level = p->n > 0 && p->steps[p->n - 1].kind == BERT__PRE_BYTE_LEVEL
                        && is_bpe(bert__json_get(root, "model"));
    return status;
}
