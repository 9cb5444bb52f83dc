/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Whether a unix socket is that of a service (tr_service.h), by the path that it was bound to: /run is /var/run too.
 * Who binds it elsewhere, and moves or mounts it there, is not recognised.
 */
#ifndef TR_SERVICE_PATH_H
#define TR_SERVICE_PATH_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "tr_service.h"

enum { TR_RUN = sizeof("/run") - 1, TR_USER = sizeof("/user/") - 1, TR_UID_DIGITS = 10 };

/* NUL-padded. */
union tr_service_path {
	char text[40];
	u64 words[5];
};

#define TR_SERVICE_PATH(path) { path },
static const union tr_service_path tr_services_of_users[] = { TR_SERVICES_OF_USERS(TR_SERVICE_PATH) };
static const union tr_service_path tr_services_of_machine[] = { TR_SERVICES_OF_MACHINE(TR_SERVICE_PATH) };
static const union tr_service_path tr_services_of_root[] = { TR_SERVICES_OF_ROOT(TR_SERVICE_PATH) };

static __always_inline int tr_begins(const char *text, const char *prefix, u32 size)
{
	for (u32 i = 0; i < size; i++)
		if (text[i] != prefix[i])
			return 0;
	return 1;
}

static __always_inline int tr_is_among(const char *path, const union tr_service_path *services, u32 count)
{
	union tr_service_path asked = {};

	if (bpf_probe_read_kernel_str(asked.text, sizeof(asked.text), path) < 0)
		return 0;
	for (u32 i = 0; i < count; i++) {
		u64 differs = 0;

		for (u32 word = 0; word < sizeof(asked.words) / sizeof(asked.words[0]); word++)
			differs |= asked.words[word] ^ services[i].words[word];
		if (!differs)
			return 1;
	}
	return 0;
}

#define TR_IS_AMONG(path, services) tr_is_among(path, services, sizeof(services) / sizeof((services)[0]))

/* Where a path goes on behind the /var of /var/run, which is /run. */
static __always_inline const char *tr_behind_var(const char *path)
{
	char start[sizeof("/var/run/")] = {};

	if (bpf_probe_read_kernel_str(start, sizeof(start), path) < 0 ||
	    !tr_begins(start, "/var/run/", sizeof("/var/run/") - 1))
		return path;
	return path + sizeof("/var") - 1;
}

/* `path` as tr_behind_var has it. */
static __always_inline int tr_is_service(const char *path)
{
	char start[TR_RUN + TR_USER + TR_UID_DIGITS + 2] = {};
	u32 digits = 0;

	if (bpf_probe_read_kernel_str(start, sizeof(start), path) < 0 || !tr_begins(start, "/run/", TR_RUN + 1))
		return 0;
	if (!tr_begins(start + TR_RUN, "/user/", TR_USER))
		return TR_IS_AMONG(path + TR_RUN, tr_services_of_machine) ||
		       (!(u32)bpf_get_current_uid_gid() && TR_IS_AMONG(path + TR_RUN, tr_services_of_root));
	for (u32 i = 0; i < TR_UID_DIGITS; i++) {
		char next = start[TR_RUN + TR_USER + i];

		if (next < '0' || next > '9')
			break;
		digits++;
	}
	return TR_IS_AMONG(path + TR_RUN + TR_USER + digits, tr_services_of_users);
}

#endif
