/* SPDX-License-Identifier: MIT */
/**
 * @file bert/choose.h
 * Multiple choice: which of some texts goes best with a prompt.  Results are read as those of
 * bert/tasks.h; see "Task results" there.
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 * #include <string.h>
 *
 * static bert_text view(const char *s)
 * {
 *     bert_text text;
 *
 *     text.data = s;
 *     text.size = strlen(s);
 *     return text;
 * }
 *
 * int main(int argc, char **argv)
 * {
 *     const bert_text prompt = view("The glass fell off the table.");
 *     const bert_text choices[2] = {view("It broke."), view("It sang.")};
 *     const size_t offsets[2] = {0, 2};
 *     bert_error err;
 *     bert_model *model;
 *     bert_session *session = NULL;
 *     bert_choices *result = NULL;
 *
 *     if (bert_model_load(&model, argc > 1 ? argv[1] : ".", NULL, &err) == BERT_OK
 *         && bert_session_create(&session, model, NULL, &err) == BERT_OK
 *         && bert_choose(session, &prompt, 1, choices, offsets, NULL, &result, &err) == BERT_OK)
 *         printf("%s\n", choices[bert_choices_best(result, 0)].data);
 *     else
 *         printf("no answer: %s\n", err.message);
 *     bert_choices_free(result);
 *     bert_session_destroy(session);
 *     bert_model_unref(model);
 *     return 0;
 * }
 * @endcode
 */
#ifndef BERT_CHOOSE_H
#define BERT_CHOOSE_H

#include <bert/base.h>
#include <bert/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of bert_choose(). */
typedef struct bert_choose_options {
    size_t size;
    uint32_t max_length; /**< tokens at most; the model's own limit still holds; 0: that limit */
    uint32_t overlong;   /**< a bert_overlong but WINDOWS; the longer of prompt and choice is cut */
} bert_choose_options;
#define BERT_CHOOSE_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bert_choose_options), 0, 0                                                          \
    }

/** What a choice is worth. */
typedef struct bert_choice {
    float score; /**< softmax over the logits of the record's choices */
    float logit;
} bert_choice;

typedef struct bert_choices bert_choices;

/**
 * Weigh the choices of n prompts, as the reference's classes for multiple choice do when they are
 * given each pair of prompt and choice.
 *
 * @param prompts  n texts.
 * @param choices  Their choices, end to end.
 * @param offsets  n + 1 entries; prompt i has choices[offsets[i]] up to but excluding
 *                 choices[offsets[i + 1]]; offsets[0] is 0.  An empty choice is a text too.
 * @param out      The result; free it with bert_choices_free().
 * @return BERT_OK; BERT_EINVAL, bad options or offsets; BERT_EUNSUPPORTED, the model has no head
 *         for multiple choice or no usable tokenizer; BERT_ENOMEM; BERT_ELIMIT; BERT_ECANCELED;
 *         BERT_ETIMEDOUT; BERT_EBUSY; BERT_EBACKEND.
 * Since 0.1.
 */
BERT_API bert_status bert_choose(bert_session *session, const bert_text *prompts, size_t n,
                                 const bert_text *choices, const size_t *offsets,
                                 const bert_choose_options *options, bert_choices **out,
                                 bert_error *err);

/** Number of records: n.  Since 0.1. */
BERT_API size_t bert_choices_size(const bert_choices *result);
/** BERT_OK; what is wrong with a pair, see bert_classifications_status(); BERT_EINVAL also where
 *  a prompt has no choices.  Past the end BERT_EINVAL.  Since 0.1. */
BERT_API bert_status bert_choices_status(const bert_choices *result, size_t record);
/** Why, in one line, with the choice; "" for BERT_OK.  Borrowed from the result.  Since 0.1. */
BERT_API const char *bert_choices_message(const bert_choices *result, size_t record);
/** Number of choices of a record; 0 without an answer.  Since 0.1. */
BERT_API size_t bert_choices_count(const bert_choices *result, size_t record);
/** They, in the caller's order.  Borrowed; NULL if there are none.  Since 0.1. */
BERT_API const bert_choice *bert_choices_list(const bert_choices *result, size_t record);
/** Place of the best of them, from 0, of equal ones the first; 0 without an answer.  Since 0.1. */
BERT_API size_t bert_choices_best(const bert_choices *result, size_t record);
/** Tokens of prompts and choices that were cut, all pairs together.  Since 0.1. */
BERT_API uint64_t bert_choices_truncated(const bert_choices *result, size_t record);
/** Free; NULL is fine.  Since 0.1. */
BERT_API void bert_choices_free(bert_choices *result);

#ifdef __cplusplus
}
#endif

#endif /* BERT_CHOOSE_H */
