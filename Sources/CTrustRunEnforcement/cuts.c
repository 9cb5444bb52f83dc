// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "tr_cuts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "diag.h"
#include "gate.h"

enum { MAX_CUTS = 256 };

struct tr_cuts {
	struct ring_buffer *ring;
	struct tr_cut told[MAX_CUTS];
	size_t count;
};

int tr_open_diag(int namespace)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), fd = -1, error = 0;

	if (own < 0)
		return -errno;
	if (setns(namespace, CLONE_NEWNET)) {
		error = -errno;
	} else {
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
		if (fd < 0)
			error = -errno;
		/* In a wrong namespace nothing else may be done. */
		if (setns(own, CLONE_NEWNET))
			abort();
	}
	close(own);
	return error ? error : fd;
}

int tr_diag_destroy(int diag, const struct tr_cut *cut)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} message = {
		.header = { .nlmsg_len = sizeof(message),
			    .nlmsg_type = SOCK_DESTROY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.request = { .sdiag_family = cut->family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u },
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} answer;
	struct inet_diag_sockid *id = &message.request.id;
	ssize_t size;

	id->idiag_sport = cut->local_port;
	id->idiag_dport = cut->peer_port;
	memcpy(id->idiag_src, cut->local, sizeof(id->idiag_src));
	memcpy(id->idiag_dst, cut->peer, sizeof(id->idiag_dst));
	id->idiag_if = cut->interface;
	id->idiag_cookie[0] = (uint32_t)cut->cookie;
	id->idiag_cookie[1] = cut->cookie >> 32;
	if (send(diag, &message, sizeof(message), 0) != sizeof(message))
		return -errno;
	size = recv(diag, &answer, sizeof(answer), 0);
	if (size < 0)
		return -errno;
	if (size < (ssize_t)(sizeof(answer.header) + sizeof(answer.error)) || answer.header.nlmsg_type != NLMSG_ERROR)
		return -EBADMSG;
	/* ESTALE: another socket has its addresses now. */
	return answer.error.error == -ESTALE ? -ENOENT : answer.error.error;
}

static int collect(void *context, void *data, size_t size)
{
	struct tr_cuts *cuts = context;
	const struct tr_cut *cut = data;

	if (size < sizeof(*cut))
		return 0;
	/* A socket tells of itself at each packet. */
	for (size_t i = 0; i < cuts->count; i++)
		if (cuts->told[i].cookie == cut->cookie)
			return 0;
	if (cuts->count < MAX_CUTS)
		cuts->told[cuts->count++] = *cut;
	return 0;
}

int tr_cuts_open(const struct tr_gate *gate, struct tr_cuts **out)
{
	struct tr_cuts *cuts = calloc(1, sizeof(*cuts));

	*out = NULL;
	if (!cuts)
		return -ENOMEM;
	cuts->ring = ring_buffer__new(tr_gate_map(gate, "cuts"), collect, cuts, NULL);
	if (!cuts->ring) {
		int error = -errno;

		free(cuts);
		return error;
	}
	*out = cuts;
	return 0;
}

void tr_cuts_close(struct tr_cuts *cuts)
{
	ring_buffer__free(cuts->ring);
	free(cuts);
}

int tr_cuts_descriptor(const struct tr_cuts *cuts)
{
	return ring_buffer__epoll_fd(cuts->ring);
}

int tr_cuts_end(struct tr_cuts *cuts, const int *namespaces, size_t count)
{
	int ended = 0, error = 0;

	cuts->count = 0;
	ring_buffer__consume(cuts->ring);
	for (size_t i = 0; i < count && cuts->count; i++) {
		int diag = tr_open_diag(namespaces[i]);

		if (diag < 0) {
			error = diag;
			continue;
		}
		for (size_t j = 0; j < cuts->count; j++) {
			int result = tr_diag_destroy(diag, &cuts->told[j]);

			if (!result)
				ended++;
			else if (result != -ENOENT)
				error = result;
		}
		close(diag);
	}
	return error ? error : ended;
}
