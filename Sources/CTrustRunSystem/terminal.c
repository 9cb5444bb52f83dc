// SPDX-License-Identifier: Apache-2.0
/*
 * The command's session leads a pseudo-terminal of its own. Two threads copy bytes between its other end and the
 * caller's terminal, which does nothing by itself meanwhile (raw mode), so keys like Ctrl-C work in the command's.
 */
#define _GNU_SOURCE
#include "tr_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a descriptor is the terminal at another. */
static int is_same(int fd, int terminal)
{
	struct stat one = { 0 }, other = { 0 };

	return isatty(fd) && !fstat(fd, &one) && !fstat(terminal, &other) && one.st_rdev == other.st_rdev;
}

int tr_terminal_is_ours(void)
{
	return is_same(STDOUT_FILENO, STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static int make_pair(struct tr_terminal *terminal, uid_t user)
{
	struct group *group = getgrnam("tty");
	struct winsize size;

	terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->master < 0 || grantpt(terminal->master) || unlockpt(terminal->master))
		return errno;
	terminal->slave = ioctl(terminal->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal->slave < 0 || fchown(terminal->slave, user, group ? group->gr_gid : (gid_t)-1) ||
	    tcsetattr(terminal->slave, TCSANOW, &terminal->before))
		return errno;
	if (!ioctl(terminal->outer, TIOCGWINSZ, &size) && ioctl(terminal->slave, TIOCSWINSZ, &size))
		return errno;
	return pipe2(terminal->stop, O_CLOEXEC) ? errno : 0;
}

int tr_terminal_open(struct tr_terminal *terminal, uid_t user)
{
	int error;

	*terminal = (struct tr_terminal) { .master = -1, .slave = -1, .stop = { -1, -1 } };
	/* Not descriptor 0 itself, which may be open for reading only. */
	terminal->outer = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (terminal->outer < 0 || tcgetattr(terminal->outer, &terminal->before))
		error = errno;
	else
		error = make_pair(terminal, user);
	for (int fd = 0; fd < 3; fd++)
		terminal->replaced |= is_same(fd, STDIN_FILENO) << fd;
	if (error)
		tr_terminal_close(terminal);
	return -error;
}

int tr_terminal_enter(const struct tr_terminal *terminal)
{
	if (setsid() < 0 || ioctl(terminal->slave, TIOCSCTTY, 0))
		return errno;
	for (int fd = 0; fd < 3; fd++)
		if (terminal->replaced & 1 << fd && dup2(terminal->slave, fd) < 0)
			return errno;
	return 0;
}

static int write_all(int fd, const char *bytes, ssize_t count)
{
	while (count > 0) {
		ssize_t written = write(fd, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		bytes += written;
		count -= written;
	}
	return 0;
}

/* Copies until either end is gone, or `stop` can be read; then, if `drains`, what is there already. */
static void copy(int from, int to, int stop, int drains)
{
	struct pollfd waiting[] = { { .fd = from, .events = POLLIN }, { .fd = stop, .events = POLLIN } };
	char bytes[4096];

	for (;;) {
		ssize_t count;

		if (poll(waiting, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (waiting[1].revents && !(drains && waiting[0].revents))
			return;
		if (!waiting[0].revents)
			continue;
		count = read(from, bytes, sizeof(bytes));
		if (count < 0 && errno == EINTR)
			continue;
		/* EIO: nobody has the other end of a pseudo-terminal. */
		if (count <= 0 || write_all(to, bytes, count))
			return;
	}
}

static void *copy_typed(void *argument)
{
	const struct tr_terminal *terminal = argument;

	copy(terminal->outer, terminal->master, terminal->stop[0], 0);
	return NULL;
}

static void *copy_shown(void *argument)
{
	const struct tr_terminal *terminal = argument;

	copy(terminal->master, terminal->outer, terminal->stop[0], 1);
	return NULL;
}

int tr_terminal_join(struct tr_terminal *terminal)
{
	struct termios raw = terminal->before;
	sigset_t all, before;
	int error;

	close(terminal->slave);
	terminal->slave = -1;
	cfmakeraw(&raw);
	if (tcsetattr(terminal->outer, TCSADRAIN, &raw))
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&terminal->shown, NULL, copy_shown, terminal);
	if (!error) {
		error = pthread_create(&terminal->typed, NULL, copy_typed, terminal);
		if (error && write(terminal->stop[1], "", 1) == 1)
			pthread_join(terminal->shown, NULL);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		tcsetattr(terminal->outer, TCSADRAIN, &terminal->before);
	return -error;
}

void tr_terminal_resize(const struct tr_terminal *terminal)
{
	struct winsize size;

	if (!ioctl(terminal->outer, TIOCGWINSZ, &size))
		ioctl(terminal->master, TIOCSWINSZ, &size);
}

void tr_terminal_leave(struct tr_terminal *terminal)
{
	if (write(terminal->stop[1], "", 1) == 1) {
		pthread_join(terminal->typed, NULL);
		pthread_join(terminal->shown, NULL);
	}
	tcsetattr(terminal->outer, TCSADRAIN, &terminal->before);
	tr_terminal_close(terminal);
}

void tr_terminal_close(struct tr_terminal *terminal)
{
	int ends[] = { terminal->master, terminal->slave, terminal->outer, terminal->stop[0], terminal->stop[1] };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i] >= 0)
			close(ends[i]);
	*terminal = (struct tr_terminal) { .master = -1, .slave = -1, .outer = -1, .stop = { -1, -1 } };
}
