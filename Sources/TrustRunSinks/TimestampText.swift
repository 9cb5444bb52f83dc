// SPDX-License-Identifier: Apache-2.0

/// Writes RFC 3339 times in UTC; keeps the text of the last second, because most events share it with the one before.
package struct TimestampText {
    private static let nanosecondsPerSecond: UInt64 = 1_000_000_000
    private static let secondsPerDay: UInt64 = 86_400

    private var second = UInt64.max
    /// `2026-01-31T23:59:59.`
    private var text = InlineArray<20, UInt8>(repeating: UInt8(ascii: "."))

    init() {}

    /// One time alone.
    package static func text(of time: UInt64) -> String {
        var buffer = OutputBuffer(capacity: 64)
        var text = TimestampText()
        text.append(time, to: &buffer)
        return String(decoding: buffer.copy(from: 0) ?? [], as: UTF8.self)
    }

    /// Writes nanoseconds since 1970 as `2026-01-31T23:59:59.000000000Z`.
    mutating func append(_ time: UInt64, to buffer: inout OutputBuffer) {
        let (seconds, nanoseconds) = time.quotientAndRemainder(dividingBy: Self.nanosecondsPerSecond)
        if seconds != second { render(seconds) }
        buffer.append(text.span)
        buffer.append(decimal: nanoseconds, digits: 9)
        buffer.append(byte: UInt8(ascii: "Z"))
    }

    /// The same into memory that is enough.
    @inline(always)
    mutating func put(_ time: UInt64, at cursor: inout LineCursor) {
        let (seconds, nanoseconds) = time.quotientAndRemainder(dividingBy: Self.nanosecondsPerSecond)
        if seconds != second { render(seconds) }
        cursor.put(text.span)
        cursor.put(nanoseconds: UInt32(truncatingIfNeeded: nanoseconds))
        cursor.put(byte: UInt8(ascii: "Z"))
    }

    private mutating func render(_ seconds: UInt64) {
        second = seconds
        let (days, time) = seconds.quotientAndRemainder(dividingBy: Self.secondsPerDay)
        // Howard Hinnant's civil_from_days: eras of 400 years from March of the year 0.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        put(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), digits: 4, at: 0)
        text[4] = UInt8(ascii: "-")
        put(month, digits: 2, at: 5)
        text[7] = UInt8(ascii: "-")
        put(dayOfYear - (153 * marchMonth + 2) / 5 + 1, digits: 2, at: 8)
        text[10] = UInt8(ascii: "T")
        put(time / 3600, digits: 2, at: 11)
        text[13] = UInt8(ascii: ":")
        put(time / 60 % 60, digits: 2, at: 14)
        text[16] = UInt8(ascii: ":")
        put(time % 60, digits: 2, at: 17)
    }

    private mutating func put(_ value: UInt64, digits: Int, at position: Int) {
        var rest = value
        for offset in (0..<digits).reversed() {
            text[position + offset] = UInt8(truncatingIfNeeded: 48 + rest % 10)
            rest /= 10
        }
    }
}
