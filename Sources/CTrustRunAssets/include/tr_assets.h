/* SPDX-License-Identifier: Apache-2.0 */
/* Files that this binary carries. */
#ifndef TR_ASSETS_H
#define TR_ASSETS_H

#include <stddef.h>

struct tr_asset {
	const char *_Nonnull name;
	const unsigned char *_Nonnull bytes;
	size_t size;
};

/* The presets, Presets/NAME.yaml; NULL from the end of the list on. */
const struct tr_asset *_Nullable tr_preset(size_t index);

/* What `attack` runs: files of Tests, by their path there; NULL from the end of the list on. */
const struct tr_asset *_Nullable tr_attack_file(size_t index);

/* The public suffix list as an automaton, the way Debian's package publicsuffix ships it. */
const struct tr_asset *_Nonnull tr_public_suffixes(void);

/* The address ranges that organisations publish: Data/organisations.txt. */
const struct tr_asset *_Nonnull tr_organisations(void);

#endif
