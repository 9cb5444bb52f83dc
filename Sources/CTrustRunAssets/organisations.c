// SPDX-License-Identifier: Apache-2.0
#include "tr_assets.h"

static const unsigned char table[] = {
#embed "../../Data/organisations.txt"
};

static const struct tr_asset asset = { "organisations", table, sizeof(table) };

const struct tr_asset *tr_organisations(void)
{
	return &asset;
}
