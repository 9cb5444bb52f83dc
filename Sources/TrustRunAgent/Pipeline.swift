// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunSensor
internal import TrustRunSinks

/// The one place where the stages stand in order: decode, enrich, filter, write. One thread owns it.
@safe final class Pipeline: RecordReceiver, EventReceiver {
    private let filter: EventFilter
    private let writer: EventWriter
    private let limit: UInt64?
    private let onExec: (ProcessIdentity) -> Void
    private var enricher: Enricher?
    /// The same without counting its users: it is called for every record.
    @exclusivity(unchecked) private var entry: Unmanaged<Enricher>?
    /// Records that could not be read.
    private(set) var undecodable: UInt64 = 0
    var eventsWritten: UInt64 { unsafe written }
    private var undecodableReported: UInt64 = 0
    private var malformedReported: (dns: UInt64, hellos: UInt64) = (0, 0)
    private var held: [[UInt8]]? {
        didSet { unsafe isHolding = held != nil }
    }
    // Read for every record; unchecked is sound, since no access to them calls anything.
    @exclusivity(unchecked) private var isHolding = false
    @exclusivity(unchecked) private var written: UInt64 = 0

    init(
        filter: EventFilter, writer: EventWriter, limit: UInt64?, onExec: @escaping (ProcessIdentity) -> Void
    ) {
        self.filter = filter
        self.writer = writer
        self.limit = limit
        self.onExec = onExec
    }

    /// The enricher sends its events back here, so it comes after.
    func begin(with enricher: Enricher) {
        self.enricher = enricher
        unsafe entry = .passUnretained(enricher)
    }

    /// As many events as were asked for have been written.
    var isComplete: Bool {
        guard let limit else { return false }
        return eventsWritten >= limit
    }

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
            if let kind = RecordDecoder.step(of: record) {
                let step = try RecordDecoder.decode(record, as: kind)
                unsafe entry?._withUnsafeGuaranteedRef { enricher in enricher.enrich(step) }
            } else {
                enricher?.enrich(try RecordDecoder.decode(record))
            }
        } catch {
            undecodable += 1
        }
    }

    func receive(_ event: borrowing EnrichedEvent) {
        if case .exec = event.body, let process = event.process { onExec(process) }
        guard !isComplete, filter.admits(event) else { return }
        writer.write(copy event)
        unsafe written += 1
    }

    func receive(
        _ phase: ConnectionPhase, _ connection: borrowing ConnectionEvent, time: UInt64, process: ProcessIdentity?,
        cgroup: CgroupIdentity?, hook: StaticHook
    ) {
        guard !isComplete, filter.admits(phase.type, process, cgroup) else { return }
        writer.write(phase, connection, time: time, process: process, cgroup: cgroup, hook: hook)
        unsafe written += 1
    }

    /// Records that could not be read since the last call.
    func takeDecodeLoss() -> LossEntry? {
        guard undecodable > undecodableReported else { return nil }
        defer { undecodableReported = undecodable }
        return LossEntry(stage: .decode, record: "record", count: undecodable - undecodableReported)
    }

    /// Messages that could not be parsed since the last call: told, but no loss, since whoever sends them decides how many there are.
    func takeMalformed() -> [LossEntry] {
        let now = (dns: enricher?.malformedDNS ?? 0, hellos: enricher?.malformedHellos ?? 0)
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
