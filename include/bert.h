/* SPDX-License-Identifier: MIT */
/**
 * @file bert.h
 * libbert: BERT-family encoders inside your program.  Includes every public
 * header; see bert/base.h for the conventions.
 */
#ifndef BERT_H
#define BERT_H

#include <bert/base.h>
#include <bert/calibrate.h>
#include <bert/choose.h>
#include <bert/chunks.h>
#include <bert/drift.h>
#include <bert/engine.h>
#include <bert/explain.h>
#include <bert/manifest.h>
#include <bert/metrics.h>
#include <bert/model.h>
#include <bert/privacy.h>
#include <bert/quantize.h>
#include <bert/session.h>
#include <bert/tasks.h>
#include <bert/tokenizer.h>

#endif /* BERT_H */
