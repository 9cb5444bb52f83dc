// SPDX-License-Identifier: Apache-2.0

/// What the bytes at one place are in UTF-8 (Unicode 16, table 3-7).
enum UTF8Sequence {
    case scalar(UInt32, length: Int)
    /// The bytes that one U+FFFD stands for: the longest beginning of a sequence that goes wrong.
    case invalid(length: Int)

    /// Reads the sequence that begins at `index`.
    init(in bytes: Span<UInt8>, at index: Int) {
        let first = bytes[index]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xbf
        switch first {
        case 0x00...0x7f:
            self = .scalar(UInt32(first), length: 1)
            return
        case 0xc2...0xdf: length = 2
        case 0xe0...0xef:
            length = 3
            if first == 0xe0 { second = 0xa0...0xbf }
            if first == 0xed { second = 0x80...0x9f }
        case 0xf0...0xf4:
            length = 4
            if first == 0xf0 { second = 0x90...0xbf }
            if first == 0xf4 { second = 0x80...0x8f }
        default:
            self = .invalid(length: 1)
            return
        }
        var value = UInt32(first) & (0x7f >> UInt32(length))
        for offset in 1..<length {
            let allowed = offset == 1 ? second : 0x80...0xbf
            guard index + offset < bytes.count, allowed.contains(bytes[index + offset]) else {
                self = .invalid(length: offset)
                return
            }
            value = value << 6 | UInt32(bytes[index + offset] & 0x3f)
        }
        self = .scalar(value, length: length)
    }
}
