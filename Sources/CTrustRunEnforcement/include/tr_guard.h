/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates that stay for sockets which outlive their processes: TCP goes on sending what a closed socket holds. A program
 * that is attached to a control group without a link stays with it, and a removed control group stays until the last of
 * its sockets is gone (cgroup_bpf_get; kernel commit 4bfc0bb2c60e). Functions return 0 or -errno.
 */
#ifndef TR_GUARD_H
#define TR_GUARD_H

/* Leaves the egress programs of a group, an open directory that is removed next, to what is left of its sockets. */
int tr_guard_leave(int cgroup);

/* Takes them off again, if it could not be removed. */
int tr_guard_take(int cgroup);

#endif
