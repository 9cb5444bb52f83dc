// SPDX-License-Identifier: Apache-2.0
/* One software event and one ring for each CPU; a CPU that comes online later is not watched. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tr_mappings.h"

enum {
	TR_MAPPING_PAGES = 64,	     /* of a ring, without its header page; a power of two */
	TR_MAPPING_RECORD = 1 << 16, /* the header's size field has 16 bits */
};

struct tr_mapping_ring {
	int fd;
	struct perf_event_mmap_page *header;
	size_t bytes; /* of data, behind the header page */
};

struct tr_mappings {
	size_t page, count;
	uint8_t *scratch; /* holds a record that goes over the end of its ring */
	struct tr_mapping_ring rings[];
};

/* perf_event_open(2), PERF_RECORD_MMAP2; the file's path follows, padded with NULs to 8 bytes. */
struct tr_mmap2 {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t address, length, offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
};

/* PERF_RECORD_LOST */
struct tr_lost {
	struct perf_event_header header;
	uint64_t id, lost;
};

static int open_ring(struct tr_mapping_ring *ring, int cpu, size_t page)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.mmap = 1,
		.mmap2 = 1,
		.watermark = 1,
		/* Nobody waits for it: the kernel shall wake as seldom as it can. */
		.wakeup_watermark = (uint32_t)(TR_MAPPING_PAGES * page),
	};
	void *memory = MAP_FAILED;

	ring->fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (ring->fd < 0)
		return -errno;
	/* Beyond perf_event_mlock_kb and RLIMIT_MEMLOCK a ring needs CAP_IPC_LOCK: a smaller one may do. */
	for (size_t pages = TR_MAPPING_PAGES; pages; pages /= 2) {
		ring->bytes = pages * page;
		memory = mmap(NULL, page + ring->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
		if (memory != MAP_FAILED || (errno != EPERM && errno != ENOMEM))
			break;
	}
	if (memory == MAP_FAILED) {
		int error = -errno;

		close(ring->fd);
		return error;
	}
	ring->header = memory;
	return 0;
}

int tr_mappings_open(struct tr_mappings **out)
{
	int cpus = libbpf_num_possible_cpus(), error = 0;
	struct tr_mappings *mappings;

	if (cpus < 0)
		return cpus;
	mappings = calloc(1, sizeof(*mappings) + (size_t)cpus * sizeof(mappings->rings[0]));
	if (!mappings)
		return -ENOMEM;
	mappings->page = (size_t)sysconf(_SC_PAGESIZE);
	mappings->scratch = malloc(TR_MAPPING_RECORD);
	if (!mappings->scratch)
		error = -ENOMEM;
	for (int cpu = 0; cpu < cpus && !error; cpu++) {
		error = open_ring(&mappings->rings[mappings->count], cpu, mappings->page);
		if (!error)
			mappings->count++;
		else if (error == -ENODEV) /* offline */
			error = 0;
	}
	if (!error && !mappings->count)
		error = -ENODEV;
	if (error) {
		tr_mappings_close(mappings);
		return error;
	}
	*out = mappings;
	return 0;
}

/* Whether a record tells of a file that can be run; "//anon" and "[vdso]" are none. */
static bool is_file(const struct tr_mmap2 *record, const char *path, size_t room)
{
	return (record->protection & PROT_EXEC) && (int32_t)record->pid > 0 && room > 1 && path[0] == '/' &&
	       path[1] != '/' && memchr(path, 0, room);
}

static uint64_t hand_over(const uint8_t *record, size_t size, tr_mapping_callback callback, void *context)
{
	const struct perf_event_header *header = (const void *)record;
	const struct tr_mmap2 *mapping = (const void *)record;
	const char *path = (const char *)(mapping + 1);

	if (header->type == PERF_RECORD_LOST && size >= sizeof(struct tr_lost))
		return ((const struct tr_lost *)record)->lost;
	if (header->type == PERF_RECORD_MMAP2 && size > sizeof(*mapping) &&
	    is_file(mapping, path, size - sizeof(*mapping)))
		callback(context, mapping->pid, path);
	return 0;
}

static uint64_t drain_ring(const struct tr_mappings *mappings, const struct tr_mapping_ring *ring,
			   tr_mapping_callback callback, void *context)
{
	const uint8_t *data = (const uint8_t *)ring->header + mappings->page;
	uint64_t head = __atomic_load_n(&ring->header->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->header->data_tail; /* written by us only */
	uint64_t lost = 0;

	while (head - tail >= sizeof(struct perf_event_header)) {
		/* Records and the ring's size are multiples of 8: a header is never divided. */
		size_t start = tail & (ring->bytes - 1), whole = ring->bytes - start;
		const uint8_t *record = data + start;
		size_t size = ((const struct perf_event_header *)record)->size;

		if (size < sizeof(struct perf_event_header) || size > head - tail) {
			tail = head; /* not to be understood: begin again behind it */
			lost++;
			break;
		}
		if (size > whole) {
			memcpy(mappings->scratch, record, whole);
			memcpy(mappings->scratch + whole, data, size - whole);
			record = mappings->scratch;
		}
		lost += hand_over(record, size, callback, context);
		tail += size;
	}
	__atomic_store_n(&ring->header->data_tail, tail, __ATOMIC_RELEASE);
	return lost;
}

int tr_mappings_drain(struct tr_mappings *mappings, tr_mapping_callback callback, void *context)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < mappings->count; i++)
		lost += drain_ring(mappings, &mappings->rings[i], callback, context);
	return lost > INT32_MAX ? INT32_MAX : (int)lost;
}

void tr_mappings_close(struct tr_mappings *mappings)
{
	for (size_t i = 0; i < mappings->count; i++) {
		munmap(mappings->rings[i].header, mappings->page + mappings->rings[i].bytes);
		close(mappings->rings[i].fd);
	}
	free(mappings->scratch);
	free(mappings);
}
