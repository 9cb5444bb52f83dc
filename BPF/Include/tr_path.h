/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Where a file is: its path's components, read from the kernel's own structures. */
#ifndef TR_PATH_H
#define TR_PATH_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "tr_record.h"

enum {
	TR_MAX_COMPONENT = 256, /* with its zero */
	TR_MAX_PATH_TEXT = TR_MAX_PATH + TR_MAX_COMPONENT,
};

/* Kept in a map: on the stack the verifier would follow each value that a cursor can have. */
struct tr_walk {
	struct dentry *dentry;
	struct mount *mount;
	u32 size;   /* bytes written */
	u32 count;  /* components */
	u32 is_cut; /* there are more */
	u32 reserved;
	u16 starts[TR_MAX_PATH_DEPTH]; /* of the components */
};

/*
 * Writes the path's components into a text of TR_MAX_PATH_TEXT bytes, leaf first, a zero behind each, up to the root of
 * the mount namespace.
 */
static __always_inline void tr_walk(struct tr_walk *walk, char *text, struct file *file)
{
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);

	walk->dentry = BPF_CORE_READ(file, f_path.dentry);
	walk->mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	walk->size = 0;
	walk->count = 0;
	walk->is_cut = 0;
	for (int i = 0; i < TR_MAX_PATH_DEPTH; i++) {
		struct dentry *dentry = walk->dentry;
		struct mount *mount = walk->mount;
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		u32 offset = walk->size;
		u64 count = walk->count;
		long size;

		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			walk->mount = BPF_CORE_READ(mount, mnt_parent);
			if (walk->mount == mount)
				return;
			walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			continue;
		}
		if (offset >= TR_MAX_PATH || count >= TR_MAX_PATH_DEPTH)
			break;
		size = bpf_probe_read_kernel_str(&text[offset], TR_MAX_COMPONENT, BPF_CORE_READ(dentry, d_name.name));
		if (size <= 0)
			break;
		walk->count = count + 1;
		asm volatile(""
			     : "+r"(count)); /* so that the mask stays: 5.10 does not see the comparison through it */
		walk->starts[count & (TR_MAX_PATH_DEPTH - 1)] = offset;
		walk->size = offset + size;
		if (dentry == parent) /* not below any mount: memfd, pipe */
			return;
		walk->dentry = parent;
	}
	walk->is_cut = 1;
}

#endif
