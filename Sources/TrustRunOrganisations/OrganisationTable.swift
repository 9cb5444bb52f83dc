// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// Whose published ranges an address is in.
package struct OrganisationTable: Sendable {
    /// More would need a larger number in the ranges.
    static let organisationsMax = 255

    /// In the order of the file; an organisation's number is its place, counted from 1.
    package let organisations: [Organisation]
    private let ipv4: FlatRanges<UInt32>
    private let ipv6: FlatRanges<UInt128>

    /// The table that this program carries: Data/organisations.txt. A test reads it as strictly as `init(parsing:)` does.
    package static let carried =
        (try? OrganisationTable(parsing: CarriedFile.organisations.span)) ?? OrganisationTable()

    /// A table of nobody.
    package init() {
        self.init(organisations: [], ranges: [])
    }

    /// Of two ranges one of which lies in the other the smaller one counts, of two equal ones that of the earlier organisation.
    init(organisations: [Organisation], ranges: [PublishedRange]) {
        self.organisations = organisations
        let sorted = ranges.sorted { left, right in left.precedes(right) }
        ipv4 = FlatRanges(
            nested: sorted.filter(\.isIPv4).map { range in
                (UInt32(truncatingIfNeeded: range.first), UInt32(truncatingIfNeeded: range.last), range.number)
            })
        ipv6 = FlatRanges(
            nested: sorted.filter { range in !range.isIPv4 }.map { range in (range.first, range.last, range.number) })
    }

    /// The organisation's number; 0 if the address is in no published range.
    package func number(of address: IPAddress) -> UInt8 {
        if address.isIPv4 { return ipv4.number(of: UInt32(truncatingIfNeeded: address.low)) }
        return ipv6.number(of: UInt128(address.high) << 64 | UInt128(address.low))
    }

    package func organisation(of address: IPAddress) -> Organisation? {
        let number = number(of: address)
        return number == 0 ? nil : organisations[Int(number) - 1]
    }
}

/// A prefix that somebody published, in the 128-bit form of its addresses.
struct PublishedRange {
    let first: UInt128
    let last: UInt128
    /// The organisation's number.
    let number: UInt8
    let isIPv4: Bool

    /// nil if the prefix is longer than its addresses, or its address has bits behind the prefix.
    init?(_ address: IPAddress, length: Int, number: UInt8) {
        guard (0...(address.isIPv4 ? 32 : 128)).contains(length) else { return nil }
        let hostBits = (address.isIPv4 ? 32 : 128) - length
        let mask = hostBits == 128 ? UInt128.max : (1 << UInt128(hostBits)) - 1
        first = UInt128(address.high) << 64 | UInt128(address.low)
        guard first & mask == 0 else { return nil }
        last = first | mask
        self.number = number
        isIPv4 = address.isIPv4
    }

    /// Whether it comes first where each range is followed by those inside of it.
    func precedes(_ other: PublishedRange) -> Bool {
        if first != other.first { return first < other.first }
        if last != other.last { return last > other.last }
        return number > other.number
    }
}
