// SPDX-License-Identifier: Apache-2.0
#include "tr_sockets.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "diag.h"

struct births {
	struct tr_socket_birth *all;
	size_t count, capacity;
};

static int add(struct births *births, const struct inet_diag_msg *socket, uint64_t cgroup)
{
	if (births->count == births->capacity) {
		size_t capacity = births->capacity ? births->capacity * 2 : 64;
		struct tr_socket_birth *all = realloc(births->all, capacity * sizeof(*all));

		if (!all)
			return -ENOMEM;
		births->all = all;
		births->capacity = capacity;
	}
	births->all[births->count++] = (struct tr_socket_birth) { socket->idiag_inode, cgroup };
	return 0;
}

/* INET_DIAG_CGROUP_ID is there from 5.8 on (b3cb60eb7e2c). */
static int take(struct births *births, const struct nlmsghdr *header)
{
	const struct inet_diag_msg *socket = NLMSG_DATA(header);
	int left = header->nlmsg_len - NLMSG_LENGTH(sizeof(*socket));
	const struct rtattr *attribute = (const struct rtattr *)(socket + 1);

	for (; left > 0 && RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		uint64_t cgroup;

		if (attribute->rta_type != INET_DIAG_CGROUP_ID || RTA_PAYLOAD(attribute) != sizeof(cgroup))
			continue;
		memcpy(&cgroup, RTA_DATA(attribute), sizeof(cgroup));
		return add(births, socket, cgroup);
	}
	return 0;
}

/* Reads the answers to one request. */
static int receive(int diag, struct births *births)
{
	_Alignas(struct nlmsghdr) char buffer[32768];

	for (;;) {
		ssize_t size = recv(diag, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *header = (const struct nlmsghdr *)buffer;

		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0)
			return size ? -errno : -EBADMSG;
		for (int left = size; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
			int error = 0;

			if (header->nlmsg_type == NLMSG_DONE)
				return 0;
			if (header->nlmsg_type == NLMSG_ERROR)
				error = header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
						? -EBADMSG
						: ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
			else if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
				error = take(births, header);
			if (error)
				return error;
		}
	}
}

static int list(int diag, uint8_t family, uint8_t protocol, struct births *births)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} message = {
		.header = { .nlmsg_len = sizeof(message),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.request = { .sdiag_family = family, .sdiag_protocol = protocol, .idiag_states = ~0u },
	};
	int error;

	if (send(diag, &message, sizeof(message), 0) != sizeof(message))
		return -errno;
	error = receive(diag, births);
	return error == -ENOENT ? 0 : error; /* a kernel without it has no such sockets to tell of */
}

long tr_sockets_list(int namespace, struct tr_socket_birth **out)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 }, protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct births births = { 0 };
	int diag = tr_open_diag(namespace), error = 0;

	*out = NULL;
	if (diag < 0)
		return diag;
	for (size_t i = 0; i < sizeof(families) && !error; i++)
		for (size_t j = 0; j < sizeof(protocols) && !error; j++)
			error = list(diag, families[i], protocols[j], &births);
	close(diag);
	if (error) {
		free(births.all);
		return error;
	}
	*out = births.all;
	return births.count;
}

int tr_socket_end(int namespace, const struct tr_cut *socket)
{
	struct tr_cut any = *socket;
	int diag = tr_open_diag(namespace), error;

	if (diag < 0)
		return diag;
	any.cookie = ~0ull; /* INET_DIAG_NOCOOKIE */
	error = tr_diag_destroy(diag, &any);
	close(diag);
	return error;
}
