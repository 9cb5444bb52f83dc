/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The contract between the kernel side and the agent: every record that a BPF program writes.
 * Both sides compile this header. Kinds and fields are only ever appended; numbers are never reused.
 * Addresses and ports are in network byte order; times are nanoseconds since boot (CLOCK_BOOTTIME).
 */
#ifndef TR_RECORD_H
#define TR_RECORD_H

#include <linux/types.h>

enum tr_record_kind {
	TR_RECORD_NONE = 0,
	TR_RECORD_FORK = 1,
	TR_RECORD_EXEC = 2,
	TR_RECORD_EXIT = 3,
	TR_RECORD_CGROUP = 4,
	TR_RECORD_CONNECT = 5,
	TR_RECORD_ESTABLISHED = 6,
	TR_RECORD_ACCEPT = 7,
	TR_RECORD_CLOSE = 8,
	TR_RECORD_LISTEN = 9,
	TR_RECORD_UDP_FLOW = 10,
	TR_RECORD_UDP_CLOSE = 11,
	TR_RECORD_DNS = 12,
	TR_RECORD_HELLO = 13,
	TR_RECORD_SSL_NAME = 14,
	TR_RECORD_SOCKET = 15,
	TR_RECORD_VERDICT = 16,
	TR_RECORD_QUIC = 17,
	TR_RECORD_KINDS = 18, /* one past the last */
};

enum {
	TR_MAX_COMM = 16,
	TR_MAX_PATH = 4096,
	TR_MAX_ARGUMENTS = 4096,
	TR_MAX_PATH_DEPTH = 64,
	TR_MAX_CGROUP_PATH = 1024,
	TR_MAX_DNS = 4096,
	TR_MAX_HELLO_CHUNK = 2048,
	TR_MAX_HELLO = 16384 + 5 + 4,
	TR_MAX_NAME = 256,
	TR_MAX_VERDICT_NAME = 254,
	TR_RING_BYTES = 16 * 1024 * 1024,
};

/* tr_record_header.flags */
enum {
	TR_FLAG_EXISTING = 1 << 0,  /* was there before the agent; told by an iterator */
	TR_FLAG_TRUNCATED = 1 << 1, /* text did not fit */
	TR_FLAG_INBOUND = 1 << 2,   /* the peer began */
	TR_FLAG_ALIVE = 1 << 3,	    /* TCP close: the socket lives on and may connect again */
	TR_FLAG_QUIC = 1 << 4,	    /* the datagram is a QUIC Initial packet */
	TR_FLAG_EGRESS = 1 << 5,    /* DNS: leaving this host's socket; else arriving */
	TR_FLAG_TCP = 1 << 6,	    /* DNS: over TCP, `sequence` counts */
	TR_FLAG_SYN = 1 << 7,	    /* DNS over TCP: payload starts at `sequence` */
	TR_FLAG_NO_TASK = 1 << 8,   /* the kernel could not say whose it is: `task` is void */
	TR_FLAG_KERNEL = 1 << 9,    /* a kernel thread */
	TR_FLAG_REMOVED = 1 << 10,  /* cgroup: the group is gone */
};

struct tr_record_header {
	__u16 kind;
	__u16 flags;
	__u32 size; /* of the whole record, header included */
	__u64 time;
};

/* A process: tgid and start time name it for ever. */
struct tr_task {
	__u64 start_time; /* of the thread group's leader */
	__u64 cgroup;	  /* id in the v2 hierarchy */
	__u32 tgid;
	__u32 uid;
	__u32 gid;
	__u32 netns; /* inode number; of the socket, where there is one */
	char comm[TR_MAX_COMM];
};

/* IPv4 addresses stand in the first four bytes. */
struct tr_endpoints {
	__u8 local[16];
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	__u8 family; /* 4 or 6 */
	__u8 protocol;
	__u16 error; /* connect: why the kernel sent nothing, or 0 */
};

/* A new process that has not called exec: it is its parent's image. */
struct tr_fork_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 parent_start_time;
	__u32 parent_tgid;
	__u32 reserved;
};

/*
 * A new image, or a process that was there before (TR_FLAG_EXISTING).
 * Then follow path_size bytes of path components, leaf first, each ended by NUL,
 * then arguments_size bytes of arguments, each ended by NUL.
 */
struct tr_exec_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 parent_start_time;
	__u32 parent_tgid;
	__u16 path_size;
	__u16 arguments_size;
};

struct tr_exit_record {
	struct tr_record_header header;
	struct tr_task task;
	__s32 code; /* as in wait(2): exit status << 8, or the signal */
	__u32 reserved;
};

/* A cgroup was made, or is gone. Then follow path_size bytes. */
struct tr_cgroup_record {
	struct tr_record_header header;
	__u64 id;
	__u32 path_size;
	__u32 reserved;
};

/* The first packet of a TCP connection is about to leave, or the kernel refused to send one. */
struct tr_connect_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 cookie;
	struct tr_endpoints endpoints;
};

/* A connection that this host began was answered. */
struct tr_established_record {
	struct tr_record_header header;
	__u64 cookie;
	struct tr_endpoints endpoints;
	__u32 netns;
	__u32 reserved;
};

/* A connection came in; with TR_FLAG_NO_TASK as the kernel established it, without as a process accepted it. */
struct tr_accept_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 cookie;
	struct tr_endpoints endpoints;
};

/* A TCP socket left its last state. The byte counts are the kernel's own, SYN and FIN included where `syn`, `fin` say.
 */
struct tr_close_record {
	struct tr_record_header header;
	__u64 cookie;
	__u64 socket; /* the kernel's address of it: a key for sockets without a cookie, never shown */
	struct tr_endpoints endpoints;
	__u32 netns;
	__u32 old_state;
	__u32 error;
	__u32 reserved;
	__u64 bytes_acknowledged;
	__u64 bytes_unacknowledged;
	__u64 bytes_received;
};

/* A socket began to listen, or a socket that was there before (TR_RECORD_SOCKET). */
struct tr_socket_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 cookie;
	__u64 socket;
	struct tr_endpoints endpoints;
	__u32 state;
	__u32 reserved;
};

/* The first datagram to a destination. */
struct tr_udp_flow_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 cookie;
	struct tr_endpoints endpoints;
};

/* A UDP socket that sent something was closed; the counts are of its flow if it had one only. */
struct tr_udp_close_record {
	struct tr_record_header header;
	__u64 cookie;
};

/* A packet on port 53. Then follow payload_size bytes, without the UDP or TCP header. */
struct tr_dns_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 cookie;
	struct tr_endpoints endpoints;
	__u32 sequence; /* TCP: of the first payload byte */
	__u32 payload_size;
};

/* A QUIC Initial packet of a client. Then follow payload_size bytes, without the UDP header. */
struct tr_quic_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 cookie;
	struct tr_endpoints endpoints;
	__u32 reserved;
	__u32 payload_size;
};

/* Bytes of a ClientHello, counted from the first payload byte of the connection; payload_size of them follow. */
struct tr_hello_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 cookie;
	struct tr_endpoints endpoints;
	__u32 offset;
	__u32 payload_size;
	__u64 socket; /* as in tr_close_record */
};

/* A program asked its TLS library for a server name (SSL_set_tlsext_host_name). */
struct tr_ssl_name_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 ssl; /* the library's handle: a key, never shown */
	__u32 name_size;
	__u32 reserved;
	char name[TR_MAX_NAME];
};

/* What a gate decided (tr_policy.h says which gates, actions and rules there are). Addresses are 16 bytes in network
 * order, IPv4 as ::ffff:a.b.c.d; ports are numbers of the machine. */
struct tr_verdict_record {
	struct tr_record_header header;
	struct tr_task task;
	__u64 cookie;	  /* of the socket; inbound: of the listener; 0: not known */
	__u8 address[16]; /* the peer's */
	__u8 own[16];	  /* inbound: the address that was asked for */
	__u16 port;	  /* the three as in tr_outcome_key */
	__u16 protocol;
	__u8 gate;
	__u8 action;
	__u16 peer_port; /* inbound */
	__u32 rule;
	__u32 generation; /* of the policy; 0: it could not be asked, or did not have to be */
	__u32 name_size;
	__u32 reserved;
};

/* The same where the decision rested on a name: `name_size` bytes, from right to left as in tr_name_key. */
struct tr_named_verdict_record {
	struct tr_verdict_record verdict;
	char name[TR_MAX_NAME];
};

/* A value of the map `udp_flows`; its key is tr_udp_key. */
struct tr_udp_key {
	__u64 cookie;
	__u8 remote[16];
	__u16 remote_port;
	__u16 family;
	__u32 reserved;
};

struct tr_udp_flow {
	__u64 sent;
	__u64 received;
	__u32 reported;
	__u32 inbound;
	__u32 quic; /* 1 + how many Initial packets of it were told; 0: it did not begin as QUIC */
	__u32 reserved;
};

_Static_assert(sizeof(struct tr_record_header) == 16, "header");
_Static_assert(sizeof(struct tr_task) == 48, "task");
_Static_assert(sizeof(struct tr_endpoints) == 40, "endpoints");
_Static_assert(sizeof(struct tr_fork_record) == 80, "fork");
_Static_assert(sizeof(struct tr_exec_record) == 80, "exec");
_Static_assert(sizeof(struct tr_exit_record) == 72, "exit");
_Static_assert(sizeof(struct tr_cgroup_record) == 32, "cgroup");
_Static_assert(sizeof(struct tr_connect_record) == 112, "connect");
_Static_assert(sizeof(struct tr_established_record) == 72, "established");
_Static_assert(sizeof(struct tr_accept_record) == 112, "accept");
_Static_assert(sizeof(struct tr_close_record) == 112, "close");
_Static_assert(sizeof(struct tr_socket_record) == 128, "socket");
_Static_assert(sizeof(struct tr_udp_flow_record) == 112, "udp flow");
_Static_assert(sizeof(struct tr_udp_close_record) == 24, "udp close");
_Static_assert(sizeof(struct tr_dns_record) == 120, "dns");
_Static_assert(sizeof(struct tr_quic_record) == 120, "quic");
_Static_assert(sizeof(struct tr_hello_record) == 128, "hello");
_Static_assert(sizeof(struct tr_ssl_name_record) == 336, "ssl name");
_Static_assert(sizeof(struct tr_verdict_record) == 128, "verdict");
_Static_assert(sizeof(struct tr_udp_key) == 32, "udp key");

#endif
