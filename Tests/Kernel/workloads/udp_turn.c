// SPDX-License-Identifier: Apache-2.0
/*
 * udp_turn ADDRESS OTHER PORT SECONDS
 * Threads connect one UDP socket to the one address and to the other, while others send. Prints how many datagrams were
 * sent, how many refused with EPERM, and how many failed otherwise.
 */
#include <pthread.h>
#include <time.h>
#include "endpoint.h"

static struct endpoint ends[2];
static int fd, seconds;
static unsigned long sent, refused, failed;

static int is_over(void)
{
	static struct timespec start;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!start.tv_sec)
		start = now;
	return now.tv_sec - start.tv_sec >= seconds;
}

static void *turn(void *end)
{
	const struct endpoint *to = end;

	while (!is_over())
		connect(fd, (const void *)&to->address, to->size);
	return NULL;
}

static void *send_all(void *unused)
{
	while (!is_over()) {
		unsigned long *count = send(fd, "turned", 6, 0) >= 0 ? &sent : errno == EPERM ? &refused : &failed;

		__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[4];

	if (argc != 5)
		return 64;
	ends[0] = parse_endpoint(argv[1], argv[3]);
	ends[1] = parse_endpoint(argv[2], argv[3]);
	seconds = atoi(argv[4]);
	fd = open_socket(&ends[0], SOCK_DGRAM);
	connect(fd, (const void *)&ends[0].address, ends[0].size);
	is_over();
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, i < 2 ? turn : send_all, &ends[i & 1]))
			return 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	printf("%lu %lu %lu\n", sent, refused, failed);
	return 0;
}
