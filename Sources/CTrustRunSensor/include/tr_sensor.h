/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor's door to libbpf. Functions return 0 or a count, or -errno. Nothing here is thread-safe: one thread owns a
 * sensor. Strings that are handed out live as long as the sensor; bytes in callbacks only during the call.
 */
#ifndef TR_SENSOR_H
#define TR_SENSOR_H

#include <stddef.h>
#include <stdint.h>
#include "../../../BPF/Include/tr_record.h"

struct tr_sensor;

/* Gets the bytes of one record. */
typedef void (*tr_sample_callback)(void *_Nullable context, const void *_Nonnull bytes, size_t size);

/* Something that the sensor can see, and the hook that sees it. */
struct tr_capability {
	const char *_Nullable name;   /* "connect", "dns", ... */
	const char *_Nullable family; /* the BPF object that it is part of */
	const char *_Nullable hook;   /* what it runs on; NULL: nothing worked */
	const char *_Nullable tried;  /* why the hooks before it in the ladder did not, "" if none was tried */
};

/* Descriptors of the maps `events` and `drops` of tr_output.h. */
struct tr_ring {
	int events_fd, drops_fd;
};

/*
 * Loads and attaches every family as well as this kernel allows. `cgroup` is the root of the cgroup v2 mount, or NULL;
 * `ladder` is NULL, or "fentry", "kprobe" or "state" to begin the ladders at that rung.
 * `ring`: a ring and the counts of what found no room in it that exist already, or NULL; they are duplicated.
 * -ENOENT: no BTF; -EPERM: not privileged; a family that fails is only missing.
 */
int tr_sensor_open(const char *_Nullable cgroup, const char *_Nullable ladder, const struct tr_ring *_Nullable ring,
		   struct tr_sensor *_Nullable *_Nonnull out);

/* Detaches everything. Closing the process does the same: nothing is pinned. */
void tr_sensor_close(struct tr_sensor *_Nonnull sensor);

/* 1 and *out, or 0 if there are not that many. */
int tr_sensor_capability(const struct tr_sensor *_Nonnull sensor, size_t index, struct tr_capability *_Nonnull out);

/* Sends every record from now on to the callback, in tr_sensor_consume. */
int tr_sensor_subscribe(struct tr_sensor *_Nonnull sensor, tr_sample_callback _Nonnull callback,
			void *_Nullable context);

/* Hands over what waits; returns the number of records. */
int tr_sensor_consume(struct tr_sensor *_Nonnull sensor);

/* Records that found no room, by kind, since the start; all CPUs together. */
int tr_sensor_drops(const struct tr_sensor *_Nonnull sensor, uint64_t counts[_Nonnull TR_RECORD_KINDS]);

/*
 * How often the kernel passed over the programs of a capability because they would have interrupted themselves
 * (bpf_prog_info, 5.12); counted since the start. A capability whose programs stand in for each other has none.
 */
uint64_t tr_sensor_misses(struct tr_sensor *_Nonnull sensor, size_t capability);

/* Processes (TR_RECORD_EXEC) or sockets (TR_RECORD_SOCKET) that are there now, in records. */
int tr_sensor_snapshot(struct tr_sensor *_Nonnull sensor, enum tr_record_kind kind,
		       tr_sample_callback _Nonnull callback, void *_Nullable context);

/* Takes a flow's counts out of the kernel; -ENOENT if it has dropped them. */
int tr_sensor_take_udp_flow(struct tr_sensor *_Nonnull sensor, const struct tr_udp_key *_Nonnull key,
			    struct tr_udp_flow *_Nonnull out);

/* Attaches the SSL_ctrl uprobe to a library file, at the function's offset in it. */
int tr_sensor_attach_libssl(struct tr_sensor *_Nonnull sensor, const char *_Nonnull path, uint64_t offset);

#endif
