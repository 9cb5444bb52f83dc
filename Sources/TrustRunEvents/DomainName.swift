// SPDX-License-Identifier: Apache-2.0

/// A host name held without heap memory: lower case, no trailing dot, letters, digits, hyphens and underscores only.
package struct DomainName: Sendable {
    /// The longest name in presentation form (RFC 1035 2.3.4).
    package static let maximumLength = 253
    private static let maximumLabelLength = 63

    private var storage: InlineArray<253, UInt8>
    private let length: UInt8

    /// Checks and lower-cases a name in presentation form; a single trailing dot is dropped.
    package init?(ascii text: Span<UInt8>) {
        var count = text.count
        if count > 1 && text[count - 1] == UInt8(ascii: ".") { count -= 1 }
        guard (1...Self.maximumLength).contains(count) else { return nil }
        var bytes = InlineArray<253, UInt8>(repeating: 0)
        var labelLength = 0
        for index in 0..<count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "."):
                guard labelLength > 0 else { return nil }
                labelLength = 0
                bytes[index] = byte
                continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                bytes[index] = byte | 0x20
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                bytes[index] = byte
            default:
                return nil
            }
            labelLength += 1
            guard labelLength <= Self.maximumLabelLength else { return nil }
        }
        guard labelLength > 0 else { return nil }
        storage = bytes
        length = UInt8(count)
    }

    /// Checks and lower-cases a name in presentation form; a single trailing dot is dropped.
    package init?(_ text: String) {
        self.init(ascii: text.utf8.span)
    }

    /// The number of bytes in the name.
    package var count: Int { Int(length) }

    /// The bytes of the name.
    package var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { storage.span.extracting(first: Int(length)) }
    }

    /// Calls `body` with the bytes of the name.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe span.withUnsafeBytes { bytes in unsafe body(bytes) }
    }

    /// Whether the last label is a number, so that the text reads as an IPv4 address (RFC 1123 2.1).
    package var endsInNumber: Bool {
        var index = count
        while index > 0 {
            index -= 1
            let byte = storage[index]
            if byte == UInt8(ascii: ".") { return true }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return false }
        }
        return true
    }
}

extension DomainName: Hashable {
    package static func == (left: DomainName, right: DomainName) -> Bool {
        guard left.length == right.length else { return false }
        for index in 0..<left.count where left.storage[index] != right.storage[index] { return false }
        return true
    }

    package func hash(into hasher: inout Hasher) {
        unsafe withUnsafeBytes { bytes in unsafe hasher.combine(bytes: bytes) }
    }
}

extension DomainName: CustomStringConvertible {
    /// The name as text.
    package var description: String {
        unsafe withUnsafeBytes { bytes in unsafe String(decoding: bytes, as: UTF8.self) }
    }
}
