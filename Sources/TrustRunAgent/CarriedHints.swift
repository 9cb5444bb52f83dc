// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunOrganisations

/// The hints of the tables that this program carries.
final class CarriedHints: DestinationHints {
    private let organisations = OrganisationTable.carried
    private let suffixes = PublicSuffixes.carried

    func organisation(of address: IPAddress) -> UInt8 { organisations.number(of: address) }

    func registrableDomain(of name: borrowing DomainName) -> Int? { suffixes.registrableDomain(of: name.span) }
}
