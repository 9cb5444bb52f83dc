// SPDX-License-Identifier: Apache-2.0
#include "tr_gate.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "executables.h"
#include "gate.h"
#include "object.h"
#include "slots.h"
#include "tables.h"

int tr_gate_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (getenv("TRUSTRUN_LIBBPF_LOG"))
		return vfprintf(stderr, format, arguments);
	return 0;
}

static int share_ring(struct bpf_object *object, const struct tr_gate_ring *ring)
{
	int error = bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "events"), ring->events);

	return error ? error : bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "drops"), ring->drops);
}

static int configure(struct bpf_object *object, int can_kill, int tells, const struct tr_gate_ring *ring)
{
	struct tr_gate_config config = { .can_signal = can_kill, .tells = tells };
	int error;

	if (getrandom(&config.seed, sizeof(config.seed), 0) != sizeof(config.seed))
		return -EIO;
	error = tr_configure(object, &config);
	if (error)
		return error;
	if (tells)
		return ring ? share_ring(object, ring) : 0;
	/* What nothing is written to takes no room. */
	error = bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "events"), sysconf(_SC_PAGESIZE));
	return error ? error : bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "told"), 1);
}

static int load(struct tr_gate *gate, int can_kill, const struct tr_gate_ring *ring)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "enforce");
	int error;

	gate->object = bpf_object__open_mem(tr_enforce_object, tr_enforce_object_size, &options);
	if (!gate->object)
		return -errno;
	error = configure(gate->object, can_kill, gate->tells, ring);
	if (!error)
		error = bpf_object__load(gate->object);
	if (error) {
		bpf_object__close(gate->object);
		gate->object = NULL;
	}
	gate->can_signal = gate->can_kill = can_kill;
	return error;
}

/* 6.12 lets programs at calls do it and those at packets not. */
int tr_gate_can_signal(void)
{
	static const enum bpf_prog_type types[] = { BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
						    BPF_PROG_TYPE_CGROUP_SOCK, BPF_PROG_TYPE_CGROUP_SOCKOPT };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (libbpf_probe_bpf_helper(types[i], BPF_FUNC_send_signal, NULL) != 1)
			return 0;
	return 1;
}

static int open_killer(struct tr_gate *gate)
{
	const struct tr_companion_parts parts = {
		.name = "kill", .object = tr_kill_object, .size = tr_kill_object_size, .gates = gate->object
	};

	return tr_companion_open(&gate->killer, &parts);
}

static int open_handover(struct tr_gate *gate)
{
	const struct tr_gate_config config = { .tells = gate->tells };
	const struct tr_companion_parts parts = { .name = "handover",
						  .object = tr_handover_object,
						  .size = tr_handover_object_size,
						  .gates = gate->object,
						  .config = &config };

	return tr_companion_open(&gate->handover, &parts);
}

/* The root of the hierarchy, as it is mounted, of one of its open directories, and how far below that one is. */
static int open_root(int cgroup, uint32_t *level)
{
	struct stat here, above;
	int fd = openat(cgroup, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC), up;

	for (*level = 0; fd >= 0; ++*level) {
		up = openat(fd, "..", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
		if (up < 0 || fstat(fd, &here) || fstat(up, &above)) {
			int error = -errno;

			close(fd);
			if (up >= 0)
				close(up);
			return error;
		}
		if (here.st_dev != above.st_dev || here.st_ino == above.st_ino) {
			close(up);
			return fd;
		}
		close(fd);
		fd = up;
	}
	return -errno;
}

/* Those that are in the scope already are members when it returns. */
static int open_members(struct tr_gate *gate, int cgroup)
{
	struct tr_gate_config config = { .tells = gate->tells };
	/* What follows the packets of the whole machine costs something for each: only where it is needed, or can be.
	 */
	static const char *const all_packets[] = { "tp_btf__sock_send_length", "tp_btf__sock_send_length_2",
						   "cgroup_skb__egress", NULL };
	static const char *const later_packets[] = { "tp_btf__sock_send_length", "tp_btf__sock_send_length_2", NULL };
	struct tr_companion_parts parts = { .name = "member",
					    .object = tr_member_object,
					    .size = tr_member_object_size,
					    .gates = gate->object,
					    .config = &config,
					    .cgroup = open_root(cgroup, &config.level) };
	struct stat facts;
	int error;

	if (parts.cgroup < 0)
		return parts.cgroup;
	if (!fstat(cgroup, &facts))
		config.scope = facts.st_ino;
	if (gate->handover)
		parts.left_out = all_packets;
	else if (libbpf_find_vmlinux_btf_id("sock_send_length", BPF_TRACE_RAW_TP) < 0)
		parts.left_out = later_packets;
	error = tr_companion_open(&gate->members, &parts);
	close(parts.cgroup);
	return error ? error : tr_companion_iterate(gate->members, "iter__task", NULL);
}

int tr_gate_open(int tells, const struct tr_gate_ring *ring, struct tr_gate **out)
{
	struct tr_gate *gate = calloc(1, sizeof(*gate));
	int error;

	*out = NULL;
	if (!gate)
		return -ENOMEM;
	gate->tells = tells;
	libbpf_set_print(tr_gate_log);
	error = load(gate, tr_gate_can_signal(), ring);
	if (error == -EINVAL && gate->can_signal) /* whatever the probes say */
		error = load(gate, 0, ring);
	if (error) {
		free(gate);
		return error;
	}
	if (!gate->can_signal)
		gate->can_kill = !open_killer(gate);
	gate->slot = TR_POLICY_SLOTS - 1;
	*out = gate;
	return 0;
}

void tr_gate_close(struct tr_gate *gate)
{
	for (size_t i = 0; i < TR_MAX_PROGRAMS; i++)
		bpf_link__destroy(gate->links[i]);
	tr_companion_close(gate->executables);
	tr_companion_close(gate->killer);
	tr_companion_close(gate->handover);
	tr_companion_close(gate->members);
	bpf_object__close(gate->object);
	free(gate->folder);
	free(gate);
}

int tr_gate_can_kill(const struct tr_gate *gate)
{
	return gate->can_kill;
}

int tr_gate_can_refuse_handover(struct tr_gate *gate)
{
	int error = open_handover(gate);

	tr_companion_close(gate->handover);
	gate->handover = NULL;
	return !error;
}

int tr_gate_refuses_handover(const struct tr_gate *gate)
{
	return gate->refuses_handover;
}

int tr_gate_map(const struct tr_gate *gate, const char *name)
{
	return bpf_object__find_map_fd_by_name(gate->object, name);
}

struct tr_gate_ring tr_gate_ring(const struct tr_gate *gate)
{
	return (struct tr_gate_ring) { tr_gate_map(gate, "events"), tr_gate_map(gate, "drops") };
}

/* The kernel's number of a map; 0: it has none. */
static uint32_t id_of_map(int fd)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

int tr_gate_has_ring(const struct tr_gate *gate, const struct tr_gate_ring *ring)
{
	uint32_t id = id_of_map(ring->events);

	return id && id == id_of_map(tr_gate_map(gate, "events"));
}

static int has_kill(const struct tr_tables *tables)
{
	for (size_t i = 0; i < tables->candidate_count; i++)
		if (tables->candidates[i].action == TR_ACTION_KILL)
			return 1;
	return 0;
}

int tr_gate_set_policy(struct tr_gate *gate, const struct tr_tables *tables)
{
	uint32_t slot = (gate->slot + 1) % TR_POLICY_SLOTS, zero = 0;
	struct tr_placement placements[] = {
		{ tr_gate_map(gate, "candidates"), slot,
		  tr_make_array("candidates", tables->candidates, sizeof(*tables->candidates), tables->candidate_count,
				TR_MAX_ALL_CANDIDATES),
		  0 },
		{ tr_gate_map(gate, "ipv4_ranges"), slot,
		  tr_make_array("ipv4_ranges", tables->ipv4, sizeof(*tables->ipv4), tables->ipv4_count,
				TR_IPV4_CELLS + 2 * TR_MAX_PREFIXES + 1),
		  0 },
		{ tr_gate_map(gate, "ipv6_tries"), slot,
		  tr_make_trie("ipv6_tries", sizeof(struct tr_ipv6_key), tables->ipv6, tables->ipv6_count,
			       sizeof(struct tr_ipv6_entry)),
		  0 },
		{ tr_gate_map(gate, "name_tries"), slot,
		  tr_make_trie("name_tries", sizeof(struct tr_name_key), tables->names, tables->name_count,
			       sizeof(struct tr_name_entry)),
		  0 },
	};
	const size_t count = sizeof(placements) / sizeof(placements[0]);
	const struct tr_policy policy = tables->policy;
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = placements[i].inner < 0 ? placements[i].inner : 0;
	if (!error && has_kill(tables) && !gate->can_signal && !gate->killer)
		error = open_killer(gate);
	/* A program that still runs with the slot as it was two policies ago must not read a part of this one. */
	if (!error && gate->generation)
		error = tr_await_programs(tr_gate_map(gate, "candidates"), gate->slot);
	if (!error)
		error = tr_set_globs(tr_gate_map(gate, "globs"), slot, tables);
	if (!error)
		error = tr_set_unix_paths(tr_gate_map(gate, "unix_paths"), slot, tables);
	if (!error)
		error = tr_place(placements, count);
	for (size_t i = 0; i < count; i++)
		if (placements[i].inner >= 0)
			close(placements[i].inner);
	if (!error)
		error = tr_executables_set_globs(gate->object, &gate->executables, slot, policy.generation, tables);
	if (!error)
		error = tr_gate_pin_companions(gate, policy.generation);
	if (!error && bpf_map_update_elem(tr_gate_map(gate, "policies"), &slot, &policy, 0))
		error = -errno;
	if (!error && bpf_map_update_elem(tr_gate_map(gate, "selected"), &zero, &slot, 0))
		error = -errno;
	if (error)
		return error;
	gate->slot = slot;
	gate->generation = policy.generation;
	if (!has_kill(tables)) { /* it costs something for each packet of the machine */
		tr_companion_close(gate->killer);
		gate->killer = NULL;
		tr_gate_pin_companions(gate, policy.generation);
	}
	return 0;
}

int tr_gate_attach(struct tr_gate *gate, int cgroup)
{
	struct bpf_program *program;
	size_t count = 0;
	/* First, so that the gates know who asks. */
	int error = tr_executables_add_scope(gate->object, gate->executables, cgroup);

	if (error)
		return error;
	gate->refuses_handover = !open_handover(gate);
	error = open_members(gate, cgroup);
	if (error)
		goto failed;
	bpf_object__for_each_program (program, gate->object) {
		if (count == TR_MAX_PROGRAMS || gate->links[count]) {
			error = -EBUSY;
			goto failed;
		}
		gate->links[count] = bpf_program__attach_cgroup(program, cgroup);
		if (!gate->links[count]) {
			error = -errno;
			goto failed;
		}
		count++;
	}
	return 0;
failed:
	for (size_t i = 0; i < count; i++) {
		bpf_link__destroy(gate->links[i]);
		gate->links[i] = NULL;
	}
	tr_companion_close(gate->handover);
	tr_companion_close(gate->members);
	gate->handover = gate->members = NULL;
	gate->refuses_handover = 0;
	return error;
}

int tr_gate_totals(const struct tr_gate *gate, uint64_t counts[TR_TOTALS])
{
	int cpus = libbpf_num_possible_cpus(), error = 0;
	uint64_t *values = cpus > 0 ? calloc(cpus, sizeof(*values)) : NULL;

	if (!values)
		return cpus < 0 ? cpus : -ENOMEM;
	for (uint32_t place = 0; place < TR_TOTALS && !error; place++) {
		counts[place] = 0;
		error = bpf_map_lookup_elem(tr_gate_map(gate, "totals"), &place, values) ? -errno : 0;
		for (int cpu = 0; cpu < cpus && !error; cpu++)
			counts[place] += values[cpu];
	}
	free(values);
	return error;
}

static int read_outcomes(int map, struct tr_outcome_key *keys, struct tr_outcome *values, size_t capacity)
{
	struct tr_outcome_key *previous = NULL;
	size_t count = 0;

	while (count < capacity && !bpf_map_get_next_key(map, previous, &keys[count])) {
		previous = &keys[count];
		if (!bpf_map_lookup_elem(map, previous, &values[count]))
			count++;
	}
	return count;
}

int tr_gate_outcomes(const struct tr_gate *gate, struct tr_outcome_key *keys, struct tr_outcome *values,
		     size_t capacity)
{
	return read_outcomes(tr_gate_map(gate, "outcomes"), keys, values, capacity);
}

int tr_gate_probed(const struct tr_gate *gate, struct tr_outcome_key *keys, struct tr_outcome *values, size_t capacity)
{
	return read_outcomes(tr_gate_map(gate, "probed"), keys, values, capacity);
}

void tr_gate_forget_probed(const struct tr_gate *gate)
{
	int map = tr_gate_map(gate, "probed");
	struct tr_outcome_key key;

	for (size_t i = 0; i < TR_MAX_PROBED && !bpf_map_get_next_key(map, NULL, &key); i++)
		bpf_map_delete_elem(map, &key);
}

uint32_t tr_gate_generation(const struct tr_gate *gate)
{
	return gate->generation;
}
