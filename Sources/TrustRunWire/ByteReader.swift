// SPDX-License-Identifier: Apache-2.0

/// A bounds-checked cursor over bytes in network order.
package struct ByteReader: ~Copyable, ~Escapable {
    /// All bytes, read or not.
    package let bytes: RawSpan
    /// The position of the next byte, from the start of `bytes`.
    package private(set) var offset: Int

    /// Makes a cursor at the first byte.
    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan) {
        self.bytes = bytes
        offset = 0
    }

    /// The number of bytes not read yet.
    package var remaining: Int { bytes.byteCount - offset }

    /// Whether every byte was read.
    package var isAtEnd: Bool { remaining == 0 }

    /// Reads one byte.
    package mutating func uint8() throws(DecodeError) -> UInt8 {
        let value = try bytes.byte(at: offset)
        offset += 1
        return value
    }

    /// Reads a 16-bit number.
    package mutating func uint16() throws(DecodeError) -> UInt16 {
        UInt16(try number(byteCount: 2))
    }

    /// Reads a 24-bit number.
    package mutating func uint24() throws(DecodeError) -> UInt32 {
        try number(byteCount: 3)
    }

    /// Reads a 32-bit number.
    package mutating func uint32() throws(DecodeError) -> UInt32 {
        try number(byteCount: 4)
    }

    /// Moves past `count` bytes.
    package mutating func skip(_ count: Int) throws(DecodeError) {
        guard count >= 0, count <= remaining else { throw .truncated }
        offset += count
    }

    /// Reads `count` bytes in place.
    @_lifetime(copy self)
    package mutating func take(_ count: Int) throws(DecodeError) -> RawSpan {
        let start = offset
        try skip(count)
        return bytes.extracting(start..<offset)
    }

    /// Reads bytes in place that follow their 8-bit length (a vector of RFC 8446 3.4).
    @_lifetime(copy self)
    package mutating func vector8() throws(DecodeError) -> RawSpan {
        let count = Int(try uint8())
        return try take(count)
    }

    /// Reads bytes in place that follow their 16-bit length (a vector of RFC 8446 3.4).
    @_lifetime(copy self)
    package mutating func vector16() throws(DecodeError) -> RawSpan {
        let count = Int(try uint16())
        return try take(count)
    }

    private mutating func number(byteCount: Int) throws(DecodeError) -> UInt32 {
        guard byteCount <= remaining else { throw .truncated }
        var value: UInt32 = 0
        for _ in 0..<byteCount { value = value << 8 | UInt32(try uint8()) }
        return value
    }
}

extension RawSpan {
    /// The byte at `offset`.
    func byte(at offset: Int) throws(DecodeError) -> UInt8 {
        guard offset >= 0, offset < byteCount else { throw .truncated }
        return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}
