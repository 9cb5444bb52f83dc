// SPDX-License-Identifier: Apache-2.0

/// Cuts one direction of a DNS connection over TCP into messages (RFC 1035 4.2.2, RFC 7766 8).
package struct TCPDNSAssembler: Sendable {
    private static let prefixByteCount = 2

    /// The start of a message that is not whole yet, its length included.
    private var pending: [UInt8] = []

    package init() {}

    /// The number of bytes held back, 65,536 at most.
    package var pendingByteCount: Int { pending.count }

    /// Takes the next bytes in order and calls `body` with each message they complete, without its length.
    package mutating func feed<Failure: Error>(
        _ bytes: RawSpan, _ body: (RawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        var rest = bytes
        if !pending.isEmpty {
            let used = fill(from: rest)
            guard isPendingWhole else { return }
            let message = pending
            pending = []
            try body(message.rawSpan.extracting(droppingFirst: Self.prefixByteCount))
            rest = rest.extracting(droppingFirst: used)
        }
        while let end = Self.messageEnd(in: rest), end <= rest.byteCount {
            let message = rest.extracting(Self.prefixByteCount..<end)
            rest = rest.extracting(droppingFirst: end)
            try body(message)
        }
        append(rest)
    }

    private var isPendingWhole: Bool {
        Self.messageEnd(in: pending.rawSpan) == pending.count
    }

    /// Moves bytes behind the pending ones until those are a whole message; says how many it took.
    private mutating func fill(from bytes: RawSpan) -> Int {
        var used = 0
        if pending.count < Self.prefixByteCount, bytes.byteCount > 0 {
            append(bytes.extracting(first: 1))
            used = 1
        }
        guard let end = Self.messageEnd(in: pending.rawSpan) else { return used }
        let missing = min(end - pending.count, bytes.byteCount - used)
        append(bytes.extracting(used..<(used + missing)))
        return used + missing
    }

    private mutating func append(_ bytes: RawSpan) {
        pending.append(contentsOf: bytes)
    }

    /// Where the first message ends, once its length is there.
    private static func messageEnd(in bytes: RawSpan) -> Int? {
        var reader = ByteReader(bytes)
        guard let count = try? reader.uint16() else { return nil }
        return prefixByteCount + Int(count)
    }
}
