// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnrichment
internal import TrustRunEvents
internal import TrustRunSensor

/// Brings the enricher up to date with what was there before: the hooks are attached first, so that nothing falls between.
enum Startup {
    /// Keeps copies of records, to be read in an order of our own.
    private final class Collector: RecordReceiver {
        var records: [[UInt8]] = []

        func receive(_ record: RawSpan) {
            records.append(unsafe record.withUnsafeBytes { bytes in unsafe Array(bytes) })
        }
    }

    /// Lists processes, then sockets, then takes the records that came meanwhile.
    static func run(_ sensor: borrowing Sensor, _ enricher: Enricher, _ pipeline: Pipeline) throws(SensorError) {
        try listProcesses(sensor, enricher)
        let collector = Collector()
        try sensor.snapshotSockets(RecordBox(collector))
        pipeline.hold()
        sensor.consume()
        let waiting = pipeline.release()
        listSockets(collector.records, enricher, waiting: waiting)
        for record in waiting { pipeline.receive(unsafe record.span.bytes) }
    }

    private static func listProcesses(_ sensor: borrowing Sensor, _ enricher: Enricher) throws(SensorError) {
        let collector = Collector()
        try sensor.snapshotProcesses(RecordBox(collector))
        var parents: [(child: ProcessKey, parent: ProcessKey)] = []
        for record in collector.records {
            guard let event = try? RecordDecoder.decode(unsafe record.span.bytes) else { continue }
            if case .exec(let task, let parent, _) = event.body { parents.append((task.key, parent)) }
            enricher.enrich(event)
        }
        enricher.linkExistingParents(parents)
    }

    private static func listSockets(_ records: [[UInt8]], _ enricher: Enricher, waiting: [[UInt8]]) {
        var sockets: [(facts: SocketFacts, state: UInt32, flags: SensorEvent.Flags, time: UInt64)] = []
        for record in records {
            guard let event = try? RecordDecoder.decode(unsafe record.span.bytes) else { continue }
            if case .socket(let facts, let state) = event.body {
                sockets.append((facts, state, event.flags, event.time))
            }
        }
        let reported = cookies(begunIn: waiting)
        enricher.list(sockets) { cookie in reported.contains(cookie) }
    }

    /// The sockets whose beginning is among these records.
    private static func cookies(begunIn records: [[UInt8]]) -> Set<UInt64> {
        var cookies: Set<UInt64> = []
        for record in records {
            guard let event = try? RecordDecoder.decode(unsafe record.span.bytes) else { continue }
            switch event.body {
            case .connect(let facts), .accept(let facts), .udpFlow(let facts): cookies.insert(facts.cookie)
            default: continue
            }
        }
        return cookies
    }
}
