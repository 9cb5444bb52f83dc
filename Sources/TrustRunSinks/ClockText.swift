// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Writes times of day in the local time zone; keeps the text of the last second.
struct ClockText {
    private static let nanosecondsPerSecond: UInt64 = 1_000_000_000
    private static let nanosecondsPerMillisecond: UInt64 = 1_000_000

    private var second = UInt64.max
    private var hour: UInt64 = 0
    private var minute: UInt64 = 0
    private var secondOfMinute: UInt64 = 0

    init() {}

    /// Writes nanoseconds since 1970 as `HH:MM:SS.mmm`.
    mutating func append(_ time: UInt64, to buffer: inout OutputBuffer) {
        let (seconds, nanoseconds) = time.quotientAndRemainder(dividingBy: Self.nanosecondsPerSecond)
        if seconds != second { read(seconds) }
        buffer.append(decimal: hour, digits: 2)
        buffer.append(":")
        buffer.append(decimal: minute, digits: 2)
        buffer.append(":")
        buffer.append(decimal: secondOfMinute, digits: 2)
        buffer.append(".")
        buffer.append(decimal: nanoseconds / Self.nanosecondsPerMillisecond, digits: 3)
    }

    private mutating func read(_ seconds: UInt64) {
        second = seconds
        var clock = time_t(seconds)
        var local = unsafe tm()
        guard unsafe localtime_r(&clock, &local) != nil else { return }
        hour = UInt64(clamping: unsafe local.tm_hour)
        minute = UInt64(clamping: unsafe local.tm_min)
        secondOfMinute = UInt64(clamping: unsafe local.tm_sec)
    }
}
