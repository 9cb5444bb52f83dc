// SPDX-License-Identifier: Apache-2.0

internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunSensor

/// Decodes arbitrary bytes as a row of kernel records and takes what can be read further. Of each record the first two bytes
/// are its length without the header, the next its kind and how far the clock goes; the rest is as the kernel side writes it, and
/// mostly made to fit the records before.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzRecords(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe UnsafeRawBufferPointer(start: start, count: count)
    let bench = Bench(awaitsAcceptor: count.isMultiple(of: 2))
    if let event = try? RecordDecoder.decode(input.bytes) { bench.enricher.enrich(event) }
    var step = ConnectionStep()
    var offset = 0
    var time: UInt64 = 1_000_000_000_000
    while offset + 4 <= count {
        let length = Int(unsafe input[offset]) | Int(unsafe input[offset + 1]) << 8
        let kind = UInt16(unsafe input[offset + 2])
        time &+= UInt64(unsafe input[offset + 3]) << 24
        offset += 4
        let size = min(length & 0x7ff, count - offset)
        var record: [UInt8] = []
        record.append(number: kind & 0x1f)
        record.append(number: UInt16(truncatingIfNeeded: length >> 11) << 3 | kind >> 5)
        record.append(number: UInt32(16 + size))
        record.append(number: kind >> 5 == 7 ? UInt64.max - 1 : time)
        record.append(contentsOf: unsafe UnsafeRawBufferPointer(rebasing: input[offset..<(offset + size)]))
        offset += size
        if length & 0x4000 == 0 { record.relate(kind: kind & 0x1f) }
        guard let isStep = try? RecordDecoder.decode(record.span.bytes, into: &step) else { continue }
        if isStep {
            bench.enricher.enrich(&step)
        } else {
            guard let event = try? RecordDecoder.decode(record.span.bytes) else { continue }
            bench.enricher.enrich(event)
        }
        if length & 0x8000 != 0 {
            bench.enricher.tick(at: time)
            bench.enricher.sweep(at: time)
        }
    }
    bench.enricher.finish()
    return 0
}

/// An enricher that talks to nobody, but whose events must make sense.
private final class Bench: FlowCounts {
    private let awaitsAcceptor: Bool
    private(set) lazy var enricher = Enricher(
        cgroups: CgroupTable(existing: []), bootOffset: 1_700_000_000_000_000_000, awaitsAcceptor: awaitsAcceptor,
        receiver: Checks(), counts: self
    )

    init(awaitsAcceptor: Bool) {
        self.awaitsAcceptor = awaitsAcceptor
    }

    func takeUDPFlow(cookie: UInt64, remote: Endpoint) -> (sent: UInt64, received: UInt64)? {
        cookie.isMultiple(of: 2) ? (cookie, cookie) : nil
    }
}

private final class Checks: EventReceiver {
    func receive(_ event: inout EnrichedEvent) {
        switch event.body {
        case .connect(let told), .accept(let told), .close(let told):
            precondition(told.names.candidates.isEmpty || told.names.name == nil)
            precondition((told.names.source == .none) == (told.names.name == nil && told.names.candidates.isEmpty))
        default: break
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append<Number: FixedWidthInteger>(number: Number) {
        unsafe Swift.withUnsafeBytes(of: number) { bytes in unsafe append(contentsOf: bytes) }
    }

    /// Keeps the low `bits` of the `width` bytes at `offset`, so that few values are left.
    private mutating func narrow(_ offset: Int, width: Int, bits: UInt8) {
        guard offset + width <= count else { return }
        self[offset] &= bits
        for index in 1..<width { self[offset + index] = 0 }
    }

    private mutating func store<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
        guard offset + MemoryLayout<Number>.size <= count else { return }
        unsafe Swift.withUnsafeBytes(of: number) { bytes in
            for index in bytes.indices { unsafe self[offset + index] = bytes[index] }
        }
    }

    /// Makes a record speak of a few processes, sockets and addresses, and hold as many bytes as it says.
    fileprivate mutating func relate(kind: UInt16) {
        let isTaskless = kind == 4 || kind == 6 || kind == 8 || kind == 11
        if !isTaskless {
            narrow(16, width: 8, bits: 1)  // start time
            narrow(32, width: 4, bits: 7)  // tgid
        }
        narrow(isTaskless ? 16 : 64, width: 8, bits: 7)  // cookie, parent's start time, or group
        switch kind {
        case 1: narrow(72, width: 4, bits: 7)
        case 2:
            narrow(72, width: 4, bits: 7)
            let size = UInt16(truncatingIfNeeded: Swift.max(0, count - 80))
            store(size / 2, at: 76)
            store(size - size / 2, at: 78)
        case 4: store(UInt32(truncatingIfNeeded: Swift.max(0, count - 32)), at: 24)
        case 5, 7, 10: relateEnds(at: 72)
        case 6: relateEnds(at: 24)
        case 8: relateEnds(at: 32)
        case 9, 15: relateEnds(at: 80)
        case 12, 13:
            relateEnds(at: 72)
            store(UInt32(truncatingIfNeeded: Swift.max(0, count - (kind == 12 ? 120 : 128))), at: 116)
        case 14: narrow(72, width: 4, bits: 0x3f)
        default: break
        }
    }

    private mutating func relateEnds(at offset: Int) {
        guard offset + 40 <= count else { return }
        self[offset + 36] = self[offset + 36] & 1 == 0 ? 4 : 6
        for index in 0..<36 where index % 4 != 0 { self[offset + index] = 0 }
    }
}
