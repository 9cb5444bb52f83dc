// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A flag that one thread raises and another waits for: a pipe, because Swift's Glibc module has no eventfd.
package struct WakePipe: ~Copyable, Sendable {
    private let readEnd: Int32
    private let writeEnd: Int32

    package init() throws(OutputError) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { bytes in
            unsafe bytes.withMemoryRebound(to: Int32.self) { unsafe pipe($0.baseAddress) }
        }
        guard result == 0 else { throw OutputError(attempt: "pipe", errorNumber: errno) }
        (readEnd, writeEnd) = ends
        for end in [readEnd, writeEnd] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // A full pipe is raised already.
        _ = fcntl(writeEnd, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// Can be read when the flag is raised.
    package var descriptor: Int32 { readEnd }

    package func raise() {
        var byte: UInt8 = 1
        _ = unsafe write(writeEnd, &byte, 1)
    }

    /// Waits until the flag is raised, and lowers it.
    package func wait() {
        var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        _ = unsafe withUnsafeMutableBytes(of: &bytes) { bytes in
            unsafe read(readEnd, bytes.baseAddress, bytes.count)
        }
    }

    /// Waits until the flag is raised, and leaves it so; false after the timeout.
    package func isRaised(withinMilliseconds timeout: Int) -> Bool {
        let deadline = ContinuousClock.now + .milliseconds(timeout)
        while true {
            let rest = max(.zero, deadline - .now).components
            let milliseconds = rest.seconds * 1000 + rest.attoseconds / 1_000_000_000_000_000
            var request = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
            let result = unsafe poll(&request, 1, Int32(clamping: milliseconds))
            if result > 0 { return true }
            if result == 0 || errno != EINTR { return false }
        }
    }
}
