// SPDX-License-Identifier: Apache-2.0
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sensor.h"

static int take_ring(struct tr_sensor *sensor, const struct tr_ring *ring)
{
	sensor->events_fd = fcntl(ring->events_fd, F_DUPFD_CLOEXEC, 3);
	sensor->drops_fd = fcntl(ring->drops_fd, F_DUPFD_CLOEXEC, 3);
	return sensor->events_fd < 0 || sensor->drops_fd < 0 ? -errno : 0;
}

int tr_sensor_open(const char *cgroup, const char *ladder, const struct tr_ring *ring, struct tr_sensor **out)
{
	struct tr_sensor *sensor;
	int loaded = 0;

	*out = NULL;
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return -ENOENT;
	sensor = calloc(1, sizeof(*sensor));
	if (!sensor)
		return -ENOMEM;
	sensor->cgroup_fd = cgroup ? open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	sensor->ladder = ladder;
	if (ring)
		loaded = take_ring(sensor, ring);
	if (!loaded)
		loaded = tr_load_all(sensor);
	if (loaded < 0) {
		tr_sensor_close(sensor);
		return loaded;
	}
	tr_attach_all(sensor);
	*out = sensor;
	return 0;
}

static void close_if_open(int fd)
{
	if (fd > 0)
		close(fd);
}

void tr_sensor_close(struct tr_sensor *sensor)
{
	ring_buffer__free(sensor->ring);
	for (size_t i = 0; i < sensor->library_count; i++)
		bpf_link__destroy(sensor->libraries[i]);
	for (size_t i = 0; i < sensor->link_count; i++)
		bpf_link__destroy(sensor->links[i]);
	for (size_t i = 0; i < 2; i++)
		bpf_link__destroy(sensor->iterators[i]);
	for (size_t i = 0; i < TR_OBJECTS; i++)
		bpf_object__close(sensor->families[i].object);
	close_if_open(sensor->events_fd);
	close_if_open(sensor->drops_fd);
	close_if_open(sensor->cgroup_fd);
	free(sensor);
}

int tr_sensor_capability(const struct tr_sensor *sensor, size_t index, struct tr_capability *out)
{
	if (index >= TR_CAPABILITIES)
		return 0;
	out->name = tr_ladders[index].name;
	out->family = tr_ladders[index].family;
	out->hook = sensor->chosen[index] ? sensor->chosen[index]->hook : NULL;
	out->tried = sensor->tried[index];
	return 1;
}

/* libbpf wants an int-returning callback; ours cannot fail. */
struct forward {
	tr_sample_callback callback;
	void *context;
};

static struct forward forward;

static int forward_sample(void *context, void *bytes, size_t size)
{
	struct forward *to = context;

	to->callback(to->context, bytes, size);
	return 0;
}

int tr_sensor_subscribe(struct tr_sensor *sensor, tr_sample_callback callback, void *context)
{
	forward = (struct forward) { callback, context };
	sensor->ring = ring_buffer__new(sensor->events_fd, forward_sample, &forward, NULL);
	return sensor->ring ? 0 : -errno;
}

int tr_sensor_consume(struct tr_sensor *sensor)
{
	return ring_buffer__consume(sensor->ring);
}

int tr_sensor_drops(const struct tr_sensor *sensor, uint64_t counts[TR_RECORD_KINDS])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *values;
	int error = 0;

	if (cpus < 0)
		return cpus;
	values = calloc(cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (uint32_t kind = 0; kind < TR_RECORD_KINDS && !error; kind++) {
		counts[kind] = 0;
		error = bpf_map_lookup_elem(sensor->drops_fd, &kind, values) ? -errno : 0;
		for (int cpu = 0; cpu < cpus && !error; cpu++)
			counts[kind] += values[cpu];
	}
	free(values);
	return error;
}

static uint64_t program_misses(struct tr_sensor *sensor, const char *family, const char *name)
{
	struct bpf_program *program = tr_program(sensor, family, name);
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	if (!program || bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return 0;
	return info.recursion_misses;
}

/*
 * Whether the kernel keeps a program from interrupting itself for each context (task, softirq, ...) on its own: then
 * `active` of struct bpf_prog is an array of bytes, and only processes that interrupt each other are passed over.
 */
static int recursion_is_by_context(void)
{
	static int answer = -1;
	const struct btf_type *type;
	struct btf *btf;
	int id;

	if (answer >= 0)
		return answer;
	answer = 0;
	btf = btf__load_vmlinux_btf();
	id = btf ? btf__find_by_name_kind(btf, "bpf_prog", BTF_KIND_STRUCT) : -1;
	type = id > 0 ? btf__type_by_id(btf, id) : NULL;
	for (int i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const struct btf_type *pointer = btf__type_by_id(btf, member->type);

		if (!strcmp(btf__name_by_offset(btf, member->name_off), "active") && btf_is_ptr(pointer))
			answer = btf__resolve_size(btf, pointer->type) == 1;
	}
	btf__free(btf);
	return answer;
}

uint64_t tr_sensor_misses(struct tr_sensor *sensor, size_t capability)
{
	const struct tr_rung *rung = capability < TR_CAPABILITIES ? sensor->chosen[capability] : NULL;
	uint64_t misses[TR_RUNG_PROGRAMS] = { 0 };

	if (!rung || rung->duty != TR_DUTY_NONE)
		return 0;
	for (size_t p = 0; p < TR_RUNG_PROGRAMS && rung->programs[p]; p++)
		misses[p] = program_misses(sensor, tr_ladders[capability].family, rung->programs[p]);
	if (rung->twin == TR_TWIN_NONE)
		return misses[0] + misses[1];
	if (!misses[0] || !misses[1] || (rung->twin == TR_TWIN_SOFTIRQ && !recursion_is_by_context()))
		return 0;
	return misses[0] < misses[1] ? misses[0] : misses[1];
}

static int read_all(int fd, char **bytes, size_t *size)
{
	size_t capacity = 1 << 16;
	ssize_t got = 0;

	*size = 0;
	*bytes = malloc(capacity);
	while (*bytes && ((got = read(fd, *bytes + *size, capacity - *size)) > 0 || (got < 0 && errno == EAGAIN))) {
		*size += got > 0 ? got : 0;
		if (capacity - *size < capacity / 2) {
			char *larger = realloc(*bytes, capacity *= 2);

			if (!larger)
				free(*bytes);
			*bytes = larger;
		}
	}
	return !*bytes ? -ENOMEM : got < 0 ? -errno : 0;
}

int tr_sensor_snapshot(struct tr_sensor *sensor, enum tr_record_kind kind, tr_sample_callback callback, void *context)
{
	struct bpf_link *link = sensor->iterators[kind == TR_RECORD_SOCKET];
	struct tr_record_header header;
	char *bytes = NULL;
	size_t size = 0, offset = 0;
	int fd, error;

	if (!link)
		return -EOPNOTSUPP;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		return -errno;
	error = read_all(fd, &bytes, &size);
	close(fd);
	while (!error && offset + sizeof(header) <= size) {
		memcpy(&header, bytes + offset, sizeof(header));
		if (header.size < sizeof(header) || header.size > size - offset)
			break;
		callback(context, bytes + offset, header.size);
		offset += header.size;
	}
	free(bytes);
	return error;
}

int tr_sensor_take_udp_flow(struct tr_sensor *sensor, const struct tr_udp_key *key, struct tr_udp_flow *out)
{
	struct tr_family *packets = tr_family_named(sensor, "packets");
	struct bpf_map *map = packets->object ? bpf_object__find_map_by_name(packets->object, "udp_flows") : NULL;

	if (!map)
		return -ENOENT;
	if (bpf_map_lookup_elem(bpf_map__fd(map), key, out))
		return -errno;
	bpf_map_delete_elem(bpf_map__fd(map), key);
	return 0;
}

int tr_sensor_attach_libssl(struct tr_sensor *sensor, const char *path, uint64_t offset)
{
	struct bpf_program *program = tr_program(sensor, "tls", "uprobe__SSL_ctrl");
	LIBBPF_OPTS(bpf_uprobe_opts, options);
	struct bpf_link *link;

	if (!program || bpf_program__fd(program) < 0)
		return -EOPNOTSUPP;
	if (sensor->library_count == TR_LIBRARIES)
		return -ENOSPC;
	link = bpf_program__attach_uprobe_opts(program, -1, path, offset, &options);
	if (!link)
		return -errno;
	sensor->libraries[sensor->library_count++] = link;
	return 0;
}
