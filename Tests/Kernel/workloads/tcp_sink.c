// SPDX-License-Identifier: Apache-2.0
/*
 * tcp_sink ADDRESS PORT
 * Accepts TCP connections one after another, reads each to its end and closes it. Prints the port first.
 * Written in C because the fast tests must not wait for their server.
 */
#include "endpoint.h"

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;

	struct endpoint end = parse_endpoint(argv[1], argv[2]);
	int listener = open_socket(&end, SOCK_STREAM), yes = 1;
	char buffer[65536];

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, (void *)&end.address, end.size))
		fail("bind");
	if (listen(listener, 4096))
		fail("listen");
	printf("%d\n", source_port(listener));
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		while (read(fd, buffer, sizeof(buffer)) > 0)
			;
		close(fd);
	}
}
