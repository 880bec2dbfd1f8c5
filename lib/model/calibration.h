/* SPDX-License-Identifier: MIT */
/* calibration.h - bert_calibrate()'s file: what int8 does with the inputs of which layer. */
#ifndef BERT_LIB_MODEL_CALIBRATION_H
#define BERT_LIB_MODEL_CALIBRATION_H

#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/base/source.h"

#define BERT__CALIBRATION_FORMAT "libbert calibration"
enum { BERT__CALIBRATION_VERSION = 1, BERT__OUTLIERS_MOST = 256 };

struct bert__calibrated {
    const char *layer; /* the first of its weights */
    uint32_t inputs;
    float clip;               /* INFINITY: nothing is clipped */
    const uint32_t *outliers; /* ascending */
    uint32_t n_outliers;
    bool used; /* a layer has asked for it */
};

struct bert__calibration {
    const char *path;
    struct bert__calibrated *layers;
    uint32_t n;
};

/* All in the arena. */
bert_status bert__calibration_read(struct bert__calibration *out, struct bert__arena *arena,
                                   struct bert__alloc *alloc, const char *path, bert_error *err);
/* The layer's, or NULL: it has none.  BERT_EFORMAT if it has another number of inputs. */
bert_status bert__calibration_of(const struct bert__calibration *calibration, const char *layer,
                                 uint32_t inputs, const struct bert__calibrated **out,
                                 bert_error *err);
/* BERT_EFORMAT if a layer of the file was asked for by none. */
bert_status bert__calibration_check_used(const struct bert__calibration *calibration,
                                         bert_error *err);

#endif
