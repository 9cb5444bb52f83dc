// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The machine's clocks, in nanoseconds.
enum Clock {
    /// Since boot, sleep included: what the kernel side stamps its records with.
    static var boot: UInt64 { read(CLOCK_BOOTTIME) }
    /// Since 1970 (UTC).
    static var wall: UInt64 { read(CLOCK_REALTIME) }
    /// What turns the first into the second: of several readings of both the one that took least, since the thread may lose its CPU for
    /// milliseconds between them.
    static var bootOffset: UInt64 {
        var (offset, narrowest): (UInt64, UInt64) = (0, .max)
        for _ in 0..<offsetReadings {
            let (before, wall, after) = (boot, wall, boot)
            guard after &- before < narrowest else { continue }
            narrowest = after &- before
            offset = wall &- (before &+ narrowest / 2)
        }
        return offset
    }
    private static let offsetReadings = 5

    /// A time since 1970 to the second, as RFC 3339 writes it in UTC.
    static func text(of time: UInt64) -> String {
        var seconds = time_t(time / 1_000_000_000)
        var parts = unsafe tm()
        guard unsafe gmtime_r(&seconds, &parts) != nil else { return "?" }
        var text = [CChar](repeating: 0, count: 32)
        let count = unsafe strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
