// SPDX-License-Identifier: Apache-2.0

/// The application protocols that a client offers, most wanted first (RFC 7301 3.1), held without heap memory; what does not fit is left out.
package struct ApplicationProtocols: Sendable {
    /// The most bytes kept, a length in front of each name included.
    package static let maximumByteCount = 64

    private var storage = InlineArray<64, UInt8>(repeating: 0)
    private var byteCount = 0
    /// How many names are kept.
    package private(set) var count = 0

    /// Adds a name, unless it does not fit any more.
    mutating func append(_ name: RawSpan) throws(DecodeError) {
        guard name.byteCount < Self.maximumByteCount - byteCount else { return }
        storage[byteCount] = UInt8(name.byteCount)
        for index in 0..<name.byteCount { storage[byteCount + 1 + index] = try name.byte(at: index) }
        byteCount += name.byteCount + 1
        count += 1
    }

    /// The names' bytes, which need not be ASCII.
    package var names: [[UInt8]] {
        var names: [[UInt8]] = []
        var offset = 0
        while offset < byteCount {
            let length = Int(storage[offset])
            names.append((offset + 1..<offset + 1 + length).map { index in storage[index] })
            offset += length + 1
        }
        return names
    }
}

extension ApplicationProtocols: Equatable {
    package static func == (left: ApplicationProtocols, right: ApplicationProtocols) -> Bool {
        left.names == right.names
    }
}
