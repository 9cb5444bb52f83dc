// SPDX-License-Identifier: Apache-2.0

/// From an address to a number, by flattened prefixes: ranges that do not overlap, each with the number of the longest prefix around it.
package struct AddressIndex: Sendable {
    private var ipv4 = RangeSpace<UInt32>()
    /// The upper halves of IPv6 addresses; and where a prefix is longer than /64, lower halves in a space of their own.
    private var ipv6 = RangeSpace<UInt64>()
    private var ipv4Root: UInt32 = 0
    private var ipv6Root: UInt32 = 0
    /// The roots of lower halves. In the upper halves, `marker` and the place of a root stand where the lower halves differ.
    private var lowerRoots: [UInt32] = []

    private static let marker: UInt32 = 1 << 31

    package init() {}

    /// The number of an address, in whatever form it is written.
    package func value(for address: IPAddress) -> UInt32 {
        let (high, low) = (address.high, address.low)
        // As the address that policies speak of: that within NAT64 (RFC 6052 2.1), loopback for the unspecified one.
        let isNAT64 = high == 0x0064_ff9b_0000_0000 && low >> 32 == 0
        if isNAT64 || (high == 0 && low >> 32 == 0xffff) {
            let number = UInt32(truncatingIfNeeded: low)
            return ipv4.value(of: number == 0 ? 0x7f00_0001 : number, in: ipv4Root)
        }
        let value = ipv6.value(of: high, in: ipv6Root)
        if value & Self.marker == 0 { return value }
        return ipv6.value(of: high | low == 0 ? 1 : low, in: lowerRoots[Int(value & ~Self.marker)])
    }
}

// MARK: - Making one

extension AddressIndex {
    /// A range of numbers with what holds there unless a range within it says otherwise: IPv4 addresses stand in the upper 32 bits.
    package struct Nested {
        let first: UInt64
        let last: UInt64
        let value: UInt32

        package init(first: UInt64, last: UInt64, value: UInt32) {
            self.first = first
            self.last = last
            self.value = value
        }

        fileprivate var ipv6: RangeSpace<UInt64>.Nested { RangeSpace.Nested(first: first, last: last, value: value) }

        fileprivate var ipv4: RangeSpace<UInt32>.Nested {
            RangeSpace.Nested(first: UInt32(first >> 32), last: UInt32(last >> 32), value: value)
        }
    }

    /// `ranges` ascend by their first number, the wider first, and overlap only if one holds the other.
    package mutating func setIPv4(_ ranges: [Nested], background: UInt32) {
        ipv4Root = ipv4.add(ranges.map(\.ipv4), background: background)
    }

    package mutating func setIPv6(_ ranges: [Nested], background: UInt32) {
        ipv6Root = ipv6.add(ranges.map(\.ipv6), background: background)
    }

    /// The value for an upper half whose lower halves differ.
    package mutating func addLowerHalves(_ ranges: [Nested], background: UInt32) -> UInt32 {
        lowerRoots.append(ipv6.add(ranges.map(\.ipv6), background: background))
        return UInt32(lowerRoots.count - 1) | Self.marker
    }
}
