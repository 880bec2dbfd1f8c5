/* SPDX-License-Identifier: MIT */
/* torch_act.h - activations by the names of their torch classes. */
#ifndef BERT_LIB_HEAD_TORCH_ACT_H
#define BERT_LIB_HEAD_TORCH_ACT_H

typedef double bert__act_fn(double x);

/* "torch.nn.Sigmoid", "torch.nn.modules.activation.Sigmoid": the class built without arguments, as
 * a function of one number; NULL: not known. */
bert__act_fn *bert__torch_act(const char *path);

double bert__act_identity(double x);
double bert__act_sigmoid(double x);

#endif
