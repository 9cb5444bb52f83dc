// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEnrichment
import TrustRunEvents
import TrustRunSensor
import TrustRunSinks
import TrustRunTestSupport

@testable import TrustRunAgent

/// Records in, lines out, and nothing of the kernel in between.
@Suite struct PipelineTests {
    /// A pipeline that writes into a file.
    private final class Bench {
        let pipeline: Pipeline
        let enricher: Enricher
        let writer: EventWriter
        private let counts = FakeFlowCounts()
        private let output = TestFile()
        private let gone = TestFile()

        init(filter: EventFilter = EventFilter(), limit: UInt64? = nil) throws {
            let queue = try OutputQueue(outputDescriptor: output.descriptor, goneDescriptor: gone.descriptor)
            let encoder = JSONLinesEncoder(host: "box", hooks: [:], bootOffset: EnrichmentBench.bootOffset)
            writer = EventWriter(encoder: encoder, queue: queue)
            let seen = Seen()
            let gate = EventGate(filter: filter, writer: writer, limit: limit) { process in
                seen.pids.append(process.key.tgid)
            }
            self.seen = seen
            enricher = Enricher(
                cgroups: CgroupTable(existing: []), bootOffset: EnrichmentBench.bootOffset,
                awaitsAcceptor: false, receiver: gate, counts: counts)
            pipeline = Pipeline(enricher: enricher, gate: gate)
        }

        final class Seen {
            var pids: [UInt32] = []
        }
        let seen: Seen

        func receive(_ record: [UInt8]) {
            pipeline.receive(record.span.bytes)
        }

        /// The lines written, without the summary.
        func lines() -> [String] {
            let summary = SessionSummary(time: 0, durationNanoseconds: 0, reason: .count, events: [], lost: 0)
            #expect(writer.finish(summary, timeoutMilliseconds: 5000))
            return output.text.split(separator: "\n").dropLast().map(String.init)
        }
    }

    private static let time: UInt64 = 1_000_000_000_000
    private let task = TaskFields(10)

    @Test func writesALineForEachEvent() throws {
        let bench = try Bench()
        bench.receive(RecordBuilder.exec(task, arguments: ["curl", "x"], at: Self.time))
        bench.receive(RecordBuilder.connect(task, cookie: 1, at: Self.time))
        bench.receive(RecordBuilder.established(cookie: 1, at: Self.time + 5))
        let lines = bench.lines()
        #expect(lines.count == 2)
        #expect(lines.first?.contains(#""arguments":["curl","x"]"#) == true)
        #expect(lines.last?.contains(#""outcome":"established""#) == true)
        #expect(bench.pipeline.eventsWritten == 2)
        #expect(bench.seen.pids == [10])
    }

    @Test func countsWhatItCannotRead() throws {
        let bench = try Bench()
        #expect(bench.pipeline.takeDecodeLoss() == nil)
        bench.receive([])
        bench.receive([1, 2, 3])
        bench.receive(RecordBuilder.dns(task, cookie: 1, flags: .egress, payload: [1], at: Self.time))
        bench.receive(RecordBuilder.exit(task, at: Self.time))
        #expect(bench.pipeline.undecodable == 2)
        #expect(bench.pipeline.takeDecodeLoss()?.count == 2)
        #expect(bench.pipeline.takeDecodeLoss() == nil)
        #expect(bench.pipeline.takeMalformed().map(\.count) == [1])
        #expect(bench.pipeline.takeMalformed().isEmpty)
        #expect(bench.lines().count == 1)
    }

    @Test func endsAtTheLimit() throws {
        let bench = try Bench(filter: EventFilter(types: [.exit]), limit: 2)
        for _ in 0..<5 {
            bench.receive(RecordBuilder.exec(task, at: Self.time))
            bench.receive(RecordBuilder.exit(task, at: Self.time))
        }
        #expect(bench.pipeline.isComplete)
        #expect(bench.lines().count == 2)
        #expect(bench.seen.pids.count == 5)
    }

    @Test func keepsRecordsBackInOrder() throws {
        let bench = try Bench()
        let records = (1...3).map { RecordBuilder.exit(TaskFields(UInt32($0)), at: Self.time) }
        bench.pipeline.hold()
        for record in records { bench.receive(record) }
        #expect(bench.pipeline.eventsWritten == 0)
        #expect(bench.pipeline.release() == records)
        #expect(bench.pipeline.release() == [])
        bench.receive(records[0])
        #expect(bench.pipeline.eventsWritten == 1)
    }

    @Test(arguments: [UInt64(8), 0xbadc0de]) func survivesHostileRecords(seed: UInt64) throws {
        print("pipeline seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let bench = try Bench()
        var scenario = Scenario(seed: seed)
        for round in 0..<20_000 {
            let whole = scenario.next()
            bench.receive(generator.isOne(in: 2) ? generator.mutatedRecord(whole) : whole)
            guard round.isMultiple(of: 100) else { continue }
            bench.enricher.tick(at: scenario.time)
            bench.enricher.sweep(at: scenario.time)
            bench.writer.flush()
        }
        bench.enricher.finish()
        #expect(bench.pipeline.undecodable > 100)
        #expect(bench.pipeline.eventsWritten > 1000)
        _ = bench.lines()
    }
}
