// SPDX-License-Identifier: Apache-2.0
internal import Crypto
internal import CryptoExtras
internal import TrustRunWire

/// The keys of a client's Initial packets, which the connection id of its first one gives (RFC 9001 5.2, RFC 9369 3.3).
struct QUICKeys {
    private static let nonceSize = 12
    private static let tagSize = 16

    private let key: SymmetricKey
    private let headerKey: SymmetricKey
    private let nonce: [UInt8]

    init(_ version: QUICInitial.Version, connectionID: [UInt8]) {
        let initial = HKDF<SHA256>.extract(inputKeyMaterial: SymmetricKey(data: connectionID), salt: version.salt)
        let client = Self.expand(Array(initial), "client in", byteCount: 32)
        key = SymmetricKey(data: Self.expand(client, version.labels + "key", byteCount: 16))
        nonce = Self.expand(client, version.labels + "iv", byteCount: Self.nonceSize)
        headerKey = SymmetricKey(data: Self.expand(client, version.labels + "hp", byteCount: 16))
    }

    /// HKDF-Expand-Label (RFC 8446 7.1) without a context.
    private static func expand(_ secret: [UInt8], _ label: String, byteCount: Int) -> [UInt8] {
        let full = Array("tls13 \(label)".utf8)
        let info = [0, UInt8(byteCount), UInt8(full.count)] + full + [0]
        let expanded = HKDF<SHA256>.expand(pseudoRandomKey: secret, info: info, outputByteCount: byteCount)
        return unsafe expanded.withUnsafeBytes { bytes in unsafe Array(bytes) }
    }

    /// The frames of a packet; nil: it is not encrypted with these keys.
    func open(_ packet: QUICInitial, in datagram: [UInt8]) -> [UInt8]? {
        let sampleStart = packet.packetNumber + QUICInitial.sampleOffset
        var mask = Array(datagram[sampleStart..<sampleStart + QUICInitial.sampleSize])
        guard (try? AES.permute(&mask, key: headerKey)) != nil else { return nil }
        let first = datagram[packet.start] ^ (mask[0] & 0x0f)
        let numberSize = Int(first & 3) + 1
        let payload = packet.packetNumber + numberSize
        guard packet.end - payload >= Self.tagSize else { return nil }
        var header = Array(datagram[packet.start..<payload])
        header[0] = first
        var nonce = nonce
        for index in 0..<numberSize {
            let place = header.count - numberSize + index
            header[place] ^= mask[1 + index]
            nonce[Self.nonceSize - numberSize + index] ^= header[place]
        }
        guard let unique = try? AES.GCM.Nonce(data: nonce),
            let box = try? AES.GCM.SealedBox(
                nonce: unique, ciphertext: datagram[payload..<packet.end - Self.tagSize],
                tag: datagram[packet.end - Self.tagSize..<packet.end]),
            let opened = try? AES.GCM.open(box, using: key, authenticating: header)
        else { return nil }
        return Array(opened)
    }
}

extension QUICInitial.Version {
    fileprivate var salt: [UInt8] {
        switch self {
        case .v1:
            [
                0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
                0xbb, 0x7f, 0x0a,
            ]
        case .v2:
            [
                0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
                0xbd, 0x2e, 0xd9,
            ]
        }
    }

    fileprivate var labels: String {
        switch self {
        case .v1: "quic "
        case .v2: "quicv2 "
        }
    }
}
