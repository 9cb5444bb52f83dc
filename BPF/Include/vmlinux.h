/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The kernel's own types, kept by hand: only the fields that the programs read. CO-RE relocates each access by the running kernel's BTF,
 * so order and size here mean nothing. What user space may see comes from linux/bpf.h.
 */
#ifndef TR_VMLINUX_H
#define TR_VMLINUX_H

#include <asm/ptrace.h>
#include <linux/bpf.h>
#include <linux/types.h>

#define __ksym_type __attribute__((preserve_access_index))

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef int bool_t;

struct qstr {
	u32 len;
	const unsigned char *name;
} __ksym_type;

struct inode {
	u16 i_mode;
} __ksym_type;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
} __ksym_type;

struct vfsmount {
	struct dentry *mnt_root;
} __ksym_type;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} __ksym_type;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} __ksym_type;

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
} __ksym_type;

struct mm_struct {
	unsigned long arg_start, arg_end;
	struct file *exe_file;
	struct task_struct *owner;
} __ksym_type;

struct kernfs_node {
	u64 id;
} __ksym_type;

struct cgroup_root {
	int hierarchy_id;
} __ksym_type;

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
} __ksym_type;

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
} __ksym_type;

struct css_set {
	struct cgroup *dfl_cgrp;
} __ksym_type;

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
} __ksym_type;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long long counter;
} atomic64_t;

struct signal_struct {
	atomic_t live;
	int group_exit_code;
} __ksym_type;

struct task_struct {
	u32 flags;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	u64 start_boottime;
	u64 self_exec_id;
	struct mm_struct *mm;
	struct css_set *cgroups;
	struct cred *cred;
	struct signal_struct *signal;
	int exit_code;
	char comm[16];
} __ksym_type;

struct linux_binprm {
	const char *filename;
	struct file *file;
} __ksym_type;

struct ns_common {
	u32 inum;
} __ksym_type;

struct user_namespace {
	int level;
} __ksym_type;

struct net {
	struct user_namespace *user_ns;
	struct ns_common ns;
} __ksym_type;

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		u8 u6_addr8[16];
	} in6_u;
} __ksym_type;

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	unsigned char skc_state;
	unsigned long skc_flags;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
} __ksym_type;

struct sock_cgroup_data {
	struct cgroup *cgroup;
} __ksym_type;

typedef struct {
	int owned; /* by a process, which is in a call */
} socket_lock_t;

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	struct sock_cgroup_data sk_cgrp_data;
	u16 sk_type;
	u16 sk_protocol;
	int sk_err;
	struct socket *sk_socket;
} __ksym_type;

struct socket {
	struct file *file;
	struct sock *sk;
} __ksym_type;

struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
} __ksym_type;

struct unix_address {
	int len;
	struct sockaddr_un name[0];
} __ksym_type;

struct unix_sock {
	struct unix_address *addr;
} __ksym_type;

struct inet_sock {
	struct sock sk;
	u16 inet_sport;
} __ksym_type;

struct inet_connection_sock {
	struct inet_sock icsk_inet;
} __ksym_type;

struct request_sock;

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	struct request_sock *fastopen_rsk;
	u64 bytes_received;
	u64 bytes_acked;
	u32 snd_una;
	u32 write_seq;
} __ksym_type;

struct sockaddr_in {
	u16 sin_family;
	u16 sin_port;
	u32 sin_addr;
};

struct sockaddr_in6 {
	u16 sin6_family;
	u16 sin6_port;
	u32 sin6_flowinfo;
	u8 sin6_addr[16];
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
} __ksym_type;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __ksym_type;

struct bpf_map;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
} __ksym_type;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
} __ksym_type;

enum {
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	PF_KTHREAD = 0x00200000,
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	SOCK_DEAD = 0, /* enum sock_flags, include/net/sock.h */
	SOCK_DONE = 1,
};

/* include/net/tcp_states.h */
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

#endif
