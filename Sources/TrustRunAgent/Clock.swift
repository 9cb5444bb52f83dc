// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The machine's clocks, in nanoseconds.
enum Clock {
    /// Since boot, sleep included: what the kernel side stamps its records with.
    static var boot: UInt64 { read(CLOCK_BOOTTIME) }
    /// Since 1970 (UTC).
    static var wall: UInt64 { read(CLOCK_REALTIME) }
    /// What turns the first into the second.
    static var bootOffset: UInt64 { wall &- boot }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
