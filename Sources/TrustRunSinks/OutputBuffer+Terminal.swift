// SPDX-License-Identifier: Apache-2.0

extension OutputBuffer {
    /// Writes text that others chose so that a terminal shows it and does nothing else: what is not printable becomes
    /// `\xNN`, a backslash becomes two.
    package mutating func append(printable bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\\") {
                append("\\\\")
                index += 1
                continue
            }
            switch UTF8Sequence(in: bytes, at: index) {
            case .scalar(let value, let length):
                if Self.isPrintable(value) {
                    append(bytes.extracting(index..<(index + length)))
                } else {
                    append(escaped: bytes.extracting(index..<(index + length)))
                }
                index += length
            case .invalid(let length):
                append(escaped: bytes.extracting(index..<(index + length)))
                index += length
            }
        }
    }

    package mutating func append(printable bytes: [UInt8]) {
        append(printable: bytes.span)
    }

    package mutating func append(printable text: String) {
        append(printable: text.utf8.span)
    }

    private mutating func append(escaped bytes: Span<UInt8>) {
        for index in bytes.indices {
            append("\\x")
            append(hexByte: bytes[index])
        }
    }

    /// Controls (C0, DEL, C1), bidirectional and other format characters, and line separators are not.
    private static func isPrintable(_ value: UInt32) -> Bool {
        if value < 0x7f { return value >= 0x20 }
        guard let scalar = Unicode.Scalar(value) else { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default:
            return true
        }
    }

    /// Writes bytes as people count them: `512 B`, `1.5 KiB`.
    mutating func append(byteCount: UInt64) {
        guard byteCount >= 1024 else {
            append(decimal: byteCount)
            return append(" B")
        }
        var whole = byteCount
        var unit = 0
        var rest: UInt64 = 0
        while whole >= 1024, unit < 6 {
            rest = whole % 1024
            whole /= 1024
            unit += 1
        }
        append(decimal: whole)
        append(".")
        append(decimal: rest * 10 / 1024)
        let units: StaticString = " KMGTPE"
        append(" ")
        append(byte: unsafe units.utf8Start[unit])
        append("iB")
    }

    /// Writes a duration with its unit: `812 ns`, `12.3 ms`, `1.5 s`, `3m12s`, `2h05m`, `4d03h`.
    mutating func append(duration nanoseconds: UInt64) {
        switch nanoseconds {
        case ..<1_000:
            append(decimal: nanoseconds)
            append(" ns")
        case ..<1_000_000: append(tenths: nanoseconds / 100, " us")
        case ..<1_000_000_000: append(tenths: nanoseconds / 100_000, " ms")
        case ..<60_000_000_000: append(tenths: nanoseconds / 100_000_000, " s")
        default:
            let seconds = nanoseconds / 1_000_000_000
            if seconds < 3600 {
                append(pair: seconds / 60, "m", seconds % 60, "s")
            } else if seconds < 86_400 {
                append(pair: seconds / 3600, "h", seconds / 60 % 60, "m")
            } else {
                append(pair: seconds / 86_400, "d", seconds / 3600 % 24, "h")
            }
        }
    }

    private mutating func append(tenths: UInt64, _ unit: StaticString) {
        append(decimal: tenths / 10)
        append(".")
        append(decimal: tenths % 10)
        append(unit)
    }

    private mutating func append(
        pair first: UInt64, _ firstUnit: StaticString, _ second: UInt64, _ secondUnit: StaticString
    ) {
        append(decimal: first)
        append(firstUnit)
        append(decimal: second, digits: 2)
        append(secondUnit)
    }
}
