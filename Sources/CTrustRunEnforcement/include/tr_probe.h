/* SPDX-License-Identifier: Apache-2.0 */
/* What a process of the scope gets when it tries what the gates must refuse. */
#ifndef TR_PROBE_H
#define TR_PROBE_H

#include <stdint.h>

enum tr_attempt {
	TR_TRY_CONNECT4,
	TR_TRY_SENDTO4,
	TR_TRY_CONNECTED4, /* connect() and send() of UDP */
	TR_TRY_CONNECT6,
	TR_TRY_SENDTO6,
	TR_TRY_SOCKET,	/* a raw one */
	TR_TRY_OPTION,	/* IP_OPTIONS */
	TR_TRY_BIND,	/* port 53 */
	TR_TRY_BROUGHT, /* connect() of TCP over IPv4, with a socket that was made before it entered */
	TR_ATTEMPTS,
};

struct tr_probe {
	uint32_t ipv4; /* number of the machine */
	uint8_t ipv6[16];
	uint16_t port; /* number of the machine */
};

/* Forks a child that enters the scope, tries, and ends. errors: the errno of each attempt, 0 where it was let through;
 * EAFNOSUPPORT where this kernel has no IPv6. Returns 0 or -errno. */
int tr_probe_scope(int cgroup, const struct tr_probe *_Nonnull probe, int32_t errors[_Nonnull TR_ATTEMPTS]);

#endif
