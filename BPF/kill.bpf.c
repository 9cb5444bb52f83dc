// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Kills for the gates where they may not: as the kernel returns from their programs, in the context of the thread that
 * asked. Hooks, both of them needed: fexit of the two functions that run the gates. Blind spot: before 5.12 io_uring's
 * workers are kernel threads, which are sent no signals; what they ask for is refused.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_kill.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* In pairs: the kernel passes over a program that would interrupt itself. */
SEC("fexit/__cgroup_bpf_run_filter_sock_addr")
int fexit__run_sock_addr(void *ctx)
{
	tr_kill_condemned();
	return 0;
}

SEC("fexit/__cgroup_bpf_run_filter_sock_addr")
int fexit__run_sock_addr_2(void *ctx)
{
	tr_kill_condemned();
	return 0;
}

SEC("fexit/__cgroup_bpf_run_filter_skb")
int fexit__run_skb(void *ctx)
{
	tr_kill_condemned();
	return 0;
}

SEC("fexit/__cgroup_bpf_run_filter_skb")
int fexit__run_skb_2(void *ctx)
{
	tr_kill_condemned();
	return 0;
}
