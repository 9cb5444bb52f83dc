/* SPDX-License-Identifier: Apache-2.0 */
/* A ring that a BPF program fills, and the consumer in C that the agent is compared with. */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

typedef int (*ring_callback)(void *_Nullable context, void *_Nonnull bytes, size_t size);

struct ring_side;

/* Loads the program; 0 or -errno. */
int ring_open(const char *_Nonnull object);

/* A consumer of the ring; several take turns. */
struct ring_side *_Nullable ring_add(ring_callback _Nonnull callback, void *_Nullable context);

/* Hands over what waits. */
int ring_consume(struct ring_side *_Nonnull side);

/* Writes the records of processes, or of `count` connections from number `first` on; 0 or -errno. */
int ring_fill_processes(void);
int ring_fill_connections(uint64_t first, uint64_t count);

/* The C consumer: formats lines into one buffer and writes it to the descriptor when it is full, and at each flush. */
void formatter_open(int output);
int formatter_record(void *_Nullable context, void *_Nonnull bytes, size_t size);
void formatter_flush(void);
uint64_t formatter_lines(void);

/* Calls of malloc and its kin since the start; 0 unless the counter is preloaded. */
uint64_t allocations(void);

/* What this thread has used of the processor, in nanoseconds. */
uint64_t thread_time(void);

#endif
