// SPDX-License-Identifier: Apache-2.0

/// From an address to a number, by flattened prefixes: ranges that do not overlap, each with the number of the longest prefix around it.
///
/// An IPv6 address is looked up in parts of 32 bits, from the left: the value of a part is the number, or the space of the next part where
/// there are prefixes that end in a later one.
package struct AddressIndex: Sendable {
    let table: RangeTable
    let ipv4: UInt32
    let ipv6: UInt32

    /// The number of an address, in whatever form it is written.
    package func value(for address: IPAddress) -> UInt32 {
        let (high, low) = (address.high, address.low)
        // As the address that policies speak of: that within NAT64 (RFC 6052 2.1), loopback for the unspecified one.
        let isNAT64 = high == 0x0064_ff9b_0000_0000 && low >> 32 == 0
        if isNAT64 || (high == 0 && low >> 32 == 0xffff) {
            let number = UInt32(truncatingIfNeeded: low)
            return table.value(of: number == 0 ? 0x7f00_0001 : number, in: ipv4)
        }
        let first = table.value(of: UInt32(truncatingIfNeeded: high >> 32), in: ipv6)
        if first & RangeTable.marker == 0 { return first }
        let second = table.value(of: UInt32(truncatingIfNeeded: high), in: first)
        if second & RangeTable.marker == 0 { return second }
        return value(forLower: high | low == 0 ? 1 : low, in: second)
    }

    @inline(never) private func value(forLower half: UInt64, in space: UInt32) -> UInt32 {
        let third = table.value(of: UInt32(truncatingIfNeeded: half >> 32), in: space)
        if third & RangeTable.marker == 0 { return third }
        return table.value(of: UInt32(truncatingIfNeeded: half), in: third)
    }
}
