// SPDX-License-Identifier: Apache-2.0
#include "tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	BATCH = 1 << 16,
};

static int fill_array(int fd, const char *values, size_t size, size_t total)
{
	uint32_t *keys = malloc(BATCH * sizeof(*keys));
	int error = keys ? 0 : -ENOMEM;

	for (size_t at = 0; at < total && !error; at += BATCH) {
		size_t left = total - at;
		uint32_t count = left < BATCH ? left : BATCH;

		for (uint32_t i = 0; i < count; i++)
			keys[i] = at + i;
		if (bpf_map_update_batch(fd, keys, values + at * size, &count, NULL))
			error = -errno;
	}
	free(keys);
	return error;
}

static int fill_trie(int fd, const void *entries, size_t count, size_t stride, size_t value)
{
	const char *entry = entries;

	for (size_t i = 0; i < count; i++, entry += stride)
		if (bpf_map_update_elem(fd, entry, entry + value, BPF_NOEXIST))
			return -errno;
	return 0;
}

int tr_make_array(const char *name, const void *values, size_t size, size_t count, size_t most)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP);
	int error, fd;

	if (!count || count > most)
		return -E2BIG;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), size, count, &options);
	if (fd < 0)
		return -errno;
	error = fill_array(fd, values, size, count);
	if (!error)
		return fd;
	close(fd);
	return error;
}

int tr_make_trie(const char *name, size_t key_size, const void *entries, size_t count, size_t stride)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	int error, fd;

	if (count > TR_MAX_PREFIXES)
		return -E2BIG;
	fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, name, key_size, sizeof(uint32_t), count ? count : 1, &options);
	if (fd < 0)
		return -errno;
	error = fill_trie(fd, entries, count, stride, key_size);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int forget_unix_paths(int map, uint32_t slot)
{
	struct tr_unix_key key, old[TR_MAX_UNIX_PATHS], *previous = NULL;
	size_t count = 0;

	while (count < TR_MAX_UNIX_PATHS && !bpf_map_get_next_key(map, previous, &key)) {
		if (key.slot == slot)
			old[count++] = key;
		previous = &key;
	}
	for (size_t i = 0; i < count; i++)
		if (bpf_map_delete_elem(map, &old[i]))
			return -errno;
	return 0;
}

int tr_set_unix_paths(int map, uint32_t slot, const struct tr_tables *tables)
{
	uint32_t one = 1;
	int error = forget_unix_paths(map, slot);

	if (tables->unix_path_count > TR_MAX_UNIX_PATHS)
		return -E2BIG;
	for (size_t i = 0; i < tables->unix_path_count && !error; i++) {
		struct tr_unix_key key = tables->unix_paths[i];

		key.slot = slot;
		if (bpf_map_update_elem(map, &key, &one, BPF_ANY))
			error = -errno;
	}
	return error;
}

int tr_set_globs(int map, uint32_t slot, const struct tr_tables *tables)
{
	if (tables->policy.glob_count > TR_MAX_GLOBS)
		return -E2BIG;
	for (uint32_t i = 0; i < tables->policy.glob_count; i++) {
		uint32_t place = slot * TR_MAX_GLOBS + i;

		if (bpf_map_update_elem(map, &place, &tables->globs[i], 0))
			return -errno;
	}
	return 0;
}
