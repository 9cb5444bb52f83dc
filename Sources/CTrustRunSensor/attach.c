// SPDX-License-Identifier: Apache-2.0
/* Goes down the ladders: the first rung whose programs all attach is the hook; why the ones above did not is kept for
 * the user. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "sensor.h"

struct tr_family *tr_family_named(struct tr_sensor *sensor, const char *name)
{
	for (size_t i = 0; i < TR_OBJECTS; i++)
		if (!strcmp(tr_objects[i].family, name))
			return &sensor->families[i];
	return NULL;
}

struct bpf_program *tr_program(struct tr_sensor *sensor, const char *family, const char *name)
{
	struct tr_family *found = tr_family_named(sensor, family);

	return found && found->object ? bpf_object__find_program_by_name(found->object, name) : NULL;
}

static struct bpf_link *attach_program(struct tr_sensor *sensor, struct bpf_program *program)
{
	switch (bpf_program__type(program)) {
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_SOCK_OPS:
		if (sensor->cgroup_fd < 0) {
			errno = ENODEV;
			return NULL;
		}
		return bpf_program__attach_cgroup(program, sensor->cgroup_fd);
	default:
		return bpf_program__attach(program);
	}
}

/* Why a program is not there. */
static int program_error(struct tr_sensor *sensor, const char *family, const char *program)
{
	const struct tr_family *found = tr_family_named(sensor, family);
	int error = found ? tr_load_error(found, program) : 0;

	if (!error && found)
		error = found->error;
	return error ? error : -EOPNOTSUPP;
}

/* Keeps a link for as long as the sensor lives. */
static int keep(struct tr_sensor *sensor, struct bpf_program *program, struct bpf_link *link)
{
	const char *name = bpf_program__name(program);

	if (!strcmp(name, "iter__task"))
		sensor->iterators[0] = link;
	else if (!strcmp(name, "iter__task_file"))
		sensor->iterators[1] = link;
	else if (sensor->link_count < TR_LINKS)
		sensor->links[sensor->link_count++] = link;
	else
		return -ENOSPC;
	return 0;
}

/* Whether a capability further up has the program already. */
static int is_attached(const struct tr_sensor *sensor, const char *program)
{
	for (size_t i = 0; i < TR_CAPABILITIES; i++) {
		const struct tr_rung *rung = sensor->chosen[i];

		for (size_t p = 0; rung && rung->duty == TR_DUTY_NONE && p < TR_RUNG_PROGRAMS && rung->programs[p]; p++)
			if (!strcmp(rung->programs[p], program))
				return 1;
	}
	return 0;
}

static int attach_rung(struct tr_sensor *sensor, const struct tr_ladder *ladder, const struct tr_rung *rung)
{
	struct bpf_link *links[TR_RUNG_PROGRAMS] = { 0 };
	int error = 0;

	for (size_t p = 0; p < TR_RUNG_PROGRAMS && rung->programs[p] && !error; p++) {
		struct bpf_program *program = tr_program(sensor, ladder->family, rung->programs[p]);

		if (!program || bpf_program__fd(program) < 0) {
			error = program_error(sensor, ladder->family, rung->programs[p]);
		} else if (!ladder->by_agent && rung->duty == TR_DUTY_NONE && !is_attached(sensor, rung->programs[p])) {
			links[p] = attach_program(sensor, program);
			error = links[p] ? 0 : -errno;
		}
	}
	for (size_t p = 0; p < TR_RUNG_PROGRAMS; p++) {
		if (!links[p])
			continue;
		if (!error)
			error = keep(sensor, tr_program(sensor, ladder->family, rung->programs[p]), links[p]);
		if (error)
			bpf_link__destroy(links[p]);
	}
	return error;
}

static int begins_below(const struct tr_sensor *sensor, const struct tr_rung *rung)
{
	return sensor->ladder && rung->kind && strcmp(rung->kind, sensor->ladder);
}

static void climb_down(struct tr_sensor *sensor, size_t index)
{
	const struct tr_ladder *ladder = &tr_ladders[index];
	char *tried = sensor->tried[index];
	int begun = 0;

	for (size_t r = 0; r < TR_RUNGS && ladder->rungs[r].hook; r++) {
		const struct tr_rung *rung = &ladder->rungs[r];
		size_t used = strlen(tried);
		int error;

		if (!begun && begins_below(sensor, rung))
			continue;
		begun = 1;
		error = attach_rung(sensor, ladder, rung);
		if (!error) {
			sensor->chosen[index] = rung;
			return;
		}
		snprintf(tried + used, TR_TRIED - used, "%s%s: %s", used ? "; " : "", rung->hook, strerror(-error));
	}
}

static void set_duties(struct tr_sensor *sensor)
{
	struct tr_family *network = tr_family_named(sensor, "network");
	struct tr_duties duties = { 0 };
	uint32_t zero = 0;
	int fd = -1;

	for (size_t i = 0; i < TR_CAPABILITIES; i++) {
		if (sensor->chosen[i] && sensor->chosen[i]->duty == TR_DUTY_CONNECT)
			duties.connect_by_state = 1;
	}
	if (network->object)
		fd = bpf_object__find_map_fd_by_name(network->object, ".data.duties");
	if (fd >= 0)
		bpf_map_update_elem(fd, &zero, &duties, 0);
}

/* kprobes, and every tracing program before 5.12, read the cookie that these programs make. */
static void attach_cookies(struct tr_sensor *sensor)
{
	static const char *const givers[] = { "cgroup__sock_create", "sockops__cookie" };
	int needed = !tr_family_named(sensor, "network")->tracing_helpers;

	for (size_t i = 0; i < TR_CAPABILITIES; i++)
		if (sensor->chosen[i] && sensor->chosen[i]->kind && !strcmp(sensor->chosen[i]->kind, "kprobe"))
			needed = 1;
	for (size_t i = 0; needed && i < sizeof(givers) / sizeof(givers[0]); i++) {
		struct bpf_program *program = tr_program(sensor, "network", givers[i]);
		struct bpf_link *link = program ? attach_program(sensor, program) : NULL;

		if (link)
			keep(sensor, program, link);
	}
}

void tr_attach_all(struct tr_sensor *sensor)
{
	for (size_t i = 0; i < TR_CAPABILITIES; i++)
		climb_down(sensor, i);
	attach_cookies(sensor);
	set_duties(sensor);
}
