// SPDX-License-Identifier: Apache-2.0
#include "tr_guard.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

enum { MAX_PROGRAMS = 64 };

/* Twice: with a link, and without one by an earlier call. */
static int is_twice(const uint32_t *ids, uint32_t count, uint32_t id)
{
	int found = 0;

	for (uint32_t i = 0; i < count; i++)
		found += ids[i] == id;
	return found > 1;
}

/* Attaches the programs of a hook that are there once more, without a link, or takes those off again. */
static int change(int cgroup, int is_attached)
{
	uint32_t ids[MAX_PROGRAMS], count = MAX_PROGRAMS, flags;
	int error = 0;

	if (bpf_prog_query(cgroup, BPF_CGROUP_INET_EGRESS, 0, &flags, ids, &count))
		return -errno;
	for (uint32_t i = 0; i < count; i++) {
		int program = bpf_prog_get_fd_by_id(ids[i]), result;

		if (program < 0)
			continue; /* it went meanwhile */
		if (is_attached && is_twice(ids, count, ids[i])) {
			close(program);
			continue;
		}
		result = is_attached ? bpf_prog_attach(program, cgroup, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI)
				     : bpf_prog_detach2(program, cgroup, BPF_CGROUP_INET_EGRESS);
		if (result && is_attached)
			error = -errno;
		close(program);
	}
	return error;
}

int tr_guard_leave(int cgroup)
{
	return change(cgroup, 1);
}

int tr_guard_take(int cgroup)
{
	return change(cgroup, 0);
}
