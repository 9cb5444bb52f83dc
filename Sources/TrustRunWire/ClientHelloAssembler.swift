// SPDX-License-Identifier: Apache-2.0

/// Joins the first chunks of a TCP connection until they show what it is.
///
/// Most ClientHellos come in one chunk: try `TLSClientHello.parse` first, and make an assembler when that needs more.
package struct ClientHelloAssembler: Sendable {
    /// What is known of the connection so far.
    package enum Result: Sendable {
        /// What the chunks so far parse to.
        case parsed(TLSClientHello.ParseResult)
        /// Bytes are missing, so that nothing more can be learned.
        case gap
    }

    /// The most bytes held for one connection: 17 KiB and the headers around them.
    package static let maximumByteCount = TLSHandshakeScan.maximumStream

    private var buffer: [UInt8] = []
    private var final: Result?

    package init() {}

    /// Whether the result is final, so that more chunks change nothing.
    package var isFinished: Bool { final != nil }

    /// The number of bytes held.
    package var byteCount: Int { buffer.count }

    /// Takes the chunk at `offset`, counted from the first payload byte; bytes taken before are not taken again.
    package mutating func append(_ chunk: RawSpan, at offset: Int) -> Result {
        if let final { return final }
        guard offset >= 0, offset <= buffer.count else { return finish(.gap) }
        let fresh = chunk.extracting(droppingFirst: min(buffer.count - offset, chunk.byteCount))
        if buffer.isEmpty {
            let result = TLSClientHello.parse(fresh)
            guard case .needMore = result else { return finish(.parsed(result)) }
        }
        buffer.append(contentsOf: fresh.extracting(first: min(fresh.byteCount, Self.maximumByteCount - buffer.count)))
        let result = TLSClientHello.parse(buffer.rawSpan)
        guard case .needMore = result else { return finish(.parsed(result)) }
        return .parsed(result)
    }

    private mutating func finish(_ result: Result) -> Result {
        final = result
        buffer = []
        return result
    }
}
