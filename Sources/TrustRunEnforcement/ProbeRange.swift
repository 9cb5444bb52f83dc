// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents
package import TrustRunPolicy

/// Where the proofs of one policy go: networks in which one port is refused. Nobody listens there, and no packet to them leaves the machine
/// or the site.
package struct ProbeRange: Sendable, Equatable {
    /// Within 127.0.0.0/8.
    private let ipv4: Prefix
    /// Within 100::/64, which discards what it gets (RFC 6666).
    private let ipv6: Prefix
    package let port: UInt16

    private struct Prefix: Sendable, Equatable {
        let address: IPAddress
        /// Bits behind the prefix.
        let free: Int

        var network: IPNetwork? { IPNetwork(address, length: (address.isIPv4 ? 32 : 128) - free) }

        /// One of its addresses, but neither the first nor the last.
        func address(using generator: inout some RandomNumberGenerator) -> IPAddress {
            guard free > 0 else { return address }
            let host = UInt64.random(in: 1...((1 << UInt64(free)) - 2), using: &generator)
            return IPAddress(high: address.high, low: address.low | host)
        }
    }

    private static let tries = 64

    /// One that nobody can foresee, and within which the policy makes no difference between addresses.
    package init(avoiding compiled: CompiledPolicy, using generator: inout some RandomNumberGenerator) {
        port = UInt16.random(in: 1024...65535, using: &generator)
        ipv4 = Self.prefix(free: [16, 8, 0], compiled) {
            // Neither 127.0.0.0/16, which is used, nor the last address.
            IPAddress(ipv4: 0x7f00_0000 | UInt32.random(in: 0x01_0000...0xff_fffe, using: &generator))
        }
        ipv6 = Self.prefix(free: [16, 0], compiled) {
            IPAddress(high: 0x0100 << 48, low: UInt64.random(in: 1...UInt64.max, using: &generator))
        }
    }

    /// In the order of the tables: IPv4, IPv6.
    package var networks: [IPNetwork] { [ipv4, ipv6].compactMap(\.network) }

    /// A destination of one proof.
    package func destination(using generator: inout some RandomNumberGenerator) -> ProbeDestination {
        ProbeDestination(ipv4: ipv4.address(using: &generator), ipv6: ipv6.address(using: &generator), port: port)
    }

    private static func prefix(free sizes: [Int], _ compiled: CompiledPolicy, _ random: () -> IPAddress) -> Prefix {
        for free in sizes where free > 0 {
            for _ in 0..<tries {
                let address = random()
                let prefix = Prefix(
                    address: IPAddress(high: address.high, low: (address.low >> free) << free), free: free)
                guard let network = prefix.network else { continue }
                let holdsOther = compiled.addressKeys.contains { key in
                    key.network.length > network.length && network.contains(key.network.address)
                }
                if !holdsOther { return prefix }
            }
        }
        // A single address holds no other.
        return Prefix(address: random(), free: 0)
    }
}

/// Where one proof tries to go.
package struct ProbeDestination: Sendable, Equatable {
    package let ipv4: IPAddress
    package let ipv6: IPAddress
    package let port: UInt16
}
