// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tr_pins.h"

#define FOLDER "/run/trustrun"

static int path_of(char out[TR_MAX_PIN_PATH], const char *name)
{
	int size = snprintf(out, TR_MAX_PIN_PATH, FOLDER "/%s.lock", name);

	return size < 0 || size >= TR_MAX_PIN_PATH ? -ENAMETOOLONG : 0;
}

static int make_folder(void)
{
	struct stat status;

	if (mkdir(FOLDER, 0700) && errno != EEXIST)
		return -errno;
	if (lstat(FOLDER, &status))
		return -errno;
	return S_ISDIR(status.st_mode) && !status.st_uid && !(status.st_mode & 022) ? 0 : -EPERM;
}

/* -ESTALE: the file was removed meanwhile, by whoever had the lock before. */
static int take(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), error = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &status))
		error = -errno;
	else if (!status.st_nlink)
		error = -ESTALE;
	if (error)
		close(fd);
	return error ? error : fd;
}

int tr_lock_take(const char *name)
{
	char path[TR_MAX_PIN_PATH];
	int fd = path_of(path, name);

	if (!fd)
		fd = make_folder();
	if (fd)
		return fd;
	do
		fd = take(path);
	while (fd == -ESTALE);
	if (fd >= 0 && (ftruncate(fd, 0) || dprintf(fd, "%d\n", getpid()) < 0)) {
		int error = -errno;

		tr_lock_drop(name, fd);
		return error;
	}
	return fd;
}

void tr_lock_drop(const char *name, int lock)
{
	char path[TR_MAX_PIN_PATH];

	if (!path_of(path, name))
		unlink(path);
	close(lock);
}

int tr_lock_holder(const char *name)
{
	char path[TR_MAX_PIN_PATH], text[16] = "";
	int error = path_of(path, name), fd, holder = 0;

	if (error)
		return error;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			holder = -errno;
		else if (pread(fd, text, sizeof(text) - 1, 0) > 0)
			holder = atoi(text);
		if (!holder)
			holder = 1; /* it has not said yet who it is */
	}
	close(fd);
	return holder;
}
