// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "tr_pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "gate.h"
#include "object.h"

#define INSTANCE_NAME "instance"
#define HANDOVER_NAME "handover"
#define MEMBERS_NAME "member"

/* Of companions of which no policy says anything: they are pinned once. */
enum { NO_GENERATION = 0 };

/* FNV-1a: nobody but root can make pins, so nobody needs to be kept from making two alike. */
uint64_t tr_gate_layout(void)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < tr_enforce_object_size; i++)
		hash = (hash ^ tr_enforce_object[i]) * 0x100000001b3;
	return hash;
}

/* FOLDER/NAME; names that the BPF file system would not take are no names here. */
static int path_of(char out[TR_MAX_PIN_PATH], const char *folder, const char *prefix, const char *name)
{
	int size = snprintf(out, TR_MAX_PIN_PATH, "%s/%s%s", folder, prefix, name);

	return size < 0 || size >= TR_MAX_PIN_PATH ? -ENAMETOOLONG : 0;
}

static int write_instance(int fd, const struct tr_instance *instance)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(fd, &zero, instance, 0) ? -errno : 0;
}

static int pin_instance(const char *folder, const struct tr_instance *instance)
{
	struct tr_instance made = *instance;
	char path[TR_MAX_PIN_PATH];
	int error = path_of(path, folder, "", INSTANCE_NAME), fd;

	if (error)
		return error;
	made.format = TR_INSTANCE_FORMAT;
	made.layout = tr_gate_layout();
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "tr_instance", sizeof(uint32_t), sizeof(made), 1, NULL);
	if (fd < 0)
		return -errno;
	error = write_instance(fd, &made);
	if (!error && bpf_obj_pin(fd, path))
		error = -errno;
	close(fd);
	return error;
}

/* Removes the entries whose names begin with `prefix` and not with `kept`. Calls of unlink while a folder is read may
 * make it pass over entries: it is read until nothing is left. */
static int remove_entries(const char *folder, const char *prefix, const char *kept)
{
	int removed = 1, error = 0;

	while (removed && !error) {
		char path[TR_MAX_PIN_PATH];
		struct dirent *entry;
		DIR *directory = opendir(folder);

		if (!directory)
			return -errno;
		removed = 0;
		while ((entry = readdir(directory)) && !error) {
			if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, strlen(prefix)) ||
			    (kept && !strncmp(entry->d_name, kept, strlen(kept))))
				continue;
			error = path_of(path, folder, "", entry->d_name);
			if (!error && unlink(path))
				error = -errno;
			removed++;
		}
		closedir(directory);
	}
	return error;
}

/* NAME_GENERATION_, which the number of the link follows. */
struct companion_prefix {
	char text[32];
};

static struct companion_prefix companion_prefix(const char *name, uint32_t generation)
{
	struct companion_prefix prefix;

	snprintf(prefix.text, sizeof(prefix.text), "%s_%u_", name, generation);
	return prefix;
}

/* In the place of the one that was pinned under that name before, which goes only then. */
static int pin_companion(const struct tr_companion *companion, const struct tr_companion **pinned, const char *folder,
			 const char *name, uint32_t generation)
{
	const struct companion_prefix kept = companion_prefix(name, generation);
	char path[TR_MAX_PIN_PATH], number[16];
	struct bpf_link *const *links;
	size_t count = tr_companion_links(companion, &links);
	int error = 0;

	if (companion == *pinned)
		return 0;
	for (size_t i = 0; i < count && !error; i++) {
		snprintf(number, sizeof(number), "%zu", i);
		error = path_of(path, folder, kept.text, number);
		if (!error && bpf_obj_pin(bpf_link__fd(links[i]), path))
			error = -errno;
	}
	if (!error)
		error = remove_entries(folder, name, count ? kept.text : NULL);
	if (!error)
		*pinned = companion;
	return error;
}

int tr_gate_pin_companions(struct tr_gate *gate, uint32_t generation)
{
	const char *folder = gate->folder;
	int error;

	if (!folder)
		return 0;
	error = pin_companion(gate->executables, &gate->pinned_executables, folder, "executables", generation);
	if (!error)
		error = pin_companion(gate->killer, &gate->pinned_killer, folder, "killer", generation);
	if (!error)
		error = pin_companion(gate->handover, &gate->pinned_handover, folder, HANDOVER_NAME, NO_GENERATION);
	if (!error)
		error = pin_companion(gate->members, &gate->pinned_members, folder, MEMBERS_NAME, NO_GENERATION);
	return error;
}

static int pin_all(const struct tr_gate *gate, const char *folder)
{
	char path[TR_MAX_PIN_PATH], number[16];
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map (map, gate->object) {
		if (bpf_map__is_internal(map))
			continue;
		error = path_of(path, folder, "map_", bpf_map__name(map));
		if (!error && bpf_obj_pin(bpf_map__fd(map), path))
			error = -errno;
		if (error)
			return error;
	}
	for (int count = 0; count < TR_MAX_PROGRAMS && gate->links[count]; count++) {
		snprintf(number, sizeof(number), "%d", count);
		error = path_of(path, folder, "link_", number);
		if (!error && bpf_obj_pin(bpf_link__fd(gate->links[count]), path))
			error = -errno;
		if (error)
			return error;
	}
	return 0;
}

int tr_gate_pin(struct tr_gate *gate, const char *folder, const struct tr_instance *instance)
{
	int error;

	if (gate->folder)
		return -EBUSY;
	gate->folder = strdup(folder);
	if (!gate->folder)
		return -ENOMEM;
	error = mkdir(folder, 0700) ? -errno : 0;
	if (!error) {
		error = pin_instance(folder, instance);
		if (!error)
			error = pin_all(gate, folder);
		if (!error)
			error = tr_gate_pin_companions(gate, gate->generation);
		if (error)
			tr_pins_remove(folder);
	}
	if (!error)
		return 0;
	gate->pinned_executables = gate->pinned_killer = gate->pinned_handover = gate->pinned_members = NULL;
	free(gate->folder);
	gate->folder = NULL;
	return error;
}

static int open_instance(const char *folder)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	char path[TR_MAX_PIN_PATH];
	int error = path_of(path, folder, "", INSTANCE_NAME), fd;

	if (error)
		return error;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		error = -errno;
	else if (info.value_size != sizeof(struct tr_instance))
		error = -EPROTO;
	if (error)
		close(fd);
	return error ? error : fd;
}

int tr_instance_read(const char *folder, struct tr_instance *instance)
{
	int fd = open_instance(folder), error = 0;
	uint32_t zero = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &zero, instance))
		error = -errno;
	else if (instance->format != TR_INSTANCE_FORMAT)
		error = -EPROTO;
	close(fd);
	return error;
}

int tr_instance_write(const char *folder, const struct tr_instance *instance)
{
	int fd = open_instance(folder), error;

	if (fd < 0)
		return fd;
	error = write_instance(fd, instance);
	close(fd);
	return error;
}

static int adopt_maps(struct tr_gate *gate, const char *folder)
{
	char path[TR_MAX_PIN_PATH];
	struct bpf_map *map;

	bpf_object__for_each_map (map, gate->object) {
		int error, fd;

		if (bpf_map__is_internal(map))
			continue;
		error = path_of(path, folder, "map_", bpf_map__name(map));
		fd = error ? error : bpf_obj_get(path);
		if (fd < 0)
			return error ? error : -errno;
		error = bpf_map__reuse_fd(map, fd); /* has one of its own then */
		close(fd);
		if (error)
			return error;
	}
	return 0;
}

static int adopt_links(struct tr_gate *gate, const char *folder)
{
	char path[TR_MAX_PIN_PATH], number[16];

	for (int i = 0; i < TR_MAX_PROGRAMS; i++) {
		int error;

		snprintf(number, sizeof(number), "%d", i);
		error = path_of(path, folder, "link_", number);
		if (error)
			return error;
		gate->links[i] = bpf_link__open(path);
		if (!gate->links[i])
			return errno == ENOENT && i ? 0 : -errno;
	}
	return 0;
}

int tr_gate_is_off(const struct tr_gate *gate)
{
	for (int i = 0; i < TR_MAX_PROGRAMS && gate->links[i]; i++) {
		struct bpf_link_info info = {};
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_link__fd(gate->links[i]), &info, &size))
			return -errno;
		if (info.cgroup.cgroup_id)
			return 0;
	}
	return 1;
}

static int has_handover(const char *folder)
{
	char path[TR_MAX_PIN_PATH];

	return !path_of(path, folder, companion_prefix(HANDOVER_NAME, NO_GENERATION).text, "0") && !access(path, F_OK);
}

static int adopt_policy(struct tr_gate *gate)
{
	struct tr_policy policy;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(tr_gate_map(gate, "selected"), &zero, &gate->slot) ||
	    bpf_map_lookup_elem(tr_gate_map(gate, "policies"), &gate->slot, &policy))
		return -errno;
	gate->generation = policy.generation;
	return 0;
}

int tr_gate_adopt(const char *folder, struct tr_gate **out)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "enforce");
	struct tr_instance instance;
	struct tr_gate *gate;
	int error = tr_instance_read(folder, &instance);

	*out = NULL;
	if (error)
		return error;
	if (instance.layout != tr_gate_layout())
		return -EPROTO;
	gate = calloc(1, sizeof(*gate));
	if (!gate)
		return -ENOMEM;
	libbpf_set_print(tr_gate_log);
	gate->can_kill = instance.can_kill;
	gate->can_signal = tr_gate_can_signal();
	gate->refuses_handover = has_handover(folder);
	gate->object = bpf_object__open_mem(tr_enforce_object, tr_enforce_object_size, &options);
	error = gate->object ? adopt_maps(gate, folder) : -errno;
	if (!error)
		error = adopt_links(gate, folder);
	if (!error)
		error = adopt_policy(gate);
	gate->folder = strdup(folder);
	if (!error && !gate->folder)
		error = -ENOMEM;
	if (error)
		tr_gate_close(gate);
	else
		*out = gate;
	return error;
}

int tr_pins_remove(const char *folder)
{
	int error = remove_entries(folder, "", NULL);

	return error ? error : rmdir(folder) ? -errno : 0;
}

/* BPF_LINK_DETACH is there from 5.9 on (73b11c2ab072), for programs of control groups; a link that goes with its last
 * pin is taken off by a worker. */
static void detach_all(const char *folder, const char *prefix)
{
	char path[TR_MAX_PIN_PATH], number[16];

	for (int i = 0;; i++) {
		int fd;

		snprintf(number, sizeof(number), "%d", i);
		fd = path_of(path, folder, prefix, number) ? -1 : bpf_obj_get(path);
		if (fd < 0)
			break;
		bpf_link_detach(fd);
		close(fd);
	}
}

int tr_pins_release(const char *folder)
{
	detach_all(folder, "link_");
	detach_all(folder, companion_prefix(MEMBERS_NAME, NO_GENERATION).text);
	return tr_pins_remove(folder);
}
