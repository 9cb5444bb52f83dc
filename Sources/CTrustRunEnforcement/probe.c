// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "tr_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_NAME = 32 };

union address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static socklen_t address_of(const struct tr_probe *probe, int family, union address *address)
{
	memset(address, 0, sizeof(*address));
	address->any.sa_family = family;
	if (family == AF_INET) {
		address->ipv4.sin_port = htons(probe->port);
		address->ipv4.sin_addr.s_addr = htonl(probe->ipv4);
		return sizeof(address->ipv4);
	}
	address->ipv6.sin6_port = htons(probe->port);
	memcpy(&address->ipv6.sin6_addr, probe->ipv6, sizeof(probe->ipv6));
	return sizeof(address->ipv6);
}

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static int make_stream(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Closes the socket, which is a -errno where there is none. */
static int try_connect(const struct tr_probe *probe, int family, int fd)
{
	union address address;
	socklen_t size = address_of(probe, family, &address);
	int error;

	if (fd < 0)
		return -fd;
	error = error_of(connect(fd, &address.any, size));
	close(fd);
	return error;
}

static int try_datagram(const struct tr_probe *probe, int family, int is_connected)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0), error;
	union address address;
	socklen_t size = address_of(probe, family, &address);

	if (fd < 0)
		return errno;
	if (!is_connected)
		error = error_of(sendto(fd, "", 0, 0, &address.any, size));
	else if (connect(fd, &address.any, size))
		error = -errno; /* that is not what was asked */
	else
		error = error_of(send(fd, "", 0, 0));
	close(fd);
	return error;
}

static int try_socket(void)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), error = error_of(fd);

	close(fd);
	return error;
}

static int try_option(void)
{
	static const unsigned char no_operation[4] = { 1, 1, 1, 1 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), error;

	if (fd < 0)
		return errno;
	error = error_of(setsockopt(fd, IPPROTO_IP, IP_OPTIONS, no_operation, sizeof(no_operation)));
	close(fd);
	return error;
}

static int try_bind(const struct tr_probe *probe)
{
	const struct tr_probe server = { .ipv4 = probe->ipv4, .port = 53 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), error;
	union address address;
	socklen_t size = address_of(&server, AF_INET, &address);

	if (fd < 0)
		return errno;
	error = error_of(bind(fd, &address.any, size));
	close(fd);
	return error;
}

/* A group of its own below the scope, for where the scope itself takes no processes. */
static void name_child(char name[CHILD_NAME], pid_t pid)
{
	snprintf(name, CHILD_NAME, "trustrun-proof-%d", pid);
}

static int enter(int cgroup, const char *folder)
{
	char path[CHILD_NAME + 16];
	int fd, error;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	fd = openat(cgroup, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = write(fd, "0", 1) == 1 ? 0 : -errno;
	close(fd);
	return error;
}

/* A group that gives controllers to its children has processes in those alone (EBUSY; cgroup-v2.rst, "No Internal
 * Process Constraint"). */
static int enter_scope(int cgroup)
{
	char name[CHILD_NAME];
	int error = enter(cgroup, ".");

	if (error != -EBUSY)
		return error;
	name_child(name, getpid());
	return mkdirat(cgroup, name, 0755) ? -errno : enter(cgroup, name);
}

static _Noreturn void attempt(int cgroup, const struct tr_probe *probe, int out)
{
	int32_t errors[TR_ATTEMPTS];
	int brought = make_stream(AF_INET), error = enter_scope(cgroup);

	if (error)
		_exit(write(out, &error, sizeof(error)) == sizeof(error) ? 0 : 1);
	errors[TR_TRY_CONNECT4] = try_connect(probe, AF_INET, make_stream(AF_INET));
	errors[TR_TRY_SENDTO4] = try_datagram(probe, AF_INET, 0);
	errors[TR_TRY_CONNECTED4] = try_datagram(probe, AF_INET, 1);
	errors[TR_TRY_CONNECT6] = try_connect(probe, AF_INET6, make_stream(AF_INET6));
	errors[TR_TRY_SENDTO6] = try_datagram(probe, AF_INET6, 0);
	errors[TR_TRY_SOCKET] = try_socket();
	errors[TR_TRY_OPTION] = try_option();
	errors[TR_TRY_BIND] = try_bind(probe);
	errors[TR_TRY_BROUGHT] = try_connect(probe, AF_INET, brought);
	_exit(write(out, errors, sizeof(errors)) == sizeof(errors) ? 0 : 1);
}

int tr_probe_scope(int cgroup, const struct tr_probe *probe, int32_t errors[TR_ATTEMPTS])
{
	int ends[2], status = 0, error = 0;
	char child[CHILD_NAME];
	ssize_t count;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		attempt(cgroup, probe, ends[1]);
	if (pid < 0)
		error = -errno;
	close(ends[1]);
	do
		count = read(ends[0], errors, TR_ATTEMPTS * sizeof(*errors));
	while (count < 0 && errno == EINTR);
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	name_child(child, pid);
	if (pid > 0)
		unlinkat(cgroup, child, AT_REMOVEDIR); /* seldom there */
	if (!error && count == sizeof(*errors))
		return errors[0]; /* it could not enter */
	if (!error && (count != TR_ATTEMPTS * (ssize_t)sizeof(*errors) || status))
		error = -EIO;
	return error;
}
