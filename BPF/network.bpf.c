// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * TCP connections: begun, answered, come in, ended with their bytes; sockets that listen; what was open before the
 * agent. Hooks: fentry/tcp_connect or kprobe/tcp_connect or the SYN_SENT state (no source port yet); the ESTABLISHED
 * state for what comes in, whose process is told by fexit or kretprobe/inet_csk_accept, else it is its listener's
 * owner; tp_btf/inet_sock_set_state for the rest; iter/task_file. fexit/tcp_v4_connect, tcp_v6_connect for a connect()
 * that the kernel refuses before it sends anything; no fallback: not seen elsewhere.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "tr_current.h"
#include "tr_output.h"
#include "tr_packet.h"
#include "tr_sock.h"
#include "tr_task.h"
#include "tr_twin.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

volatile struct tr_duties duties __attribute__((section(".data.duties"), used));

static __always_inline u16 tr_task_of_call(struct tr_task *who, int direct)
{
	return direct ? tr_fill_current(who) : tr_fill_task(who);
}

/* What no other socket has, for a note of it. */
static __always_inline u64 tr_subject(struct sock *sk, u64 cookie)
{
	return cookie ? cookie : (u64)sk;
}

static __always_inline int tr_on_connect(struct sock *sk, u64 cookie, int direct)
{
	struct tr_connect_record *record = tr_reserve(TR_RECORD_CONNECT, sizeof(*record));

	if (!record)
		return 0;
	record->header.flags = tr_task_of_call(&record->task, direct);
	record->task.netns = tr_netns(sk, direct);
	record->cookie = cookie;
	tr_fill_endpoints(&record->endpoints, sk, IPPROTO_TCP, direct);
	tr_submit(record);
	return 0;
}

static __always_inline int tr_connect_called(struct sock *sk)
{
	u64 cookie = tr_cookie(sk, 1);
	struct tr_notes *noted;

	noted = tr_enter();
	if (tr_is_first(noted, tr_subject(sk, cookie), TR_RECORD_CONNECT << 16))
		tr_on_connect(sk, cookie, 1);
	tr_leave(noted);
	return 0;
}

SEC("fentry/tcp_connect")
int BPF_PROG(fentry__tcp_connect, struct sock *sk)
{
	return tr_connect_called(sk);
}

SEC("fentry/tcp_connect")
int BPF_PROG(fentry__tcp_connect_2, struct sock *sk)
{
	return tr_connect_called(sk);
}

SEC("kprobe/tcp_connect")
int BPF_KPROBE(kprobe__tcp_connect, struct sock *sk)
{
	return tr_on_connect(sk, tr_cookie(sk, 0), 0);
}

/* No route, no permission, no port left: connect() fails and nothing is sent. */
static __always_inline int tr_on_refused(struct sock *sk, void *address, int result, u16 family)
{
	struct tr_connect_record *record;
	struct sockaddr_in6 v6 = {};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&v6;

	if (result >= 0 || bpf_probe_read_kernel(&v6, family == AF_INET6 ? sizeof(v6) : sizeof(*v4), address) ||
	    v6.sin6_family != family)
		return 0;
	record = tr_reserve(TR_RECORD_CONNECT, sizeof(*record));
	if (!record)
		return 0;
	record->header.flags = tr_task_of_call(&record->task, 1);
	record->task.netns = tr_netns(sk, 1);
	record->cookie = tr_cookie(sk, 1);
	tr_fill_endpoints(&record->endpoints, sk, IPPROTO_TCP, 1);
	record->endpoints.error = -result;
	record->endpoints.remote_port = v6.sin6_port;
	record->endpoints.family = family == AF_INET6 ? 6 : 4;
	if (family == AF_INET6)
		__builtin_memcpy(record->endpoints.remote, v6.sin6_addr, sizeof(v6.sin6_addr));
	else
		__builtin_memcpy(record->endpoints.remote, &v4->sin_addr, sizeof(v4->sin_addr));
	tr_submit(record);
	return 0;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(fexit__tcp_v4_connect, struct sock *sk, void *address, int size, int result)
{
	return tr_on_refused(sk, address, result, AF_INET);
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(fexit__tcp_v6_connect, struct sock *sk, void *address, int size, int result)
{
	return tr_on_refused(sk, address, result, AF_INET6);
}

/* Without a cookie or after its end: its state tells of the connection, with its listener's owner. */
static __always_inline int tr_on_accept(struct sock *sk, u64 cookie, int direct)
{
	struct tr_accept_record *record;

	if (!cookie || TR_READ(direct, sk, sk_protocol) != IPPROTO_TCP ||
	    TR_READ(direct, sk, __sk_common.skc_state) == TCP_CLOSE)
		return 0;
	record = tr_reserve(TR_RECORD_ACCEPT, sizeof(*record));
	if (!record)
		return 0;
	record->header.flags = tr_task_of_call(&record->task, direct) | TR_FLAG_INBOUND;
	record->task.netns = tr_netns(sk, direct);
	record->cookie = cookie;
	tr_fill_endpoints(&record->endpoints, sk, IPPROTO_TCP, direct);
	tr_submit(record);
	return 0;
}

static __always_inline int tr_accept_returned(struct sock *sk)
{
	struct tr_notes *noted;
	u64 cookie;

	if (!sk)
		return 0;
	cookie = tr_cookie(sk, 1);
	noted = tr_enter();
	if (tr_is_first(noted, tr_subject(sk, cookie), TR_RECORD_ACCEPT << 16))
		tr_on_accept(sk, cookie, 1);
	tr_leave(noted);
	return 0;
}

/* Since 6.10 (92ef0fd55ac8) the arguments behind the listener are one. */
SEC("fexit/inet_csk_accept")
int BPF_PROG(fexit__inet_csk_accept, struct sock *listener, void *arg, struct sock *sk)
{
	return tr_accept_returned(sk);
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(fexit__inet_csk_accept_2, struct sock *listener, void *arg, struct sock *sk)
{
	return tr_accept_returned(sk);
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(fexit__inet_csk_accept_old, struct sock *listener, int flags, int *error, int kern, struct sock *sk)
{
	return tr_accept_returned(sk);
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(fexit__inet_csk_accept_old_2, struct sock *listener, int flags, int *error, int kern, struct sock *sk)
{
	return tr_accept_returned(sk);
}

SEC("kretprobe/inet_csk_accept")
int BPF_KRETPROBE(kretprobe__inet_csk_accept, struct sock *sk)
{
	return sk ? tr_on_accept(sk, tr_cookie(sk, 0), 0) : 0;
}

static __always_inline void tr_on_incoming(struct sock *sk, u64 cookie)
{
	struct tr_accept_record *record = tr_reserve(TR_RECORD_ACCEPT, sizeof(*record));

	if (!record)
		return;
	__builtin_memset(&record->task, 0, sizeof(record->task));
	record->header.flags = TR_FLAG_INBOUND | TR_FLAG_NO_TASK;
	record->task.netns = tr_netns(sk, 1);
	record->cookie = cookie;
	tr_fill_endpoints(&record->endpoints, sk, IPPROTO_TCP, 1);
	tr_submit(record);
}

static __always_inline void tr_on_answered(struct sock *sk, u64 cookie)
{
	struct tr_established_record *record = tr_reserve(TR_RECORD_ESTABLISHED, sizeof(*record));

	if (!record)
		return;
	record->cookie = cookie;
	record->netns = tr_netns(sk, 1);
	record->reserved = 0;
	tr_fill_endpoints(&record->endpoints, sk, IPPROTO_TCP, 1);
	tr_submit(record);
}

static __always_inline void tr_on_listen(struct sock *sk, u64 cookie)
{
	struct tr_socket_record *record = tr_reserve(TR_RECORD_LISTEN, sizeof(*record));

	if (!record)
		return;
	record->header.flags = tr_task_of_call(&record->task, 1);
	record->task.netns = tr_netns(sk, 1);
	record->cookie = cookie;
	record->socket = (u64)sk;
	record->state = TCP_LISTEN;
	record->reserved = 0;
	tr_fill_endpoints(&record->endpoints, sk, IPPROTO_TCP, 1);
	tr_submit(record);
}

/*
 * The kernel counts a SYN that it sent, and each FIN, as a byte. The FINs are taken off here, where the last state
 * tells of them; the SYN by the agent, which knows who began.
 */
static __always_inline void tr_fill_end(struct tr_close_record *record, struct sock *sk, int old)
{
	int fin_sent = old == TCP_FIN_WAIT1 || old == TCP_FIN_WAIT2 || old == TCP_CLOSING || old == TCP_LAST_ACK;
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	u32 waiting = 0;
	u64 acknowledged = 0, received = 0;

	if (tcp) {
		waiting = tcp->write_seq - tcp->snd_una;
		acknowledged = tcp->bytes_acked;
		received = tcp->bytes_received;
		if (!record->endpoints.local_port) /* one that the kernel chose is given back; this copy stays */
			record->endpoints.local_port = tcp->inet_conn.icsk_inet.inet_sport;
	}
	if (fin_sent && waiting)
		waiting -= 1;
	else if (fin_sent && acknowledged)
		acknowledged -= 1;
	if ((sk->__sk_common.skc_flags & (1 << SOCK_DONE)) && received)
		received -= 1;
	record->bytes_acknowledged = acknowledged;
	record->bytes_unacknowledged = waiting;
	record->bytes_received = received;
}

static __always_inline void tr_on_close(struct sock *sk, u64 cookie, int old)
{
	struct tr_close_record *record = tr_reserve(TR_RECORD_CLOSE, sizeof(*record));

	if (!record)
		return;
	if (!(sk->__sk_common.skc_flags & (1 << SOCK_DEAD)))
		record->header.flags = TR_FLAG_ALIVE;
	record->cookie = cookie;
	record->socket = (u64)sk;
	record->netns = tr_netns(sk, 1);
	record->old_state = old;
	record->error = sk->sk_err;
	record->reserved = 0;
	tr_fill_endpoints(&record->endpoints, sk, IPPROTO_TCP, 1);
	tr_fill_end(record, sk, old);
	tr_submit(record);
}

/*
 * Each packet that answers a SYN-ACK makes a socket, with the cookie of the request. When two are handled at once, on
 * two CPUs, the kernel closes the second one's before anybody has it, while the first one's lives on. Fast Open's is a
 * connection already; one that its program holds has sent a SYN, and met another.
 */
static __always_inline int tr_was_never_open(struct sock *sk, int old)
{
	struct tcp_sock *tcp;

	if (old != TCP_SYN_RECV || sk->sk_socket)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	return tcp && !tcp->fastopen_rsk;
}

static __always_inline void tr_on_state(struct sock *sk, u64 cookie, int old, int new)
{
	if (new == TCP_SYN_SENT && duties.connect_by_state)
		tr_on_connect(sk, cookie, 1);
	else if (old == TCP_SYN_SENT && (new == TCP_ESTABLISHED || new == TCP_SYN_RECV))
		tr_on_answered(sk, cookie);
	else if (old == TCP_SYN_RECV && new == TCP_ESTABLISHED)
		tr_on_incoming(sk, cookie);
	else if (new == TCP_LISTEN)
		tr_on_listen(sk, cookie);
	else if (new == TCP_CLOSE && old != TCP_CLOSE && !tr_was_never_open(sk, old))
		tr_on_close(sk, cookie, old);
}

static __always_inline int tr_is_of_interest(struct sock *sk, int old, int new)
{
	return sk->sk_protocol == IPPROTO_TCP &&
	       ((new == TCP_SYN_SENT &&duties.connect_by_state) || new == TCP_ESTABLISHED || old == TCP_SYN_SENT ||
		new == TCP_LISTEN || (new == TCP_CLOSE &&old != TCP_CLOSE));
}

static __always_inline int tr_state_changed(struct sock *sk, int old, int new)
{
	struct tr_notes *noted;
	u64 cookie;

	if (!tr_is_of_interest(sk, old, new))
		return 0;
	cookie = tr_cookie(sk, 1);
	noted = tr_enter();
	if (tr_is_first(noted, tr_subject(sk, cookie), old << 8 | new))
		tr_on_state(sk, cookie, old, new);
	tr_leave(noted);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state, struct sock *sk, int old, int new)
{
	return tr_state_changed(sk, old, new);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(tp_btf__inet_sock_set_state_2, struct sock *sk, int old, int new)
{
	return tr_state_changed(sk, old, new);
}

/* Where tracing programs cannot ask for a cookie, these make one for each new socket. */
SEC("cgroup/sock_create")
int cgroup__sock_create(struct bpf_sock *ctx)
{
	bpf_get_socket_cookie(ctx);
	return 1;
}

/* A request's cookie becomes the one of its socket, which may be accepted before it is established. */
SEC("sockops")
int sockops__cookie(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TIMEOUT_INIT || ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_get_socket_cookie(ctx);
	return 1;
}

/* A socket that has no cookie yet gets one where this program may ask for it (bpf_sock_from_file: 5.11). */
static __always_inline u64 tr_existing_cookie(struct file *file, struct sock *sk)
{
	struct socket *socket;

	if (!config.tracing_helpers)
		return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	socket = bpf_sock_from_file(file);
	return socket && socket->sk ? bpf_get_socket_cookie(socket->sk) : 0;
}

SEC("iter/task_file")
int iter__task_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct tr_socket_record record = {};
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;
	u16 family;

	if (!task || !file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	tr_fill_header(&record.header, TR_RECORD_SOCKET, sizeof(record));
	record.header.flags = tr_fill_task_of(&record.task, task) | TR_FLAG_EXISTING;
	record.task.netns = tr_netns(sk, 0);
	record.cookie = tr_existing_cookie(file, sk);
	record.socket = (u64)sk;
	record.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	tr_fill_endpoints(&record.endpoints, sk, BPF_CORE_READ(sk, sk_protocol), 0);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}
