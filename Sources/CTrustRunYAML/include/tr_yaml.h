/* SPDX-License-Identifier: Apache-2.0 */
/* What libyaml, which comes with Yams, can do and Yams does not show. */
#ifndef TR_YAML_H
#define TR_YAML_H

/* Collections nested deeper than this are an error of the parser, for every parser of this process. */
void tr_yaml_limit_depth(int levels);

#endif
