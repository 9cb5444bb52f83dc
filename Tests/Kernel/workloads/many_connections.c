// SPDX-License-Identifier: Apache-2.0
/*
 * many_connections [-w] [-s SPREAD] [-g MICROSECONDS] ADDRESS PORT COUNT
 * Opens and closes COUNT TCP connections one after another, MICROSECONDS apart, over SPREAD addresses that follow
 * each other. With -w it waits for a line on stdin before it begins. At the end it prints a line for each
 * connection (`INDEX SOURCE_PORT`, where INDEX counts the addresses) and on stderr how long all took.
 */
#include <time.h>
#include "endpoint.h"

static unsigned char *last_byte(struct endpoint *end)
{
	if (end->address.ss_family == AF_INET)
		return (unsigned char *)&((struct sockaddr_in *)&end->address)->sin_addr + 3;
	return (unsigned char *)&((struct sockaddr_in6 *)&end->address)->sin6_addr + 15;
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void pause_until(long long when)
{
	struct timespec time = {when / 1000000000LL, when % 1000000000LL};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

int main(int argc, char **argv)
{
	int option, spread = 1, wait = 0;
	long gap = 0;

	while ((option = getopt(argc, argv, "ws:g:")) != -1) {
		if (option == 'w')
			wait = 1;
		else if (option == 's')
			spread = atoi(optarg);
		else if (option == 'g')
			gap = atol(optarg);
		else
			return 64;
	}
	if (argc - optind != 3)
		return 64;

	struct endpoint end = parse_endpoint(argv[optind], argv[optind + 1]);
	int count = atoi(argv[optind + 2]);
	unsigned char first = *last_byte(&end);
	int *ports = calloc(count, sizeof(*ports));

	if (wait)
		wait_for_line();
	long long start = now();
	for (int i = 0; i < count; i++) {
		*last_byte(&end) = first + i % spread;
		int fd = connected_socket(&end);
		ports[i] = source_port(fd);
		close(fd);
		if (gap)
			pause_until(start + (i + 1) * gap * 1000LL);
	}
	fprintf(stderr, "%lld\n", now() - start);
	for (int i = 0; i < count; i++)
		printf("%d %d\n", i % spread, ports[i]);
	return 0;
}
