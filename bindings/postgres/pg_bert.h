/* SPDX-License-Identifier: MIT */
/*
 * pg_bert.h - what the files of the extension share.
 *
 * PostgreSQL's errors are longjmp()s, and none may leave a frame of the library: no callback raises
 * one, and between a library call and the note of what it returned (bert__pg_keep()) nothing that
 * can raise is called.
 */
#ifndef BERT_BINDINGS_POSTGRES_PG_BERT_H
#define BERT_BINDINGS_POSTGRES_PG_BERT_H

#include <postgres.h>

#include <fmgr.h>
#include <utils/array.h>
#if PG_VERSION_NUM >= 160000
#include <varatt.h>
#endif

#include <bert.h>

/* What goes to the library in one call, but for one text that is larger; between two calls
 * interrupts of all kinds are served, within one those of bert__pg_cancelled(). */
enum { BERT__PG_CHUNK = 64 /* texts */, BERT__PG_CHUNK_BYTES = 1 << 18 };

/* ---- Settings (init.c) ------------------------------------------------------- */

extern char *bert__pg_directory;
extern int bert__pg_threads;
extern int bert__pg_batch_tokens;
extern int bert__pg_max_memory; /* MB */
extern int bert__pg_max_text;   /* KB */

/* ---- Objects and errors of the library (library.c) ---------------------------- */

/* A library object that is freed with a memory context, if not before. */
struct bert__pg_kept {
    MemoryContextCallback callback;
    void *object;
    void (*free)(void *object);
};

/* In the current context; set ->object when the library has made it. */
struct bert__pg_kept *bert__pg_keep(void (*free_object)(void *object));
/* Free the object now. */
void bert__pg_drop(struct bert__pg_kept *kept);

/* As the library's cancel callback: is the statement to end?  Serves what can wait no longer. */
int bert__pg_cancelled(void *context);

/* Raise an error of a call for this model. */
void bert__pg_fail(const char *model, bert_status status, const char *message)
    pg_attribute_noreturn();
/* The same of the text at that place, from 0, of an array; place -1: there is no array. */
void bert__pg_fail_text(const char *model, int place, bert_status status, const char *message)
    pg_attribute_noreturn();
/* A message of the library's in the server's encoding, without the models' directory: where that
 * is, is not everybody's business. */
char *bert__pg_message(const char *message);
/* SQLSTATE of a status. */
int bert__pg_sqlstate(bert_status status);

/* ---- Models of this process (models.c) ------------------------------------------ */

struct bert__pg_model {
    struct bert__pg_model *next;
    char *path;
    const char *name; /* the end of path */
    bool preloaded;
    bert_model *model;
    bert_session *session; /* made by the first call */
    int batch_tokens;      /* what it was made with */
    int max_memory;
};

/* The model of that name; loads it where it is not there. */
struct bert__pg_model *bert__pg_model_get(const text *name);
/* In the postmaster: load the models of this list, which backends then share. */
void bert__pg_models_preload(const char *list);
/* The session of this process, with the settings of now. */
bert_session *bert__pg_session(struct bert__pg_model *model);

/* ---- Texts (texts.c) ------------------------------------------------------------ */

/* In UTF-8, borrowed from `in` or palloc()ed. */
bert_text bert__pg_text(const text *in);
/* A part of UTF-8 as a value of the server's encoding. */
text *bert__pg_value(const char *data, size_t size);

/* The elements of a text[] of one dimension. */
struct bert__pg_texts {
    bert_text *texts; /* those that are not NULL, n of them */
    int *index;       /* their places in the array, from 0 */
    int n;
    int n_all;
};
void bert__pg_texts(struct bert__pg_texts *out, ArrayType *array);
/* How many of n texts make the next call. */
int bert__pg_chunk(const bert_text *texts, int n);

/* ---- Vectors (embed.c) ------------------------------------------------------------ */

/* Vectors of n texts into out[n][size]; index: their places in an array, or NULL. */
void bert__pg_embed(struct bert__pg_model *model, const bert_text *texts, const int *index, int n,
                    float *out, size_t size);
size_t bert__pg_embed_size(const struct bert__pg_model *model);
/* A real[] of one row of `size`, its data unset. */
ArrayType *bert__pg_vector(size_t size);

#endif /* BERT_BINDINGS_POSTGRES_PG_BERT_H */
