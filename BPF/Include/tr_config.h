/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Settings that the agent writes before load, so that the verifier prunes what they switch off. */
#ifndef TR_CONFIG_H
#define TR_CONFIG_H

#include <linux/types.h>

struct tr_config {
	/* 1: tracing programs have bpf_get_current_task_btf (5.11) and bpf_get_socket_cookie (5.12) */
	__u32 tracing_helpers;
};

/* Settings that the agent writes once it knows which hooks attached. */
struct tr_duties {
	__u32 connect_by_state; /* 1: inet_sock_set_state reports the start of connections */
};

#ifdef __bpf__
volatile const struct tr_config config __attribute__((section(".rodata.config"), used));
#endif

#endif
