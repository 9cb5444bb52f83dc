// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// A prefix of IPv4 or IPv6 addresses. Whole addresses are canonical ones.
package struct IPNetwork: Sendable, Hashable {
    /// With zeros behind the prefix.
    package let address: IPAddress
    /// Bits of the prefix: 0 to 32 for IPv4, 0 to 128 for IPv6.
    package let length: Int

    /// nil if the length does not fit the address's family. Bits behind the prefix are dropped.
    package init?(_ address: IPAddress, length: Int) {
        let isWhole = length == (address.isIPv4 ? 32 : 128)
        // Only whole addresses have another form: 0.0.0.0/0 is every IPv4 address.
        let (address, length) = isWhole ? (address.canonical, address.canonical.isIPv4 ? 32 : 128) : (address, length)
        guard (0...(address.isIPv4 ? 32 : 128)).contains(length) else { return nil }
        // An IPv4 address is the last 32 of 128 bits.
        let bits = address.isIPv4 ? length + 96 : length
        self.address = Self.masked(address, bits: bits)
        self.length = length
    }

    package var isIPv4: Bool { address.isIPv4 }

    package func contains(_ other: IPAddress) -> Bool {
        let other = other.canonical
        return other.isIPv4 == isIPv4 && IPNetwork(other, length: length)?.address == address
    }
}

extension IPNetwork: CustomStringConvertible {
    package var description: String {
        length == (isIPv4 ? 32 : 128) ? "\(address)" : "\(address)/\(length)"
    }
}
