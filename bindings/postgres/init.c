/* SPDX-License-Identifier: MIT */
/* The module's settings, and what it does when the server loads it. */
#include "bindings/postgres/pg_bert.h"

#include <limits.h>

#include <miscadmin.h>
#include <utils/builtins.h>
#include <utils/guc.h>

PG_MODULE_MAGIC;

char *bert__pg_directory;
int bert__pg_threads = 1;
int bert__pg_batch_tokens = 512;
int bert__pg_max_memory = 1024;
int bert__pg_max_text = 1024;

static char *preload_models;

void _PG_init(void);

static bool check_directory(char **value, void **extra, GucSource source)
{
    (void)extra;
    (void)source;
    if (*value == NULL || (*value)[0] == '\0' || is_absolute_path(*value))
        return true;
    GUC_check_errdetail("The path of the models' directory must be absolute.");
    return false;
}

static void define_settings(void)
{
    DefineCustomStringVariable(
        "bert.model_directory", "Directory whose models may be used by name.", NULL,
        &bert__pg_directory, "", PGC_SUSET, GUC_SUPERUSER_ONLY, check_directory, NULL, NULL);
    /* The server can't count these among its parallel workers. */
    DefineCustomIntVariable("bert.threads", "Threads that one call may use.", NULL,
                            &bert__pg_threads, 1, 1, 256, PGC_SUSET, 0, NULL, NULL, NULL);
    DefineCustomIntVariable("bert.batch_tokens", "Tokens that are encoded together.",
                            "Never fewer than the longest text of the model; memory grows with "
                            "it.",
                            &bert__pg_batch_tokens, 512, 16, 65536, PGC_SUSET, 0, NULL, NULL, NULL);
    DefineCustomIntVariable(
        "bert.max_memory", "Scratch memory that one model's calls may take in a backend.", NULL,
        &bert__pg_max_memory, 1024, 1, INT_MAX / 1024, PGC_SUSET, GUC_UNIT_MB, NULL, NULL, NULL);
    /* Texts of many MB have steps in which the library doesn't ask whether the call is to end. */
    DefineCustomIntVariable("bert.max_text", "Size of the longest text that is taken.", NULL,
                            &bert__pg_max_text, 1024, 1, INT_MAX / 1024, PGC_SUSET, GUC_UNIT_KB,
                            NULL, NULL, NULL);
}

void _PG_init(void)
{
    bool in_postmaster = process_shared_preload_libraries_in_progress;

    define_settings();
    DefineCustomStringVariable(
        "bert.preload_models", "Models that the postmaster loads for all backends, by name.",
        "Has an effect only with the module in shared_preload_libraries.", &preload_models, "",
        in_postmaster ? PGC_POSTMASTER : PGC_SIGHUP, GUC_LIST_INPUT, NULL, NULL, NULL);
    MarkGUCPrefixReserved("bert");
    if (in_postmaster)
        bert__pg_models_preload(preload_models);
    else if (preload_models != NULL && preload_models[0] != '\0')
        ereport(WARNING, errmsg("bert.preload_models has no effect, since the module is not in "
                                "shared_preload_libraries"));
}

PG_FUNCTION_INFO_V1(pg_bert_version);

Datum pg_bert_version(PG_FUNCTION_ARGS)
{
    (void)fcinfo;
    PG_RETURN_TEXT_P(cstring_to_text(bert_version()));
}
