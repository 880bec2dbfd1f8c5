/* SPDX-License-Identifier: MIT */
/**
 * @file bert/model.h
 * A model as loaded from a Hugging Face directory, or from one packed file: weights,
 * config, tokenizer, and the sentence-transformers modules around them.
 *
 * A bert_model is immutable once loaded; any number of threads and sessions
 * share one.  It is reference counted.  Weights are packed once, at load, for
 * the instruction set in use, and exist in that form only.
 *
 * Files read: config.json, model.safetensors (or model.safetensors.index.json
 * and its shards), the tokenizer's files, and where present modules.json with
 * each module's folder and config_sentence_transformers.json.  Pickled weights
 * (pytorch_model.bin) are refused, never opened.
 *
 * bert_model_pack() writes all of that into one file, the weights as they lie in
 * memory for one precision and instruction set.  It is taken wherever a directory is
 * (by its first bytes, whatever its name), is mapped, not read, and shares its pages
 * with every process that has it open.  A mapped file must not shrink or change while
 * a model lives: a page that is gone kills the process with SIGBUS; see
 * BERT_MODEL_READ.  To replace one, write another beside it and rename, as
 * bert_model_pack() does.
 */
#ifndef BERT_MODEL_H
#define BERT_MODEL_H

#include <bert/base.h>
#include <bert/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bert_model bert_model;

/**
 * Number format of the packed weights and of the products with them.  Sums, LayerNorm, softmax,
 * residuals and tables are fp32 in all of them, and so are poolers, the modules after pooling and
 * decoders of fewer than 64 labels.  Whatever the checkpoint's own type, a model can be loaded in
 * each.
 *
 * bf16: weights are rounded to 8 significant bits; activations too where the CPU multiplies bf16,
 * else they stay fp32.
 * int8: round(127 w / max|w|) with a scale for each output of a layer, made at load, and the same
 * of each token's activations as they come; no calibration is needed, but one can be given (see
 * bert/calibrate.h).  The integer sums are the same on every CPU.
 */
typedef enum bert_precision {
    BERT_PRECISION_DEFAULT = 0, /**< fp32 */
    BERT_PRECISION_FP32 = 1,
    BERT_PRECISION_BF16 = 2,
    BERT_PRECISION_INT8 = 3,
    BERT_PRECISION_AUTO = 4 /**< the fastest that keeps the answers to the last decimals: fp32 */
} bert_precision;

/** Flags of bert_model_options. */
enum {
    /**
     * Map the weights file instead of reading it.  Tables that are used as they
     * lie in the file (word embeddings in F32) are then not copied.  The file
     * must not shrink or change while the model lives: a page that is gone kills
     * the process with SIGBUS.  Without the flag files are read, and closed
     * before the load returns.  No effect on models from memory, nor on packed files,
     * which are mapped anyway.
     */
    BERT_MODEL_MAP = 1 << 0,
    /** Take weights that are NaN or infinite instead of BERT_ENONFINITE. */
    BERT_MODEL_ALLOW_NONFINITE = 1 << 1,
    /** Don't look for a tokenizer: the model answers ids only. */
    BERT_MODEL_NO_TOKENIZER = 1 << 2,
    /**
     * Load the encoder without the task head that the checkpoint has.  It saves the memory
     * of a masked-LM head, whose matrix is as large as the word embeddings, where only
     * embeddings are wanted; and without the matrices that bge-m3 has beside it.  A model saved as
     * a SparseEncoder embeds with that head and keeps it, and a ColBERT model its own.
     */
    BERT_MODEL_NO_HEAD = 1 << 3,
    /** Read a packed file instead of mapping it: it may go or change after the load. */
    BERT_MODEL_READ = 1 << 4,
    /**
     * Read a packed file's every byte and compare its checksums, which are against damage, not
     * against malice.  Without, only what the file says of itself is checked (each header, size and
     * offset, always).  No effect on directories.
     */
    BERT_MODEL_VERIFY = 1 << 5,
    /**
     * A file packed for another instruction set, architecture or precision: pack it anew in
     * memory, if it holds the weights exactly (fp32 does), instead of BERT_EUNSUPPORTED.
     */
    BERT_MODEL_REPACK = 1 << 6
};

/** Options of bert_model_load*(). */
typedef struct bert_model_options {
    size_t size;
    uint32_t flags;                  /**< BERT_MODEL_* */
    uint32_t precision;              /**< a bert_precision; DEFAULT and AUTO: a packed file's own */
    const char *cpu;                 /**< caps the instruction set; NULL: the best here, or
                                          BERT_CPU; see bert_cpu_available() */
    const char *backend;             /**< NULL: "cpu"; see bert_backend_available() */
    const bert_allocator *allocator; /**< NULL: malloc */
    bert_log_fn log;                 /**< NULL: silent */
    void *log_context;
    bert_cancel_fn cancel; /**< NULL: never; asked every few ms, on the calling thread */
    void *cancel_context;
    uint64_t max_bytes;      /**< memory of the model at most, else BERT_ELIMIT; 0: no limit */
    uint64_t max_file_bytes; /**< one file at most, else BERT_ELIMIT; 0: 64 GiB */
    uint32_t max_layers;     /**< num_hidden_layers at most, else BERT_ELIMIT; 0: 1024 */
    uint32_t threads; /**< that pack the weights, caller included, and end with the load; 0: as
                           many as affinity and cgroup quota leave the process */
    const char *calibration; /**< path of a bert_calibrate() file, for a directory in int8; NULL:
                                  none */
} bert_model_options;
#define BERT_MODEL_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(bert_model_options), 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0,    \
            NULL                                                                                   \
    }

/**
 * Load a model directory or a packed file.
 *
 * @param out   The model; the caller owns one reference.
 * @param path  Directory in the layout of the Hugging Face hub, or bert_model_pack()'s file.
 * @return BERT_OK; BERT_EIO, a file is missing or unreadable; BERT_EFORMAT, a file
 *         is malformed or contradicts the config (field or tensor named, both
 *         shapes given); BERT_EUNSUPPORTED, an unknown model_type, activation or
 *         module by name, only pickled weights, a packed file of another version,
 *         architecture, instruction set or precision, or a calibration for one; BERT_ELIMIT;
 *         BERT_ENONFINITE; BERT_EBACKEND; BERT_ECANCELED; BERT_ENOMEM.
 *
 * A tokenizer that is well formed but not handled doesn't fail the load: bert_model_tokenizer()
 * then says why.  Since 0.1.
 */
BERT_API bert_status bert_model_load(bert_model **out, const char *path,
                                     const bert_model_options *options, bert_error *err);

/** As bert_model_load(), from a descriptor of the open directory, which is
 *  neither kept nor closed.  Since 0.1. */
BERT_API bert_status bert_model_load_fd(bert_model **out, int directory_fd,
                                        const bert_model_options *options, bert_error *err);

/** As bert_model_load(), from memory: one entry per file of the directory, or a packed file
 *  alone.  Nothing of `files` is kept after the call.  Since 0.1. */
BERT_API bert_status bert_model_load_memory(bert_model **out, const bert_file *files,
                                            size_t n_files, const bert_model_options *options,
                                            bert_error *err);

/**
 * Pack a model into one file.
 *
 * Weights are written as bert_model_load() with these options has them in memory, so precision
 * and instruction set are the file's; config, tokenizer, modules and labels go with them, the
 * task head too unless BERT_MODEL_NO_HEAD leaves it out.  A model of the file gives the same
 * bits.  The file is made beside `file` under another name, flushed and renamed: a failure
 * leaves what was there, and no other.  Needs as much memory as the model.
 *
 * @param path     Directory, or a packed file (which BERT_MODEL_REPACK turns into another).
 * @param file     What is written; replaced where it exists.
 * @param options  As for bert_model_load(); NULL: the defaults.
 * @return BERT_OK; bert_model_load()'s errors; BERT_EIO, the file can't be written;
 *         BERT_EUNSUPPORTED, the backend's weights are not for files.
 * Since 0.1.
 */
BERT_API bert_status bert_model_pack(const char *path, const char *file,
                                     const bert_model_options *options, bert_error *err);

/** Take one more reference.  Returns its argument.  Any thread.  Since 0.1. */
BERT_API bert_model *bert_model_ref(bert_model *model);
/** Give one reference back; the last frees.  NULL is fine.  Any thread.  Since 0.1. */
BERT_API void bert_model_unref(bert_model *model);

/* ---- What was loaded -----------------------------------------------------
 * Strings are borrowed from the model, which must not be NULL.  Any thread. */

/** `model_type` of the config, such as "bert".  Since 0.1. */
BERT_API const char *bert_model_architecture(const bert_model *model);
/** What the model is for: "embedding" (a sentence-transformers model); by its task head
 *  "text-classification", "token-classification", "question-answering", "multiple-choice",
 *  "fill-mask", "next-sentence-prediction" or "pretraining"; else "encoder".  Since 0.1. */
BERT_API const char *bert_model_task(const bert_model *model);
/** Width of a token's vector.  Since 0.1. */
BERT_API uint32_t bert_model_hidden_size(const bert_model *model);
/** Number of encoder layers.  Since 0.1. */
BERT_API uint32_t bert_model_layers(const bert_model *model);
/** Attention heads of a layer.  Since 0.1. */
BERT_API uint32_t bert_model_heads(const bert_model *model);
/** Inner width of the feed-forward network.  Since 0.1. */
BERT_API uint32_t bert_model_intermediate_size(const bert_model *model);
/** Rows of the word embedding: ids are 0 .. vocab_size - 1.  Since 0.1. */
BERT_API uint32_t bert_model_vocab_size(const bert_model *model);
/** Rows of the token type embedding.  Since 0.1. */
BERT_API uint32_t bert_model_type_vocab_size(const bert_model *model);
/** Positions that the model has: the longest sequence that bert_encode() takes.  Since 0.1. */
BERT_API uint32_t bert_model_max_positions(const bert_model *model);
/** Longest input in tokens, special ones included, to which texts are cut when
 *  nothing else is asked: max_seq_length of a sentence-transformers model, else
 *  the least of model_max_length and the positions; of a ColBERT model that of its queries or
 *  documents, where it is more.  Since 0.1. */
BERT_API uint32_t bert_model_max_length(const bert_model *model);
/** Parameters of all tensors in use.  Since 0.1. */
BERT_API uint64_t bert_model_parameters(const bert_model *model);
/** Memory that the model holds, in bytes; mapped files, packed ones too, not counted.  Since 0.1.
 */
BERT_API uint64_t bert_model_bytes(const bert_model *model);
/** Precision in use.  Since 0.1. */
BERT_API bert_precision bert_model_precision(const bert_model *model);
/** Instruction set in use, as bert_model_options.cpu names them.  Since 0.1. */
BERT_API const char *bert_model_cpu(const bert_model *model);
/** 1 if the file holds a pooler (a dense layer with tanh on the first token).  Since 0.1. */
BERT_API int bert_model_has_pooler(const bert_model *model);
/** Width of bert_embed()'s rows with default options.  Since 0.1. */
BERT_API uint32_t bert_model_embedding_size(const bert_model *model);
/** Pooling of the model's own modules: "mean", or several joined by "+", in
 *  the order of concatenation: "cls+mean".  Since 0.1. */
BERT_API const char *bert_model_pooling(const bert_model *model);
/** Similarity function of the model: "cosine", "dot", "euclidean", "manhattan"; of a ColBERT model
 *  "maxsim" or "meanmaxsim".  Since 0.1. */
BERT_API const char *bert_model_similarity(const bert_model *model);
/** Number of named prompts.  Since 0.1. */
BERT_API uint32_t bert_model_prompt_count(const bert_model *model);
/** Name of prompt i; NULL past the end.  Since 0.1. */
BERT_API const char *bert_model_prompt_name(const bert_model *model, uint32_t i);
/** Text of prompt i; {NULL, 0} past the end.  Since 0.1. */
BERT_API bert_text bert_model_prompt(const bert_model *model, uint32_t i);
/** Name of the prompt that applies unasked; NULL if none does.  Since 0.1. */
BERT_API const char *bert_model_default_prompt(const bert_model *model);
/** Number of labels: id2label of the config, or LABEL_0 ... where the task head has labels without
 *  names; 0 without any.  Since 0.1. */
BERT_API uint32_t bert_model_label_count(const bert_model *model);
/** Label i; NULL past the end.  Since 0.1. */
BERT_API const char *bert_model_label(const bert_model *model, uint32_t i);
/** Number of remarks made while loading, such as tensors not used.  Since 0.1. */
BERT_API uint32_t bert_model_note_count(const bert_model *model);
/** Remark i, one line; NULL past the end.  Since 0.1. */
BERT_API const char *bert_model_note(const bert_model *model, uint32_t i);

/**
 * The model's tokenizer, borrowed.
 * @return BERT_OK; BERT_EUNSUPPORTED, the files name a component that is not
 *         handled, or there are none.
 * Any thread.  Since 0.1.
 */
BERT_API bert_status bert_model_tokenizer(const bert_model *model, const bert_tokenizer **out,
                                          bert_error *err);

/* ---- Families ----------------------------------------------------------- */

/** What bert_family() says of a family. */
typedef enum bert_family_field {
    BERT_FAMILY_MODEL_TYPE = 0, /**< `model_type` of config.json */
    BERT_FAMILY_CODE = 1,     /**< class of the config in its own code ("auto_map") that the family
                                   stands for; "" for none */
    BERT_FAMILY_POSITION = 2, /**< places in the embeddings: "absolute", "after-padding", "none" */
    BERT_FAMILY_DISTANCE = 3, /**< distances in the attention: "none", "buckets", "alibi",
                                   "rotary", "rotary+windows", "disentangled"; several joined
                                   by "|" where the config chooses */
    BERT_FAMILY_NORM = 4,     /**< "post LayerNorm", "pre LayerNorm", "pre RMSNorm" */
    BERT_FAMILY_FFN = 5       /**< "plain", "gated" */
} bert_family_field;

/** Of family number i that can be loaded, by name; NULL past the end.  The strings are
 *  static.  Any thread.  Since 0.1. */
BERT_API const char *bert_family(uint32_t i, bert_family_field field);
/** Task number k that family i has heads for, as bert_model_task() names it; NULL past the end.
 *  Any thread.  Since 0.1. */
BERT_API const char *bert_family_task(uint32_t i, uint32_t k);

/* ---- Machine ------------------------------------------------------------ */

/**
 * Is this instruction set compiled in and usable on this machine?  In ascending order: "scalar";
 * "blas", a BLAS of the system, with its own threads and allocations, which is never taken unasked;
 * "avx2"; "avx2_vnni", 8-bit dot products; "avx512"; "avx512_vnni"; "avx512_vnni_bf16", dot
 * products of bf16 too; "amx", tiles of both.  On AArch64 "neon"; "neon_dotprod", 8-bit dot
 * products; "neon_bf16" and "neon_i8mm", matrix products of bf16 and of 8 bits.  A level that adds
 * nothing to a precision is the one below it.
 *
 * AMX: a model in bf16 or int8 asks Linux for the tiles' registers when it is loaded.  The
 * permission is the whole process's and makes signal frames 8 KB larger, which an alternate signal
 * stack must hold; where the system denies it, the level below is taken.  Capping the level at
 * "avx512_vnni_bf16" avoids it.  Since 0.1.
 */
BERT_API int bert_cpu_available(const char *cpu);
/** Instruction set number i that is usable here, slowest first; NULL past the
 *  end.  Since 0.1. */
BERT_API const char *bert_cpu_name(uint32_t i);
/** Can this backend be opened ("cpu" always can)?  `err` says why not.  A
 *  backend other than "cpu" is a shared object that is loaded on first use.
 *  Since 0.1. */
BERT_API int bert_backend_available(const char *backend, bert_error *err);

#ifdef __cplusplus
}
#endif

#endif /* BERT_MODEL_H */
