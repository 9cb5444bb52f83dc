/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TR_DIAG_H
#define TR_DIAG_H

#include "../../BPF/Include/tr_policy.h"

/* A socket of sock_diag(7) in another network namespace (a descriptor of nsfs), or -errno; this thread is in its own
 * again. */
int tr_open_diag(int namespace);

/* Ends a socket. Returns 0 or -errno; -ENOENT: it is not in this namespace. */
int tr_diag_destroy(int diag, const struct tr_cut *cut);

#endif
