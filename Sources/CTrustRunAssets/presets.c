// SPDX-License-Identifier: Apache-2.0
#include "tr_assets.h"

/* One embed and one line of the list for each file of Presets; a unit test compares the list with the folder. */
static const unsigned char loopback[] = {
#embed "../../Presets/loopback.yaml"
};

static const struct tr_asset presets[] = {
	{ "loopback", loopback, sizeof(loopback) },
};

const struct tr_asset *tr_preset(size_t index)
{
	return index < sizeof(presets) / sizeof(presets[0]) ? &presets[index] : NULL;
}
