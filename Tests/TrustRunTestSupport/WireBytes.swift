// SPDX-License-Identifier: Apache-2.0

/// Messages as they go over the wire.
package enum WireBytes {
    package static func bigEndian(_ value: Int, byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * (byteCount - 1 - $0))) }
    }

    /// Bytes behind their length.
    package static func vector(_ bytes: [UInt8], lengthBytes: Int) -> [UInt8] {
        bigEndian(bytes.count, byteCount: lengthBytes) + bytes
    }

    private static func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { vector(Array($0.utf8), lengthBytes: 1) } + [0]
    }

    /// A query; type 1 is A.
    package static func query(_ question: String, id: Int = 7, type: Int = 1) -> [UInt8] {
        bigEndian(id, byteCount: 2) + [0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0] + name(question)
            + bigEndian(type, byteCount: 2) + [0, 1]
    }

    /// An answer whose addresses belong to the end of the chain of aliases.
    package static func answer(
        _ question: String, id: Int = 7, type: Int = 1, aliases: [String] = [], addresses: [[UInt8]], ttl: Int = 300,
        code: UInt8 = 0
    ) -> [UInt8] {
        var bytes = bigEndian(id, byteCount: 2) + [0x81, 0x80 | code, 0, 1]
        bytes += bigEndian(aliases.count + addresses.count, byteCount: 2) + [0, 0, 0, 0]
        bytes += name(question) + bigEndian(type, byteCount: 2) + [0, 1]
        var owner = question
        for alias in aliases {
            bytes += name(owner) + [0, 5, 0, 1] + bigEndian(ttl, byteCount: 4) + vector(name(alias), lengthBytes: 2)
            owner = alias
        }
        for address in addresses {
            bytes += name(owner) + [0, address.count == 4 ? 1 : 28, 0, 1] + bigEndian(ttl, byteCount: 4)
            bytes += vector(address, lengthBytes: 2)
        }
        return bytes
    }

    /// A ClientHello in records of `fragment` bytes at most; `padding` makes it longer.
    package static func clientHello(
        _ serverName: String?, protocols: [String] = ["h2"], hasECH: Bool = false, padding: Int = 0,
        fragment: Int = 1 << 14
    ) -> [UInt8] {
        var extensions: [UInt8] = []
        func add(_ type: Int, _ data: [UInt8]) {
            extensions += bigEndian(type, byteCount: 2) + vector(data, lengthBytes: 2)
        }
        if let serverName {
            add(0, vector([0] + vector(Array(serverName.utf8), lengthBytes: 2), lengthBytes: 2))
        }
        if !protocols.isEmpty {
            add(16, vector(protocols.flatMap { vector(Array($0.utf8), lengthBytes: 1) }, lengthBytes: 2))
        }
        if hasECH { add(0xfe0d, [0, 0, 0, 0]) }
        add(21, Array(repeating: 0, count: padding))
        let body =
            [3, 3] + [UInt8](repeating: 0x11, count: 32) + vector([], lengthBytes: 1)
            + vector([0x13, 0x01], lengthBytes: 2) + vector([0], lengthBytes: 1) + vector(extensions, lengthBytes: 2)
        let handshake = [1] + vector(body, lengthBytes: 3)
        return stride(from: 0, to: handshake.count, by: fragment).flatMap { start in
            [22, 3, 1] + vector(Array(handshake[start..<min(start + fragment, handshake.count)]), lengthBytes: 2)
        }
    }
}
