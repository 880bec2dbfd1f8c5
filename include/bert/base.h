/* SPDX-License-Identifier: MIT */
/**
 * @file bert/base.h
 * Version, status codes, errors, and the small value types that every other
 * header of libbert uses.
 *
 * Conventions of the whole API:
 *  - A call that can fail returns a bert_status and takes, as its last
 *    parameter, an optional caller-owned bert_error (NULL is fine).  There is
 *    no global and no thread-local error.
 *  - A NULL handle or pointer in a call that returns a bert_status is BERT_EINVAL; free,
 *    destroy and unref take NULL; getters, which can't fail, need a handle.
 *  - Out-parameters come first and are set to NULL (handles) on failure.
 *  - Text is pointer and length, any bytes, any length; NUL is a character.
 *    Ill-formed UTF-8 is read as one U+FFFD per maximal ill-formed part.
 *  - Option structs start with `size` (set by their _INIT macro).  NULL in
 *    place of options means all defaults, and a zero field means its default.
 *    Non-zero bytes past what this library knows are BERT_EINVAL.
 *  - The library never prints, aborts, exits, changes the locale or the
 *    floating-point state of the caller, installs a handler, or reads the
 *    environment (but for BERT_CPU, which caps the instruction set).
 */
#ifndef BERT_BASE_H
#define BERT_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define BERT_API __attribute__((visibility("default")))
#else
#define BERT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Version of these headers; bert_version() is that of the linked library. */
#define BERT_VERSION_MAJOR  0
#define BERT_VERSION_MINOR  1
#define BERT_VERSION_PATCH  0
#define BERT_VERSION_STRING "0.1.0"

/** Version of the library in use, "MAJOR.MINOR.PATCH".  Never NULL, static.
 *  Any thread.  Since 0.1. */
BERT_API const char *bert_version(void);

/**
 * What the library in use was built as, for a bug report or a log: lines "name: value", each with
 * its newline, of version, compiler, target, kernels, modules, probes and sanitizer.  Equal builds
 * give equal text: it holds no date, host or path.  Its wording is not part of the ABI; programs
 * ask bert_has_feature().  Never NULL, static.  Any thread.  Since 0.1.
 */
BERT_API const char *bert_build_info(void);

/**
 * Was the library in use built with this feature?  1 or 0; 0 for NULL and for a name that it does
 * not know, such as one of a later version.  A name keeps its meaning.  Any thread.  Since 0.1.
 *
 *  - "kernels.NAME": the kernels of that instruction set ("kernels.avx512_vnni", "kernels.neon")
 *    are compiled in.  Whether this machine can run them: bert_cpu_available(NAME).
 *  - "model.safetensors", "model.packed": a directory with such weights, a file of
 *    bert_model_pack(), can be loaded.  The families of models: bert_family().
 *  - "module.blas": the module was built too.  Whether it is there: bert_cpu_available("blas").
 *  - "usdt": probes for perf, bpftrace and SystemTap are in the code.
 *  - "sanitizer": instrumented for tests, slow; not for use.
 */
BERT_API int bert_has_feature(const char *name);
/** Name of feature `index` of this build, from 0, in no order that means anything; NULL past the
 *  last.  Static.  Any thread.  Since 0.1. */
BERT_API const char *bert_feature(size_t index);

/* ---- Status codes ------------------------------------------------------ */

/** Result of every call that can fail.  The numbers are part of the ABI. */
typedef enum bert_status {
    BERT_OK = 0,
    BERT_EINVAL = -1,       /**< an argument is wrong */
    BERT_ENOMEM = -2,       /**< an allocation failed */
    BERT_EIO = -3,          /**< a file could not be opened or read */
    BERT_EFORMAT = -4,      /**< a file is malformed */
    BERT_EUNSUPPORTED = -5, /**< valid, but not handled; the message names it */
    BERT_ERANGE = -6,       /**< text too long, or buffer too small */
    BERT_ELIMIT = -7,       /**< over a limit set by the host */
    BERT_EBACKEND = -8,     /**< a compute backend failed or is missing */
    BERT_ECANCELED = -9,    /**< the host canceled the call */
    BERT_ETIMEDOUT = -10,   /**< the deadline passed */
    BERT_EBUSY = -11,       /**< the queue is full, or the handle is in use */
    BERT_ENONFINITE = -12,  /**< NaN or infinity in weights */
    BERT_EINTERNAL = -13    /**< a defect of libbert: please report it */
} bert_status;

/** Name of a status, such as "BERT_EFORMAT"; "BERT_E?" for an unknown number.
 *  Never NULL, static.  Any thread.  Since 0.1. */
BERT_API const char *bert_status_name(bert_status status);

/**
 * What went wrong.  Owned by the caller and written only when a call fails.
 * `message` is one line of UTF-8 that names the file, field or value; it never
 * holds text that was given to be encoded.  Its wording is not part of the ABI.
 */
typedef struct bert_error {
    bert_status code;
    char message[1020];
} bert_error;

/* ---- Value types ------------------------------------------------------- */

/** A borrowed run of bytes.  `data` may be NULL only if `size` is 0. */
typedef struct bert_text {
    const char *data;
    size_t size;
} bert_text;

/** Half-open range [start, end). */
typedef struct bert_span {
    size_t start;
    size_t end;
} bert_span;

/** A named block of memory that stands for a file; see bert_model_load_memory().
 *  `name` is the path below the model directory, such as "1_Pooling/config.json". */
typedef struct bert_file {
    const char *name;
    const void *data;
    size_t size;
} bert_file;

/* ---- Host services ----------------------------------------------------- */

/**
 * Memory of one object and of all that it owns.  The struct is copied.  Where an object is given
 * none, small blocks are malloc()'s and large ones mappings of their own.
 * `alloc` returns at least `bytes` (never 0) aligned to `alignment` (a power of
 * two up to 4096), or NULL, which becomes BERT_ENOMEM.  `free` never gets NULL.
 * Both may be called from any thread that uses the object, also at once.
 */
typedef struct bert_allocator {
    void *(*alloc)(void *context, size_t bytes, size_t alignment);
    void (*free)(void *context, void *memory);
    void *context;
} bert_allocator;

typedef enum bert_log_level {
    BERT_LOG_WARNING = 1, /**< the answer stands, but the host should know */
    BERT_LOG_INFO = 2,
    BERT_LOG_DEBUG = 3
} bert_log_level;

/** Receives one line without newline.  Never holds texts or vectors.  May be
 *  called from the thread that called the library, and from no other. */
typedef void (*bert_log_fn)(void *context, bert_log_level level, const char *message);

/** Asked every few ms on the thread of the call; non-zero ends the call with
 *  BERT_ECANCELED.  Called on the thread that called the library. */
typedef int (*bert_cancel_fn)(void *context);

#ifdef __cplusplus
}
#endif

#endif /* BERT_BASE_H */
