/* SPDX-License-Identifier: MIT */
/* module.h - opening libbert's own shared objects at run time. */
#ifndef BERT_LIB_BACKEND_MODULE_H
#define BERT_LIB_BACKEND_MODULE_H

#include <bert/base.h>
#include <stdbool.h>

/* The address of `symbol` in libbert-NAME.so, looked for in the folder "bert" beside
 * the library itself and then in the installed place.  The object stays open: its
 * code may be in use until the process ends.  BERT_EBACKEND says what was tried. */
bert_status bert__module_symbol(void **out, const char *name, const char *symbol, bert_error *err);
/* Is the file there?  Opens nothing. */
bool bert__module_exists(const char *name);

#endif
