// SPDX-License-Identifier: Apache-2.0
/* stream MILLISECONDS: one TCP stream over loopback, a thread that sends and one that receives. Prints bytes per
 * second. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"

enum { CHUNK = 128 << 10 };

static int listener;
static uint64_t received;

static void *receive(void *unused)
{
	static char chunk[CHUNK];
	int peer = accept(listener, NULL, NULL);
	ssize_t got;

	require(peer >= 0, "accept");
	while ((got = read(peer, chunk, sizeof(chunk))) > 0)
		received += got;
	close(peer);
	return unused;
}

int main(int argc, char **argv)
{
	uint64_t length = (argc > 1 ? atol(argv[1]) : 1000) * 1000000ull, begin;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	static char chunk[CHUNK];
	pthread_t receiver;
	int client;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	require(!bind(listener, (struct sockaddr *)&address, size), "bind");
	require(!listen(listener, 1), "listen");
	require(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
	require(!pthread_create(&receiver, NULL, receive, NULL), "pthread_create");
	client = socket(AF_INET, SOCK_STREAM, 0);
	require(!connect(client, (struct sockaddr *)&address, size), "connect");
	begin = now(CLOCK_MONOTONIC);
	while (now(CLOCK_MONOTONIC) - begin < length)
		require(write(client, chunk, sizeof(chunk)) > 0, "write");
	close(client);
	pthread_join(receiver, NULL);
	printf("{\"rate\":%.0f}\n", received * 1e9 / (now(CLOCK_MONOTONIC) - begin));
	return 0;
}
