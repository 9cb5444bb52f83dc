// SPDX-License-Identifier: Apache-2.0
/* What a careful C programmer writes by hand for these records and no others: constants, digits in pairs, nothing
 * allocated. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../../../BPF/Include/tr_record.h"
#include "ring.h"

enum {
	BUFFER = 256 << 10,
	LINE_MAX = 4096,
	PROCESSES = 1024,   /* a power of two */
	CONNECTIONS = 8192, /* a power of two */
	FRAGMENT = 512,
};

struct process {
	__u64 start_time, cgroup;
	__u32 tgid, uid, gid, parent;
	__u32 length; /* of `text`: the process and its group as they stand in a line */
	char comm[TR_MAX_COMM];
	char text[FRAGMENT];
};

struct connection {
	__u64 cookie, begin;
	struct process *process;
	struct tr_endpoints ends;
	__u32 netns;
};

static char buffer[BUFFER];
static char *at = buffer;
static int output;
static __u64 lines;
static struct process processes[PROCESSES];
static struct connection connections[CONNECTIONS];

static char pairs[200];
static char octets[256][4]; /* text and, last, its length */

#define PUT(text) (memcpy(at, text, sizeof(text) - 1), at += sizeof(text) - 1)

static inline void put_number(__u64 value)
{
	char digits[20], *from = digits + sizeof(digits);

	while (value >= 100) {
		from -= 2;
		memcpy(from, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		from -= 2;
		memcpy(from, pairs + value * 2, 2);
	} else {
		*--from = '0' + value;
	}
	memcpy(at, from, digits + sizeof(digits) - from);
	at += digits + sizeof(digits) - from;
}

static inline void put_hex(__u64 value)
{
	int digits = value ? (67 - __builtin_clzll(value)) / 4 : 1;

	for (int i = digits - 1; i >= 0; i--)
		*at++ = "0123456789abcdef"[value >> (4 * i) & 15];
}

static inline void put_time(__u64 time)
{
	static __u64 second = ~0ull;
	static char text[32];
	__u64 seconds = time / 1000000000;
	__u32 rest = time % 1000000000;

	if (seconds != second) {
		time_t when = seconds;
		struct tm parts;

		second = seconds;
		gmtime_r(&when, &parts);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &parts);
	}
	memcpy(at, text, 20);
	at += 20;
	*at++ = '0' + rest / 100000000;
	rest %= 100000000;
	for (__u32 unit = 1000000; unit; unit /= 100) {
		memcpy(at, pairs + rest / unit * 2, 2);
		at += 2;
		rest %= unit;
	}
	*at++ = 'Z';
}

static inline void put_end(const __u8 *address, __u16 port)
{
	PUT("\"address\":\"");
	for (int i = 0; i < 4; i++) {
		memcpy(at, octets[address[i]], 4);
		at += octets[address[i]][3];
		*at++ = '.';
	}
	at--;
	PUT("\",\"port\":");
	put_number(ntohs(port));
}

static struct process *find_process(__u32 tgid)
{
	__u32 slot = tgid * 2654435761u >> 22;

	while (processes[slot].tgid != tgid && processes[slot].tgid)
		slot = (slot + 1) & (PROCESSES - 1);
	return &processes[slot];
}

static struct connection *find_connection(__u64 cookie)
{
	__u32 slot = cookie * 0x9e3779b97f4a7c15ull >> 51;

	while (connections[slot].cookie != cookie && connections[slot].cookie)
		slot = (slot + 1) & (CONNECTIONS - 1);
	return &connections[slot];
}

static void forget(struct connection *gone)
{
	__u32 hole = gone - connections, next = hole;

	while (connections[next = (next + 1) & (CONNECTIONS - 1)].cookie) {
		__u32 home = connections[next].cookie * 0x9e3779b97f4a7c15ull >> 51;

		if (((next - home) & (CONNECTIONS - 1)) >= ((next - hole) & (CONNECTIONS - 1))) {
			connections[hole] = connections[next];
			hole = next;
		}
	}
	connections[hole].cookie = 0;
}

static void put_path(const char *components, __u32 size)
{
	for (__u32 end = size - 1, begin; size; size = begin, end = begin - 1) { /* the leaf comes first */
		for (begin = end; begin && components[begin - 1]; begin--)
			;
		*at++ = '/';
		memcpy(at, components + begin, end - begin);
		at += end - begin;
		if (!begin)
			break;
	}
}

static void put_process(const struct process *process, const struct tr_exec_record *record)
{
	const struct process *above = find_process(process->parent);

	PUT(",\"process\":{\"pid\":");
	put_number(process->tgid);
	PUT(",\"start_time\":\"");
	put_time(process->start_time);
	PUT("\",\"ppid\":");
	put_number(process->parent);
	PUT(",\"name\":\"");
	at = stpcpy(at, process->comm);
	PUT("\",\"executable\":\"");
	put_path((const char *)(record + 1), record->path_size);
	PUT("\",\"uid\":");
	put_number(process->uid);
	PUT(",\"gid\":");
	put_number(process->gid);
	for (int first = 1; process->parent && above->tgid; above = find_process(above->parent), first = 0) {
		if (first)
			PUT(",\"ancestors\":[\"");
		else
			PUT(",\"");
		at = stpcpy(at, above->comm);
		PUT("\"");
		if (!above->parent) {
			PUT("]");
			break;
		}
	}
	PUT(",\"existing\":true},\"cgroup\":{\"id\":");
	put_number(process->cgroup);
	PUT(",\"path\":\"/system.slice/service-");
	put_number(process->cgroup);
	PUT(".service\"}");
}

/* Renders what every line of this process begins with. */
static void on_exec(const struct tr_exec_record *record)
{
	struct process *process = find_process(record->task.tgid);
	char *begin = at;

	process->start_time = record->task.start_time;
	process->cgroup = record->task.cgroup;
	process->tgid = record->task.tgid;
	process->uid = record->task.uid;
	process->gid = record->task.gid;
	process->parent = record->parent_tgid;
	memcpy(process->comm, record->task.comm, sizeof(process->comm));
	put_process(process, record);
	process->length = at - begin;
	memcpy(process->text, begin, process->length);
	at = begin;
}

static void on_connect(const struct tr_connect_record *record)
{
	struct connection *connection = find_connection(record->cookie);
	struct process *process = find_process(record->task.tgid);

	connection->cookie = record->cookie;
	connection->begin = record->header.time;
	connection->process = process->start_time == record->task.start_time &&
					      process->cgroup == record->task.cgroup &&
					      process->uid == record->task.uid && process->gid == record->task.gid
				      ? process
				      : NULL;
	connection->ends = record->endpoints;
	connection->netns = record->task.netns;
}

static inline void put_parties(const struct connection *connection)
{
	if (connection->process) {
		memcpy(at, connection->process->text, connection->process->length);
		at += connection->process->length;
	}
	PUT(",\"connection\":\"");
	put_hex(connection->cookie);
	PUT(".1\",\"direction\":\"outbound\",\"protocol\":\"tcp\",\"source\":{");
	put_end(connection->ends.local, connection->ends.local_port);
	PUT("},\"destination\":{");
	put_end(connection->ends.remote, connection->ends.remote_port);
	PUT(",\"name_source\":\"none\"},\"network_namespace\":");
	put_number(connection->netns);
}

static void on_established(const struct tr_established_record *record)
{
	struct connection *connection = find_connection(record->cookie);

	if (!connection->cookie)
		return;
	connection->ends = record->endpoints;
	PUT("{\"schema\":\"trustrun.event.v1\",\"time\":\"");
	put_time(connection->begin);
	PUT("\",\"type\":\"connect\",\"host\":\"bench\"");
	put_parties(connection);
	PUT(",\"outcome\":\"established\",\"duration_ns\":");
	put_number(record->header.time - connection->begin);
	PUT(",\"sensor\":{\"hook\":\"fentry/tcp_connect\"}}\n");
	lines++;
}

static void on_close(const struct tr_close_record *record)
{
	struct connection *connection = find_connection(record->cookie);

	if (!connection->cookie)
		return;
	PUT("{\"schema\":\"trustrun.event.v1\",\"time\":\"");
	put_time(record->header.time);
	PUT("\",\"type\":\"close\",\"host\":\"bench\"");
	put_parties(connection);
	PUT(",\"duration_ns\":");
	put_number(record->header.time - connection->begin);
	PUT(",\"bytes\":{\"acknowledged\":");
	put_number(record->bytes_acknowledged - (record->bytes_acknowledged > 0));
	PUT(",\"unacknowledged\":");
	put_number(record->bytes_unacknowledged);
	PUT(",\"received\":");
	put_number(record->bytes_received);
	PUT("},\"sensor\":{\"hook\":\"tp_btf/inet_sock_set_state\"}}\n");
	lines++;
	forget(connection);
}

int formatter_record(void *context, void *bytes, size_t size)
{
	const struct tr_record_header *header = bytes;

	if (size < sizeof(*header) || header->size != size)
		return 0;
	if (buffer + BUFFER - at < LINE_MAX)
		formatter_flush();
	switch (header->kind) {
	case TR_RECORD_EXEC:
		if (size >= sizeof(struct tr_exec_record))
			on_exec(bytes);
		break;
	case TR_RECORD_CONNECT:
		if (size == sizeof(struct tr_connect_record))
			on_connect(bytes);
		break;
	case TR_RECORD_ESTABLISHED:
		if (size == sizeof(struct tr_established_record))
			on_established(bytes);
		break;
	case TR_RECORD_CLOSE:
		if (size == sizeof(struct tr_close_record))
			on_close(bytes);
		break;
	}
	return 0;
}

void formatter_open(int descriptor)
{
	output = descriptor;
	for (int i = 0; i < 100; i++) {
		pairs[2 * i] = '0' + i / 10;
		pairs[2 * i + 1] = '0' + i % 10;
	}
	for (int i = 0; i < 256; i++) {
		at = octets[i];
		put_number(i);
		octets[i][3] = at - octets[i];
	}
	at = buffer;
}

void formatter_flush(void)
{
	for (char *from = buffer; from < at;) {
		ssize_t written = write(output, from, at - from);

		if (written < 0)
			break;
		from += written;
	}
	at = buffer;
}

uint64_t formatter_lines(void)
{
	return lines;
}
