// SPDX-License-Identifier: Apache-2.0
/// Where the parts of an Initial packet are (RFC 9000 17.2.2), offsets in its datagram.
package struct QUICInitial {
    package enum Version: UInt32 {
        case v1 = 0x0000_0001
        /// RFC 9369.
        case v2 = 0x6b33_43cf

        /// Bits 4 and 5 of the first byte of an Initial packet.
        fileprivate var initialType: UInt8 {
            switch self {
            case .v1: 0x00
            case .v2: 0x10
            }
        }
    }

    /// The longest connection id (RFC 9000 17.2).
    private static let longestID = 20
    /// Where the sample of the header's protection is, behind the longest packet number (RFC 9001 5.4.2), and its size.
    package static let sampleOffset = 4
    package static let sampleSize = 16

    package let version: Version
    package let destinationID: [UInt8]
    package let start: Int
    package let packetNumber: Int
    package let end: Int

    /// nil: it is another packet.
    package init?(in datagram: RawSpan, at start: Int) throws(DecodeError) {
        var reader = ByteReader(datagram)
        try reader.skip(start)
        let first = try reader.uint8()
        guard first & 0xc0 == 0xc0, let version = Version(rawValue: try reader.uint32()),
            first & 0x30 == version.initialType
        else { return nil }
        let destination = try reader.vector8()
        guard destination.byteCount <= Self.longestID else { throw .badLength }
        guard try reader.vector8().byteCount <= Self.longestID else { throw .badLength }
        try reader.skip(reader.variableLength())  // token
        let size = try reader.variableLength()
        guard size >= Self.sampleOffset + Self.sampleSize, size <= reader.remaining else { throw .truncated }
        self.version = version
        self.start = start
        destinationID = unsafe destination.withUnsafeBytes { bytes in unsafe Array(bytes) }
        packetNumber = reader.offset
        end = reader.offset + size
    }
}

extension ByteReader {
    /// A number of one to eight bytes (RFC 9000 16), as a length or an offset.
    mutating func variableLength() throws(DecodeError) -> Int {
        let first = try uint8()
        var value = Int(first & 0x3f)
        for _ in 1..<(1 << Int(first >> 6)) { value = value << 8 | Int(try uint8()) }
        return value
    }
}
