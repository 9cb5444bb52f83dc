// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEnrichment
import TrustRunEvents
import TrustRunSensor
import TrustRunTestSupport

@Suite struct EnricherPropertyTests {
    /// What may be said of a connection after what was said of it before.
    private struct Ledger {
        enum Stage {
            case failed, open, pending, closed
        }

        var stages: [ConnectionID: Stage] = [:]
        var problems: [String] = []

        mutating func note(_ event: EnrichedEvent) {
            guard let connection = event.connection else { return }
            let before = stages[connection.id]
            switch event.body {
            case .connect, .accept:
                if before != nil { problems.append("begun twice: \(event.summary)") }
                switch connection.outcome {
                case .pending: stages[connection.id] = .pending
                case .established, nil: stages[connection.id] = .open
                default: stages[connection.id] = .failed
                }
            case .close:
                if before != .open && before != .pending {
                    problems.append("closed without a beginning: \(event.summary)")
                }
                if (before == .pending) != (connection.outcome != nil) {
                    problems.append("outcome of \(event.summary)")
                }
                stages[connection.id] = .closed
            default: break
            }
        }
    }

    @Test(arguments: [UInt64(4), 0xc0ffee]) func everyCloseFollowsItsBeginning(seed: UInt64) throws {
        print("scenario seed \(seed)")
        for round in 0..<500 {
            var scenario = Scenario(seed: seed &+ UInt64(round))
            let bench = EnrichmentBench(awaitsAcceptor: round.isMultiple(of: 2))
            var ledger = Ledger()
            for step in 0..<60 {
                try bench.feed(scenario.next())
                if step.isMultiple(of: 10) { bench.enricher.tick(at: scenario.time) }
                if step.isMultiple(of: 20) { bench.enricher.sweep(at: scenario.time) }
                for event in bench.receiver.take() { ledger.note(event) }
            }
            bench.enricher.finish()
            for event in bench.receiver.take() { ledger.note(event) }
            #expect(ledger.problems == [], "seed \(seed) + \(round)")
        }
    }

    /// A name that is proven, or rests on an answer, was given by an answer before.
    @Test(arguments: [UInt64(5)]) func everyNameHasEvidence(seed: UInt64) throws {
        print("scenario seed \(seed)")
        var scenario = Scenario(seed: seed)
        let bench = EnrichmentBench()
        var answered: Set<String> = []
        for _ in 0..<20_000 {
            for event in try bench.events(scenario.next()) {
                if let told = event.dns, told.isAnswer, !told.isUnsolicited, let name = told.name {
                    for answer in told.answers { answered.insert("\(name.text) \(answer.address)") }
                }
                guard let connection = event.connection, connection.direction == .outbound else { continue }
                let names = connection.names
                guard names.source == .dns || names.source == .dnsAndSNI else { continue }
                for name in names.candidates + [names.name].compactMap({ $0 }) {
                    #expect(answered.contains("\(name.text) \(connection.destination.address)"))
                }
            }
        }
        #expect(!answered.isEmpty)
    }

    @Test(arguments: [UInt64(6), 0xfeed]) func survivesMutatedRecords(seed: UInt64) {
        print("mutation seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var decoded = 0
        for round in 0..<1000 {
            var scenario = Scenario(seed: seed &+ UInt64(round))
            let bench = EnrichmentBench(awaitsAcceptor: round.isMultiple(of: 2))
            for _ in 0..<20 {
                let whole = scenario.next()
                let record = generator.isOne(in: 2) ? generator.mutatedRecord(whole) : whole
                guard let event = try? RecordDecoder.decode(record.span.bytes) else { continue }
                decoded += 1
                bench.enricher.enrich(event)
                if generator.isOne(in: 8) {
                    let time = generator.isOne(in: 8) ? generator.next() : scenario.time
                    bench.enricher.tick(at: time)
                    bench.enricher.sweep(at: time)
                }
            }
            bench.enricher.finish()
        }
        #expect(decoded > 10_000)
    }
}
