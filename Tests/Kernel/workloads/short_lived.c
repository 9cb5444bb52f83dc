// SPDX-License-Identifier: Apache-2.0
/*
 * short_lived exec|fork COUNT PARALLEL ADDRESS PORT
 * Starts COUNT processes, PARALLEL at a time, that live about 2 ms and connect once each; with `exec` each runs this
 * program anew. Each prints `PID SOURCE_PORT`.
 */
#include <sys/wait.h>
#include "endpoint.h"

static void live(const char *address, const char *port)
{
	struct endpoint end = parse_endpoint(address, port);
	int fd = connected_socket(&end);
	char line[64];
	int size = snprintf(line, sizeof(line), "%d %d\n", getpid(), source_port(fd));

	close(fd);
	if (write(STDOUT_FILENO, line, size) != size)
		_exit(1);
	usleep(1000);
	_exit(0);
}

int main(int argc, char **argv)
{
	int running = 0;

	if (argc == 4 && !strcmp(argv[1], "child"))
		live(argv[2], argv[3]);
	if (argc != 6)
		return 64;

	int exec = !strcmp(argv[1], "exec"), count = atoi(argv[2]), parallel = atoi(argv[3]);

	for (int i = 0; i < count; i++) {
		if (running == parallel && wait(NULL) > 0)
			running--;
		pid_t child = fork();
		if (child < 0)
			fail("fork");
		if (child == 0 && exec) {
			execl("/proc/self/exe", "short_lived", "child", argv[4], argv[5], NULL);
			_exit(127);
		}
		if (child == 0)
			live(argv[4], argv[5]);
		running++;
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
