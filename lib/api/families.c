/* SPDX-License-Identifier: MIT */
/* families.c - the rows of lib/arch as strings: what can be loaded. */
#include <bert/model.h>
#include <string.h>

#include "lib/arch/arch.h"

static const char *position_name(const struct bert__arch *row)
{
    switch (row->position) {
    case BERT__POSITION_ABSOLUTE:
        return "absolute";
    case BERT__POSITION_AFTER_PADDING:
        return "after-padding";
    case BERT__POSITION_NONE:
        break;
    }
    return "none";
}

static const char *distance_name(const struct bert__arch *row)
{
    switch (row->distance) {
    case BERT__DISTANCE_NONE:
        break;
    case BERT__DISTANCE_BUCKETS:
        return "buckets";
    case BERT__DISTANCE_ALIBI:
        return "alibi";
    case BERT__DISTANCE_ROTARY:
        return row->keys.window != NULL ? "rotary+windows" : "rotary";
    case BERT__DISTANCE_DISENTANGLED:
        return "none|disentangled";
    }
    return row->keys.position_type != NULL ? "none|rotary" : "none";
}

static const char *norm_name(const struct bert__arch *row)
{
    static const char *const names[2][2] = {{"post LayerNorm", "post RMSNorm"},
                                            {"pre LayerNorm", "pre RMSNorm"}};

    return names[row->norm_place == BERT__NORM_PRE ? 1 : 0][row->rms_norm ? 1 : 0];
}

const char *bert_family(uint32_t i, bert_family_field field)
{
    const struct bert__arch *row = bert__arch_at(i);

    if (row == NULL)
        return NULL;
    switch (field) {
    case BERT_FAMILY_MODEL_TYPE:
        return row->model_type;
    case BERT_FAMILY_CODE:
        return row->remote_config != NULL ? row->remote_config : "";
    case BERT_FAMILY_POSITION:
        return position_name(row);
    case BERT_FAMILY_DISTANCE:
        return distance_name(row);
    case BERT_FAMILY_NORM:
        return norm_name(row);
    case BERT_FAMILY_FFN:
        return row->ffn == BERT__FFN_PLAIN ? "plain" : "gated";
    }
    return NULL;
}

static bool is_first_of_its_task(const struct bert__head_row *heads,
                                 const struct bert__head_row *head)
{
    for (; heads != head; heads++)
        if (strcmp(heads->task, head->task) == 0)
            return false;
    return true;
}

const char *bert_family_task(uint32_t i, uint32_t k)
{
    const struct bert__arch *row = bert__arch_at(i);
    const struct bert__head_row *head = row != NULL ? row->heads : NULL;

    for (; head != NULL && head->architecture != NULL; head++)
        if (is_first_of_its_task(row->heads, head) && k-- == 0)
            return head->task;
    return NULL;
}
