/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring by its system calls alone. Exit status 77: this kernel does not let us. */
#ifndef RING_H
#define RING_H

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "endpoint.h"

struct ring {
	int fd, polling;
	unsigned *sq_tail, *sq_mask, *sq_array, *sq_flags;
	unsigned *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *completions;
};

static inline void *map(int fd, size_t size, off_t offset)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

	if (memory == MAP_FAILED)
		fail("mmap");
	return memory;
}

static inline struct ring open_ring(int polling)
{
	struct io_uring_params params = {.flags = polling ? IORING_SETUP_SQPOLL : 0, .sq_thread_idle = 2000};
	struct ring ring = {.polling = polling};

	ring.fd = syscall(SYS_io_uring_setup, 4, &params);
	if (ring.fd < 0 && (errno == ENOSYS || errno == EPERM))
		exit(77);
	if (ring.fd < 0)
		fail("io_uring_setup");

	char *sq = map(ring.fd, params.sq_off.array + params.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
	char *cq = map(ring.fd, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);

	ring.entries = map(ring.fd, params.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	ring.sq_tail = (unsigned *)(sq + params.sq_off.tail);
	ring.sq_mask = (unsigned *)(sq + params.sq_off.ring_mask);
	ring.sq_array = (unsigned *)(sq + params.sq_off.array);
	ring.sq_flags = (unsigned *)(sq + params.sq_off.flags);
	ring.cq_head = (unsigned *)(cq + params.cq_off.head);
	ring.cq_tail = (unsigned *)(cq + params.cq_off.tail);
	ring.cq_mask = (unsigned *)(cq + params.cq_off.ring_mask);
	ring.completions = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
	return ring;
}

/* Submits one entry and waits for its result. */
static inline int run(struct ring *ring, struct io_uring_sqe entry)
{
	unsigned tail = *ring->sq_tail, index = tail & *ring->sq_mask, flags = IORING_ENTER_GETEVENTS;

	ring->entries[index] = entry;
	ring->sq_array[index] = index;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring->polling && (__atomic_load_n(ring->sq_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP))
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, flags, NULL, 0) < 0)
		fail("io_uring_enter");

	unsigned head = *ring->cq_head;

	while (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
		usleep(100);
	int result = ring->completions[head & *ring->cq_mask].res;
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	if (result < 0) {
		errno = -result;
		fail("io_uring");
	}
	return result;
}

#endif
