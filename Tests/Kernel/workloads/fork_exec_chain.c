// SPDX-License-Identifier: Apache-2.0
/*
 * fork_exec_chain ADDRESS PORT [PROGRAM...]
 * Forks and executes the first PROGRAM (a link to this program) with the rest of the list, and so on; the last one
 * connects once. Each prints `PID PARENT` when it starts, the last one also `port SOURCE_PORT`.
 */
#include <sys/wait.h>
#include "endpoint.h"

int main(int argc, char **argv)
{
	if (argc < 3)
		return 64;
	printf("%d %d\n", getpid(), getppid());
	fflush(stdout);
	if (argc == 3) {
		struct endpoint end = parse_endpoint(argv[1], argv[2]);
		int fd = connected_socket(&end);

		printf("port %d\n", source_port(fd));
		close(fd);
		return 0;
	}

	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child == 0) {
		char *program = argv[3];

		for (int i = 3; i < argc; i++)
			argv[i] = argv[i + 1];
		argv[0] = program;
		execv(program, argv);
		fail(program);
	}
	int status;
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}
