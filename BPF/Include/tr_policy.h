/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The contract between the gates in the kernel and the agent: what the maps of a policy hold, and what the gates count.
 * Both sides compile this header. Ports are numbers of the machine; addresses are 16 bytes in network order, IPv4 as
 * ::ffff:a.b.c.d.
 */
#ifndef TR_POLICY_H
#define TR_POLICY_H

#include <linux/types.h>

enum {
	TR_POLICY_SLOTS = 2,	 /* the policy in force, and the next one */
	TR_MAX_CANDIDATES = 264, /* in one list: the compiler's 256, one of the probe, and room */
	TR_MAX_ALL_CANDIDATES = (1 << 22) + 1024,
	TR_MAX_PREFIXES = 1 << 22, /* of one family, and names */
	TR_IPV4_CELL_SHIFT = 20,
	TR_IPV4_CELLS = 1 << (32 - TR_IPV4_CELL_SHIFT),
	TR_MAX_RESOLVERS = 16,
	TR_MAX_NAMESPACES = 16,
	TR_MAX_GLOBS = 256,
	TR_NAME_SIZE = 256, /* of a key; the longest name has 253 bytes, and a zero ends it */
	TR_MAX_OUTCOMES = 16384,
	TR_MAX_PROBED = 1024,	      /* the agent's own proof has four at a time */
	TR_MAX_BINDINGS = 65536,      /* a name at an address each */
	TR_MAX_NAMES_AN_ADDRESS = 16, /* bound at the same time */
	TR_MAX_ADDRESSES_A_NAME = 8192,
	TR_NAME_COUNTS = 32768, /* a power of two; names with the same hash share one */
	TR_MAX_QUERIES = 4096,	/* that wait for their answer */
	TR_MAX_MESSAGE = 4096,	/* bytes of a DNS message that is read */
	TR_MAX_RECORDS = 64,	/* of an answer that are read */
	TR_CUTS_SIZE = 1 << 16, /* bytes of the ring `cuts` */
	TR_MAX_TOLD = 16384,
	TR_MAX_UNIX_PATHS = 64,	 /* of one policy */
	TR_UNIX_PATH_SIZE = 112, /* of a key; the kernel's longest has 108 bytes, and a zero ends it */
};

enum tr_action {
	TR_ACTION_ALLOW = 0,
	TR_ACTION_ALERT = 1,
	TR_ACTION_BLOCK = 2,
	TR_ACTION_KILL = 3,
	TR_ACTION_ERROR = 4, /* the policy could not be asked: refused */
	TR_ACTIONS = 5,
};

/* tr_candidate.conditions */
enum {
	TR_IF_TCP = 1,
	TR_IF_UDP = 2,
	TR_HAS_PORTS = 4,
	TR_VERIFIES_ADDRESS = 8,
	TR_PRECEDES_NAMES = 16,
	TR_IS_LAST = 32,
	TR_HAS_PROCESS = 64, /* the rule is for certain executables only */
};

/* What one rule says at a key, in the order of preference; see Candidate.swift. */
struct tr_candidate {
	__u32 rule;
	__u16 first_port;
	__u16 last_port;
	__u16 process;
	__u16 glob;
	__u8 action;
	__u8 conditions;
	__u16 reserved;
};

/*
 * A value of a slot's map of `ipv4_ranges`: the addresses from `first` up to the next range's, as a number of the
 * machine, and the place of their list in `candidates`, of which the candidate at place 0 is the default. Before the
 * ranges are TR_IPV4_CELLS values of another meaning: of the addresses with the same upper bits, `first` is the place
 * of the range that the lowest one is in, and `list` how many more ranges begin among them.
 */
struct tr_ipv4_range {
	__u32 first;
	__u32 list;
};

/* Keys of the tries; the value is the place of a list. */
struct tr_ipv6_key {
	__u32 length;
	__u8 address[16];
};

/*
 * Names are kept from right to left, lower case, with a zero behind a whole name: "moc.elpmaxe.a\0". An end of names
 * has a dot behind it: "moc.elpmaxe.". So the longest prefix is the name itself if it is there, else its longest end.
 */
struct tr_name_key {
	__u32 length; /* in bits */
	__u8 text[TR_NAME_SIZE];
};

/* A path that a unix socket is bound to, with a zero behind it, or a folder, with a slash behind it, for all below. */
struct tr_unix_key {
	__u32 length; /* in bits, those of the slot too */
	__u32 slot;
	__u8 path[TR_UNIX_PATH_SIZE];
};

/* A name with a `*` elsewhere than in a leading `*.`, from right to left. */
struct tr_glob {
	__u16 length;
	__u8 text[TR_NAME_SIZE]; /* TR_GLOB_REST: one label or more, at the end only */
};

#define TR_GLOB_REST 1

#define TR_SECOND 1000000000ull /* in nanoseconds */

/* tr_policy.about_names: what its rules for names say. */
enum tr_about_names {
	TR_HAS_NAMES = 1,     /* there are some */
	TR_REFUSES_NAMES = 2, /* some of them block or kill */
	TR_HAS_PROCESSES = 4, /* some rule is for certain executables only */
	TR_REFUSES_ECH = 8,   /* `ech: refuse` */
};

/* A value of the map `policies`, by slot. */
struct tr_policy {
	__u32 generation;
	__u32 any_list;
	__u32 resolver_count;
	__u32 judges_inbound;
	__u32 glob_count;
	__u32 is_dns_strict;
	/* Whether the default action lets through. */
	__u32 is_permitting;
	__u32 namespace_count;
	/* Whether the answers of sockets in any network namespace that root of the machine made are believed. */
	__u32 believes_root;
	__u32 about_names;	  /* tr_about_names */
	__u32 lists_unix_sockets; /* 1: of those of processes outside only the ones in `unix_paths` are reached */
	__u32 reserved;
	__u64 grace;			     /* how long an answer holds at least, in nanoseconds */
	__u32 namespaces[TR_MAX_NAMESPACES]; /* whose sockets' answers are believed: inode numbers of nsfs */
	__u8 resolvers[TR_MAX_RESOLVERS][16];
};

/* Where something was judged. */
enum tr_judged_at {
	TR_GATE_CONNECT = 1,   /* TCP, Fast Open too */
	TR_GATE_DATAGRAM = 2,  /* UDP: by its destination, or the first one after connect() */
	TR_GATE_INBOUND = 3,   /* who connects in, at its SYN; the port is ours */
	TR_GATE_SOCKET = 4,    /* a kind of socket: `port` is the type */
	TR_GATE_OPTION = 5,    /* a socket option: `protocol` is the level, `port` the option */
	TR_GATE_BIND = 6,      /* a port of its own that it may not have */
	TR_GATE_PACKET = 7,    /* a packet that is not plain: `protocol` is what it carries */
	TR_GATE_QUERY = 8,     /* DNS on its way to a resolver */
	TR_GATE_ANSWER = 9,    /* an answer that ties no name to an address; it is let through */
	TR_GATE_NAME = 10,     /* TCP, by the server name of its ClientHello */
	TR_GATE_HANDOVER = 11, /* a socket that another process made: `port` is the type */
	TR_GATE_LEAVING = 12,  /* a socket made by a process that has left the scope: `port` is the type */
	TR_GATE_PROCESS = 13,  /* a process outside of the scope, reached for: `port` is how */
};

/* How a process was reached for. */
enum tr_reach {
	TR_REACH_ACCESS = 0,	      /* its memory, registers or descriptors */
	TR_REACH_ABSTRACT_SOCKET = 1, /* a unix socket of it */
	TR_REACH_SERVICE = 2,	      /* the same, of a service: tr_service.h */
	TR_REACH_TERMINAL = 3,	      /* a terminal that it may read: bytes typed into it */
	TR_REACH_UNIX_SOCKET = 4,     /* a unix socket that the policy does not list */
};

/* tr_outcome_key.rule where no rule decided */
#define TR_RULE_NONE 0xffffffffu      /* the default action, or not a matter of rules */
#define TR_RULE_RESOLVER 0xfffffffeu  /* a trusted resolver */
#define TR_RULE_PROBE 0xfffffffdu     /* the agent's own proof */
#define TR_RULE_MOVED 0xfffffffcu     /* the socket was connected elsewhere while it sent */
#define TR_RULE_SERVER 0xfffffffbu    /* DNS to somebody else than a trusted resolver */
#define TR_RULE_FORM 0xfffffffau      /* not one plain query; an answer that cannot be read */
#define TR_RULE_NAME 0xfffffff9u      /* no rule lets the name through */
#define TR_RULE_NAMESPACE 0xfffffff8u /* another network namespace than the scope's */
#define TR_RULE_FULL 0xfffffff7u      /* no room for what has to be kept */
#define TR_RULE_SPECIAL 0xfffffff6u   /* an address that no answer may give: loopback, link-local, multicast */
#define TR_RULE_UNBOUND 0xfffffff5u   /* no answer gave the address for the server name, by which alone it is allowed */
#define TR_RULE_NAMELESS 0xfffffff4u  /* a ClientHello without a server name, where it is allowed by name alone */
#define TR_RULE_NOT_TLS 0xfffffff3u   /* the same, and what was sent is no TLS */
#define TR_RULE_HELLO 0xfffffff2u     /* a ClientHello or its server name cannot be read */
#define TR_RULE_MEMORY 0xfffffff1u    /* the program could still change what was read */
#define TR_RULE_UNSEEN 0xfffffff0u    /* the server name was sent when no policy asked for it */
#define TR_RULE_CROWDED 0xffffffeeu   /* the name has as many addresses as one may */
#define TR_RULE_ECH 0xffffffefu /* a second name is encrypted, where it is allowed by name alone, and `ech: refuse` */

/* A key of the map `outcomes`: what was decided, of what. */
struct tr_outcome_key {
	__u8 address[16];
	__u16 port;
	__u16 protocol;
	__u8 gate;
	__u8 action;
	__u16 reserved;
	__u32 rule;
	__u32 generation;
};

struct tr_outcome {
	__u64 count;
	__u64 first; /* nanoseconds since boot */
	__u64 last;
};

/* Places in the per-CPU map `totals`; the actions come first. */
enum {
	TR_TOTAL_OUTCOMES_LOST = TR_ACTIONS, /* counted in its action's total, but `outcomes` had no room */
	TR_TOTAL_PROCESSES_UNKNOWN,	     /* a rule with `process` took no part, since the process is not known */
	TR_TOTALS,
};

/* A key of the map `bindings`. Of an address, the places are taken from 0 on without a gap. */
struct tr_binding_key {
	__u8 address[16];
	__u32 place;
	__u32 reserved;
};

/* An answer gave the address for the name. */
struct tr_binding {
	struct tr_name_key name;
	__u32 counted; /* the name's place in `name_counts` */
	__u64 until;   /* nanoseconds since boot */
	__u64 since;   /* when it was last answered */
	__u64 born;    /* when it was tied first: another name in its place has another time */
	/* By slot: the generation of a policy, above 32 bits, and its list of candidates for the name, both at once. */
	__u64 list[TR_POLICY_SLOTS];
	__u64 globs[TR_POLICY_SLOTS][TR_MAX_GLOBS / 64]; /* which of the policy's globs match the name */
};

/* A record of the ring `cuts`: a TCP socket whose packets are refused, as sock_diag(7) has it. Everything but the
 * family and the interface in network order. */
struct tr_cut {
	__u64 cookie;
	__u32 local[4];
	__u32 peer[4];
	__u16 local_port;
	__u16 peer_port;
	__u32 family;
	__u32 interface;
	__u32 reserved;
};

/* Settings that the agent writes before load. */
struct tr_gate_config {
	__u32 can_signal; /* 1: programs of control groups may send signals here */
	__u32 tells;	  /* 1: a record for each decision, and what is let through is counted by destination too */
	/* Of programs at the root of the hierarchy: the scope, and how far below that it is. */
	__u64 scope;
	__u32 level;
	__u32 seed; /* of the hash of names: nobody can choose names that share a place in `name_counts` */
};

#endif
