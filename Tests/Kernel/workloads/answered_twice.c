// SPDX-License-Identifier: Apache-2.0
/*
 * answered_twice COUNT
 * Accepts and resets COUNT connections one after another. Their peer has no socket: it is the other end of a TUN device
 * with two queues, in a network namespace that goes with the program. It answers each SYN-ACK twice at the same moment,
 * from two CPUs. Needs root and /dev/net/tun.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include "endpoint.h"

enum { HERE = 0x0a610001, PEER = 0x0a610002, PORT = 443, FIRST_PORT = 1024, PACKET_MAX = 2048 };

struct segment {
	struct iphdr ip;
	struct tcphdr tcp;
};

static int queues[2];
static struct segment answer;
static atomic_long due, done; /* the turn that may be answered, the one that the other thread has answered */

static uint16_t checksum(const void *bytes, size_t size, uint32_t sum)
{
	const uint16_t *words = bytes;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static struct segment segment(uint16_t port, int syn, uint32_t seq, uint32_t ack_seq)
{
	struct segment made = {
		.ip = { .version = 4, .ihl = 5, .tot_len = htons(sizeof(made)), .ttl = 64, .protocol = IPPROTO_TCP,
			.saddr = htonl(PEER), .daddr = htonl(HERE) },
		.tcp = { .source = htons(port), .dest = htons(PORT), .doff = 5, .window = 0xffff, .syn = syn, .ack = !syn,
			 .seq = htonl(seq), .ack_seq = htonl(ack_seq) },
	};

	made.ip.check = checksum(&made.ip, sizeof(made.ip), 0);
	made.tcp.check = checksum(&made.ip.saddr, sizeof(made) - offsetof(struct segment, ip.saddr),
				  htons(IPPROTO_TCP) + htons(sizeof(made.tcp)));
	return made;
}

static void put(int queue, const struct segment *sent)
{
	if (write(queue, sent, sizeof(*sent)) != sizeof(*sent))
		fail("write a segment");
}

static void set_address(struct ifreq *request, unsigned long what, uint32_t address, int control)
{
	struct sockaddr_in value = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };

	memcpy(&request->ifr_addr, &value, sizeof(value));
	if (ioctl(control, what, request))
		fail("set an address");
}

static void make_network(void)
{
	struct ifreq request = { .ifr_name = "twice0", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE };
	int control;

	if (unshare(CLONE_NEWNET))
		fail("make a network namespace");
	for (int i = 0; i < 2; i++) {
		queues[i] = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
		if (queues[i] < 0 || ioctl(queues[i], TUNSETIFF, &request))
			fail("make a TUN device (/dev/net/tun)");
	}
	control = socket(AF_INET, SOCK_DGRAM, 0);
	set_address(&request, SIOCSIFADDR, HERE, control);
	set_address(&request, SIOCSIFNETMASK, 0xffffff00, control);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(control, SIOCSIFFLAGS, &request))
		fail("bring the device up");
	close(control);
}

/* The kernel's number in its SYN-ACK to the port; what else is queued is passed over. */
static uint32_t syn_ack_to(uint16_t port)
{
	union {
		struct segment segment;
		char bytes[PACKET_MAX];
	} got;

	for (int i = 0;; i = !i)
		if (read(queues[i], &got, sizeof(got)) >= (ssize_t)sizeof(got.segment) && got.segment.ip.version == 4 &&
		    got.segment.tcp.syn && got.segment.tcp.ack && got.segment.tcp.dest == htons(port))
			return ntohl(got.segment.tcp.seq);
}

static void go_to(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus))
		fail("go to a CPU (two are needed)");
}

static void *answering_too(void *unused)
{
	go_to(1);
	for (long turn = 1;; turn++) {
		while (atomic_load(&due) < turn)
			;
		put(queues[1], &answer);
		atomic_store(&done, turn);
	}
	return unused;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1000;
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct linger reset = { .l_onoff = 1 };
	pthread_t other;
	int listener;

	make_network();
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&here, sizeof(here)) || listen(listener, 16))
		fail("listen");
	if (pthread_create(&other, NULL, answering_too, NULL))
		fail("pthread_create");
	go_to(0);
	for (long turn = 1; turn <= count; turn++) {
		uint16_t port = FIRST_PORT + turn;
		struct segment begin = segment(port, 1, 0, 0);
		int connection;

		put(queues[0], &begin);
		answer = segment(port, 0, 1, syn_ack_to(port) + 1);
		atomic_store(&due, turn);
		put(queues[0], &answer);
		connection = accept(listener, NULL, NULL);
		if (connection < 0)
			fail("accept");
		while (atomic_load(&done) < turn)
			;
		if (setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) || close(connection))
			fail("reset");
	}
	return 0;
}
