// SPDX-License-Identifier: Apache-2.0
/*
 * connect_away COUNT: connects to a peer that is not on this machine and closes, COUNT times, as a client of a service
 * does. Prints wall and CPU time per connection, and what connect(2) took, in nanoseconds.
 * The peer is a thread at the other end of a TUN device, in a network namespace that goes with the program: it answers
 * SYN and FIN and has no socket, so only the client's end costs anything. Needs root and /dev/net/tun.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"

enum {
	NETWORK = 0x0a620000, /* 10.98.0.0/16 */
	DESTINATIONS = 64,    /* in turns, so that sockets in TIME_WAIT do not use up the ports of one */
	PACKET_MAX = 2048,
};

struct segment {
	struct iphdr ip;
	struct tcphdr tcp;
};

static int tun;

static uint16_t checksum(const void *bytes, size_t size, uint32_t sum)
{
	const uint16_t *words = bytes;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Answers a SYN or a FIN; whatever else comes needs no answer. */
static void answer(const struct segment *got)
{
	struct segment reply = {
		.ip = { .version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(reply)),
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.saddr = got->ip.daddr,
			.daddr = got->ip.saddr },
		.tcp = { .source = got->tcp.dest,
			 .dest = got->tcp.source,
			 .doff = 5,
			 .window = 0xffff,
			 .ack = 1,
			 .syn = got->tcp.syn,
			 .fin = got->tcp.fin,
			 .ack_seq = htonl(ntohl(got->tcp.seq) + 1),
			 .seq = got->tcp.syn ? 0 : got->tcp.ack_seq },
	};

	reply.ip.check = checksum(&reply.ip, sizeof(reply.ip), 0);
	reply.tcp.check = checksum(&reply.ip.saddr, sizeof(reply) - offsetof(struct segment, ip.saddr),
				   htons(IPPROTO_TCP) + htons(sizeof(reply.tcp)));
	require(write(tun, &reply, sizeof(reply)) == sizeof(reply), "answer");
}

static void *peer(void *unused)
{
	union {
		struct segment segment;
		char bytes[PACKET_MAX];
	} got;

	for (;;) {
		ssize_t size = read(tun, &got, sizeof(got));

		if (size >= (ssize_t)sizeof(got.segment) && got.segment.ip.version == 4 && got.segment.ip.ihl == 5 &&
		    got.segment.ip.protocol == IPPROTO_TCP && (got.segment.tcp.syn || got.segment.tcp.fin))
			answer(&got.segment);
	}
	return unused;
}

static void set_address(struct ifreq *request, unsigned long what, uint32_t address, int control, const char *attempt)
{
	struct sockaddr_in value = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };

	memcpy(&request->ifr_addr, &value, sizeof(value));
	require(!ioctl(control, what, request), attempt);
}

static void make_network(void)
{
	struct ifreq request = { .ifr_name = "bench0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int control;

	require(!unshare(CLONE_NEWNET), "make a network namespace");
	tun = open("/dev/net/tun", O_RDWR);
	require(tun >= 0 && !ioctl(tun, TUNSETIFF, &request), "make a TUN device (/dev/net/tun)");
	control = socket(AF_INET, SOCK_DGRAM, 0);
	set_address(&request, SIOCSIFADDR, NETWORK + 1, control, "set the address");
	set_address(&request, SIOCSIFNETMASK, 0xffff0000, control, "set the netmask");
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	require(!ioctl(control, SIOCSIFFLAGS, &request), "bring the device up");
	close(control);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(443) };
	struct turns turns;
	pthread_t thread;

	make_network();
	require(!pthread_create(&thread, NULL, peer, NULL), "pthread_create");
	turns_begin(&turns, argc > 1 ? atol(argv[1]) : 20000);
	for (long i = 0; i < turns.count; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);
		uint64_t begin = now(CLOCK_MONOTONIC);

		to.sin_addr.s_addr = htonl(NETWORK + 0x100 + i % DESTINATIONS);
		require(!connect(client, (struct sockaddr *)&to, sizeof(to)), "connect");
		turns.took[i] = now(CLOCK_MONOTONIC) - begin;
		close(client);
	}
	turns_report(&turns);
	return 0;
}
