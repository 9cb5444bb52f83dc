// SPDX-License-Identifier: Apache-2.0

import Glibc

package enum DescriptorWriter {
    /// Writes all bytes, however long that takes; returns 0, or the error number if nobody can read them any more.
    package static func write(_ bytes: RawSpan, to descriptor: Int32) -> Int32 {
        unsafe bytes.withUnsafeBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset...])
                let written = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written >= 0 {
                    offset += written
                } else if errno == EAGAIN {
                    // Someone else who holds this terminal or pipe made it non-blocking.
                    waitUntilWritable(descriptor)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }

    private static func waitUntilWritable(_ descriptor: Int32) {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&request, 1, -1)
    }
}
