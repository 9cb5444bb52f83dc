// SPDX-License-Identifier: Apache-2.0

extension OutputBuffer {
    /// Writes a JSON string with its quotes.
    package mutating func append(jsonString bytes: [UInt8]) {
        append(jsonString: bytes.span)
    }

    /// Writes a JSON string with its quotes.
    package mutating func append(jsonString text: String) {
        append(jsonString: text.utf8.span)
    }

    /// Writes a JSON string with its quotes: the shortest escapes (RFC 8259 7), U+FFFD for what is not UTF-8.
    package mutating func append(jsonString bytes: Span<UInt8>) {
        append(byte: UInt8(ascii: "\""))
        var index = 0
        while index < bytes.count {
            let plainEnd = Self.endOfPlainText(in: bytes, from: index)
            append(bytes.extracting(index..<plainEnd))
            guard plainEnd < bytes.count else { break }
            index = plainEnd
            if bytes[index] < 0x80 {
                append(jsonEscape: bytes[index])
                index += 1
                continue
            }
            switch UTF8Sequence(in: bytes, at: index) {
            case .scalar(_, let length):
                append(bytes.extracting(index..<(index + length)))
                index += length
            case .invalid(let length):
                append("\u{fffd}")
                index += length
            }
        }
        append(byte: UInt8(ascii: "\""))
    }

    private static func endOfPlainText(in bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            index += 1
        }
        return index
    }

    private mutating func append(jsonEscape byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0a: append("\\n")
        case 0x0c: append("\\f")
        case 0x0d: append("\\r")
        default:
            append("\\u00")
            append(hexByte: byte)
        }
    }
}
