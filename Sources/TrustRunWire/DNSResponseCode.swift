// SPDX-License-Identifier: Apache-2.0

/// How a query went (RFC 1035 4.1.1), with the upper bits of EDNS if there are any (RFC 6891 6.1.3).
package struct DNSResponseCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let noError = DNSResponseCode(rawValue: 0)
    package static let formatError = DNSResponseCode(rawValue: 1)
    package static let serverFailure = DNSResponseCode(rawValue: 2)
    package static let nameError = DNSResponseCode(rawValue: 3)
    package static let notImplemented = DNSResponseCode(rawValue: 4)
    package static let refused = DNSResponseCode(rawValue: 5)

    /// The mnemonic of a code we know (RFC 6895 2.3); nil for others.
    package var name: StaticString? {
        switch rawValue {
        case 0: "NOERROR"
        case 1: "FORMERR"
        case 2: "SERVFAIL"
        case 3: "NXDOMAIN"
        case 4: "NOTIMP"
        case 5: "REFUSED"
        case 6: "YXDOMAIN"
        case 7: "YXRRSET"
        case 8: "NXRRSET"
        case 9: "NOTAUTH"
        case 10: "NOTZONE"
        case 16: "BADVERS"
        case 23: "BADCOOKIE"
        default: nil
        }
    }
}

extension DNSResponseCode: CustomStringConvertible {
    /// The mnemonic, or `RCODE` and the number.
    package var description: String {
        name.map { "\($0)" } ?? "RCODE\(rawValue)"
    }
}
