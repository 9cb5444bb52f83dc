// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

/// What a DNS message asks, or answers (RFC 1035 4.1.2).
package struct DNSQuestion: Sendable {
    /// What sort of name is asked for.
    package enum NameForm: Sendable {
        /// A plain host name, which `name` holds.
        case hostName
        /// The root of the name space.
        case root
        /// A name with bytes that no host name has.
        case other
    }

    /// The class of the Internet (RFC 1035 3.2.4).
    package static let internetClass: UInt16 = 1

    /// The name asked for, if it is a plain host name.
    package let name: DomainName?
    /// What sort of name is asked for.
    package let nameForm: NameForm
    /// The type of record asked for.
    package let type: DNSRecordType
    /// The class asked for, 1 for the Internet.
    package let recordClass: UInt16

    /// Reads the rest of a question whose name was just read.
    init(named wireName: DNSName, from reader: inout ByteReader) throws(DecodeError) {
        type = DNSRecordType(rawValue: try reader.uint16())
        recordClass = try reader.uint16()
        name = try DNSName.hostName(at: Int(wireName.start), in: reader.bytes)
        if name != nil {
            nameForm = .hostName
        } else {
            nameForm = try reader.bytes.byte(at: Int(wireName.start)) == 0 ? .root : .other
        }
    }
}
