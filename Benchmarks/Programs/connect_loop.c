// SPDX-License-Identifier: Apache-2.0
/*
 * connect_loop COUNT [PER_SECOND]: connects to itself, accepts and closes both ends, COUNT times, on loopback.
 * Prints wall and CPU time per connection, and what connect(2) took, in nanoseconds.
 * The destinations take turns in 127.0.0.0/8, so that sockets in TIME_WAIT do not use up the ports of one.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"

enum { DESTINATIONS = 64 };

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
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct turns turns;

	require(!bind(listener, (struct sockaddr *)&address, size), "bind");
	require(!listen(listener, 128), "listen");
	require(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
	turns_begin(&turns, count);
	for (long i = 0; i < count; i++) {
		if (rate)
			wait_until(turns.wall + i * 1000000000ull / rate);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i % DESTINATIONS);
		turns.took[i] = connect_once(listener, &address);
	}
	turns_report(&turns);
	return 0;
}
