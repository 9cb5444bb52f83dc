// SPDX-License-Identifier: Apache-2.0
import Crypto
import CryptoExtras
import Foundation

/// Initial packets made with keys that a specification gives, so that what derives them is held against it.
struct QUICPackets {
    /// RFC 9001 A.1; the same in RFC 9369 A.1.
    static let connectionID: [UInt8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08]

    /// Of RFC 9001 A.1.
    static let v1 = QUICPackets(
        version: 1, first: 0xc0, key: "1f369613dd76d5467730efcbe3b1a22d", nonce: "fa044b2f42a3fd3b46fb255c",
        headerKey: "9f50449e04a0e810283a1e9933adedd2")
    /// Of RFC 9369 A.1.
    static let v2 = QUICPackets(
        version: 0x6b33_43cf, first: 0xd0, key: "8b1a0bc121284290a29e0971b5cd045d", nonce: "91f73e2351d8fa91660e909f",
        headerKey: "45b95e15235d6f45a6b19cbcb0294ba9")

    let version: UInt32
    let first: UInt8
    let key: [UInt8]
    let nonce: [UInt8]
    let headerKey: [UInt8]

    private init(version: UInt32, first: UInt8, key: String, nonce: String, headerKey: String) {
        self.version = version
        self.first = first
        self.key = Self.hex(key)
        self.nonce = Self.hex(nonce)
        self.headerKey = Self.hex(headerKey)
    }

    private static func hex(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8).map { digit in digit > 57 ? digit - 87 : digit - 48 }
        return stride(from: 0, to: digits.count, by: 2).map { index in digits[index] << 4 | digits[index + 1] }
    }

    static func number(_ value: Int) -> [UInt8] {
        value < 64 ? [UInt8(value)] : [0x40 | UInt8(value >> 8), UInt8(value & 0xff)]
    }

    static func crypto(_ data: ArraySlice<UInt8>, at offset: Int) -> [UInt8] {
        [0x06] + number(offset) + number(data.count) + data
    }

    /// A packet with these frames, filled up to `size` bytes of payload; its number takes `numberSize` bytes.
    func packet(
        _ frames: [UInt8], number: UInt32 = 2, numberSize: Int = 4, size: Int = 1162, token: [UInt8] = [],
        destination: [UInt8] = connectionID
    ) throws -> [UInt8] {
        let payload = frames + [UInt8](repeating: 0, count: max(0, size - frames.count))
        var header = [first | UInt8(numberSize - 1)]
        header += (0..<4).map { index in UInt8(truncatingIfNeeded: version >> UInt32(24 - 8 * index)) }
        header += [UInt8(destination.count)] + destination + [0] + Self.number(token.count) + token
        header += Self.number(numberSize + payload.count + 16)
        let place = header.count
        header += (0..<numberSize).map { index in
            UInt8(truncatingIfNeeded: number >> UInt32(8 * (numberSize - 1 - index)))
        }
        var unique = nonce
        for index in 0..<numberSize { unique[12 - numberSize + index] ^= header[place + index] }
        let box = try AES.GCM.seal(
            payload, using: SymmetricKey(data: key), nonce: AES.GCM.Nonce(data: unique), authenticating: header)
        var packet = header + box.ciphertext + box.tag
        var mask = Array(packet[place + 4..<place + 20])
        try AES.permute(&mask, key: SymmetricKey(data: headerKey))
        packet[0] ^= mask[0] & 0x0f
        for index in 0..<numberSize { packet[place + index] ^= mask[1 + index] }
        return packet
    }
}
