// SPDX-License-Identifier: Apache-2.0
#include "executables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "object.h"

int tr_executables_add_scope(const struct bpf_object *gates, const struct tr_companion *companion, int cgroup)
{
	uint8_t one = 1;
	struct stat facts;
	uint64_t id;

	if (fstat(cgroup, &facts))
		return -errno;
	id = facts.st_ino;
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(gates, "scopes"), &id, &one, 0))
		return -errno;
	return companion ? tr_companion_iterate(companion, "iter__task", NULL) : 0;
}

static int classify(const struct bpf_object *gates, const struct tr_companion *companion)
{
	union bpf_iter_link_info info = { .map.map_fd = bpf_object__find_map_fd_by_name(gates, "images") };
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));

	return tr_companion_iterate(companion, "iter__bpf_map_elem", &options);
}

static int make_states(uint32_t generation, const struct tr_tables *tables)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "process_globs", sizeof(uint32_t), sizeof(struct tr_states),
				TR_STATES_ROWS, NULL);
	int error = fd < 0 ? -errno : 0;

	for (uint32_t row = 0; row < TR_STATES_ROWS && !error; row++) {
		union {
			struct tr_states states;
			struct tr_states_head head;
		} value;

		memcpy(&value, tables->states + row * TR_STATE_WORDS, sizeof(value.states));
		if (row == TR_STATES_HEAD)
			value.head.generation = generation;
		error = bpf_map_update_elem(fd, &row, &value, 0) ? -errno : 0;
	}
	if (error && fd >= 0)
		close(fd);
	return error ? error : fd;
}

int tr_executables_set_globs(const struct bpf_object *gates, struct tr_companion **companion, uint32_t slot,
			     uint32_t generation, const struct tr_tables *tables)
{
	const struct tr_companion_parts parts = { .name = "executables",
						  .object = tr_executables_object,
						  .size = tr_executables_object_size,
						  .gates = gates };
	int outer = bpf_object__find_map_fd_by_name(gates, "process_globs"), error = 0, fd;

	if (!tables->states) {
		bpf_map_delete_elem(outer, &slot);
		return 0;
	}
	if (!*companion) {
		error = tr_companion_open(companion, &parts);
		if (!error)
			error = tr_companion_iterate(*companion, "iter__task", NULL);
		if (error)
			return error;
	}
	fd = make_states(generation, tables);
	if (fd < 0)
		return fd;
	/* The kernel returns from this when no program runs any more that has seen the slot as it was (1ae80cf31938,
	 * 4.20): what such a program left behind is seen by the next step. */
	if (bpf_map_update_elem(outer, &slot, &fd, 0))
		error = -errno;
	close(fd);
	return error ? error : classify(gates, *companion);
}
