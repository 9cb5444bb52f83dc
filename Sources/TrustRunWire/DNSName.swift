// SPDX-License-Identifier: Apache-2.0

internal import TrustRunEvents

/// A name inside a DNS message: its place, and a hash that spares most comparisons.
struct DNSName: Sendable {
    /// Where the name starts in the message.
    let start: UInt16
    /// A hash of the lower-cased labels.
    let hash: UInt32

    /// The empty name of a place that is not filled yet.
    static let none = DNSName(start: 0, hash: 0)

    private init(start: UInt16, hash: UInt32) {
        self.start = start
        self.hash = hash
    }

    /// Checks the name at the cursor and moves past it.
    init(from reader: inout ByteReader) throws(DecodeError) {
        var labels = DNSLabelCursor(reader.bytes, at: reader.offset)
        var hash: UInt32 = 0x811c_9dc5  // FNV-1a
        while let label = try labels.next() {
            hash = (hash ^ UInt32(label.count)) &* 0x0100_0193
            for offset in label {
                hash = (hash ^ UInt32(try reader.bytes.byte(at: offset).loweredASCII)) &* 0x0100_0193
            }
        }
        guard let start = UInt16(exactly: reader.offset) else { throw .tooLong }
        self.init(start: start, hash: hash)
        try reader.skip(labels.end - reader.offset)
    }

    /// Whether two names of one message are the same, without regard to case (RFC 4343 3).
    func isEqual(to other: DNSName, in message: RawSpan) throws(DecodeError) -> Bool {
        if start == other.start { return true }
        guard hash == other.hash else { return false }
        var left = DNSLabelCursor(message, at: Int(start))
        var right = DNSLabelCursor(message, at: Int(other.start))
        while let label = try left.next() {
            guard let otherLabel = try right.next(), label.count == otherLabel.count else { return false }
            for index in 0..<label.count {
                let byte = try message.byte(at: label.lowerBound + index).loweredASCII
                let otherByte = try message.byte(at: otherLabel.lowerBound + index).loweredASCII
                guard byte == otherByte else { return false }
            }
        }
        return try right.next() == nil
    }

    /// The name as a host name; nil for the root and for names with other bytes than a host name has.
    static func hostName(at start: Int, in message: RawSpan) throws(DecodeError) -> DomainName? {
        var text = InlineArray<256, UInt8>(repeating: 0)
        var count = 0
        var labels = DNSLabelCursor(message, at: start)
        while let label = try labels.next() {
            if count > 0 {
                text[count] = UInt8(ascii: ".")
                count += 1
            }
            for offset in label {
                let byte = try message.byte(at: offset)
                // A dot within a label would read as two labels.
                guard byte != UInt8(ascii: ".") else { return nil }
                text[count] = byte
                count += 1
            }
        }
        return DomainName(ascii: text.span.extracting(first: count))
    }
}

extension UInt8 {
    fileprivate var loweredASCII: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
