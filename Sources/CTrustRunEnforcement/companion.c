// SPDX-License-Identifier: Apache-2.0
#include "companion.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_LINKS = 16 };

struct tr_companion {
	struct bpf_object *object;
	struct bpf_link *links[MAX_LINKS];
	size_t count;
};

static int share_maps(struct bpf_object *object, const struct bpf_object *gates)
{
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map (map, object) {
		const struct bpf_map *theirs;

		if (bpf_map__is_internal(map))
			continue;
		theirs = bpf_object__find_map_by_name(gates, bpf_map__name(map));
		if (theirs && !error)
			error = bpf_map__reuse_fd(map, bpf_map__fd(theirs));
	}
	return error;
}

int tr_configure(struct bpf_object *object, const struct tr_gate_config *config)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata.config");
	size_t size;
	void *value = map ? (void *)bpf_map__initial_value(map, &size) : NULL;

	if (!value || size < sizeof(*config))
		return -EINVAL;
	memcpy(value, config, sizeof(*config));
	return 0;
}

/* Before the object is loaded. */
static int leave_out(struct bpf_object *object, const char *const *names)
{
	for (; names && *names; names++) {
		struct bpf_program *program = bpf_object__find_program_by_name(object, *names);

		if (!program)
			return -ENOENT;
		bpf_program__set_autoload(program, false);
	}
	return 0;
}

static int is_of_cgroups(const struct bpf_program *program)
{
	return !strncmp(bpf_program__section_name(program), "cgroup", 6);
}

static int attach(struct tr_companion *companion, int cgroup)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, companion->object) {
		if (!strncmp(bpf_program__section_name(program), "iter/", 5) || !bpf_program__autoload(program))
			continue;
		if (companion->count == MAX_LINKS)
			return -E2BIG;
		companion->links[companion->count] = is_of_cgroups(program)
							     ? bpf_program__attach_cgroup(program, cgroup)
							     : bpf_program__attach(program);
		if (!companion->links[companion->count])
			return -errno;
		companion->count++;
	}
	return 0;
}

int tr_companion_open(struct tr_companion **out, const struct tr_companion_parts *parts)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = parts->name);
	struct tr_companion *companion = calloc(1, sizeof(*companion));
	int error;

	*out = NULL;
	if (!companion)
		return -ENOMEM;
	companion->object = bpf_object__open_mem(parts->object, parts->size, &options);
	error = companion->object ? share_maps(companion->object, parts->gates) : -errno;
	if (!error)
		error = leave_out(companion->object, parts->left_out);
	if (!error && parts->config)
		error = tr_configure(companion->object, parts->config);
	if (!error)
		error = bpf_object__load(companion->object);
	if (!error)
		error = attach(companion, parts->cgroup);
	if (error) {
		tr_companion_close(companion);
		return error;
	}
	*out = companion;
	return 0;
}

void tr_companion_close(struct tr_companion *companion)
{
	if (!companion)
		return;
	for (size_t i = 0; i < companion->count; i++)
		bpf_link__destroy(companion->links[i]);
	bpf_object__close(companion->object);
	free(companion);
}

int tr_companion_iterate(const struct tr_companion *companion, const char *name,
			 const struct bpf_iter_attach_opts *options)
{
	struct bpf_program *program = bpf_object__find_program_by_name(companion->object, name);
	struct bpf_link *link = program ? bpf_program__attach_iter(program, options) : NULL;
	int error = 0, fd;
	char nothing[64];
	ssize_t count;

	if (!link)
		return program ? -errno : -ENOENT;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		error = -errno;
	while (!error && (count = read(fd, nothing, sizeof(nothing))))
		if (count < 0 && errno != EINTR && errno != EAGAIN)
			error = -errno;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return error;
}

size_t tr_companion_links(const struct tr_companion *companion, struct bpf_link *const **links)
{
	*links = companion ? companion->links : NULL;
	return companion ? companion->count : 0;
}
