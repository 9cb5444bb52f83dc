// SPDX-License-Identifier: Apache-2.0

/// The type of a DNS record or question (RFC 1035 3.2.2 and the IANA registry).
package struct DNSRecordType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let a = DNSRecordType(rawValue: 1)
    package static let cname = DNSRecordType(rawValue: 5)
    package static let aaaa = DNSRecordType(rawValue: 28)
    package static let opt = DNSRecordType(rawValue: 41)
    package static let https = DNSRecordType(rawValue: 65)
}
