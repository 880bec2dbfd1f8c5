/* SPDX-License-Identifier: MIT */
/**
 * @file bert/calibrate.h
 * A calibration of int8: what texts like yours make of the inputs of a model's layers, in a file
 * that bert_model_options.calibration takes.  int8 needs none: every token's activations have a
 * scale of their own.  But a few columns of them are far larger than the rest in most trained
 * encoders (Dettmers et al., "LLM.int8()", 2022), and then the rest has few of the 255 steps.
 * A calibrated model multiplies those columns in fp32, and clips what else is very large if that
 * is asked for.  all-MiniLM-L6-v2 by the defaults, with lines of Wikipedia: 28 columns in all,
 * mean cosine of sentences with fp32 0.9992 where it was 0.9973, for some 10 to 25 % of time.
 * @code
 * #include <bert.h>
 * #include <stdio.h>
 *
 * int main(int argc, char **argv)
 * {
 *     const bert_text texts[] = {{"a cat on a mat", 14}, {"prices rose again", 17}};
 *     const char *directory = argc > 1 ? argv[1] : ".";
 *     const char *file = argc > 2 ? argv[2] : "calibration.json";
 *     bert_model_options options = BERT_MODEL_OPTIONS_INIT;
 *     bert_error err;
 *     bert_model *model = NULL, *small = NULL;
 *     bert_session *session = NULL;
 *
 *     options.precision = BERT_PRECISION_INT8;
 *     options.calibration = file;
 *     if (bert_model_load(&model, directory, NULL, &err) == BERT_OK
 *         && bert_session_create(&session, model, NULL, &err) == BERT_OK
 *         && bert_calibrate(session, texts, 2, NULL, file, &err) == BERT_OK
 *         && bert_model_load(&small, directory, &options, &err) == BERT_OK)
 *         printf("%s is calibrated\n", directory);
 *     else
 *         printf("%s\n", err.message);
 *     bert_session_destroy(session);
 *     bert_model_unref(model);
 *     bert_model_unref(small);
 *     return 0;
 * }
 * @endcode
 */
#ifndef BERT_CALIBRATE_H
#define BERT_CALIBRATE_H

#include <bert/base.h>
#include <bert/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of bert_calibrate(). */
typedef struct bert_calibrate_options {
    size_t size;
    double percentile;     /**< of the magnitudes of a layer's inputs, outliers left out: what is
                                above is clipped; in (0, 100]; 100: nothing is; 0: 100 */
    double outlier_ratio;  /**< a column whose largest magnitude is so many times that of the
                                layer's median column is an outlier; above 1; 0: 4 */
    uint32_t max_outliers; /**< columns of a layer at most, the largest; 0: 16; UINT32_MAX: none are
                                looked for; otherwise 256 at most */
    uint32_t max_length;   /**< tokens of a text at most, the rest is cut; the model's own limit
                                still holds; 0: that limit */
} bert_calibrate_options;
#define BERT_CALIBRATE_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(bert_calibrate_options), 0, 0, 0, 0                                                 \
    }

/**
 * Run the texts twice and write what was seen of the encoder's layers.
 *
 * The model should be in fp32; a few hundred texts of the kind that it will see are plenty.  Layers
 * of task heads stay as they are.  The file is JSON: for each layer the name of its weight, its
 * inputs, the columns that are outliers, and the value above which the others are clipped.  It is
 * written whole or not at all.
 *
 * The call takes, within the session's max_bytes, about 16 KB a layer and 4 bytes an input.
 *
 * @param texts  n of them, at least one.
 * @param path   The file; one that is there is replaced.
 * @return BERT_OK; BERT_EINVAL, no texts or bad options; BERT_EUNSUPPORTED, no usable tokenizer;
 *         BERT_ENONFINITE, the model gives NaN or infinity for one of the texts; BERT_EIO, the file
 *         can't be written; BERT_ERANGE, a text has more tokens than the session; BERT_ECANCELED,
 *         BERT_ETIMEOUT, BERT_EBUSY, BERT_ELIMIT, BERT_ENOMEM.
 * Since 0.1.
 */
BERT_API bert_status bert_calibrate(bert_session *session, const bert_text *texts, size_t n,
                                    const bert_calibrate_options *options, const char *path,
                                    bert_error *err);

#ifdef __cplusplus
}
#endif

#endif /* BERT_CALIBRATE_H */
