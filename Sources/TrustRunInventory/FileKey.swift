// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What names a file whatever path leads to it.
package struct FileKey: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    /// Names the file that `status` describes.
    ///
    /// A file system without a block device (overlay, btrfs, tmpfs) may give the same file another device number in
    /// each mount: containers of one image share the inode that a uprobe hooks. There the size and the time of the
    /// last change, which overlayfs takes from the file below it, stand for the device.
    init(_ status: stat) {
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        let device = UInt64(truncatingIfNeeded: status.st_dev)
        guard Self.isAnonymous(device) else {
            self.device = device
            return
        }
        var hasher = FNV1a()
        hasher.combine(UInt64(truncatingIfNeeded: status.st_size))
        hasher.combine(UInt64(truncatingIfNeeded: status.st_ctim.tv_sec))
        hasher.combine(UInt64(truncatingIfNeeded: status.st_ctim.tv_nsec))
        self.device = hasher.value
    }

    /// Whether the major number (gnu_dev_major of sys/sysmacros.h) is that of the devices that are none.
    private static func isAnonymous(_ device: UInt64) -> Bool {
        device & 0xffff_f000_000f_ff00 == 0
    }
}

/// The hash of Fowler, Noll and Vo: the same number in every run.
private struct FNV1a {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func combine(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            value = (value ^ (number >> shift & 0xff)) &* 0x100_0000_01b3
        }
    }
}
