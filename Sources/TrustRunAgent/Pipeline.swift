// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunSensor
internal import TrustRunSinks

/// The stages in order: decode, enrich, and then the gate, which the enricher calls. One thread owns it.
@safe final class Pipeline: RecordReceiver {
    private let enricher: Enricher
    private let gate: EventGate?
    /// What most records are, filled anew for each. Unchecked is sound: the enricher does not come back to the pipeline.
    @exclusivity(unchecked) private var step = ConnectionStep()
    /// Records that could not be read.
    private(set) var undecodable: UInt64 = 0
    private var undecodableReported: UInt64 = 0
    private var malformedReported: (dns: UInt64, hellos: UInt64) = (0, 0)
    private var held: [[UInt8]]? {
        didSet { unsafe isHolding = held != nil }
    }
    /// Read for every record; unchecked is sound, since no access to it calls anything.
    @exclusivity(unchecked) private var isHolding = false

    /// The enricher's events go to the gate; without one there is nothing to count.
    init(enricher: Enricher, gate: EventGate?) {
        self.enricher = enricher
        self.gate = gate
    }

    var eventsWritten: UInt64 { gate?.written ?? 0 }

    /// As many events as were asked for have been written.
    var isComplete: Bool { gate?.isComplete ?? false }

    /// Keeps records back from now on.
    func hold() {
        held = []
    }

    /// Ends that; returns what was kept.
    func release() -> [[UInt8]] {
        defer { held = nil }
        return held ?? []
    }

    func receive(_ record: RawSpan) {
        if unsafe isHolding {
            held?.append(unsafe record.withUnsafeBytes { bytes in unsafe Array(bytes) })
            return
        }
        do {
            if try unsafe RecordDecoder.decode(record, into: &step) {
                unsafe enricher.enrich(&step)
            } else {
                enricher.enrich(try RecordDecoder.decode(record))
            }
        } catch {
            undecodable += 1
        }
    }

    /// Records that could not be read since the last call.
    func takeDecodeLoss() -> LossEntry? {
        guard undecodable > undecodableReported else { return nil }
        defer { undecodableReported = undecodable }
        return LossEntry(stage: .decode, record: "record", count: undecodable - undecodableReported)
    }

    /// Messages that could not be parsed since the last call: told, but no loss, since whoever sends them decides how many there are.
    func takeMalformed() -> [LossEntry] {
        let now = (dns: enricher.malformedDNS, hellos: enricher.malformedHellos)
        defer { malformedReported = now }
        let counts = [
            ("dns_message", now.dns - malformedReported.dns),
            ("client_hello_message", now.hellos - malformedReported.hellos),
        ]
        return counts.filter { count in count.1 > 0 }.map { name, count in
            LossEntry(stage: .decode, record: name, count: count)
        }
    }
}
