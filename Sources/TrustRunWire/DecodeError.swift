// SPDX-License-Identifier: Apache-2.0

/// Why bytes could not be decoded.
package enum DecodeError: Error, Hashable, Sendable {
    /// The bytes end before the value does.
    case truncated
    /// A length contradicts the field around it or the type of the value.
    case badLength
    /// A value that the format does not allow here.
    case badValue
    /// A domain name with a reserved label type, too many bytes or too many pointers (RFC 1035 2.3.4, 4.1.4).
    case badName
    /// A compression pointer that does not lead backwards (RFC 1035 4.1.4).
    case badPointer
    /// A field that may appear once appears again.
    case duplicate
    /// A message of another type than the one wanted.
    case unexpectedMessage
    /// More bytes or parts than we are ready to hold.
    case tooLong
    /// Bytes left over behind a value that should fill its space.
    case trailingBytes
}
