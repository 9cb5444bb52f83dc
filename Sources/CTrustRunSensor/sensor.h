/* SPDX-License-Identifier: Apache-2.0 */
/* What sensor.c, load.c and attach.c share. */
#ifndef TR_SENSOR_INTERNAL_H
#define TR_SENSOR_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "../../BPF/Include/tr_config.h"
#include "ladder.h"
#include "objects.h"
#include "tr_sensor.h"

enum {
	TR_LINKS = 32,
	TR_LIBRARIES = 512,
	TR_TRIED = 256,
	TR_DISABLED = 16,
};

/* A program that this kernel would not load, and why. */
struct tr_disabled {
	char program[64];
	int error;
};

/* One BPF object. Families are loaded side by side, so each keeps what it learns to itself. */
struct tr_family {
	struct bpf_object *object; /* NULL: the family is missing */
	int error;
	struct tr_disabled disabled[TR_DISABLED];
	size_t disabled_count;
	int tracing_helpers;
};

struct tr_sensor {
	struct tr_family families[TR_OBJECTS]; /* as in tr_objects */
	struct bpf_link *links[TR_LINKS];
	size_t link_count;
	struct bpf_link *libraries[TR_LIBRARIES];
	size_t library_count;
	struct bpf_link *iterators[2]; /* processes, sockets */
	const struct tr_rung *chosen[TR_CAPABILITIES];
	char tried[TR_CAPABILITIES][TR_TRIED];
	struct ring_buffer *ring;
	int events_fd, drops_fd, cgroup_fd;
	const char *ladder;
};

/* Makes the shared maps, then opens and loads every family, leaving out what this kernel refuses; returns how many
 * loaded, or -errno. */
int tr_load_all(struct tr_sensor *sensor);

/* The error that kept a program from loading, or 0. */
int tr_load_error(const struct tr_family *family, const char *program);

struct tr_family *tr_family_named(struct tr_sensor *sensor, const char *name);

/* Goes down every ladder and attaches the first rung that holds. */
void tr_attach_all(struct tr_sensor *sensor);

struct bpf_program *tr_program(struct tr_sensor *sensor, const char *family, const char *name);

#endif
