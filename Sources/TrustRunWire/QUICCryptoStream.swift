// SPDX-License-Identifier: Apache-2.0
/// The bytes of a client's first handshake message, which come in pieces and in any order (RFC 9000 19.6).
package struct QUICCryptoStream {
    /// As for TLS over TCP: 17 KiB and the message's header.
    package static let maximumByteCount = 17 * 1024 + headerByteCount
    private static let headerByteCount = 4
    /// Pieces that are apart from each other, at most.
    private static let piecesMax = 64

    private var bytes: [UInt8] = []
    /// What is there of them; in order, and none touches the next.
    private var pieces: [Range<Int>] = []

    package init() {}

    package var isEmpty: Bool { pieces.isEmpty }

    /// Takes the CRYPTO frames of a packet; what is behind a frame that may not be there is left out.
    package mutating func take(frames: RawSpan) throws(DecodeError) {
        var reader = ByteReader(frames)
        while !reader.isAtEnd {
            switch try reader.variableLength() {
            case 0x00, 0x01: break  // PADDING, PING
            case 0x02: try Self.skipAcknowledgement(&reader)
            case 0x03:
                try Self.skipAcknowledgement(&reader)
                for _ in 0..<3 { _ = try reader.variableLength() }
            case 0x06:
                let offset = try reader.variableLength()
                try append(try reader.take(reader.variableLength()), at: offset)
            default: return  // none that may be in an Initial packet and matters (RFC 9000 12.4)
            }
        }
    }

    /// An ACK frame behind its type (RFC 9000 19.3).
    private static func skipAcknowledgement(_ reader: inout ByteReader) throws(DecodeError) {
        _ = try reader.variableLength()
        _ = try reader.variableLength()
        let count = try reader.variableLength()
        guard count <= reader.remaining else { throw .truncated }
        for _ in 0..<(2 * count + 1) { _ = try reader.variableLength() }
    }

    private mutating func append(_ data: RawSpan, at offset: Int) throws(DecodeError) {
        guard offset <= Self.maximumByteCount, data.byteCount <= Self.maximumByteCount - offset else { throw .tooLong }
        guard !data.isEmpty else { return }
        let range = offset..<offset + data.byteCount
        if bytes.count < range.upperBound {
            bytes += [UInt8](repeating: 0, count: range.upperBound - bytes.count)
        }
        for index in 0..<data.byteCount { bytes[offset + index] = try data.byte(at: index) }
        try insert(range)
    }

    private mutating func insert(_ range: Range<Int>) throws(DecodeError) {
        var merged = range
        pieces.removeAll { piece in
            guard piece.lowerBound <= merged.upperBound, merged.lowerBound <= piece.upperBound else { return false }
            merged = min(piece.lowerBound, merged.lowerBound)..<max(piece.upperBound, merged.upperBound)
            return true
        }
        guard pieces.count < Self.piecesMax else { throw .tooLong }
        let place = pieces.firstIndex { piece in piece.lowerBound > merged.lowerBound } ?? pieces.count
        pieces.insert(merged, at: place)
    }

    /// The ClientHello, once all of it is there.
    package func hello() throws(DecodeError) -> TLSClientHello? {
        guard let first = pieces.first, first.lowerBound == 0, first.count >= Self.headerByteCount else { return nil }
        guard bytes[0] == 1 else { throw .unexpectedMessage }
        let size = Int(bytes[1]) << 16 | Int(bytes[2]) << 8 | Int(bytes[3])
        guard size <= Self.maximumByteCount - Self.headerByteCount else { throw .tooLong }
        guard first.count >= Self.headerByteCount + size else { return nil }
        let body = Array(bytes[Self.headerByteCount..<Self.headerByteCount + size])
        return try TLSClientHello(body: body.rawSpan)
    }
}
