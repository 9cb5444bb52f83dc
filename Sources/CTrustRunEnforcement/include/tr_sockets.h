/* SPDX-License-Identifier: Apache-2.0 */
/* In which control groups sockets were made: the gates see those of the groups that they hold. */
#ifndef TR_SOCKETS_H
#define TR_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include "../../../BPF/Include/tr_policy.h"

struct tr_socket_birth {
	uint64_t inode;	 /* of sockfs */
	uint64_t cgroup; /* inode number of the group's directory */
};

/*
 * Lists the TCP and UDP sockets of a network namespace (a descriptor of nsfs) that are bound or connected, by
 * sock_diag(7). `out` is allocated; free it. Returns how many there are, or -errno.
 */
long tr_sockets_list(int namespace, struct tr_socket_birth *_Nullable *_Nonnull out);

/* Ends the TCP socket with these addresses and ports (the cookie is not looked at), in network order; an IPv4 address
 * is the first word. -ENOENT: there is none. */
int tr_socket_end(int namespace, const struct tr_cut *_Nonnull socket);

#endif
