/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TR_OBJECT_H
#define TR_OBJECT_H

#include <stddef.h>

/* The compiled gates, and what they need besides, carried in this binary. */
extern const unsigned char tr_enforce_object[];
extern const size_t tr_enforce_object_size;
extern const unsigned char tr_executables_object[];
extern const size_t tr_executables_object_size;
extern const unsigned char tr_handover_object[];
extern const size_t tr_handover_object_size;
extern const unsigned char tr_kill_object[];
extern const size_t tr_kill_object_size;
extern const unsigned char tr_member_object[];
extern const size_t tr_member_object_size;

#endif
