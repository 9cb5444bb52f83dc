// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <time.h>
#include "ring.h"

static int events_fd, connections_fd, processes_fd;

static int fd_of(struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	return program ? bpf_program__fd(program) : -ENOENT;
}

int ring_open(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);

	if (!object || bpf_object__load(object))
		return -errno;
	events_fd = bpf_object__find_map_fd_by_name(object, "events");
	connections_fd = fd_of(object, "connections");
	processes_fd = fd_of(object, "processes");
	return events_fd < 0 || connections_fd < 0 || processes_fd < 0 ? -ENOENT : 0;
}

struct ring_side *ring_add(ring_callback callback, void *context)
{
	return (struct ring_side *)ring_buffer__new(events_fd, callback, context, NULL);
}

int ring_consume(struct ring_side *side)
{
	return ring_buffer__consume((struct ring_buffer *)side);
}

static int run(int program, void *context, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = size);

	return bpf_prog_test_run_opts(program, &options) ? -errno : 0;
}

int ring_fill_processes(void)
{
	return run(processes_fd, NULL, 0);
}

int ring_fill_connections(uint64_t first, uint64_t count)
{
	uint64_t burst[2] = { first, count };

	return run(connections_fd, burst, sizeof(burst));
}

extern uint64_t counted_allocations(void) __attribute__((weak));

uint64_t allocations(void)
{
	return counted_allocations ? counted_allocations() : 0;
}

uint64_t thread_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}
