// SPDX-License-Identifier: Apache-2.0

/// Walks the labels of one name of a DNS message, through compression pointers (RFC 1035 4.1.4).
struct DNSLabelCursor: ~Copyable, ~Escapable {
    /// The most bytes of a name on the wire, its root label included (RFC 1035 2.3.4).
    private static let maximumLength = 255
    /// A useful pointer follows at least one label, and a name has at most 127 of them.
    private static let maximumPointers = 127

    private let message: RawSpan
    private var position: Int
    /// Where the current run of labels starts; a pointer must lead to before it, so no walk can loop.
    private var runStart: Int
    private var length = 1
    private var pointers = 0
    private var endBeforePointer: Int?

    @_lifetime(copy message)
    init(_ message: RawSpan, at start: Int) {
        self.message = message
        position = start
        runStart = start
    }

    /// The position behind the name's own bytes, once `next()` has returned nil.
    var end: Int { endBeforePointer ?? position + 1 }

    /// Where the next label's bytes are; nil at the root.
    mutating func next() throws(DecodeError) -> Range<Int>? {
        while true {
            let octet = try message.byte(at: position)
            switch octet & 0xc0 {
            case 0 where octet == 0:
                return nil
            case 0:
                return try label(byteCount: Int(octet))
            case 0xc0:
                try follow(Int(octet & 0x3f) << 8 | Int(try message.byte(at: position + 1)))
            default:
                throw .badName
            }
        }
    }

    private mutating func label(byteCount: Int) throws(DecodeError) -> Range<Int> {
        let label = (position + 1)..<(position + 1 + byteCount)
        guard label.upperBound <= message.byteCount else { throw .truncated }
        length += 1 + byteCount
        guard length <= Self.maximumLength else { throw .badName }
        position = label.upperBound
        return label
    }

    private mutating func follow(_ target: Int) throws(DecodeError) {
        guard target >= DNSMessage.headerByteCount, target < runStart else { throw .badPointer }
        pointers += 1
        guard pointers <= Self.maximumPointers else { throw .badName }
        if endBeforePointer == nil { endBeforePointer = position + 2 }
        position = target
        runStart = target
    }
}
