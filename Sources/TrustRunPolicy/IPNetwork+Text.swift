// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension IPNetwork {
    /// What is wrong with a network's text.
    package enum TextError: Error, Equatable {
        case notAnAddress
        /// The length is no number, or longer than the addresses of that family; the longest that is not.
        case badLength(maximum: Int)
        /// Bits behind the prefix are set; the network that was probably meant.
        case bitsBehindPrefix(meant: IPNetwork)
    }

    /// Reads an address or `address/length`. A network within `::ffff:0:0/96` (RFC 4291 2.5.5.2) or `64:ff9b::/96` (RFC 6052 2.1) is
    /// the IPv4 network.
    package init(text: String) throws(TextError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let addressText = parts.first, let address = IPAddress(text: String(addressText)) else {
            throw .notAnAddress
        }
        let isIPv6Text = addressText.contains(":")
        let maximum = isIPv6Text ? 128 : 32
        var length = maximum
        if parts.count == 2 {
            guard let number = Self.decimal(parts[1]), number <= maximum else { throw .badLength(maximum: maximum) }
            length = number
        }
        let bits = isIPv6Text ? length : length + 96
        let prefix = Self.masked(address, bits: bits)
        guard let network = Self(prefix: prefix, bits: bits, isIPv6Text: isIPv6Text) else { throw .notAnAddress }
        guard prefix == address else { throw .bitsBehindPrefix(meant: network) }
        self = network
    }

    private init?(prefix: IPAddress, bits: Int, isIPv6Text: Bool) {
        if bits >= 96, prefix.isIPv4 {
            self.init(prefix, length: bits - 96)
        } else if bits >= 96, prefix.high == 0x0064_ff9b_0000_0000, prefix.low >> 32 == 0 {
            self.init(IPAddress(ipv4: UInt32(truncatingIfNeeded: prefix.low)), length: bits - 96)
        } else {
            self.init(prefix, length: bits)
        }
    }

    /// The first bits of the 128-bit form, with zeros behind them.
    static func masked(_ address: IPAddress, bits: Int) -> IPAddress {
        let high = bits >= 64 ? UInt64.max : ~(UInt64.max >> UInt64(bits))
        let low = bits <= 64 ? 0 : bits >= 128 ? UInt64.max : ~(UInt64.max >> UInt64(bits - 64))
        return IPAddress(high: address.high & high, low: address.low & low)
    }

    /// One to three digits without a leading zero.
    private static func decimal(_ text: Substring) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ byte in (0x30...0x39).contains(byte) }),
            text.utf8.count == 1 || text.utf8.first != 0x30
        else { return nil }
        return Int(text)
    }
}
