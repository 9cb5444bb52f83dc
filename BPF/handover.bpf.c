// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Sockets that other processes hand to those of a scope: SCM_RIGHTS, pidfd_getfd. A socket keeps the control group that
 * it was born in, so the gates do not see what it sends; none comes in but unix and netlink sockets, and the scope's
 * own. The receiver gets no descriptor, and MSG_CTRUNC. Hook: fmod_ret/security_file_receive, from 5.11 on
 * (bpf_get_current_task_btf); no fallback: where there is none the agent tells. Blind
 * spots: descriptors that io_uring passes from ring to ring (6.0; `run` refuses io_uring), and those that a process has
 * when it comes into the scope, which the agent looks at.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "tr_hold.h"
#include "tr_judge.h"
#include "tr_scope.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { EPERM = 1 };

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
	if (family == AF_UNIX || family == AF_NETLINK || !tr_is_in_scope(task) ||
	    tr_is_of_scope(BPF_CORE_READ(sk, sk_cgrp_data.cgroup)))
		return 0;
	tr_refuse(TR_GATE_HANDOVER, BPF_CORE_READ(sk, sk_protocol), BPF_CORE_READ(sk, sk_type));
	return -EPERM;
}

/* In pairs: the kernel passes over a program that would interrupt itself. The second does not run where the first
 * refuses. */
SEC("fmod_ret/security_file_receive")
int BPF_PROG(fmod_ret__file_receive, struct file *file)
{
	int result;

	tr_hold();
	result = tr_on_receive(file);
	tr_release();
	return result;
}

SEC("fmod_ret/security_file_receive")
int BPF_PROG(fmod_ret__file_receive_2, struct file *file)
{
	int result;

	tr_hold();
	result = tr_on_receive(file);
	tr_release();
	return result;
}
