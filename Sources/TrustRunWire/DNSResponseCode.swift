// SPDX-License-Identifier: Apache-2.0

/// How a query went (RFC 1035 4.1.1), with the upper bits of EDNS if there are any (RFC 6891 6.1.3).
package struct DNSResponseCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let noError = DNSResponseCode(rawValue: 0)
    package static let refused = DNSResponseCode(rawValue: 5)
}
