// SPDX-License-Identifier: Apache-2.0

/// What is known of destinations from tables that the program carries: hints for people, without any evidence from the connection itself.
package protocol DestinationHints: AnyObject {
    /// Who published the address as theirs, as a number counted from 1; 0: nobody.
    func organisation(of address: IPAddress) -> UInt8
    /// Where in the name its registrable domain begins; nil if it has none.
    func registrableDomain(of name: borrowing DomainName) -> Int?
}

/// Knows nothing.
package final class NoHints: DestinationHints {
    package init() {}
    package func organisation(of address: IPAddress) -> UInt8 { 0 }
    package func registrableDomain(of name: borrowing DomainName) -> Int? { nil }
}
