// SPDX-License-Identifier: Apache-2.0
/*
 * io_uring_send HOW OPERATION ADDRESS PORT TEXT|hex:DIGITS
 * Sends the text, or the bytes, through io_uring alone. HOW: plain; async: the kernel's workers; sqpoll: its polling thread; fixed: with a
 * registered file; fixed-sqpoll. OPERATION: tcp (connect, send), udp (sendmsg), connected (UDP: connect, send),
 * zero (the same with SEND_ZC), message-zero (SENDMSG_ZC), made (a TCP socket that io_uring makes).
 * Exit status 77: this kernel does not let us or does not have it.
 */
#include "ring.h"

#define IS(word, text) (!strcmp(word, text))

static int is_fixed;
static size_t size; /* of what is sent */

static struct io_uring_sqe entry_of(int opcode, int fd, const char *how)
{
	struct io_uring_sqe entry = {.opcode = opcode, .fd = is_fixed ? 0 : fd};

	entry.flags = (IS(how, "async") ? IOSQE_ASYNC : 0) | (is_fixed ? IOSQE_FIXED_FILE : 0);
	return entry;
}

static void connect_by(struct ring *ring, int fd, const struct endpoint *end, const char *how)
{
	struct io_uring_sqe entry = entry_of(IORING_OP_CONNECT, fd, how);

	entry.addr = (unsigned long)&end->address;
	entry.off = end->size;
	run(ring, entry);
}

static void send_by(struct ring *ring, int fd, int opcode, const char *text, const char *how)
{
	struct io_uring_sqe entry = entry_of(opcode, fd, how);

	entry.addr = (unsigned long)text;
	entry.len = size;
	run(ring, entry);
}

static void sendmsg_by(struct ring *ring, int fd, int opcode, struct endpoint *end, char *text, const char *how)
{
	struct iovec part = {.iov_base = text, .iov_len = size};
	struct msghdr message = {.msg_name = &end->address, .msg_namelen = end->size, .msg_iov = &part, .msg_iovlen = 1};
	struct io_uring_sqe entry = entry_of(opcode, fd, how);

	entry.addr = (unsigned long)&message;
	entry.len = 1;
	run(ring, entry);
}

static int socket_by(struct ring *ring, int family)
{
	struct io_uring_sqe entry = {.opcode = IORING_OP_SOCKET, .fd = family, .off = SOCK_STREAM};

	return run(ring, entry);
}

static int has(struct ring *ring, int opcode)
{
	struct {
		struct io_uring_probe probe;
		struct io_uring_probe_op operations[256];
	} known = {0};

	if (syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_PROBE, &known, 256))
		return 0;
	return opcode <= known.probe.last_op && (known.probe.ops[opcode].flags & IO_URING_OP_SUPPORTED);
}

static void read_payload(char *text)
{
	size = strlen(text);
	if (strncmp(text, "hex:", 4))
		return;
	size = (size - 4) / 2;
	for (size_t i = 0; i < size; i++)
		if (sscanf(text + 4 + 2 * i, "%2hhx", (unsigned char *)text + i) != 1)
			exit(64);
}

static int opcode_of(const char *operation)
{
	if (IS(operation, "zero"))
		return IORING_OP_SEND_ZC;
	if (IS(operation, "message-zero"))
		return IORING_OP_SENDMSG_ZC;
	return IS(operation, "made") ? IORING_OP_SOCKET : IORING_OP_SEND;
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 64;

	const char *how = argv[1], *operation = argv[2];
	struct endpoint end = parse_endpoint(argv[3], argv[4]);
	struct ring ring = open_ring(strstr(how, "sqpoll") != NULL);
	int is_tcp = IS(operation, "tcp") || IS(operation, "made");
	int fd;

	if (!has(&ring, opcode_of(operation)))
		return 77;
	read_payload(argv[5]);
	fd = IS(operation, "made") ? socket_by(&ring, end.address.ss_family) : open_socket(&end, is_tcp ? SOCK_STREAM : SOCK_DGRAM);
	if (strstr(how, "fixed")) {
		if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &fd, 1))
			fail("io_uring_register");
		is_fixed = 1;
	}
	if (IS(operation, "udp") || IS(operation, "message-zero")) {
		sendmsg_by(&ring, fd, IS(operation, "udp") ? IORING_OP_SENDMSG : IORING_OP_SENDMSG_ZC, &end, argv[5], how);
	} else {
		connect_by(&ring, fd, &end, how);
		send_by(&ring, fd, IS(operation, "zero") ? IORING_OP_SEND_ZC : IORING_OP_SEND, argv[5], how);
	}
	usleep(20000); /* what the kernel does by itself */
	return 0;
}
