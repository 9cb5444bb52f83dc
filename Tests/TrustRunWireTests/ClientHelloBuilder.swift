// SPDX-License-Identifier: Apache-2.0

/// Writes ClientHellos for tests.
struct ClientHelloBuilder {
    var legacyVersion = 0x0303
    var extensions: [[UInt8]] = []

    /// A hello as OpenSSL, curl and browsers send it.
    static func usual(_ name: String?, keyShareBytes: Int = 32) -> ClientHelloBuilder {
        var builder = ClientHelloBuilder()
        builder.add(0x2a2a, [])  // GREASE
        if let name { builder.addServerName(Array(name.utf8)) }
        builder.add(10, vector(hex("11ec 001d"), lengthBytes: 2))  // supported_groups: X25519MLKEM768, x25519
        builder.addProtocols(["h2", "http/1.1"])
        builder.add(43, vector(hex("2a2a 0304 0303"), lengthBytes: 1))  // supported_versions: GREASE, 1.3, 1.2
        let share = hex("11ec") + vector(Array(repeating: 0x5a, count: keyShareBytes), lengthBytes: 2)
        builder.add(51, vector(share, lengthBytes: 2))  // key_share
        return builder
    }

    mutating func add(_ type: Int, _ data: [UInt8]) {
        extensions.append(bigEndian(type, byteCount: 2) + vector(data, lengthBytes: 2))
    }

    mutating func addServerName(_ name: [UInt8], type: UInt8 = 0) {
        add(0, vector([type] + vector(name, lengthBytes: 2), lengthBytes: 2))
    }

    mutating func addProtocols(_ names: [String]) {
        add(16, vector(names.flatMap { vector(Array($0.utf8), lengthBytes: 1) }, lengthBytes: 2))
    }

    /// The ClientHello without its handshake header.
    var body: [UInt8] {
        bigEndian(legacyVersion, byteCount: 2)
            + Array(repeating: 0x11, count: 32)  // random
            + vector(Array(repeating: 0x22, count: 32), lengthBytes: 1)  // session id
            + vector(hex("1301 1302 c02b"), lengthBytes: 2)  // cipher suites
            + vector([0], lengthBytes: 1)  // compression methods
            + (extensions.isEmpty ? [] : vector(extensions.flatMap { $0 }, lengthBytes: 2))
    }

    var handshake: [UInt8] { [1] + vector(body, lengthBytes: 3) }

    /// The hello in records of `fragment` bytes at most.
    func stream(fragment: Int = 1 << 14) -> [UInt8] {
        Self.records(handshake, fragment: fragment)
    }

    static func records(_ payload: [UInt8], fragment: Int = 1 << 14) -> [UInt8] {
        stride(from: 0, to: payload.count, by: fragment).flatMap { start in
            hex("16 0301") + vector(Array(payload[start..<min(start + fragment, payload.count)]), lengthBytes: 2)
        }
    }
}
