/* SPDX-License-Identifier: MIT */
/*
 * normalizer.c - the steps of a normalizer one after the other.
 *
 * Each step reads the text that the one before it left, writes its own, and notes for
 * each byte the place in what it read; that is then followed to the source.  What a
 * glance shows to change nothing is not run.
 */
#include "tokenizer/normalizer.h"

#include "lib/base/utf8.h"
#include "tokenizer/text.h"
#include "tokenizer/unicode.h"

enum { REPLACEMENT = 0xFFFD, ONE_CHAR = 64 };

/* ---- The list ------------------------------------------------------------- */

bool bert__normalizer_add(struct bert__normalizer *n, struct bert__arena *arena,
                          const struct bert__norm_step *step)
{
    if (n->n == n->cap) {
        uint32_t cap = n->cap == 0 ? 4 : 2 * n->cap;
        struct bert__norm_step *steps = bert__arena_get(arena, cap * sizeof *steps);

        if (steps == NULL)
            return false;
        if (n->n > 0)
            memcpy(steps, n->steps, n->n * sizeof *steps);
        n->steps = steps;
        n->cap = cap;
    }
    n->steps[n->n++] = *step;
    return true;
}

static void prepare_bert(struct bert__norm_bert *n)
{
    bool lower = n->lower_first || n->lowercase;

    n->slow = lower ? BERT__UNI_LOWER : 0;
    if (n->clean_text)
        n->slow |= BERT__UNI_DROP | BERT__UNI_SPACE;
    if (n->handle_chinese_chars)
        n->slow |= BERT__UNI_CJK;
    if (n->strip_accents)
        n->slow |= BERT__UNI_DECOMP | BERT__UNI_MARK | BERT__UNI_NONSTARTER;
    for (unsigned c = 0; c < 128; c++) {
        unsigned props = bert__uni_props(c);

        n->keep[c] = !(n->clean_text && (props & BERT__UNI_DROP));
        n->ascii[c] = (char)c;
        if (n->clean_text && (props & BERT__UNI_SPACE))
            n->ascii[c] = ' ';
        else if (lower && c >= 'A' && c <= 'Z')
            n->ascii[c] = (char)(c + 'a' - 'A');
    }
}

bool bert__normalizer_add_bert(struct bert__normalizer *n, struct bert__arena *arena,
                               const struct bert__norm_bert *options)
{
    struct bert__norm_bert *bert = bert__arena_get(arena, sizeof *bert);
    struct bert__norm_step step = {.kind = BERT__NORM_BERT, .bert = bert};

    if (bert == NULL)
        return false;
    *bert = *options;
    if (n->n == 1 && n->steps[0].kind == BERT__NORM_LOWERCASE) {
        bert->lower_first = true;
        n->n = 0;
    }
    prepare_bert(bert);
    return bert__normalizer_add(n, arena, &step);
}

/* ---- The source ----------------------------------------------------------- */

/* Length of the ASCII that text begins with. */
static size_t ascii_length(const char *text, size_t size)
{
    size_t i = 0;

    for (; size - i >= 8; i += 8) {
        uint64_t word;

        memcpy(&word, text + i, 8);
        if (word & 0x8080808080808080u)
            break;
    }
    while (i < size && (unsigned char)text[i] < 0x80)
        i++;
    return i;
}

/* Copy the source; what is ill-formed becomes U+FFFD. */
static bool repair(const char *source, size_t size, struct bert__piece *p)
{
    size_t i = 0, len;
    char bad[4];

    if (!bert__piece_room(p, size + ONE_CHAR))
        return false;
    while (i < size) {
        len = ascii_length(source + i, size - i);
        bert__piece_copy(p, source + i, len, i);
        for (i += len; i < size && (unsigned char)source[i] >= 0x80; i += len) {
            if (bert__utf8_next(source + i, size - i, &len) != BERT__UTF8_BAD) {
                bert__piece_put(p, source + i, len, i);
            } else {
                bert__piece_put(p, bad, bert__utf8_put(bad, REPLACEMENT), i);
                if (!bert__piece_room(p, size - i + ONE_CHAR))
                    return false;
            }
        }
    }
    return true;
}

/* ---- Steps ---------------------------------------------------------------- */

/* Does no character have any of the properties, which ASCII has not? */
static bool lacks(const char *text, size_t size, unsigned props)
{
    size_t i = 0, len;

    for (;;) {
        i += ascii_length(text + i, size - i);
        for (; i < size && (unsigned char)text[i] >= 0x80; i += len) {
            if (bert__uni_props(bert__text_get(text + i, &len)) & props)
                return false;
        }
        if (i >= size)
            return true;
    }
}

static unsigned form_props(enum bert__norm_kind kind)
{
    switch (kind) {
    case BERT__NORM_NFC:
        return BERT__UNI_NFC_SLOW;
    case BERT__NORM_NFKC:
        return BERT__UNI_NFKC_SLOW;
    case BERT__NORM_NFD:
        return BERT__UNI_DECOMP | BERT__UNI_NONSTARTER;
    default:
        return BERT__UNI_KDECOMP | BERT__UNI_NONSTARTER;
    }
}

/* Would the step leave the text alone, as far as a glance can tell? */
static bool same(const struct bert__norm_step *step, const struct bert__piece *p)
{
    if (p->size == 0)
        return true;
    switch (step->kind) {
    case BERT__NORM_NFC:
    case BERT__NORM_NFD:
    case BERT__NORM_NFKC:
    case BERT__NORM_NFKD:
        return lacks(p->bytes, p->size, form_props(step->kind));
    case BERT__NORM_STRIP_ACCENTS:
        return lacks(p->bytes, p->size, BERT__UNI_COMBINING);
    case BERT__NORM_PREPEND:
        return p->continues || step->text.size == 0;
    case BERT__NORM_PRECOMPILED:
        return bert__charsmap_same(step->map, p->bytes, p->size);
    default:
        return false;
    }
}

static bool run(const struct bert__norm_step *step, struct bert__piece *p)
{
    const char *text = p->in.bytes;
    size_t size = p->in.size;

    switch (step->kind) {
    case BERT__NORM_BERT:
        return bert__norm_bert(step->bert, text, size, p);
    case BERT__NORM_NFC:
    case BERT__NORM_NFD:
    case BERT__NORM_NFKC:
    case BERT__NORM_NFKD:
        return bert__norm_form(step->kind, form_props(step->kind), text, size, p);
    case BERT__NORM_LOWERCASE:
        return bert__norm_lowercase(text, size, p);
    case BERT__NORM_STRIP_ACCENTS:
        return bert__norm_strip_accents(text, size, p);
    case BERT__NORM_STRIP:
        return bert__norm_strip(step, text, size, p);
    case BERT__NORM_REPLACE:
        return bert__norm_replace(step, text, size, p);
    case BERT__NORM_PREPEND:
        return bert__norm_prepend(step, text, size, p);
    case BERT__NORM_NMT:
        return bert__norm_nmt(text, size, p);
    case BERT__NORM_PRECOMPILED:
        return bert__norm_precompiled(step->map, text, size, p);
    case BERT__NORM_SPM:
        return bert__norm_spm(step->spm, text, size, p);
    case BERT__NORM_BYTE_LEVEL:
        return bert__norm_byte_level(text, size, p);
    }
    return false;
}

bool bert__normalize(const struct bert__normalizer *n, const char *source, size_t size,
                     struct bert__piece *p)
{
    uint32_t k = 0;

    p->size = 0;
    p->ask_at = BERT__STRETCH;
    p->lags = false;
    if (n->n > 0 && n->steps[0].kind == BERT__NORM_BERT)
        k = 1;
    if (k == 1 ? !bert__norm_bert(n->steps[0].bert, source, size, p) : !repair(source, size, p))
        return false;
    for (; k < n->n; k++) {
        if (!bert__piece_goes_on(p, p->size))
            return false;
        if (same(&n->steps[k], p))
            continue;
        bert__piece_turn(p);
        if (!run(&n->steps[k], p))
            return false;
        bert__piece_trace(p);
    }
    return true;
}
