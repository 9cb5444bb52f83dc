// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunSinks

/// Lets through to the writer what the user asked for, and no more than that. The pipeline's thread owns it.
@safe final class EventGate: EventReceiver {
    private let filter: EventFilter
    private let writer: EventWriter
    private let limit: UInt64?
    private let onExec: (ProcessIdentity) -> Void
    /// Unchecked is sound: no access to it calls anything.
    @exclusivity(unchecked) private var count: UInt64 = 0

    init(
        filter: EventFilter, writer: EventWriter, limit: UInt64?, onExec: @escaping (ProcessIdentity) -> Void
    ) {
        self.filter = filter
        self.writer = writer
        self.limit = limit
        self.onExec = onExec
    }

    /// Events that went through.
    var written: UInt64 { unsafe count }

    /// As many events as were asked for have been written.
    var isComplete: Bool {
        guard let limit else { return false }
        return written >= limit
    }

    func receive(_ event: inout EnrichedEvent) {
        if case .exec = event.body, let process = event.process { onExec(process) }
        guard !isComplete, filter.admits(event) else { return }
        if writer.write(event) { unsafe count += 1 }
    }

    func receive(_ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook) {
        guard !isComplete, filter.admits(phase, &report) else { return }
        if writer.write(phase, &report, time: time, hook: hook) { unsafe count += 1 }
    }
}
