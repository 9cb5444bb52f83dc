// SPDX-License-Identifier: Apache-2.0
/*
 * udp_send sendto|sendmsg|sendmmsg|connected COUNT SIZE REPLIES ADDRESS PORT [ADDRESS PORT]...
 * Sends COUNT datagrams of SIZE bytes to each destination from one socket by the named call, waits for REPLIES
 * datagrams and closes the socket. Prints the source port.
 */
#define _GNU_SOURCE
#include <sys/time.h>
#include <sys/uio.h>
#include "endpoint.h"

enum { COUNT_MAX = 64, SIZE_MAX_BYTES = 65000 };

static void send_all(int fd, const char *call, struct endpoint *end, char *payload, size_t size, int count)
{
	struct iovec part = {payload, size};
	struct msghdr header = {.msg_name = &end->address, .msg_namelen = end->size, .msg_iov = &part, .msg_iovlen = 1};
	struct mmsghdr batch[COUNT_MAX];

	if (!strcmp(call, "connected")) {
		if (connect(fd, (void *)&end->address, end->size))
			fail("connect");
		for (int i = 0; i < count; i++)
			if (send(fd, payload, size, 0) < 0)
				fail("send");
	} else if (!strcmp(call, "sendto")) {
		for (int i = 0; i < count; i++)
			if (sendto(fd, payload, size, 0, (void *)&end->address, end->size) < 0)
				fail("sendto");
	} else if (!strcmp(call, "sendmsg")) {
		for (int i = 0; i < count; i++)
			if (sendmsg(fd, &header, 0) < 0)
				fail("sendmsg");
	} else if (!strcmp(call, "sendmmsg")) {
		for (int i = 0; i < count; i++)
			batch[i].msg_hdr = header;
		if (sendmmsg(fd, batch, count, 0) != count)
			fail("sendmmsg");
	} else {
		exit(64);
	}
}

int main(int argc, char **argv)
{
	static char payload[SIZE_MAX_BYTES];

	if (argc < 7 || atoi(argv[2]) > COUNT_MAX || atoi(argv[3]) > SIZE_MAX_BYTES)
		return 64;
	memset(payload, 'x', sizeof(payload));

	struct endpoint first = parse_endpoint(argv[5], argv[6]);
	int fd = open_socket(&first, SOCK_DGRAM);
	struct timeval patience = {10, 0};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (int i = 5; i + 1 < argc; i += 2) {
		struct endpoint end = parse_endpoint(argv[i], argv[i + 1]);

		send_all(fd, argv[1], &end, payload, atoi(argv[3]), atoi(argv[2]));
	}
	printf("%d\n", source_port(fd));
	for (int i = 0; i < atoi(argv[4]); i++)
		if (recv(fd, payload, sizeof(payload), 0) < 0)
			fail("recv");
	close(fd);
	return 0;
}
