// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// Whose published ranges an address is in.
package struct OrganisationTable: Sendable {
    /// More would need a larger number in the ranges.
    static let organisationsMax = 255

    /// In the order of the file; an organisation's number is its place, counted from 1.
    package let organisations: [Organisation]
    private let index: AddressIndex

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
        index = AddressIndex(ranges)
    }

    /// The organisation's number; 0 if the address is in no published range.
    package func number(of address: IPAddress) -> UInt8 {
        UInt8(truncatingIfNeeded: index.value(for: address))
    }

    package func organisation(of address: IPAddress) -> Organisation? {
        let number = number(of: address)
        return number == 0 ? nil : organisations[Int(number) - 1]
    }
}
