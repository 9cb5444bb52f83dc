// SPDX-License-Identifier: Apache-2.0
#include "tr_yaml.h"

/* yaml.h of libyaml 0.2.3 and later; the header itself belongs to a target that Yams keeps for itself. */
void yaml_set_max_nest_level(int max);

void tr_yaml_limit_depth(int levels)
{
	yaml_set_max_nest_level(levels);
}
