/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TR_OBJECTS_H
#define TR_OBJECTS_H

#include <stddef.h>

/* A compiled BPF object, carried in this binary. */
struct tr_object {
	const char *family;
	const unsigned char *bytes;
	size_t size;
};

enum { TR_OBJECTS = 4 };
extern const struct tr_object tr_objects[TR_OBJECTS];

#endif
