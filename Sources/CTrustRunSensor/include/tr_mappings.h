/* SPDX-License-Identifier: Apache-2.0 */
/* Tells of each file that any process maps executable, by perf's MMAP2 records (perf_event_open(2)): how libraries
 * loaded later are found. */
#ifndef TR_MAPPINGS_H
#define TR_MAPPINGS_H

#include <stdint.h>

struct tr_mappings;

/* `path` is as the process sees it from its own root, ended by NUL; for a file without a name, with " (deleted)". */
typedef void (*tr_mapping_callback)(void *_Nullable context, uint32_t pid, const char *_Nonnull path);

/* Begins to watch every CPU; 0 or -errno. */
int tr_mappings_open(struct tr_mappings *_Nullable *_Nonnull out);

/*
 * Hands over what waits; returns how many records the kernel had to drop since the last call. The kernel tells of
 * what it dropped with the next mapping on the same CPU, not before.
 */
int tr_mappings_drain(struct tr_mappings *_Nonnull mappings, tr_mapping_callback _Nonnull callback,
		      void *_Nullable context);

void tr_mappings_close(struct tr_mappings *_Nonnull mappings);

#endif
