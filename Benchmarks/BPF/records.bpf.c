// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Fills the ring with the records of outbound connections, always the same for the same numbers: of each a connect, an
 * established and, LAG connections later, a close. Hook: syscall, which only test_run calls.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "tr_record.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum {
	PROCESSES = 16, /* that connect; behind them come the shell and init that started them */
	LAG = 64,
	FIRST_TGID = 4000,
	FIRST_COOKIE = 0x1000,
	NANOSECONDS_APART = 20000,
};

struct burst {
	u64 first;
	u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TR_RING_BYTES);
} events SEC(".maps");

u64 lost;

static __always_inline void *reserve(u16 kind, u16 flags, u32 size, u64 time)
{
	struct tr_record_header *header = bpf_ringbuf_reserve(&events, size, 0);

	if (!header) {
		lost++;
		return NULL;
	}
	__builtin_memset(header, 0, size);
	header->kind = kind;
	header->flags = flags;
	header->size = size;
	header->time = time;
	return header;
}

static __always_inline u64 begin_of(u64 number)
{
	return 5000000000000ull + number * NANOSECONDS_APART;
}

static __always_inline void fill_task(struct tr_task *task, u32 process, u32 netns)
{
	task->start_time = 1234567890123ull + process * 1000001ull;
	task->cgroup = 7000 + process % 4;
	task->tgid = process ? FIRST_TGID + process : 1;
	task->uid = task->gid = process > 1 ? 1000 : 0;
	task->netns = netns;
	__builtin_memcpy(task->comm, "worker-00", 10);
	task->comm[7] = '0' + process / 10;
	task->comm[8] = '0' + process % 10;
}

static __always_inline void fill_ends(struct tr_endpoints *ends, u64 number)
{
	u32 local = bpf_htonl(0x0a000005), remote = bpf_htonl(0x5db80000 + (number & 0xffff));

	__builtin_memcpy(ends->local, &local, sizeof(local));
	__builtin_memcpy(ends->remote, &remote, sizeof(remote));
	ends->local_port = bpf_htons(32768 + number % 28000);
	ends->remote_port = bpf_htons(443);
	ends->family = 4;
	ends->protocol = 6;
}

static __always_inline void begin(u64 number)
{
	struct tr_connect_record *record = reserve(TR_RECORD_CONNECT, 0, sizeof(*record), begin_of(number));

	if (!record)
		return;
	fill_task(&record->task, 2 + number % PROCESSES, 4026531840u);
	record->cookie = FIRST_COOKIE + number;
	fill_ends(&record->endpoints, number);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static __always_inline void answer(u64 number)
{
	u64 time = begin_of(number) + 15000 + number % 1000;
	struct tr_established_record *record = reserve(TR_RECORD_ESTABLISHED, 0, sizeof(*record), time);

	if (!record)
		return;
	record->cookie = FIRST_COOKIE + number;
	record->netns = 4026531840u;
	fill_ends(&record->endpoints, number);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static __always_inline void end(u64 number)
{
	u64 time = begin_of(number + LAG) + 17000;
	struct tr_close_record *record = reserve(TR_RECORD_CLOSE, 0, sizeof(*record), time);

	if (!record)
		return;
	record->cookie = FIRST_COOKIE + number;
	record->socket = 0xffff888100000000ull + number * 64;
	record->netns = 4026531840u;
	record->old_state = 4; /* FIN_WAIT1 */
	record->bytes_acknowledged = 518 + number % 5000;
	record->bytes_received = 1200 + number % 100000;
	fill_ends(&record->endpoints, number);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

static long one_connection(u64 index, struct burst *burst)
{
	u64 number = burst->first + index;

	begin(number);
	answer(number);
	if (number >= LAG)
		end(number - LAG);
	return 0;
}

SEC("syscall")
int connections(struct burst *burst)
{
	struct burst copy = *burst;

	bpf_loop(copy.count, one_connection, &copy, 0);
	return 0;
}

static const char path[] = "worker\0bin\0service\0opt";

static long one_process(u64 index, void *unused)
{
	struct tr_exec_record *record = reserve(TR_RECORD_EXEC, 0, sizeof(*record) + sizeof(path), 4000000000000ull);

	if (!record)
		return 0;
	record->header.flags = TR_FLAG_EXISTING;
	fill_task(&record->task, index, 0);
	if (index) { /* init starts the shell, the shell the rest */
		record->parent_tgid = index == 1 ? 1 : FIRST_TGID + 1;
		record->parent_start_time = 1234567890123ull + (index == 1 ? 0 : 1000001ull);
	}
	record->path_size = sizeof(path);
	__builtin_memcpy(record + 1, path, sizeof(path));
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("syscall")
int processes(void *unused)
{
	bpf_loop(2 + PROCESSES, one_process, NULL, 0);
	return 0;
}
