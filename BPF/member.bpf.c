// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * A process of a scope uses sockets of the scope and no others, wherever it got them and wherever it moves itself: the
 * gates hold what was born in the scope. Attached to the root of the hierarchy, and nothing to whoever was never in a
 * scope. Hooks, all of them needed: tp_btf/sched_process_{fork,exit}, tp_btf/cgroup_attach_task for who is a member;
 * iter/task for who is one already; cgroup/sock_create, connect4, connect6, sendmsg4, sendmsg6 for what they do.
 * Where handover.bpf.c cannot keep connected sockets out, cgroup_skb/egress and tp_btf/sock_send_length (6.3) for what
 * such a one sends. Blind spots: bytes that it takes while its peer takes none, if the peer takes them in the moment
 * before sock_send_length, or before 6.3 until one is sent in a call; families that inet_create does not make; more
 * processes at a time than TR_MAX_PROCESSES.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "tr_address.h"
#include "tr_judge.h"
#include "tr_member.h"
#include "tr_packet.h"
#include "tr_pair.h"
#include "tr_stream.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void tr_enrol(struct task_struct *task)
{
	struct tr_process_key key;
	u8 one = 1;

	tr_set_process_key(&key, task);
	/* One that ends meanwhile may have found nothing to take away. */
	if (!bpf_map_update_elem(&members, &key, &one, BPF_ANY) && !BPF_CORE_READ(task, signal, live.counter))
		bpf_map_delete_elem(&members, &key);
}

static __always_inline void tr_strike(struct task_struct *task)
{
	struct tr_process_key key;

	tr_set_process_key(&key, task);
	bpf_map_delete_elem(&members, &key);
}

static __always_inline void tr_fork_seen(struct task_struct *parent, struct task_struct *child)
{
	/* Not a thread; the child is where clone3 put it. */
	if (child->pid == child->tgid && (tr_is_member(parent) || tr_is_in_scope(child)))
		tr_enrol(child);
}

static __always_inline void tr_exit_seen(struct task_struct *task)
{
	if (!task->signal->live.counter) /* the last thread */
		tr_strike(task);
}

/* Who is moved out by a process that is no member is let go: it is the machine's owner who does that. */
static __always_inline void tr_task_moved(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	if (tr_is_in_scope(leader))
		tr_enrol(leader);
	else if (!tr_is_member((struct task_struct *)bpf_get_current_task()))
		tr_strike(leader);
}

TR_PAIR(sched_process_fork, tr_fork_seen(parent, child), struct task_struct *parent, struct task_struct *child)
TR_PAIR(sched_process_exit, tr_exit_seen(task), struct task_struct *task)
TR_PAIR(cgroup_attach_task, tr_task_moved(task), struct cgroup *cgroup, const char *path, struct task_struct *task,
	int is_group)

SEC("iter/task")
int iter__task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task && BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid) && tr_is_in_scope(task))
		tr_enrol(task);
	return 0;
}

/* Whether a group is the scope itself, as mostly, without a look into the map. */
static __always_inline int tr_is_scope_itself(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, kn, id) == config.scope;
}

static __always_inline struct task_struct *tr_caller(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, flags) & PF_KTHREAD ? tr_borrower(task) : task;
}

/* A process that has left gets no sockets, whichever group it is in now. */
SEC("cgroup/sock_create")
int cgroup__sock_create(struct bpf_sock *ctx)
{
	struct task_struct *task;

	if (bpf_get_current_cgroup_id() == config.scope)
		return 1;
	task = tr_caller();
	if (!tr_is_member(task) || tr_is_in_scope(task))
		return 1;
	return tr_refuse(TR_GATE_LEAVING, ctx->protocol, ctx->type);
}

static __always_inline int tr_on_call(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *volatile socket = ctx->sk;
	struct cgroup *birthplace;
	struct sock *sk = NULL;

	/* As in tr_packet_socket. */
	bpf_probe_read_kernel(&sk, sizeof(sk), (void *)&socket);
	birthplace = tr_birthplace(sk);
	if (tr_is_scope_itself(birthplace) || !tr_is_member(tr_caller()) || tr_is_of_scope(birthplace))
		return 1;
	return tr_refuse(TR_GATE_HANDOVER, ctx->protocol, ctx->type);
}

SEC("cgroup/connect4")
int cgroup__connect4(struct bpf_sock_addr *ctx)
{
	return tr_on_call(ctx);
}

SEC("cgroup/connect6")
int cgroup__connect6(struct bpf_sock_addr *ctx)
{
	return tr_on_call(ctx);
}

SEC("cgroup/sendmsg4")
int cgroup__sendmsg4(struct bpf_sock_addr *ctx)
{
	return tr_on_call(ctx);
}

SEC("cgroup/sendmsg6")
int cgroup__sendmsg6(struct bpf_sock_addr *ctx)
{
	return tr_on_call(ctx);
}

/* Sockets born elsewhere that a member has sent by, maybe while a peer took nothing: what leaves them is judged from
 * then on, retransmissions too. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u8);
} borrowed SEC(".maps");

/* Here the verifier knows what it looks at, so that loads do. */
static __always_inline void tr_sent(struct sock *sk, int result)
{
	u16 family = sk->__sk_common.skc_family;

	if (result <= 0 || (family != AF_INET && family != AF_INET6) || sk->sk_cgrp_data.cgroup->kn->id == config.scope)
		return;
	if (tr_is_member_here(bpf_get_current_task_btf()) && !tr_is_of_scope(sk->sk_cgrp_data.cgroup))
		bpf_sk_storage_get(&borrowed, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
}

TR_PAIR(sock_send_length, tr_sent(sk, result), struct sock *sk, int result, int flags)

/* Whether a packet leaves in a call of the process that runs now, and not as the kernel got to it meanwhile: a process
 * that sends by TCP holds the socket, and without TCP what a program's socket sends leaves in the call. */
static __always_inline int tr_is_of_call(struct sock *socket, struct bpf_sock *sk)
{
	if (sk->protocol == IPPROTO_TCP)
		return sk->state != TCP_LISTEN && BPF_CORE_READ(socket, sk_lock.owned);
	return BPF_CORE_READ(socket, sk_socket, file) != NULL;
}

/* A connection that a process had before it came, to where an address lets it: the agent has ended the others. */
static __noinline int tr_is_let(struct bpf_sock *sk)
{
	struct tr_case asked = { .key = { .gate = TR_GATE_CONNECT, .protocol = IPPROTO_TCP } };
	struct tr_address *peer = (struct tr_address *)asked.key.address;

	tr_read_peer(sk, peer);
	tr_make_canonical(peer);
	asked.key.port = bpf_ntohs(sk->dst_port);
	tr_judge(&asked);
	return tr_lets_through(&asked) && asked.alone_action <= TR_ACTION_ALERT;
}

/* Counted, and not told of: whoever runs now need not be whose packet it is. */
static __noinline int tr_drop(u32 protocol, u32 type)
{
	struct tr_outcome_key key = { .gate = TR_GATE_HANDOVER, .protocol = protocol, .port = type };

	key.action = TR_ACTION_BLOCK;
	key.rule = TR_RULE_NONE;
	tr_count_total(key.action);
	tr_count_outcome(&key);
	return 0;
}

SEC("cgroup_skb/egress")
int cgroup_skb__egress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	int is_of_call = 0;
	struct sock *socket;

	if (!sk || bpf_skb_ancestor_cgroup_id(skb, config.level) == config.scope)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	if (!bpf_sk_storage_get(&borrowed, sk, NULL, 0)) {
		socket = tr_packet_socket(skb);
		if (!tr_is_of_call(socket, sk) || !tr_is_member(tr_caller()) || tr_is_of_scope(tr_birthplace(socket)))
			return 1;
		bpf_sk_storage_get(&borrowed, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		is_of_call = 1;
	}
	if (sk->protocol == IPPROTO_TCP && tr_is_let(sk))
		return 1;
	return is_of_call ? tr_refuse(TR_GATE_HANDOVER, sk->protocol, sk->type) : tr_drop(sk->protocol, sk->type);
}
