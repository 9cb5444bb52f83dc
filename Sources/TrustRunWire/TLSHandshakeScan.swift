// SPDX-License-Identifier: Apache-2.0

/// Where the ClientHello is in the TLS records at the start of a stream (RFC 8446 5.1).
///
/// The answer depends on the bytes in their order only: once it is final, more bytes never change it.
enum TLSHandshakeScan {
    case needMore(atLeast: Int)
    case notTLS
    /// The ClientHello, without its handshake header, lies in one record.
    case whole(Range<Int>)
    /// The ClientHello and its handshake header lie in several records, `byteCount` bytes of payload.
    case fragmented(byteCount: Int)

    /// The header of a record: type, version, length.
    static let recordHeader = 5
    /// The header of a handshake message: type, length (RFC 8446 4).
    static let handshakeHeader = 4
    /// The longest ClientHello accepted.
    static let maximumHello = 17 * 1024
    /// The most records that one ClientHello may be spread over.
    static let maximumRecords = 64
    /// With this many bytes the answer is final.
    static let maximumStream = handshakeHeader + maximumHello + maximumRecords * recordHeader

    private static let maximumRecord = 1 << 14
    private static let handshakeContent: UInt8 = 22
    private static let clientHello: UInt8 = 1
    private static let majorVersion: UInt8 = 3

    init(_ stream: RawSpan) throws(DecodeError) {
        guard try Self.mayBeTLS(stream) else {
            self = .notTLS
            return
        }
        var position = 0
        var collected = 0
        var needed = Self.handshakeHeader
        var header: UInt32 = 0
        for index in 0..<Self.maximumRecords {
            let payload = position + Self.recordHeader
            guard let length = try Self.recordLength(in: stream, at: position) else {
                self = .needMore(atLeast: payload + needed - collected)
                return
            }
            let available = min(length, stream.byteCount - payload)
            var used = 0
            while collected < Self.handshakeHeader, used < available {
                let byte = try stream.byte(at: payload + used)
                guard collected > 0 || byte == Self.clientHello else { throw .unexpectedMessage }
                header = header << 8 | UInt32(byte)
                collected += 1
                used += 1
                guard collected == Self.handshakeHeader else { continue }
                needed += Int(header & 0xff_ffff)
            }
            guard needed <= Self.handshakeHeader + Self.maximumHello else { throw .tooLong }
            let missing = needed - collected
            let taken = min(length - used, missing)
            guard available - used >= taken else {
                let behind = missing > taken ? Self.recordHeader + missing - taken : 0
                self = .needMore(atLeast: payload + used + taken + behind)
                return
            }
            collected += taken
            if collected == needed {
                let hello = (payload + Self.handshakeHeader)..<(payload + max(needed, Self.handshakeHeader))
                self = index == 0 ? .whole(hello) : .fragmented(byteCount: needed)
                return
            }
            position = payload + length
        }
        throw .tooLong
    }

    /// The payload of the first records, joined up to `byteCount` bytes, of a stream found to be `fragmented`.
    static func join(_ stream: RawSpan, byteCount: Int) throws(DecodeError) -> [UInt8] {
        var joined: [UInt8] = []
        joined.reserveCapacity(byteCount)
        var reader = ByteReader(stream)
        while joined.count < byteCount {
            try reader.skip(3)
            let length = Int(try reader.uint16())
            let taken = min(length, byteCount - joined.count)
            joined.append(contentsOf: try reader.take(taken))
        }
        return joined
    }

    private static func mayBeTLS(_ stream: RawSpan) throws(DecodeError) -> Bool {
        if stream.byteCount > 0, try stream.byte(at: 0) != handshakeContent { return false }
        if stream.byteCount > 1, try stream.byte(at: 1) != majorVersion { return false }
        return true
    }

    /// The payload size of the record at `position`; nil if its header is not all there.
    private static func recordLength(in stream: RawSpan, at position: Int) throws(DecodeError) -> Int? {
        let available = stream.byteCount - position
        if available > 0, try stream.byte(at: position) != handshakeContent { throw .unexpectedMessage }
        if available > 1, try stream.byte(at: position + 1) != majorVersion { throw .badValue }
        guard available >= recordHeader else { return nil }
        let length = Int(try stream.byte(at: position + 3)) << 8 | Int(try stream.byte(at: position + 4))
        guard (1...maximumRecord).contains(length) else { throw .badLength }
        return length
    }
}
