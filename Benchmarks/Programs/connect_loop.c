// SPDX-License-Identifier: Apache-2.0
/*
 * connect_loop COUNT [PER_SECOND]: connects to itself, accepts and closes both ends, COUNT times, on loopback.
 * Prints wall and CPU time per connection, and what connect(2) took, in nanoseconds.
 * The destinations take turns in 127.0.0.0/8, so that sockets in TIME_WAIT do not use up the ports of one.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DESTINATIONS = 64 };

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void require(int ok, const char *attempt)
{
	if (ok)
		return;
	perror(attempt);
	exit(1);
}

static int ascending(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* One connection's life; returns what connect(2) took. */
static uint64_t connect_once(int listener, const struct sockaddr_in *to)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), server;
	uint64_t begin, took;

	require(client >= 0, "socket");
	begin = now(CLOCK_MONOTONIC);
	require(!connect(client, (const struct sockaddr *)to, sizeof(*to)), "connect");
	took = now(CLOCK_MONOTONIC) - begin;
	server = accept(listener, NULL, NULL);
	require(server >= 0, "accept");
	close(client);
	close(server);
	return took;
}

static void wait_until(uint64_t time)
{
	struct timespec until = { time / 1000000000, time % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 20000, rate = argc > 2 ? atol(argv[2]) : 0;
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	uint64_t begin, cpu;
	uint32_t *took;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	require(count > 0 && (took = calloc(count, sizeof(*took))), "usage: connect_loop COUNT [PER_SECOND]");
	require(!bind(listener, (struct sockaddr *)&address, size), "bind");
	require(!listen(listener, 128), "listen");
	require(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
	for (long i = 0; i < count; i++) /* the pages are there before the clock runs */
		took[i] = 1;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	begin = now(CLOCK_MONOTONIC);
	for (long i = 0; i < count; i++) {
		if (rate)
			wait_until(begin + i * 1000000000ull / rate);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i % DESTINATIONS);
		took[i] = connect_once(listener, &address);
	}
	begin = now(CLOCK_MONOTONIC) - begin;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	qsort(took, count, sizeof(*took), ascending);
	printf("{\"wall\":%.1f,\"cpu\":%.1f,\"p50\":%u,\"p99\":%u}\n", (double)begin / count, (double)cpu / count,
	       took[count / 2], took[count * 99 / 100]);
	return 0;
}
