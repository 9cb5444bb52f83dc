/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Unix sockets at which other processes look up names for libraries (nscd, systemd-resolved) or start programs
 * (managers of services and of containers). For the BPF programs and the agent.
 */
#ifndef TR_SERVICE_H
#define TR_SERVICE_H

/* Below /run/user/UID. */
#define TR_SERVICES_OF_USERS(X) \
	X("/systemd/private")   \
	X("/bus")               \
	X("/docker.sock")       \
	X("/podman/podman.sock")

/* Below /run. */
#define TR_SERVICES_OF_MACHINE(X)                \
	X("/nscd/socket")                        \
	X("/systemd/resolve/io.systemd.Resolve") \
	X("/docker.sock")                        \
	X("/podman/podman.sock")                 \
	X("/containerd/containerd.sock")         \
	X("/crio/crio.sock")

/* There too, and for uid 0 alone: what others may ask of them is for polkit to say. */
#define TR_SERVICES_OF_ROOT(X) \
	X("/systemd/private")  \
	X("/dbus/system_bus_socket")

#endif
