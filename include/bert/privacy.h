/* SPDX-License-Identifier: MIT */
/**
 * @file bert/privacy.h
 * Texts without what identifies people: e-mail addresses, phone numbers, payment cards, IBANs, IP
 * addresses and URLs are found by their form, entities by a tagging model, and replaced by tags
 * such as [EMAIL].  And a small sample of the texts that a program sees, of which only what is
 * left of them after that is ever kept.
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * int main(void)
 * {
 *     const bert_text text = {"Write to ada@example.org or call +44 20 7946 0958.", 50};
 *     char masked[128];
 *     size_t size;
 *     bert_error err;
 *
 *     if (bert_mask(text, NULL, masked, sizeof masked, &size, &err) != BERT_OK) {
 *         fprintf(stderr, "%s\n", err.message);
 *         return 1;
 *     }
 *     printf("%.*s\n", (int)size, masked);
 *     return 0;
 * }
 * @endcode
 *
 * What has no form is not found: names, street addresses, dates of birth, passwords, and what
 * people tell of themselves.  docs/privacy.md says exactly what is found, and how much of it.
 */
#ifndef BERT_PRIVACY_H
#define BERT_PRIVACY_H

#include <bert/base.h>
#include <bert/tasks.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Masking --------------------------------------------------------------- */

/** What is found by its form; bits of bert_mask_options.kinds.  Where two would overlap, the
 *  first of URL, EMAIL, IBAN, CARD, IP, PHONE that is asked for has the place. */
typedef enum bert_mask_kind {
    BERT_MASK_EMAIL = 1 << 0, /**< ada@example.org, also with letters beyond ASCII */
    BERT_MASK_PHONE = 1 << 1, /**< +44 20 7946 0958, 0044 ..., and what is written in a country if
                                   it begins with 0, is grouped as phone numbers are, or follows a
                                   word such as "Tel." */
    BERT_MASK_CARD = 1 << 2,  /**< 13 to 19 digits of a known payment network that pass Luhn's
                                   check, together or in groups */
    BERT_MASK_IBAN = 1 << 3,  /**< of a known country, of its length, whose check digits hold */
    BERT_MASK_IP = 1 << 4,    /**< IPv4, and IPv6 in all its forms with zone and brackets; what
                                   follows (":80", "/24") stays */
    BERT_MASK_URL = 1 << 5    /**< from any scheme and "://", or from "www.", to its end */
} bert_mask_kind;

/** Options of masking. */
typedef struct bert_mask_options {
    size_t size;
    uint32_t kinds;           /**< bits of bert_mask_kind; 0: all */
    const unsigned char *key; /**< 16 secret bytes: tags get a pseudonym, as
                                 [EMAIL:kdmagpblofhjcien], which is equal where the values are (of
                                 numbers the digits, of IP addresses the number count, e-mail
                                 addresses are in lower case).  Who has the key can find short
                                 values by trying all. NULL: plain tags */
} bert_mask_options;
#define BERT_MASK_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(bert_mask_options), 0, NULL                                                         \
    }

/** A part of a text that is masked. */
typedef struct bert_mask_span {
    bert_span bytes;
    uint32_t kind; /**< a bert_mask_kind */
} bert_mask_span;

/**
 * Find what would be masked.
 *
 * The time is proportional to the text's length, whatever it holds; no memory is taken.  Any
 * bytes may come: digits and punctuation of full width count as those of ASCII, Arabic and
 * Devanagari digits as digits; a number is not found where a letter adjoins, but one of a script
 * that puts no space between words doesn't count as such.
 *
 * @param out       Room for `capacity` spans (may be NULL if capacity is 0): sorted, none empty,
 *                  none overlapping another.
 * @param count     Set to the spans there are, also when the room is too small.
 * @return BERT_OK; BERT_ERANGE, the room is too small: `out` has the first of them; BERT_EINVAL, a
 *         NULL argument or bad options.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_mask_find(bert_text text, const bert_mask_options *options,
                                    bert_mask_span *out, size_t capacity, size_t *count,
                                    bert_error *err);

/**
 * Write a text with tags in place of what bert_mask_find() finds.  Masking what is masked
 * already changes nothing.
 *
 * @param out       Buffer of `capacity` bytes (may be NULL if capacity is 0); not NUL-terminated;
 *                  must not overlap the text.
 * @param out_size  Set to the bytes needed, also when the buffer is too small.  A tag can be
 *                  longer than what it stands for.
 * @return BERT_OK; BERT_ERANGE, the buffer is too small: it holds nothing of use; BERT_EINVAL, a
 *         NULL argument or bad options.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_mask(bert_text text, const bert_mask_options *options, char *out,
                               size_t capacity, size_t *out_size, bert_error *err);

/**
 * The same, with entities of a tagging model too: [PER], [LOC] and so on.  Of a tag stand the
 * letters and digits of ASCII, '-' and '_' of the label, 32 at most, others as '_'.  What
 * overlaps is one part, with the tag of the longest, of equally long ones the first: nothing of
 * any of them stays.
 *
 * @param entities  What bert_tag() found, where record number `record` is this text.
 * @param labels    Labels (bert_entity.label) to mask, compared byte by byte, n_labels of them;
 *                  n_labels 0: all.
 * @return As bert_mask(); BERT_EINVAL also where there is no such record or it has a place that
 *         the text has not; the record's own status where it has no entities because of that.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_mask_entities(bert_text text, const bert_entities *entities,
                                        size_t record, const char *const *labels, size_t n_labels,
                                        const bert_mask_options *options, char *out,
                                        size_t capacity, size_t *out_size, bert_error *err);

/* ---- Samples --------------------------------------------------------------- */

/** What becomes of a text. */
typedef enum bert_redaction {
    BERT_REDACTION_DONE = 0, /**< the redacted text was written, or its size is known now */
    BERT_REDACTION_DROP = 1  /**< nothing of it may be kept */
} bert_redaction;

/**
 * A host's own redaction: write what may be kept of `text` to `out` and its size to *size.  If
 * that is more than `capacity`, *size says how much is needed, and it is called once more with
 * that room; what doesn't fit then is dropped.
 * Called on the thread that called bert_sampler_offer(), on several at once if that is, without a
 * lock held.  It must not keep `text`.
 */
typedef bert_redaction (*bert_redact_fn)(void *context, bert_text text, char *out, size_t capacity,
                                         size_t *size);

/** Options of bert_sampler_create(). */
typedef struct bert_sampler_options {
    size_t size;
    size_t entries;                /**< texts at most; 0: 256 */
    size_t max_bytes;              /**< bytes of kept texts at most, together; 0: 1 MiB.  A text for
                                        which there is no room is not kept */
    uint64_t seed;                 /**< of the random numbers: the same seed and the same offers in
                                        the same order keep the same texts */
    bert_redact_fn redact;         /**< NULL: bert_mask() with `mask` */
    void *redact_context;          /**< for redact */
    const bert_mask_options *mask; /**< copied, key and all; NULL: its defaults */
    const bert_allocator *allocator; /**< NULL: malloc */
} bert_sampler_options;
#define BERT_SAMPLER_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(bert_sampler_options), 0, 0, 0, NULL, NULL, NULL, NULL                              \
    }

/** Counts of a sampler; see bert_sampler_counts(). */
typedef struct bert_sampler_state {
    size_t size;
    uint64_t offered;   /**< texts since it was made or cleared */
    uint64_t dropped;   /**< of those chosen: by the redaction, or by bert_engine_sample() */
    uint64_t oversized; /**< likewise: there was no room for them, or no memory */
    uint64_t entries;   /**< texts that are kept now */
    uint64_t bytes;     /**< of them */
} bert_sampler_state;
#define BERT_SAMPLER_STATE_INIT                                                                    \
    {                                                                                              \
        sizeof(bert_sampler_state), 0, 0, 0, 0, 0                                                  \
    }

/**
 * A random sample of the texts that were offered: each of them is in it with the same
 * probability (reservoir sampling).  A text that is chosen goes through the redaction first, and
 * only what comes of that is kept; a text that is dropped then leaves its place empty.
 *
 * Any thread may use a sampler at any time, but for destroying it.  A child of fork() may use it if
 * no other thread was in a call at the time.
 */
typedef struct bert_sampler bert_sampler;

/** A copy of the kept texts. */
typedef struct bert_samples bert_samples;

/**
 * Make one.  Nothing samples unless the host makes a sampler and offers texts to it.
 * @return BERT_OK; BERT_EINVAL, bad options; BERT_ENOMEM.
 * Since 0.1.
 */
BERT_API bert_status bert_sampler_create(bert_sampler **out, const bert_sampler_options *options,
                                         bert_error *err);
/** Overwrite the texts and free all; NULL is fine.  Since 0.1. */
BERT_API void bert_sampler_destroy(bert_sampler *sampler);

/**
 * Offer a text, which is not kept itself.  Of a text that isn't chosen nothing is read.
 * @return BERT_OK, kept or not; BERT_ENOMEM, there was no memory to redact or keep it; BERT_EINVAL.
 *         The sampler stays usable, and the text isn't in it.
 * Since 0.1.
 */
BERT_API bert_status bert_sampler_offer(bert_sampler *sampler, bert_text text, bert_error *err);

/**
 * A copy of the texts that are kept now, in no particular order.
 * @param out  Free it with bert_samples_free().
 * @return BERT_OK; BERT_ENOMEM; BERT_EINVAL.
 * Since 0.1.
 */
BERT_API bert_status bert_sampler_read(bert_sampler *sampler, bert_samples **out, bert_error *err);

/** Overwrite and forget all texts and counts, as if new; the random numbers go on.  A text that is
 *  being redacted meanwhile is not kept.  NULL is fine.  Since 0.1. */
BERT_API void bert_sampler_clear(bert_sampler *sampler);

/** The counts of one moment.  `out` has its size set by its _INIT macro; what it has no room for is
 *  left out.  Since 0.1. */
BERT_API void bert_sampler_counts(bert_sampler *sampler, bert_sampler_state *out);

/** Number of texts of a copy.  Since 0.1. */
BERT_API size_t bert_samples_count(const bert_samples *samples);
/** Text number i; borrowed; {NULL, 0} past the end.  Since 0.1. */
BERT_API bert_text bert_samples_text(const bert_samples *samples, size_t i);
/** Overwrite and free; NULL is fine.  Since 0.1. */
BERT_API void bert_samples_free(bert_samples *samples);

#ifdef __cplusplus
}
#endif

#endif /* BERT_PRIVACY_H */
