// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address; an IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) is the IPv4 address.
package struct IPAddress: Hashable, Sendable {
    /// The upper half of the address as a number, zero for IPv4.
    package var high: UInt64
    /// The lower half of the address as a number, `0xffff` above the 32 bits of an IPv4 address.
    package var low: UInt64

    /// Makes an address from the two halves of its 128-bit form, where IPv4 is the mapped form.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes an IPv4 address from its number, `0x7f000001` for 127.0.0.1.
    package init(ipv4: UInt32) {
        self.init(high: 0, low: 0xffff_0000_0000 | UInt64(ipv4))
    }

    /// Makes an address from 4 or 16 bytes in network order; nil for any other count.
    package init?(networkBytes bytes: Span<UInt8>) {
        switch bytes.count {
        case 4:
            self.init(ipv4: UInt32(Self.number(in: bytes, 0..<4)))
        case 16:
            self.init(high: Self.number(in: bytes, 0..<8), low: Self.number(in: bytes, 8..<16))
        default:
            return nil
        }
    }

    /// Makes an IPv4 address from bytes in network order.
    package init(ipv4Bytes bytes: InlineArray<4, UInt8>) {
        self.init(ipv4: UInt32(Self.number(in: bytes.span, 0..<4)))
    }

    /// Makes an address from the 16 bytes of an IPv6 address in network order.
    package init(ipv6Bytes bytes: InlineArray<16, UInt8>) {
        self.init(high: Self.number(in: bytes.span, 0..<8), low: Self.number(in: bytes.span, 8..<16))
    }

    /// Whether the address is IPv4, mapped or not.
    package var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

    /// Whether the address is IPv6 and no IPv4-mapped one.
    package var isIPv6: Bool { !isIPv4 }

    /// The number of an IPv4 address; nil for IPv6.
    package var ipv4: UInt32? { isIPv4 ? UInt32(truncatingIfNeeded: low) : nil }

    /// One of the eight 16-bit groups of the 128-bit form, counted from the left.
    package func group(_ index: Int) -> UInt16 {
        let half = index < 4 ? high : low
        return UInt16(truncatingIfNeeded: half >> (48 - 16 * UInt64(index & 3)))
    }

    private static func number(in bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var value: UInt64 = 0
        for index in range { value = value << 8 | UInt64(bytes[index]) }
        return value
    }
}

extension IPAddress {
    /// The address that policies speak of: that within a NAT64 address (64:ff9b::/96, RFC 6052 2.1), loopback for the unspecified one, to which
    /// Linux connects as to loopback.
    package var canonical: IPAddress {
        if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 {
            return IPAddress(ipv4: UInt32(truncatingIfNeeded: low)).canonical
        }
        if high == 0, low == 0 { return IPAddress(high: 0, low: 1) }
        if ipv4 == 0 { return IPAddress(ipv4: 0x7f00_0001) }
        return self
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal for IPv4, the RFC 5952 text for IPv6.
    package var description: String {
        if let ipv4 {
            return "\(ipv4 >> 24).\(ipv4 >> 16 & 0xff).\(ipv4 >> 8 & 0xff).\(ipv4 & 0xff)"
        }
        let zeros = longestZeroRun
        var text = ""
        var index = 0
        while index < 8 {
            if index == zeros.lowerBound && !zeros.isEmpty {
                text += "::"
                index = zeros.upperBound
                continue
            }
            if !text.isEmpty && !text.hasSuffix(":") { text += ":" }
            text += String(group(index), radix: 16)
            index += 1
        }
        return text
    }

    /// The groups that `::` stands for: the first longest run of two zeros or more (RFC 5952 4.2).
    package var longestZeroRun: Range<Int> {
        var best = 0..<0
        var start = 0
        for index in 0..<8 {
            if group(index) != 0 {
                start = index + 1
            } else if index + 1 - start > max(best.count, 1) {
                best = start..<(index + 1)
            }
        }
        return best
    }
}
