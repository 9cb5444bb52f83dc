// SPDX-License-Identifier: Apache-2.0
/* Loads families by trying: libbpf says which program the kernel refused, and the family is loaded again without it. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sensor.h"

enum { LOAD_ATTEMPTS = 8 };

/* libbpf reports through one callback for the whole process, on the thread that loads. */
static _Thread_local char refused_program[64];
static _Thread_local int refused_error;

static int collect(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[512];
	va_list copy;

	if (getenv("TRUSTRUN_LIBBPF_LOG")) {
		va_copy(copy, arguments);
		vfprintf(stderr, format, copy);
		va_end(copy);
	}
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, arguments);
	sscanf(line, "libbpf: prog '%63[^']': failed to load: %d", refused_program, &refused_error);
	return 0;
}

static void disable(struct tr_family *family, const char *program, int error)
{
	struct tr_disabled *entry;

	if (family->disabled_count == TR_DISABLED)
		return;
	entry = &family->disabled[family->disabled_count++];
	entry->error = error;
	snprintf(entry->program, sizeof(entry->program), "%s", program);
}

int tr_load_error(const struct tr_family *family, const char *program)
{
	for (size_t i = 0; i < family->disabled_count; i++)
		if (!strcmp(family->disabled[i].program, program))
			return family->disabled[i].error;
	return 0;
}

static int is_trampoline(const char *section)
{
	return !strncmp(section, "fentry/", 7) || !strncmp(section, "fexit/", 6);
}

/* One refusal of the trampoline itself stands for all of them; anything else is that program's own. */
static void disable_refused(struct tr_family *family, struct bpf_object *object)
{
	struct bpf_program *refused = bpf_object__find_program_by_name(object, refused_program), *program;
	int of_kind = refused && is_trampoline(bpf_program__section_name(refused)) && refused_error == -EPERM;

	bpf_object__for_each_program (program, object)
		if (program == refused || (of_kind && is_trampoline(bpf_program__section_name(program))))
			if (!tr_load_error(family, bpf_program__name(program)))
				disable(family, bpf_program__name(program), refused_error);
}

/* Programs above the rung that the user asked to begin at. */
static int is_skipped(const struct tr_sensor *sensor, const char *family, const char *program)
{
	for (size_t i = 0; sensor->ladder && i < TR_CAPABILITIES; i++) {
		const struct tr_ladder *ladder = &tr_ladders[i];

		if (strcmp(ladder->family, family))
			continue;
		for (size_t r = 0; r < TR_RUNGS && ladder->rungs[r].hook; r++) {
			const struct tr_rung *rung = &ladder->rungs[r];

			if (rung->kind && strcmp(rung->kind, sensor->ladder) && strcmp(rung->kind, "state"))
				for (size_t p = 0; p < TR_RUNG_PROGRAMS && rung->programs[p]; p++)
					if (!strcmp(rung->programs[p], program))
						return 1;
		}
	}
	return 0;
}

static int prepare(const struct tr_sensor *sensor, const struct tr_family *family, struct bpf_object *object)
{
	struct tr_config config = { .tracing_helpers = family->tracing_helpers };
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata.config");
	struct bpf_program *program;
	size_t size;
	void *value = map ? (void *)bpf_map__initial_value(map, &size) : NULL;
	int error;

	if (!value || size < sizeof(config))
		return -EINVAL;
	memcpy(value, &config, sizeof(config));
	error = bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "events"), sensor->events_fd);
	if (!error)
		error = bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "drops"), sensor->drops_fd);
	bpf_object__for_each_program (program, object)
		if (tr_load_error(family, bpf_program__name(program)) ||
		    is_skipped(sensor, bpf_object__name(object), bpf_program__name(program)))
			bpf_program__set_autoload(program, 0);
	return error;
}

static void load_family(const struct tr_sensor *sensor, const struct tr_object *source, struct tr_family *family)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = source->family);

	family->tracing_helpers = 1;
	for (int attempt = 0; attempt < LOAD_ATTEMPTS; attempt++) {
		struct bpf_object *object = bpf_object__open_mem(source->bytes, source->size, &options);

		if (!object) {
			family->error = -errno;
			return;
		}
		refused_program[0] = 0;
		family->error = prepare(sensor, family, object);
		if (!family->error)
			family->error = bpf_object__load(object);
		if (!family->error) {
			family->object = object;
			return;
		}
		if (refused_program[0] && family->tracing_helpers && refused_error == -EINVAL)
			family->tracing_helpers = 0; /* "unknown func": before 5.12 */
		else if (refused_program[0])
			disable_refused(family, object);
		bpf_object__close(object);
		if (!refused_program[0])
			return;
	}
}

/* Most of the time goes to reading the kernel's BTF, once a family: so two threads share the families. */
struct loading {
	struct tr_sensor *sensor;
	atomic_size_t next;
};

static void *load_families(void *context)
{
	struct loading *loading = context;
	size_t index;

	while ((index = atomic_fetch_add(&loading->next, 1)) < TR_OBJECTS)
		load_family(loading->sensor, &tr_objects[index], &loading->sensor->families[index]);
	return NULL;
}

static int make_ring(struct tr_sensor *sensor)
{
	if (sensor->events_fd)
		return 0; /* another's */
	sensor->events_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0, TR_RING_BYTES, NULL);
	sensor->drops_fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "drops", sizeof(uint32_t), sizeof(uint64_t),
					  TR_RECORD_KINDS, NULL);
	return sensor->events_fd < 0 || sensor->drops_fd < 0 ? -errno : 0;
}

int tr_load_all(struct tr_sensor *sensor)
{
	struct loading loading = { .sensor = sensor };
	pthread_t helper;
	int has_helper, loaded = 0, error = 0;

	/* Type information is read into blocks of megabytes; mapped ones go back to the kernel when they are freed. */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	libbpf_set_print(collect);
	error = make_ring(sensor);
	if (error)
		return error;
	has_helper = !pthread_create(&helper, NULL, load_families, &loading);
	load_families(&loading);
	if (has_helper)
		pthread_join(helper, NULL);
	for (size_t i = 0; i < TR_OBJECTS; i++) {
		loaded += sensor->families[i].object != NULL;
		if (sensor->families[i].error)
			error = sensor->families[i].error;
	}
	return loaded ? loaded : error;
}
