// SPDX-License-Identifier: Apache-2.0
package import TrustRunEnrichment
package import TrustRunEvents
package import TrustRunSensor

/// An enricher between records and a list of events, the way the agent builds it.
package final class EnrichmentBench {
    /// Unix time minus time since boot.
    package static let bootOffset: UInt64 = 1_700_000_000_000_000_000
    package static let second: UInt64 = 1_000_000_000

    package let receiver = RecordingReceiver()
    package let counts = FakeFlowCounts()
    package let enricher: Enricher
    private var step = ConnectionStep()

    package init(
        cgroups: [(id: UInt64, path: String)] = [], awaitsAcceptor: Bool = false,
        hints: any DestinationHints = NoHints(), proverParent: UInt32 = 0
    ) {
        enricher = Enricher(
            cgroups: CgroupTable(existing: cgroups.map { group in (group.id, Array(group.path.utf8)) }),
            bootOffset: Self.bootOffset, awaitsAcceptor: awaitsAcceptor, receiver: receiver, counts: counts,
            hints: hints, proverParent: proverParent
        )
    }

    /// Decodes records and takes them further, in order and as the pipeline does.
    package func feed(_ records: [UInt8]...) throws(RecordError) {
        for record in records {
            if try RecordDecoder.decode(record.span.bytes, into: &step) {
                enricher.enrich(&step)
            } else {
                enricher.enrich(try RecordDecoder.decode(record.span.bytes))
            }
        }
    }

    /// Lists sockets as if they were open before; returns what came of it.
    package func list(_ records: [[UInt8]], reported: Set<UInt64> = []) throws(RecordError) -> [EnrichedEvent] {
        var sockets: [(facts: SocketFacts, state: UInt32, flags: SensorEvent.Flags, time: UInt64)] = []
        for record in records {
            let event = try RecordDecoder.decode(record.span.bytes)
            if case .socket(let facts, let state) = event.body {
                sockets.append((facts, state, event.flags, event.time))
            }
        }
        enricher.list(sockets) { cookie in reported.contains(cookie) }
        return receiver.take()
    }

    /// The events that these records led to, without those before.
    package func events(_ records: [UInt8]...) throws(RecordError) -> [EnrichedEvent] {
        _ = receiver.take()
        for record in records { try feed(record) }
        return receiver.take()
    }

    /// The events that time alone led to.
    package func tick(at time: UInt64) -> [EnrichedEvent] {
        _ = receiver.take()
        enricher.tick(at: time)
        enricher.sweep(at: time)
        return receiver.take()
    }
}
