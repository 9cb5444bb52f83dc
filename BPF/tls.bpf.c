// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * What programs ask their TLS library for. Hook: the uprobe SSL_ctrl, attached by the agent to each libssl that it
 * finds.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "tr_config.h"
#include "tr_output.h"
#include "tr_task.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum {
	SSL_CTRL_SET_TLSEXT_HOSTNAME = 55, /* openssl/tls1.h */
};

SEC("uprobe")
int BPF_KPROBE(uprobe__SSL_ctrl, void *ssl, int command, long argument, const char *name)
{
	struct tr_ssl_name_record *record;
	long size;

	if (command != SSL_CTRL_SET_TLSEXT_HOSTNAME || !name)
		return 0;
	record = tr_reserve(TR_RECORD_SSL_NAME, sizeof(*record));
	if (!record)
		return 0;
	record->header.flags = tr_fill_task(&record->task);
	record->ssl = (u64)ssl;
	record->reserved = 0;
	__builtin_memset(record->name, 0, sizeof(record->name));
	size = bpf_probe_read_user_str(record->name, sizeof(record->name), name);
	record->name_size = size > 0 ? size - 1 : 0;
	tr_submit(record);
	return 0;
}
