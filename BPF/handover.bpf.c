// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * What goes past the gates, refused before a process of a scope has it. Sockets that other processes hand to it
 * (SCM_RIGHTS, pidfd_getfd): a socket keeps the control group that it was born in, so none comes in but unix and
 * netlink sockets, and the scope's own; the receiver gets no descriptor, and MSG_CTRUNC. Sockets of other families
 * (packet, vsock, ...), which pass no hook of control groups. The memory and the registers of processes outside, their
 * abstract unix sockets, which no permissions keep, those of services that look up names or start programs, those that
 * the policy does not list if it lists any, and bytes typed into a terminal (TIOCSTI, TIOCLINUX): they would send for
 * it. Hooks, all of them needed: fmod_ret/security_file_receive, security_socket_create, security_ptrace_access_check,
 * security_unix_stream_connect, security_unix_may_send, security_file_ioctl, from 5.11 on (bpf_get_current_task_btf);
 * no fallback: where there are none member.bpf.c does what it can, and the agent tells. Blind spots: descriptors that
 * io_uring passes from ring to ring (6.0; `run` refuses io_uring), those that a process has when it comes into the
 * scope, which the agent looks at, and unix sockets that were connected by then; typing by calls of 32 bits from 6.8
 * on, where `dev.tty.legacy_tiocsti` lets anybody type at all.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "tr_hold.h"
#include "tr_judge.h"
#include "tr_member.h"
#include "tr_service_path.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { EPERM = 1, AF_ALG = 38, PTRACE_MODE_ATTACH = 2, TIOCSTI = 0x5412, TIOCLINUX = 0x541c };

static __always_inline struct sock *tr_socket_of(struct file *file)
{
	struct socket *socket;

	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline int tr_on_receive(struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf(); /* 5.11 */
	struct sock *sk = tr_socket_of(file);
	u16 family;

	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_UNIX || family == AF_NETLINK || !tr_is_member(task) || tr_is_of_scope(tr_birthplace(sk)))
		return 0;
	tr_refuse(TR_GATE_HANDOVER, BPF_CORE_READ(sk, sk_protocol), BPF_CORE_READ(sk, sk_type));
	return -EPERM;
}

/* The kernel's own sockets (`kernel`) are nobody's, and ciphers (AF_ALG) send nothing. */
static __always_inline int tr_on_create(int family, int type, int protocol, int kernel)
{
	if (kernel || family == AF_INET || family == AF_INET6 || family == AF_UNIX || family == AF_NETLINK ||
	    family == AF_ALG || !tr_is_member(bpf_get_current_task_btf()))
		return 0;
	tr_refuse(TR_GATE_SOCKET, protocol, type);
	return -EPERM;
}

/* ptrace(2), /proc/PID/mem, process_vm_writev(2), pidfd_getfd(2); what only reads (PTRACE_MODE_READ) is anybody's. */
static __always_inline int tr_on_access(struct task_struct *other, unsigned int mode)
{
	if (!(mode & PTRACE_MODE_ATTACH) || !tr_is_member(bpf_get_current_task_btf()) || tr_is_member(other))
		return 0;
	tr_refuse(TR_GATE_PROCESS, 0, TR_REACH_ACCESS);
	return -EPERM;
}

/* Whether the policy in force lists the path, or lists none. A path that cannot be looked up is not listed. */
static __always_inline int tr_is_listed(const char *path)
{
	struct tr_unix_key key = { .length = (sizeof(key.slot) + sizeof(key.path)) * 8 };
	u32 zero = 0, *chosen = bpf_map_lookup_elem(&selected, &zero);
	struct tr_policy *policy;

	if (!chosen)
		return 0;
	key.slot = *(volatile u32 *)chosen;
	policy = bpf_map_lookup_elem(&policies, &key.slot);
	if (!policy || !policy->lists_unix_sockets)
		return policy != NULL;
	return bpf_probe_read_kernel_str(key.path, sizeof(key.path), path) > 0 &&
	       bpf_map_lookup_elem(&unix_paths, &key);
}

/* How a unix socket leads out, as enum tr_reach says; TR_REACH_ACCESS: it does not, as far as anybody can tell. */
static __always_inline u16 tr_leads_out(const char *path, int to_services)
{
	if (!path)
		return TR_REACH_ABSTRACT_SOCKET;
	if (to_services && tr_is_service(path))
		return TR_REACH_SERVICE;
	return tr_is_listed(path) ? TR_REACH_ACCESS : TR_REACH_UNIX_SOCKET;
}

/* Tells of a refusal with the path. Not inlined: it has a stack of its own. */
static __noinline int tr_tell_path(const struct tr_outcome_key *key, const char *path)
{
	struct tr_named_verdict_record *named = tr_reserve(TR_RECORD_VERDICT, sizeof(*named));
	struct tr_whence nowhere = {};
	long size;

	if (!named)
		return 0;
	tr_fill_verdict(&named->verdict, key, &nowhere, NULL);
	size = bpf_probe_read_kernel_str(named->name, sizeof(named->name), path);
	if (size > 1)
		named->verdict.name_size = size - 1;
	tr_submit(named);
	return 0;
}

static __always_inline int tr_refuse_path(const char *path)
{
	struct tr_outcome_key key = { .gate = TR_GATE_PROCESS, .port = TR_REACH_UNIX_SOCKET, .rule = TR_RULE_NONE };

	key.action = TR_ACTION_BLOCK;
	tr_count_total(key.action);
	tr_count_outcome(&key);
	if (config.tells)
		tr_tell_path(&key, path);
	return -EPERM;
}

static __always_inline int tr_on_unix(struct sock *other, int to_services)
{
	const char *path = NULL;
	struct unix_address *address;
	u16 reach;

	if (!other || !tr_is_member(bpf_get_current_task_btf()))
		return 0;
	address = BPF_CORE_READ((struct unix_sock *)other, addr);
	/* One of a pair, which whoever has the other end was given. */
	if (!address || BPF_CORE_READ(address, len) <= (int)sizeof(u16))
		return 0;
	if (BPF_CORE_READ(address, name[0].sun_path[0]))
		path = tr_behind_var(address->name[0].sun_path);
	reach = tr_leads_out(path, to_services);
	if (reach == TR_REACH_ACCESS || tr_is_of_scope(tr_birthplace(other)))
		return 0;
	if (reach == TR_REACH_UNIX_SOCKET)
		return tr_refuse_path(path);
	tr_refuse(TR_GATE_PROCESS, 0, reach);
	return -EPERM;
}

/* Whose terminal it is cannot be seen from here: `run` refuses this too. */
static __always_inline int tr_on_ioctl(unsigned int request)
{
	if ((request != TIOCSTI && request != TIOCLINUX) || !tr_is_member(bpf_get_current_task_btf()))
		return 0;
	tr_refuse(TR_GATE_PROCESS, 0, TR_REACH_TERMINAL);
	return -EPERM;
}

/* In pairs: the kernel passes over a program that would interrupt itself. The second does not run where the first
 * refuses. */
#define TR_REFUSING_PAIR(function, question, ...)           \
	SEC("fmod_ret/" #function)                          \
	int BPF_PROG(fmod_ret__##function, __VA_ARGS__)     \
	{                                                   \
		int result;                                 \
		tr_hold();                                  \
		result = question;                          \
		tr_release();                               \
		return result;                              \
	}                                                   \
	SEC("fmod_ret/" #function)                          \
	int BPF_PROG(fmod_ret__##function##_2, __VA_ARGS__) \
	{                                                   \
		int result;                                 \
		tr_hold();                                  \
		result = question;                          \
		tr_release();                               \
		return result;                              \
	}

TR_REFUSING_PAIR(security_file_receive, tr_on_receive(file), struct file *file)
TR_REFUSING_PAIR(security_socket_create, tr_on_create(family, type, protocol, kernel), int family, int type,
		 int protocol, int kernel)
TR_REFUSING_PAIR(security_ptrace_access_check, tr_on_access(other, mode), struct task_struct *other, unsigned int mode)
TR_REFUSING_PAIR(security_unix_stream_connect, tr_on_unix(other, 1), struct sock *sk, struct sock *other,
		 struct sock *made)
TR_REFUSING_PAIR(security_unix_may_send, tr_on_unix(other->sk, 0), struct socket *socket, struct socket *other)
TR_REFUSING_PAIR(security_file_ioctl, tr_on_ioctl(request), struct file *file, unsigned int request)
