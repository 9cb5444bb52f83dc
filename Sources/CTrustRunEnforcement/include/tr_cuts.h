/* SPDX-License-Identifier: Apache-2.0 */
/* Ends the TCP sockets whose packets the gates refuse, so that their programs get an error instead of waiting. */
#ifndef TR_CUTS_H
#define TR_CUTS_H

#include "tr_gate.h"

struct tr_cuts;

/* Reads what a gate tells; the gate must outlive it. Returns 0 or -errno. */
int tr_cuts_open(const struct tr_gate *_Nonnull gate, struct tr_cuts *_Nullable *_Nonnull out);

void tr_cuts_close(struct tr_cuts *_Nonnull cuts);

/* Can be polled; readable when there is something to end. */
int tr_cuts_descriptor(const struct tr_cuts *_Nonnull cuts);

/* Ends what was told, wherever it is among these network namespaces (descriptors of nsfs). Returns how many sockets
 * were ended, or -errno of the last one that could not be. A socket that is gone already is no error. */
int tr_cuts_end(struct tr_cuts *_Nonnull cuts, const int *_Nullable namespaces, size_t count);

#endif
