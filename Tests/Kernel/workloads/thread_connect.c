// SPDX-License-Identifier: Apache-2.0
/*
 * thread_connect ADDRESS PORT
 * Connects once from a thread that is not the first one and has a name of its own. Prints `PID THREAD SOURCE_PORT`.
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "endpoint.h"

static struct endpoint end;

static void *connect_once(void *unused)
{
	prctl(PR_SET_NAME, "some-worker");
	int fd = connected_socket(&end);

	printf("%d %ld %d\n", getpid(), syscall(SYS_gettid), source_port(fd));
	close(fd);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 3)
		return 64;
	end = parse_endpoint(argv[1], argv[2]);
	if (pthread_create(&thread, NULL, connect_once, NULL))
		fail("pthread_create");
	pthread_join(thread, NULL);
	return 0;
}
