/* SPDX-License-Identifier: Apache-2.0 */
/* What every workload needs: an address from its text, sockets that fail loudly, the port that the kernel chose. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct endpoint {
	struct sockaddr_storage address;
	socklen_t size;
};

static inline void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static inline struct endpoint parse_endpoint(const char *address, const char *port)
{
	struct endpoint end = {0};
	struct sockaddr_in *v4 = (void *)&end.address;
	struct sockaddr_in6 *v6 = (void *)&end.address;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(port));
		end.size = sizeof(*v4);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(port));
		end.size = sizeof(*v6);
	} else {
		fprintf(stderr, "not an address: %s\n", address);
		exit(64);
	}
	return end;
}

static inline int open_socket(const struct endpoint *end, int type)
{
	int fd = socket(end->address.ss_family, type, 0);

	if (fd < 0)
		fail("socket");
	return fd;
}

static inline int connected_socket(const struct endpoint *end)
{
	int fd = open_socket(end, SOCK_STREAM);

	if (connect(fd, (const void *)&end->address, end->size))
		fail("connect");
	return fd;
}

static inline int port_of(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)address)->sin_port);
	return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
}

static inline int source_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, (void *)&address, &size))
		fail("getsockname");
	return port_of(&address);
}

/* Waits for a line on stdin: the test says when to go on. */
static inline void wait_for_line(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

#endif
