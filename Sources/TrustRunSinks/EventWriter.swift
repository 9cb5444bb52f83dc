// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

/// Encodes events and hands full buffers to the queue; counts what it writes and what it must drop. Owned by one thread.
package final class EventWriter {
    /// A buffer with less room than this is full: nearly every line fits into the rest.
    private static let minimumRoom = 64 << 10

    private let encoder: any EventEncoder
    private let queue: OutputQueue
    /// What is filled now; one without memory stands for none.
    private var current: OutputBuffer {
        _read { yield unsafe storedCurrent }
        _modify { yield unsafe &storedCurrent }
    }
    /// Unchecked is sound: an encoder does not come back to the writer.
    @exclusivity(unchecked) private var storedCurrent = OutputBuffer(capacity: 0)
    /// Lines written, by `EventType.position`.
    package var linesWritten: [UInt64] { EventType.allCases.map { type in unsafe lines[type.position] } }
    /// Unchecked is sound: counting calls nothing.
    @exclusivity(unchecked) private var lines = InlineArray<11, UInt64>(repeating: 0)
    /// Events dropped since the start.
    package private(set) var totalDrops: UInt64 = 0
    private var drops = [UInt64](repeating: 0, count: EventType.allCases.count)
    private var hasDrops = false
    private var pendingLosses: [LossEntry] = []
    private var pendingLossTime: UInt64 = 0

    package init(encoder: any EventEncoder, queue: OutputQueue) {
        self.encoder = encoder
        self.queue = queue
    }

    package var isReaderGone: Bool { queue.isReaderGone }

    /// Why the output failed, other than that its reader went away.
    package var writeError: OutputError? { queue.writeError }

    /// Writes an event, or drops and counts it if the reader is too slow: then false.
    @discardableResult
    package func write(_ event: EnrichedEvent) -> Bool {
        let isWritten = writeLine { buffer in encoder.encode(event, into: &buffer) }
        count(isWritten, at: event.type.position)
        return isWritten
    }

    /// The same for a connection's event; the report is lent and stays as it is.
    @discardableResult
    package func write(
        _ phase: ConnectionPhase, _ report: inout ConnectionReport, time: UInt64, hook: StaticHook
    ) -> Bool {
        let isWritten = writeLine { buffer in
            encoder.encode(phase, &report, time: time, hook: hook, into: &buffer)
        }
        count(isWritten, at: phase.position)
        return isWritten
    }

    @inline(always)
    private func count(_ isWritten: Bool, at position: Int) {
        if isWritten {
            unsafe lines[position] += 1
        } else {
            drops[position] += 1
            totalDrops += 1
            hasDrops = true
        }
    }

    /// Writes the first line; false if it could not be written.
    package func write(_ start: SessionStart) -> Bool {
        guard writeLine({ buffer in encoder.encode(start, into: &buffer) }) else { return false }
        unsafe lines[EventType.session.position] += 1
        return true
    }

    /// Writes what became of enforcement, or drops and counts it if the reader is too slow: then false.
    @discardableResult
    package func write(_ event: EnforcementEvent) -> Bool {
        let isWritten = writeLine { buffer in encoder.encode(event, into: &buffer) }
        count(isWritten, at: EventType.enforcement.position)
        return isWritten
    }

    /// Writes a loss line now or, if the reader is too slow, at the next `flush` that can, together with later losses.
    package func write(losses: [LossEntry], time: UInt64) {
        for loss in losses { merge(loss) }
        pendingLossTime = time
        writePendingLosses()
    }

    /// The events dropped since the last call, by type.
    package func takeDrops() -> [LossEntry] {
        guard hasDrops else { return [] }
        hasDrops = false
        var entries: [LossEntry] = []
        for type in EventType.allCases where drops[type.position] > 0 {
            entries.append(LossEntry(stage: .output, record: type.rawValue, count: drops[type.position]))
            drops[type.position] = 0
        }
        return entries
    }

    /// Hands over what is written. While the writer is behind, the buffer is filled further instead.
    package func flush() {
        writePendingLosses()
        guard queue.isIdle, current.count > 0 else { return }
        queue.submit(takeCurrent())
    }

    /// Writes the losses nobody took, the summary with the counts of this writer, and waits until all of it is out;
    /// false if that took longer than the timeout.
    package func finish(_ summary: SessionSummary, timeoutMilliseconds: Int) -> Bool {
        for loss in takeDrops() { merge(loss) }
        pendingLossTime = summary.time
        writePendingLosses(isLast: true)
        var summary = summary
        unsafe lines[EventType.session.position] += 1
        summary.events = linesWritten
        let isWritten = writeLine(isLast: true) { buffer in encoder.encode(summary, into: &buffer) }
        if current.capacity > 0 { queue.submit(takeCurrent()) }
        return queue.finish(timeoutMilliseconds: timeoutMilliseconds) && isWritten
    }

    private func merge(_ loss: LossEntry) {
        for index in pendingLosses.indices
        where pendingLosses[index].stage == loss.stage && pendingLosses[index].record == loss.record {
            pendingLosses[index].count += loss.count
            return
        }
        pendingLosses.append(loss)
    }

    private func writePendingLosses(isLast: Bool = false) {
        guard !pendingLosses.isEmpty else { return }
        let isWritten = writeLine(isLast: isLast) { buffer in
            encoder.encode(losses: pendingLosses, time: pendingLossTime, into: &buffer)
        }
        guard isWritten else { return }
        pendingLosses.removeAll()
        unsafe lines[EventType.loss.position] += 1
    }

    @inline(always)
    private func writeLine(isLast: Bool = false, _ encode: (inout OutputBuffer) -> Bool) -> Bool {
        let isWritten = encode(&current) || (renew(isLast: isLast) && encode(&current))
        submitIfFull()
        return isWritten
    }

    /// Replaces the buffer after a line did not fit; false if that is no use or there is none left.
    private func renew(isLast: Bool) -> Bool {
        if current.capacity > 0 {
            // A line longer than the rest of this buffer may fit into an empty one.
            guard current.count > 0 else { return false }
            queue.submit(takeCurrent())
        }
        guard let buffer = isLast ? queue.takeLastBuffer() : queue.takeBuffer() else { return false }
        current = buffer
        return true
    }

    @inline(always)
    private func submitIfFull() {
        if current.room < Self.minimumRoom, current.capacity > 0 { queue.submit(takeCurrent()) }
    }

    private func takeCurrent() -> OutputBuffer {
        var taken = OutputBuffer(capacity: 0)
        swap(&taken, &current)
        return taken
    }
}
