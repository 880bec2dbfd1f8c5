/* SPDX-License-Identifier: MIT */
/* blank.c - a shared object that is no backend at all. */
extern const int bert_nothing;
const int bert_nothing = 1;
