// SPDX-License-Identifier: Apache-2.0

/// From an address to a number, by flattened prefixes: ranges that do not overlap, each with the number of the longest prefix around it.
///
/// An IPv6 address is looked up by its second 32 bits in the space of the first, where there are prefixes longer than /32, else by the first
/// ones. The value is the number, or the space of the lower half's upper 32 bits where there are prefixes longer than /64, and so on.
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
        let first = UInt32(truncatingIfNeeded: high >> 32)
        guard let second = table.value(of: UInt32(truncatingIfNeeded: high), inSpaceOf: first) else {
            return table.value(of: first, in: ipv6)
        }
        if second & RangeTable.marker == 0 { return second }
        return value(forLower: high | low == 0 ? 1 : low, in: second)
    }

    @inline(never) private func value(forLower half: UInt64, in space: UInt32) -> UInt32 {
        let third = table.value(of: UInt32(truncatingIfNeeded: half >> 32), in: space)
        if third & RangeTable.marker == 0 { return third }
        return table.value(of: UInt32(truncatingIfNeeded: half), in: third)
    }
}
