// SPDX-License-Identifier: Apache-2.0

internal import TrustRunEvents
internal import TrustRunWire

/// Parses arbitrary bytes as a datagram with Initial packets, and as the frames of several packets.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzQUIC(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count).bytes
    var offset = 0
    while let packet = try? QUICInitial(in: bytes, at: offset) {
        precondition(packet.start == offset && packet.packetNumber > offset && packet.end <= count)
        precondition(packet.end - packet.packetNumber >= QUICInitial.sampleOffset + QUICInitial.sampleSize)
        offset = packet.end
    }
    var stream = QUICCryptoStream()
    let piece = 1 + count % 89
    offset = 0
    while offset < count {
        let size = min(piece, count - offset)
        try? stream.take(frames: bytes.extracting(offset..<offset + size))
        _ = try? stream.hello()
        offset += size
    }
    return 0
}
