// SPDX-License-Identifier: Apache-2.0

internal import TrustRunWire

/// Decodes arbitrary bytes as one DNS message and as a DNS stream over TCP.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzDNSMessage(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count).bytes
    if let message = try? DNSMessage(bytes) {
        for index in 0..<message.aliasCount { _ = message.alias(index, in: bytes) }
        precondition(message.answers.count <= DNSMessage.maximumAnswers)
        precondition(message.isResponse || message.answers.isEmpty)
    }
    precondition(cut(bytes, segment: max(count, 1)) == cut(bytes, segment: 1 + count % 13))
    return 0
}

/// The number of messages in a stream and a sum over their sizes.
private func cut(_ stream: RawSpan, segment: Int) -> [Int] {
    var assembler = TCPDNSAssembler()
    var sums = [0, 0, 0]
    var rest = stream
    while !rest.isEmpty {
        let size = min(segment, rest.byteCount)
        assembler.feed(rest.extracting(first: size)) { message in
            sums[0] += 1
            sums[1] = sums[1] &* 31 &+ message.byteCount
            if (try? DNSMessage(message)) != nil { sums[2] += 1 }
        }
        rest = rest.extracting(droppingFirst: size)
    }
    return sums + [assembler.pendingByteCount]
}
