// SPDX-License-Identifier: Apache-2.0
/*
 * Landlock: a process in a domain may neither trace one outside nor take its descriptors or memory, and since 6.12 not
 * signal it nor connect to its abstract sockets. seccomp: sockets of families that pass no hook of control groups, and
 * io_uring, which makes sockets past the filter; bytes put into a terminal; helpers of the kernel that speak for it.
 */
#define _GNU_SOURCE
#include "tr_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mntent.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../../BPF/Include/tr_service.h"

/* linux/landlock.h, which older systems have not, or not all of it. */
enum {
	SYS_LANDLOCK_CREATE = 444,
	SYS_LANDLOCK_ADD = 445,
	SYS_LANDLOCK_RESTRICT = 446,
	LANDLOCK_VERSION = 1 << 0,
	LANDLOCK_PATH_BENEATH = 1,
	LANDLOCK_REFER = 1 << 13,
	LANDLOCK_SCOPE_ABSTRACT_SOCKETS = 1 << 0,
	LANDLOCK_SCOPE_SIGNALS = 1 << 1,
	LANDLOCK_OF_USE = 2, /* the first version forbids to move files between directories, whatever it is asked for */
};

struct landlock_ruleset {
	uint64_t files;
	uint64_t ports;
	uint64_t scoped;
};

struct landlock_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

/* asm-generic/ioctls.h and asm-generic/unistd.h have these numbers on both machines. */
enum { TTY_INPUT = 0x5412, TTY_LINUX = 0x541c };

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the numbers of system calls on this machine are not known here"
#endif

struct tr_confinement tr_confinement_find(void)
{
	struct tr_confinement found = { 0 };
	uint32_t action = SECCOMP_RET_KILL_PROCESS;
	long version = syscall(SYS_LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);

	if (version >= LANDLOCK_OF_USE)
		found.landlock = version;
	found.has_filter = !syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
	return found;
}

static int is_there(const char *path)
{
	return !access(path, F_OK);
}

/* Nothing where something was, if it was there. */
static int hide_file(const char *path)
{
	return is_there(path) && mount("/dev/null", path, NULL, MS_BIND, NULL) ? errno : 0;
}

static int hide_folder(const char *path)
{
	return is_there(path) && mount("none", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0")
		       ? errno
		       : 0;
}

/* Without what is mounted below it. */
static int make_readonly(const char *path)
{
	if (mount(path, path, NULL, MS_BIND, NULL) ||
	    mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return errno;
	return 0;
}

/* `%u` is the user's number. */
#define OF_USER(path) "/run/user/%u" path,
#define OF_MACHINE(path) "/run" path,
static const char *const sockets_of_everybody[] = { TR_SERVICES_OF_USERS(OF_USER) TR_SERVICES_OF_MACHINE(OF_MACHINE) };
static const char *const sockets_of_root[] = { TR_SERVICES_OF_ROOT(OF_MACHINE) };

enum { MOST_HIDDEN = 256 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Adds those that are there. */
static int add_sockets(const char **list, size_t *count, const char *const *formats, size_t size, uid_t uid)
{
	for (size_t i = 0; i < size; i++) {
		char *path;

		if (asprintf(&path, formats[i], uid) < 0)
			return -ENOMEM;
		if (is_there(path))
			list[(*count)++] = path;
		else
			free(path);
	}
	return 0;
}

static int find_sockets(struct tr_hidden *hidden, uid_t uid, int is_root)
{
	size_t count = 0;
	int error;

	hidden->sockets = calloc(COUNT(sockets_of_everybody) + COUNT(sockets_of_root) + 1, sizeof(*hidden->sockets));
	if (!hidden->sockets)
		return -ENOMEM;
	error = add_sockets(hidden->sockets, &count, sockets_of_everybody, COUNT(sockets_of_everybody), uid);
	if (!error && is_root)
		error = add_sockets(hidden->sockets, &count, sockets_of_root, COUNT(sockets_of_root), uid);
	return error;
}

static int find_folders(struct tr_hidden *hidden)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	const struct mntent *entry;
	size_t count = 0;

	hidden->folders = calloc(MOST_HIDDEN + 2, sizeof(*hidden->folders));
	if (!hidden->folders || !mounts)
		return -ENOMEM;
	while ((entry = getmntent(mounts)) && count < MOST_HIDDEN) {
		int holds = !strcmp(entry->mnt_type, "cgroup2") || !strcmp(entry->mnt_type, "bpf");

		/* What is below /sys goes with that. */
		if (holds && strncmp(entry->mnt_dir, "/sys/", 5) &&
		    !(hidden->folders[count++] = strdup(entry->mnt_dir)))
			return -ENOMEM;
	}
	endmntent(mounts);
	hidden->folders[count] = "/run/trustrun";
	return entry ? -E2BIG : 0;
}

int tr_hidden_find(struct tr_hidden *hidden, uid_t uid, int is_root)
{
	int error = find_sockets(hidden, uid, is_root);

	hidden->folders = NULL;
	return error || !is_root ? error : find_folders(hidden);
}

int tr_hide(const struct tr_hidden *hidden)
{
	const char *const *sockets = hidden->sockets, *const *folders = hidden->folders;
	int error = 0;

	if (!*sockets && !folders)
		return 0;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return errno;
	while (*sockets && !error)
		error = hide_file(*sockets++);
	if (!folders || error)
		return error;
	while (*folders && !error)
		error = hide_folder(*folders++);
	if (!error)
		error = hide_file("/proc/sysrq-trigger");
	if (!error)
		error = make_readonly("/proc/sys");
	return error ? error : make_readonly("/sys");
}

/* Enters a domain that forbids nothing but what each domain does. */
static int enter_domain(int version)
{
	struct landlock_ruleset ruleset = { 0 };
	struct landlock_beneath everywhere = { .allowed = LANDLOCK_REFER };
	int domain, error = 0;

	if (version >= 6)
		ruleset.scoped = LANDLOCK_SCOPE_ABSTRACT_SOCKETS | LANDLOCK_SCOPE_SIGNALS;
	else
		ruleset.files = LANDLOCK_REFER; /* one that handles nothing is not admitted */
	domain = syscall(SYS_LANDLOCK_CREATE, &ruleset, sizeof(ruleset), 0);
	if (domain < 0)
		return errno;
	if (ruleset.files) {
		everywhere.parent = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (everywhere.parent < 0 || syscall(SYS_LANDLOCK_ADD, domain, LANDLOCK_PATH_BENEATH, &everywhere, 0))
			error = errno;
	}
	if (!error && syscall(SYS_LANDLOCK_RESTRICT, domain, 0))
		error = errno;
	if (ruleset.files)
		close(everywhere.parent);
	close(domain);
	return error;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define REFUSE(number) ANSWER(SECCOMP_RET_ERRNO | (number))
/* A call with this number goes on at the next instruction, others behind `length` of them. */
#define ON(number, length) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, (length))
#define REFUSE_CALL(number, error) ON(number, 1), REFUSE(error)

/*
 * Arguments are compared in the half that the kernel takes of them. A program for another machine (32 bits) would have
 * other numbers; it is ended.
 */
static int filter_calls(int has_domain)
{
	struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
		ANSWER(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
#ifdef __x86_64__
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), /* x32 */
		REFUSE(ENOSYS),
#endif
		ON(SYS_socket, 1),
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		ON(SYS_socketpair, 7),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
		ANSWER(SECCOMP_RET_ALLOW),
		REFUSE(EAFNOSUPPORT),
		ON(SYS_ioctl, 5),
		LOAD(args[1]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TTY_INPUT, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TTY_LINUX, 0, 1),
		REFUSE(EPERM),
		ANSWER(SECCOMP_RET_ALLOW),
		REFUSE_CALL(425 /* io_uring_setup */, ENOSYS),
		REFUSE_CALL(426 /* io_uring_enter */, ENOSYS),
		REFUSE_CALL(427 /* io_uring_register */, ENOSYS),
		REFUSE_CALL(438 /* pidfd_getfd */, EPERM),
		REFUSE_CALL(SYS_request_key, EPERM),
		BPF_STMT(BPF_JMP | BPF_JA, has_domain ? 6 : 0),
		REFUSE_CALL(SYS_ptrace, EPERM),
		REFUSE_CALL(SYS_process_vm_readv, EPERM),
		REFUSE_CALL(SYS_process_vm_writev, EPERM),
		ANSWER(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	/* SPEC_ALLOW: before 5.16 a filter would slow the program down against speculation, which this one is not for.
	 */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) ? errno : 0;
}

int tr_confine(struct tr_confinement confinement)
{
	int error = confinement.landlock ? enter_domain(confinement.landlock) : 0;

	if (!error && confinement.has_filter)
		error = filter_calls(confinement.landlock != 0);
	return error;
}
