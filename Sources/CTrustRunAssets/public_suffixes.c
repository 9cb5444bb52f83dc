// SPDX-License-Identifier: Apache-2.0
#include "tr_assets.h"

#define LIST "/usr/share/publicsuffix/public_suffix_list.dafsa"

#if __has_embed(LIST) != __STDC_EMBED_FOUND__
#error "no public suffix list: install the package publicsuffix, or run make deps"
#endif

static const unsigned char list[] = {
#embed LIST
};

static const struct tr_asset asset = { "public suffixes", list, sizeof(list) };

const struct tr_asset *tr_public_suffixes(void)
{
	return &asset;
}
