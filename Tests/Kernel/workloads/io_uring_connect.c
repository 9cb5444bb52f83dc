// SPDX-License-Identifier: Apache-2.0
/*
 * io_uring_connect plain|async|sqpoll ADDRESS PORT
 * Connects and sends 14 bytes through io_uring by its system calls alone, reads to the end and closes.
 * `async` makes the kernel's workers do it, `sqpoll` its polling thread. Prints the source port.
 * Exit status 77: this kernel does not let us.
 */
#include "ring.h"

int main(int argc, char **argv)
{
	static const char payload[] = "hello io_uring";
	char buffer[256];

	if (argc != 4)
		return 64;

	struct endpoint end = parse_endpoint(argv[2], argv[3]);
	struct ring ring = open_ring(!strcmp(argv[1], "sqpoll"));
	int flags = !strcmp(argv[1], "async") ? IOSQE_ASYNC : 0;
	int fd = open_socket(&end, SOCK_STREAM);
	struct io_uring_sqe connect_entry = {
		.opcode = IORING_OP_CONNECT, .flags = flags, .fd = fd, .addr = (unsigned long)&end.address, .off = end.size};
	struct io_uring_sqe send_entry = {
		.opcode = IORING_OP_SEND, .flags = flags, .fd = fd, .addr = (unsigned long)payload, .len = sizeof(payload) - 1};

	run(&ring, connect_entry);
	printf("%d\n", source_port(fd));
	run(&ring, send_entry);
	shutdown(fd, SHUT_WR);
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
	return 0;
}
