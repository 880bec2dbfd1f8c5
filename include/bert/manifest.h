/* SPDX-License-Identifier: MIT */
/**
 * @file bert/manifest.h
 * Is the model on this disk the one that was released, and does it still answer as it did?
 *
 * A manifest lists the files of a model that the library reads, with their sizes and SHA-256
 * digests.  It lies with the model: bert_manifest.json in a directory, FILE.manifest.json beside a
 * packed FILE.  Golden inputs are texts with the answers that they had: golden.json in a directory,
 * FILE.golden.json beside a packed FILE.  Whoever releases a model writes both, whoever is about to
 * serve it checks both.
 *
 * A manifest shows damage and mistakes.  Whoever can write the model can write the manifest too:
 * against that compare bert_manifest_verify()'s digest with one that came another way.  And files
 * that change after they were verified are read as they are by then: a model's files are replaced
 * by rename, never written to.
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * int main(int argc, char **argv)
 * {
 *     const char *path = argc > 1 ? argv[1] : ".";
 *     char digest[BERT_DIGEST_SIZE];
 *     bert_golden_report report = BERT_GOLDEN_REPORT_INIT;
 *     bert_error err;
 *     bert_model *model = NULL;
 *     bert_session *session = NULL;
 *
 *     if (bert_manifest_verify(path, NULL, digest, &err) == BERT_OK
 *         && bert_model_load(&model, path, NULL, &err) == BERT_OK
 *         && bert_session_create(&session, model, NULL, &err) == BERT_OK
 *         && bert_golden_check(session, path, &report, &err) == BERT_OK)
 *         printf("%s: %zu texts are answered as before\n", digest, report.compared);
 *     else
 *         printf("%s\n", err.message);
 *     bert_session_destroy(session);
 *     bert_model_unref(model);
 *     return 0;
 * }
 * @endcode
 */
#ifndef BERT_MANIFEST_H
#define BERT_MANIFEST_H

#include <bert/base.h>
#include <bert/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Manifests ------------------------------------------------------------- */

/** A SHA-256 in lower-case hexadecimal, with its NUL. */
#define BERT_DIGEST_SIZE 65

/** Flags of bert_manifest_options. */
enum {
    /** Take symbolic links that lead out of the model's directory.  Without it only those are
     *  taken that stay below it, or that lead to the hub's cache that the directory is a
     *  snapshot of. */
    BERT_MANIFEST_LINKS = 1 << 0
};

/** Options of the calls below. */
typedef struct bert_manifest_options {
    size_t size;
    uint32_t flags;
    const bert_allocator *allocator; /**< NULL: malloc */
    bert_log_fn log;                 /**< a line for each file; NULL: nobody wants them */
    void *log_context;
    bert_cancel_fn cancel; /**< NULL: never; asked before each file and every few MB */
    void *cancel_context;
    uint64_t max_file_bytes; /**< larger files are BERT_ELIMIT; 0: 64 GiB */
} bert_manifest_options;
#define BERT_MANIFEST_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(bert_manifest_options), 0, NULL, NULL, NULL, NULL, NULL, 0                          \
    }

/**
 * Write the manifest of a model.
 *
 * Listed are all files that a load could read (config, weights and their shards, modules,
 * tokenizer) and the golden inputs, whether or not this machine, or these options, would have them
 * read; nothing else that lies there.  Of a packed FILE it lists "model.bert", which is FILE under
 * any name, and "golden.json".  The model itself is not loaded.  An older manifest is replaced; a
 * failure leaves it as it was.
 *
 * @param path    Directory in the layout of the hub, or a packed file.
 * @param digest  Receives the model's digest, as of bert_manifest_digest(); may be NULL.
 * @return BERT_OK; BERT_EINVAL; BERT_EIO, a file can't be read, or the manifest not be written;
 *         BERT_EFORMAT, modules.json or the weights' index is malformed, or a link leads out of the
 *         model; BERT_ELIMIT; BERT_ECANCELED; BERT_ENOMEM.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_manifest_write(const char *path, const bert_manifest_options *options,
                                         char digest[BERT_DIGEST_SIZE], bert_error *err);

/**
 * Compare a model with its manifest.
 *
 * @param digest  Receives the model's digest; may be NULL.  An empty string after a failure.
 * @return BERT_OK; BERT_EIO, there is no manifest, or a file can't be read; BERT_EFORMAT, the
 *         manifest is malformed (the field is named), or a file is missing, has another size or
 *         digest, or would be read and is not listed, or a link leads out of the model (the file is
 *         named); BERT_EUNSUPPORTED, the manifest's version; BERT_EINVAL; BERT_ELIMIT;
 *         BERT_ECANCELED; BERT_ENOMEM.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_manifest_verify(const char *path, const bert_manifest_options *options,
                                          char digest[BERT_DIGEST_SIZE], bert_error *err);

/**
 * The digest that a manifest of this model would have: a name for its contents, such as the key of
 * a cache, also of a model without a manifest.
 *
 * It is the SHA-256 of a line for each file, "DIGEST  NAME\n", in the order of the names' bytes:
 * what sha256sum prints for them.  The files are read to the end, which takes about as long as the
 * disk needs, or a second for 0.3 to 2 GB in memory.  Links may lead anywhere.
 *
 * @param digest  Receives it; an empty string after a failure.
 * @return As bert_manifest_write().
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_manifest_digest(const char *path, const bert_manifest_options *options,
                                          char digest[BERT_DIGEST_SIZE], bert_error *err);

/* ---- Golden inputs ------------------------------------------------------------ */

/** What golden inputs ask of a model. */
typedef enum bert_golden_task {
    BERT_GOLDEN_AUTO = 0,     /**< by bert_model_task(): "embedding" and "encoder" EMBED,
                                   "text-classification" RERANK where there is one label and
                                   there are pairs, else CLASSIFY, "token-classification" TAG,
                                   "question-answering" ANSWER, "fill-mask" and "pretraining"
                                   FILL, "next-sentence-prediction" NEXT */
    BERT_GOLDEN_EMBED = 1,    /**< bert_embed(): the vector */
    BERT_GOLDEN_CLASSIFY = 2, /**< bert_classify(): the scores of the 64 best labels; a text may
                                   have a pair */
    BERT_GOLDEN_RERANK = 3,   /**< bert_rerank(): the score of the pair for the query, the text */
    BERT_GOLDEN_TAG = 4,      /**< bert_tag(): all entities, in their order */
    BERT_GOLDEN_ANSWER = 5,   /**< bert_answer(): the best answer to the text, a question, in the
                                   pair, a context */
    BERT_GOLDEN_FILL = 6,     /**< bert_fill_mask(): the five best tokens of each mask */
    BERT_GOLDEN_NEXT = 7      /**< bert_next_sentence(): the probability */
} bert_golden_task;

/**
 * Options of bert_golden_write(): how far an answer may be from the expected one.
 *
 * `difference` is that of one number: of a vector's, or a score.  It counts as a part of the
 * largest expected number of the text, where that is above 1, as in vectors that are not of unit
 * length.  `cosine` is that of two vectors.  A file holds both for every precision that a model
 * may be checked in; by default, for fp32, bf16 and int8:
 *
 *  - fp32: 1e-4 and 0.9999.  Another CPU sums in another order; up to 7e-7 was seen.
 *  - bf16: 0.03 and 0.9995.  Eight bits of each weight, and of activations on some CPUs; up to
 *    0.015 was seen, and cosines down to 0.99998.
 *  - int8: 0.1 and 0.98.  Up to 0.03 was seen, and cosines down to 0.995; larger models lose more.
 *
 * Seen of 60 to 300 real texts a task through all-MiniLM-L6-v2 and small task models, from fp32.
 *
 * Of the precision that the file was made in and the one that is checked the wider holds.
 * Whatever the numbers, entities and answers are to have the same place and label, and the best
 * label or token is to be the same one, unless the next best was expected within twice the
 * difference.  In another precision places do change where a text is no clear case: of 100
 * paragraphs of Wikipedia the entities of 3 in bf16 and of 20 in int8.
 */
typedef struct bert_golden_options {
    size_t size;
    uint32_t task;     /**< a bert_golden_task */
    double difference; /**< in every precision; above 0; 0: the defaults */
    double cosine;     /**< in every precision; at most 1; 0: the defaults */
} bert_golden_options;
#define BERT_GOLDEN_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bert_golden_options), 0, 0, 0                                                       \
    }

/** What bert_golden_check() saw. */
typedef struct bert_golden_report {
    size_t size;
    uint32_t task;         /**< a bert_golden_task */
    size_t compared;       /**< texts */
    size_t failed;         /**< those whose answers are too far away */
    size_t first_failed;   /**< the first of them; SIZE_MAX: none */
    double difference;     /**< the largest, counted as above */
    double cosine;         /**< the least; 1 where there are no vectors */
    double max_difference; /**< what held */
    double min_cosine;
} bert_golden_report;
#define BERT_GOLDEN_REPORT_INIT                                                                    \
    {                                                                                              \
        sizeof(bert_golden_report), 0, 0, 0, 0, 0, 0, 0, 0                                         \
    }

/**
 * Run texts through a model and store them with its answers.
 *
 * The file is JSON, with the texts as they are: choose some that may be seen.  A dozen that are
 * clear cases are worth more than many.  Write it in the precision that will be served; write the
 * manifest after it.  Options of the calls are their defaults.
 *
 * @param texts    n of them, at least one; UTF-8.
 * @param pairs    n texts that go with them, for the tasks that take pairs; else NULL.
 * @param path     The model's directory or packed file, with which it is stored; or else the file
 *                 itself.  One that is there is replaced, a failure leaves it as it was.
 * @return BERT_OK; BERT_EINVAL, bad options, no texts, pairs that the task needs or can't take, or
 *         a text that is not UTF-8 (its index is given); the status of the first text without an
 *         answer; BERT_EUNSUPPORTED, the model has no such head; BERT_EIO, the file can't be
 *         written; BERT_ENOMEM; BERT_ELIMIT; BERT_ECANCELED; BERT_ETIMEDOUT; BERT_EBUSY.
 * Since 0.1.
 */
BERT_API bert_status bert_golden_write(bert_session *session, const bert_text *texts,
                                       const bert_text *pairs, size_t n,
                                       const bert_golden_options *options, const char *path,
                                       bert_error *err);

/**
 * Answer golden inputs again and compare.  Messages give the place of a text in the file, from 0,
 * never the text.
 *
 * @param path    As of bert_golden_write().
 * @param report  Filled whether or not all are equal, as far as the call came; may be NULL.  Its
 *                `size` is to be set.
 * @return BERT_OK, all answers are near enough; BERT_EFORMAT, one is not (report->failed is above
 *         0), or the file is malformed; BERT_EIO, there is no file; BERT_EUNSUPPORTED, the model
 *         lacks the head, or the file is of another version; BERT_EINVAL; BERT_ENOMEM; BERT_ELIMIT;
 *         BERT_ECANCELED; BERT_ETIMEDOUT; BERT_EBUSY.
 * Since 0.1.
 */
BERT_API bert_status bert_golden_check(bert_session *session, const char *path,
                                       bert_golden_report *report, bert_error *err);

#ifdef __cplusplus
}
#endif

#endif /* BERT_MANIFEST_H */
