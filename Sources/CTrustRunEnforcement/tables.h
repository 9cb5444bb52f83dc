/* SPDX-License-Identifier: Apache-2.0 */
/* Fills maps with the parts of a policy. On an error -errno; -E2BIG: more than a part may have. */
#ifndef TR_TABLES_H
#define TR_TABLES_H

#include <stddef.h>
#include <stdint.h>
#include "tr_gate.h"

/* For a slot of a map of maps, as an open descriptor: an array of `count` values of `size` bytes. */
int tr_make_array(const char *name, const void *values, size_t size, size_t count, size_t most);

/* The same: a trie whose entries are a key and, right behind it, the place of a list; `stride` bytes from one to the
 * next. */
int tr_make_trie(const char *name, size_t key_size, const void *entries, size_t count, size_t stride);

/* The globs of a slot, which all slots share a map for. */
int tr_set_globs(int map, uint32_t slot, const struct tr_tables *tables);

/* What a policy lists of unix sockets, in place of what a slot had. */
int tr_set_unix_paths(int map, uint32_t slot, const struct tr_tables *tables);

#endif
