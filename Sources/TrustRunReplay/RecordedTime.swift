// SPDX-License-Identifier: Apache-2.0

/// Times as a stream has them: RFC 3339 in UTC, with nanoseconds.
package enum RecordedTime {
    /// Nanoseconds since 1970; nil for anything else than such a time of 1970 or later.
    package static func nanoseconds(of text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 30, bytes[4] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"),
            bytes[19] == UInt8(ascii: "."), bytes[29] == UInt8(ascii: "Z"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            let fraction = number(bytes[20..<29]), (1970...2200).contains(year), (1...12).contains(month)
        else { return nil }
        // Days since 1970, with years that begin in March.
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000_000 + fraction
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        digits.reduce(Int64?(0)) { sum, digit in
            guard let sum, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            return sum * 10 + Int64(digit - UInt8(ascii: "0"))
        }
    }

    /// As people say it: 12.3 ms, 4.0 s.
    package static func text(ofDuration nanoseconds: Int64) -> String {
        let units: [(Int64, String)] = [
            (3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"), (1_000_000, "ms"),
        ]
        let (size, name) = units.first { size, _ in abs(nanoseconds) >= size } ?? (1000, "us")
        let tenths = nanoseconds / (size / 10)
        return "\(tenths / 10).\(abs(tenths % 10)) \(name)"
    }
}
