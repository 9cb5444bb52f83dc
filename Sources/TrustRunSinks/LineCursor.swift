// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents

/// Writes into memory that is known to be enough, without asking again: whoever makes one has checked the room, with `slack` to spare.
@safe struct LineCursor: ~Copyable {
    /// Bytes behind the last one that a number may touch.
    static let slack = 32
    /// The text of an address at most.
    static let addressMax = 39
    /// The members of an endpoint at most.
    static let endpointMax = 80

    private(set) var next: UnsafeMutablePointer<UInt8>
    private let end: UnsafeMutablePointer<UInt8>

    @inline(always)
    init(from start: UnsafeMutablePointer<UInt8>, to end: UnsafeMutablePointer<UInt8>) {
        unsafe next = start
        unsafe self.end = end
    }

    @inline(always)
    private mutating func advance(by length: Int) {
        unsafe next += length
        assert(unsafe next <= end)
    }

    @inline(always)
    mutating func put(byte: UInt8) {
        unsafe next.pointee = byte
        advance(by: 1)
    }

    @inline(always)
    mutating func put(_ text: StaticString) {
        unsafe UnsafeMutableRawPointer(next).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        advance(by: text.utf8CodeUnitCount)
    }

    /// Writes the first `length` of up to 32 bytes; the others go into the slack, so that no length needs a call.
    @inline(always)
    mutating func put(_ text: InlineArray<32, UInt8>, length: Int) {
        unsafe UnsafeMutableRawPointer(next).storeBytes(of: text, as: InlineArray<32, UInt8>.self)
        advance(by: length)
    }

    @inline(always)
    mutating func put(_ bytes: borrowing Span<UInt8>) {
        let length = bytes.count
        unsafe bytes.withUnsafeBufferPointer { source in
            if let start = source.baseAddress {
                unsafe UnsafeMutableRawPointer(next).copyMemory(from: start, byteCount: length)
            }
        }
        advance(by: length)
    }

    @inline(always)
    mutating func put(_ bytes: [UInt8]) {
        put(bytes.span)
    }

    @inline(always)
    mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
        if let start = bytes.baseAddress {
            unsafe UnsafeMutableRawPointer(next).copyMemory(from: start, byteCount: bytes.count)
        }
        advance(by: bytes.count)
    }

    /// Writes a number in decimal.
    @inline(always)
    mutating func put(decimal value: UInt64) {
        let digits = DecimalDigits.count(value)
        unsafe DecimalDigits.write(value, digits: digits, to: next)
        advance(by: digits)
    }

    /// Writes nine digits.
    @inline(always)
    mutating func put(nanoseconds: UInt32) {
        put(byte: UInt8(truncatingIfNeeded: 48 + nanoseconds / 100_000_000))
        let text = Self.eightDecimalDigits(UInt64(nanoseconds % 100_000_000))
        unsafe UnsafeMutableRawPointer(next).storeBytes(of: text.littleEndian, as: UInt64.self)
        advance(by: 8)
    }

    /// The text of a number below 100 000 000, first digit in the lowest byte: halves, then pairs, then digits, all parts of the word at once.
    @inline(always)
    private static func eightDecimalDigits(_ value: UInt64) -> UInt64 {
        let halves = (value / 10_000) | ((value % 10_000) << 32)
        let hundreds = ((halves &* 10_486) >> 20) & 0x0000_007f_0000_007f
        let pairs = hundreds | ((halves &- hundreds &* 100) << 16)
        let tens = ((pairs &* 103) >> 10) & 0x000f_000f_000f_000f
        return (tens | ((pairs &- tens &* 10) << 8)) | 0x3030_3030_3030_3030
    }

    /// Writes a number in hexadecimal, lower case, without leading zeros.
    @inline(always)
    mutating func put(hex value: UInt64) {
        guard value > UInt64(UInt32.max) else { return put(shortHex: value) }
        let digits = (67 - value.leadingZeroBitCount) / 4
        let aligned = value << UInt64(4 * (16 - digits))
        let raw = unsafe UnsafeMutableRawPointer(next)
        unsafe raw.storeBytes(of: Self.eightDigits(aligned >> 32), as: UInt64.self)
        unsafe (raw + 8).storeBytes(of: Self.eightDigits(aligned & 0xffff_ffff), as: UInt64.self)
        advance(by: digits)
    }

    /// The same for 32 bits, which nearly all numbers fit into.
    @inline(always)
    private mutating func put(shortHex value: UInt64) {
        let digits = max(1, (67 - value.leadingZeroBitCount) / 4)
        let text = Self.eightDigits(value << UInt64(4 * (8 - digits)))
        unsafe UnsafeMutableRawPointer(next).storeBytes(of: text, as: UInt64.self)
        advance(by: digits)
    }

    /// The text of 32 bits, first digit first in memory: a nibble is spread to each byte, and letters are 39 behind the digits.
    @inline(always)
    private static func eightDigits(_ value: UInt64) -> UInt64 {
        var nibbles = (value << 16 | value) & 0x0000_ffff_0000_ffff
        nibbles = (nibbles << 8 | nibbles) & 0x00ff_00ff_00ff_00ff
        nibbles = (nibbles << 4 | nibbles) & 0x0f0f_0f0f_0f0f_0f0f
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 39).bigEndian
    }

    /// Writes an address: dotted decimal for IPv4, the RFC 5952 text for IPv6.
    @inline(always)
    mutating func put(_ address: IPAddress) {
        guard address.high == 0, address.low >> 32 == 0xffff else { return put(ipv6: address) }
        let ipv4 = UInt32(truncatingIfNeeded: address.low)
        put(octet: ipv4 >> 24)
        put(byte: UInt8(ascii: "."))
        put(octet: ipv4 >> 16 & 0xff)
        put(byte: UInt8(ascii: "."))
        put(octet: ipv4 >> 8 & 0xff)
        put(byte: UInt8(ascii: "."))
        put(octet: ipv4 & 0xff)
    }

    @inline(always)
    private mutating func put(octet: UInt32) {
        let text = unsafe Self.octets + Int(octet) * 4
        unsafe UnsafeMutableRawPointer(next).copyMemory(from: text, byteCount: 4)
        advance(by: unsafe Int(text[3]) - 48)
    }

    private mutating func put(ipv6 address: IPAddress) {
        let zeros = address.longestZeroRun
        var index = 0
        var needsColon = false
        while index < 8 {
            if index == zeros.lowerBound && !zeros.isEmpty {
                put("::")
                index = zeros.upperBound
                needsColon = false
                continue
            }
            if needsColon { put(byte: UInt8(ascii: ":")) }
            put(hex: UInt64(address.group(index)))
            needsColon = true
            index += 1
        }
    }
}
