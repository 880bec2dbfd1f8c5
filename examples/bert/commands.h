/* SPDX-License-Identifier: MIT */
/* commands.h - the commands there are; each in its cmd_NAME.c. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "examples/bert/options.h"

extern const struct command command_info, command_tokenize, command_decode, command_forward,
    command_embed, command_similarity, command_search, command_classify, command_rerank,
    command_tag, command_answer, command_next, command_choose, command_fill, command_pack,
    command_calibrate, command_profile, command_manifest, command_mask, command_serve,
    command_bench;

#endif
