// SPDX-License-Identifier: Apache-2.0
/*
 * attempt tcp|sendto|connected|thread ADDRESS PORT
 * Tries to reach the destination by the named call (thread: TCP, by another thread than the first) and then writes
 * "after". Exits with 1 if that call failed, else with 0.
 */
#include <fcntl.h>
#include <pthread.h>
#include "endpoint.h"

static struct endpoint end;
static int result;

static void say_after(void)
{
	if (write(STDOUT_FILENO, "after\n", 6) != 6)
		exit(2);
}

static void *connect_tcp(void *unused)
{
	int fd = open_socket(&end, SOCK_STREAM);

	(void)unused;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	result = connect(fd, (void *)&end.address, end.size) && errno != EINPROGRESS;
	say_after();
	return NULL;
}

static void send_datagram(const char *way)
{
	int fd = open_socket(&end, SOCK_DGRAM);

	if (!strcmp(way, "sendto")) {
		result = sendto(fd, "x", 1, 0, (void *)&end.address, end.size) < 0;
	} else {
		if (connect(fd, (void *)&end.address, end.size))
			fail("connect");
		result = send(fd, "x", 1, 0) < 0;
	}
	say_after();
}

int main(int argc, char **argv)
{
	pthread_t other;

	if (argc != 4)
		return 64;
	end = parse_endpoint(argv[2], argv[3]);
	if (!strcmp(argv[1], "tcp")) {
		connect_tcp(NULL);
	} else if (!strcmp(argv[1], "thread")) {
		if (pthread_create(&other, NULL, connect_tcp, NULL))
			fail("pthread_create");
		pthread_join(other, NULL);
	} else {
		send_datagram(argv[1]);
	}
	return result;
}
