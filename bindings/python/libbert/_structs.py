# SPDX-License-Identifier: MIT
"""Callbacks and structs of the C interface: bert_embed_options is EmbedOptions.

A Text's `data` is for writing; to read one, see text_bytes() of _texts.py.

Made by tools/make_ffi.py from include/bert/*.h: don't edit.
"""

from ctypes import (
    CFUNCTYPE, Structure, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_int8, c_size_t,
    c_uint32, c_uint64, c_uint8, c_void_p,
)

LogFn = CFUNCTYPE(None, c_void_p, c_int, c_char_p)
CancelFn = CFUNCTYPE(c_int, c_void_p)
DriftFn = CFUNCTYPE(None, c_void_p, c_int, c_void_p)
TraceFn = CFUNCTYPE(None, c_void_p, c_void_p)
LoadedFn = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
ShadowFn = CFUNCTYPE(None, c_void_p, c_void_p)
DoneFn = CFUNCTYPE(None, c_void_p, c_void_p)


class Error(Structure):
    _fields_ = [("code", c_int), ("message", c_char * 1020)]


class Text(Structure):
    _fields_ = [("data", c_char_p), ("size", c_size_t)]


RedactFn = CFUNCTYPE(c_int, c_void_p, Text, c_void_p, c_size_t, c_void_p)


class Span(Structure):
    _fields_ = [("start", c_size_t), ("end", c_size_t)]


class File(Structure):
    _fields_ = [("name", c_char_p), ("data", c_void_p), ("size", c_size_t)]


class Allocator(Structure):
    _fields_ = [("alloc", c_void_p), ("free", c_void_p), ("context", c_void_p)]


class CalibrateOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("percentile", c_double), ("outlier_ratio", c_double),
        ("max_outliers", c_uint32), ("max_length", c_uint32),
    ]


class ChooseOptions(Structure):
    _fields_ = [("size", c_size_t), ("max_length", c_uint32), ("overlong", c_uint32)]


class Choice(Structure):
    _fields_ = [("score", c_float), ("logit", c_float)]


class ChunkOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("pooling", c_uint32), ("normalize", c_uint32),
        ("dimensions", c_uint32), ("max_length", c_uint32), ("chunk_tokens", c_uint32),
        ("windows", c_uint32), ("stride", c_uint32), ("prompt", c_void_p),
        ("prompt_name", c_char_p),
    ]


class Chunk(Structure):
    _fields_ = [("bytes", Span), ("vector", c_void_p), ("tokens", c_uint32)]


class Observation(Structure):
    _fields_ = [
        ("size", c_size_t), ("embedding", c_void_p), ("has", c_uint32), ("label", c_uint32),
        ("score", c_float), ("confidence", c_float), ("entropy", c_float), ("tokens", c_uint32),
        ("unknown", c_uint32), ("reserved", c_uint32),
    ]


class ProfileOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("dimensions", c_uint32), ("labels", c_uint32), ("window", c_uint32),
        ("sample", c_uint32), ("directions", c_uint32), ("replicates", c_uint32),
        ("seed", c_uint64), ("model", c_char_p), ("allocator", c_void_p), ("max_bytes", c_uint64),
    ]


class DriftValues(Structure):
    _fields_ = [
        ("size", c_size_t), ("observed", c_uint64), ("nonfinite", c_uint64),
        ("windows", c_uint64), ("windows_fired", c_uint64), ("window", c_uint32),
        ("drifting", c_uint32), ("known", c_uint32), ("fired", c_uint32), ("means", c_uint32),
        ("reserved", c_uint32), ("value", c_double * 32), ("threshold", c_double * 32),
        ("score", c_double), ("confidence", c_double), ("entropy", c_double),
        ("tokens", c_double), ("unknown", c_double), ("profile_score", c_double),
        ("profile_confidence", c_double), ("profile_entropy", c_double),
        ("profile_tokens", c_double), ("profile_unknown", c_double),
    ]


class DriftOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("window", c_uint32), ("step", c_uint32), ("calm", c_uint32),
        ("n_thresholds", c_uint32), ("false_alarms", c_double), ("thresholds", c_void_p),
        ("model", c_char_p), ("callback", DriftFn), ("context", c_void_p),
        ("allocator", c_void_p), ("max_bytes", c_uint64),
    ]


class TraceEvent(Structure):
    _fields_ = [
        ("stage", c_uint32), ("ends", c_uint32), ("trace_id", c_uint8 * 16),
        ("span_id", c_uint8 * 8), ("parent_id", c_uint8 * 8), ("time_ns", c_uint64),
        ("id", c_uint64), ("task", c_uint32), ("status", c_int), ("tokens", c_uint64),
        ("requests", c_uint32), ("sampled", c_uint32), ("model", c_char_p), ("version", c_uint64),
    ]


class EngineOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("workers", c_uint32), ("threads", c_uint32),
        ("queue_requests", c_uint32), ("batch_tokens", c_uint32), ("queue_bytes", c_uint64),
        ("queue_ns", c_uint64), ("batch_wait_ns", c_uint64), ("allocator", c_void_p),
        ("model_bytes", c_uint64), ("cache_bytes", c_uint64), ("trace", TraceFn),
        ("trace_context", c_void_p),
    ]


class LoadOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("model", c_void_p), ("manifest", c_uint32), ("golden", c_uint32),
        ("background", c_uint32), ("reserved", c_uint32), ("done", LoadedFn),
        ("context", c_void_p),
    ]


class Route(Structure):
    _fields_ = [("model", c_char_p), ("weight", c_uint32)]


class Divergence(Structure):
    _fields_ = [
        ("id", c_uint64), ("task", c_uint32), ("reserved", c_uint32), ("answer", c_int),
        ("shadow", c_int), ("distance", c_double),
    ]


class SampleOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("tagger", c_char_p), ("labels", c_void_p), ("n_labels", c_size_t),
        ("tag", c_void_p),
    ]


class Request(Structure):
    _fields_ = [
        ("size", c_size_t), ("model", c_char_p), ("texts", c_void_p), ("pairs", c_void_p),
        ("spans", c_void_p), ("n", c_size_t), ("n_spans", c_size_t), ("query", Text),
        ("options", c_void_p), ("task", c_uint32), ("priority", c_uint32), ("notify", c_uint32),
        ("reserved", c_uint32), ("timeout_ns", c_uint64), ("id", c_uint64), ("done", DoneFn),
        ("context", c_void_p), ("tenant", c_char_p), ("route_key", c_char_p),
        ("traceparent", c_char_p),
    ]


class JobInfo(Structure):
    _fields_ = [
        ("size", c_size_t), ("version", c_uint64), ("queue_ns", c_uint64),
        ("tokenize_ns", c_uint64), ("compute_ns", c_uint64), ("total_ns", c_uint64),
        ("batch_tokens", c_uint64), ("batch_requests", c_uint32), ("reserved", c_uint32),
    ]


class ExplainOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("target", c_uint32), ("max_length", c_uint32),
        ("overlong", c_uint32), ("reserved", c_uint32),
    ]


class Relevance(Structure):
    _fields_ = [("bytes", Span), ("score", c_float), ("id", c_int32), ("sequence", c_int32)]


class ManifestOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("flags", c_uint32), ("allocator", c_void_p), ("log", LogFn),
        ("log_context", c_void_p), ("cancel", CancelFn), ("cancel_context", c_void_p),
        ("max_file_bytes", c_uint64),
    ]


class GoldenOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("task", c_uint32), ("difference", c_double), ("cosine", c_double),
    ]


class GoldenReport(Structure):
    _fields_ = [
        ("size", c_size_t), ("task", c_uint32), ("compared", c_size_t), ("failed", c_size_t),
        ("first_failed", c_size_t), ("difference", c_double), ("cosine", c_double),
        ("max_difference", c_double), ("min_cosine", c_double),
    ]


class Histogram(Structure):
    _fields_ = [
        ("count", c_uint64), ("sum", c_uint64), ("max", c_uint64), ("buckets", c_uint64 * 625),
    ]


class Metrics(Structure):
    _fields_ = [
        ("size", c_size_t), ("version", c_uint32), ("reserved", c_uint32),
        ("requests_submitted", c_uint64), ("requests_rejected", c_uint64),
        ("requests_answered", c_uint64), ("requests_canceled", c_uint64),
        ("requests_timed_out", c_uint64), ("requests_failed", c_uint64 * 32),
        ("callbacks", c_uint64), ("texts", c_uint64), ("tokens", c_uint64),
        ("texts_truncated", c_uint64), ("tokens_truncated", c_uint64),
        ("tokens_unknown", c_uint64), ("tokenize_errors", c_uint64), ("batches", c_uint64),
        ("batched_tokens", c_uint64), ("cache_hits", c_uint64), ("cache_misses", c_uint64),
        ("cache_coalesced", c_uint64), ("cache_inserts", c_uint64), ("cache_evictions", c_uint64),
        ("model_loads", c_uint64), ("model_load_failures", c_uint64), ("model_swaps", c_uint64),
        ("model_rollbacks", c_uint64), ("model_unloads", c_uint64), ("shadow_runs", c_uint64),
        ("shadow_divergences", c_uint64), ("drift_windows", c_uint64), ("drift_alarms", c_uint64),
        ("sampled_texts", c_uint64), ("requests_queued", c_uint64), ("tokens_queued", c_uint64),
        ("requests_running", c_uint64), ("queue_capacity", c_uint64), ("threads", c_uint64),
        ("models", c_uint64), ("model_bytes", c_uint64), ("session_bytes", c_uint64),
        ("cache_entries", c_uint64), ("cache_bytes", c_uint64), ("uptime_ns", c_uint64),
        ("drift_psi_embedding", c_double), ("drift_psi_score", c_double),
        ("drift_psi_length", c_double), ("drift_psi_label", c_double),
        ("drift_psi_unknown", c_double), ("drift_ks_embedding", c_double),
        ("drift_ks_score", c_double), ("drift_ks_length", c_double),
        ("drift_ks_unknown", c_double), ("drift_cosine_embedding", c_double),
        ("drift_mmd_embedding", c_double), ("queue_wait_ns", Histogram),
        ("tokenize_ns", Histogram), ("compute_ns", Histogram), ("total_ns", Histogram),
        ("batch_tokens", Histogram), ("batch_requests", Histogram), ("text_bytes", Histogram),
        ("text_tokens", Histogram),
    ]


class ModelOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("flags", c_uint32), ("precision", c_uint32), ("cpu", c_char_p),
        ("backend", c_char_p), ("allocator", c_void_p), ("log", LogFn), ("log_context", c_void_p),
        ("cancel", CancelFn), ("cancel_context", c_void_p), ("max_bytes", c_uint64),
        ("max_file_bytes", c_uint64), ("max_layers", c_uint32), ("threads", c_uint32),
        ("calibration", c_char_p),
    ]


class MaskOptions(Structure):
    _fields_ = [("size", c_size_t), ("kinds", c_uint32), ("key", c_void_p)]


class MaskSpan(Structure):
    _fields_ = [("bytes", Span), ("kind", c_uint32)]


class SamplerOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("entries", c_size_t), ("max_bytes", c_size_t), ("seed", c_uint64),
        ("redact", RedactFn), ("redact_context", c_void_p), ("mask", c_void_p),
        ("allocator", c_void_p),
    ]


class SamplerState(Structure):
    _fields_ = [
        ("size", c_size_t), ("offered", c_uint64), ("dropped", c_uint64), ("oversized", c_uint64),
        ("entries", c_uint64), ("bytes", c_uint64),
    ]


class SessionOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("max_tokens", c_uint32), ("max_sequences", c_uint32),
        ("threads", c_uint32), ("allocator", c_void_p), ("cancel", CancelFn),
        ("cancel_context", c_void_p), ("timeout_ns", c_uint64), ("max_bytes", c_uint64),
    ]


class EmbedOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("pooling", c_uint32), ("normalize", c_uint32),
        ("dimensions", c_uint32), ("overlong", c_uint32), ("max_length", c_uint32),
        ("stride", c_uint32), ("prompt", c_void_p), ("prompt_name", c_char_p),
    ]


class EmbedReport(Structure):
    _fields_ = [("status", c_int), ("tokens", c_uint32), ("truncated", c_uint64)]


class EmbedAllOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("outputs", c_uint32), ("pooling", c_uint32), ("normalize", c_uint32),
        ("dimensions", c_uint32), ("max_active", c_uint32), ("max_length", c_uint32),
        ("overlong", c_uint32), ("prompt", c_void_p), ("prompt_name", c_char_p),
        ("role", c_uint32), ("reserved", c_uint32),
    ]


class Term(Structure):
    _fields_ = [("id", c_int32), ("weight", c_float)]


class ClassifyOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("function", c_uint32), ("top", c_uint32), ("max_length", c_uint32),
        ("overlong", c_uint32),
    ]


class LabelScore(Structure):
    _fields_ = [("label", c_char_p), ("id", c_uint32), ("score", c_float)]


class RerankOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("raw", c_uint32), ("top", c_uint32), ("max_length", c_uint32),
        ("overlong", c_uint32),
    ]


class Ranked(Structure):
    _fields_ = [("index", c_size_t), ("score", c_float)]


class TagOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("aggregation", c_uint32), ("max_length", c_uint32),
        ("stride", c_uint32), ("reserved", c_uint32),
    ]


class Entity(Structure):
    _fields_ = [
        ("label", c_char_p), ("id", c_uint32), ("score", c_float), ("bytes", Span),
        ("chars", Span),
    ]


class AnswerOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("top", c_uint32), ("no_null", c_uint32), ("max_answer", c_uint32),
        ("max_length", c_uint32), ("stride", c_uint32), ("reserved", c_uint32),
    ]


class AnswerSpan(Structure):
    _fields_ = [("bytes", Span), ("chars", Span), ("score", c_float), ("is_null", c_uint32)]


class NextOptions(Structure):
    _fields_ = [("size", c_size_t), ("max_length", c_uint32), ("overlong", c_uint32)]


class Next(Structure):
    _fields_ = [("is_next", c_float), ("logits", c_float * 2)]


class FillOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("top", c_uint32), ("max_length", c_uint32), ("overlong", c_uint32),
        ("n_targets", c_uint32), ("targets", c_void_p),
    ]


class Fill(Structure):
    _fields_ = [("id", c_int32), ("score", c_float), ("token", Text), ("text", Text)]


class TokenizerOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("allocator", c_void_p), ("max_file_bytes", c_uint64), ("log", LogFn),
        ("log_context", c_void_p), ("cancel", CancelFn), ("cancel_context", c_void_p),
    ]


class TokenizeOptions(Structure):
    _fields_ = [
        ("size", c_size_t), ("no_special", c_uint32), ("max_length", c_uint32),
        ("stride", c_uint32), ("overflow", c_uint32), ("strategy", c_uint32), ("side", c_uint32),
        ("offset_unit", c_uint32), ("pad_length", c_uint32), ("stop_early", c_uint32),
        ("threads", c_uint32), ("cancel", CancelFn), ("cancel_context", c_void_p),
    ]
