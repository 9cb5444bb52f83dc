import Testing
// SPDX-License-Identifier: Apache-2.0
import TrustRunEnrichment
import TrustRunEvents
import TrustRunPolicy
import TrustRunSinks
import TrustRunTestSupport

@testable import TrustRunAgent

/// What comes out of the judge, and in which order.
@Suite struct JudgeStageTests {
    private final class Bench {
        let stage: JudgeStage
        let gate: EventGate
        let output = TestFile()
        private let writer: EventWriter

        init(_ rules: [Rule], filter: EventFilter = EventFilter()) throws {
            let queue = try OutputQueue(outputDescriptor: output.descriptor, goneDescriptor: output.descriptor)
            writer = EventWriter(encoder: JSONLinesEncoder(host: "box", hooks: [:], bootOffset: 0), queue: queue)
            gate = EventGate(filter: filter, writer: writer, limit: nil) { _ in }
            var settings = PolicySettings()
            settings.defaultAction = .init(.block)
            let policy = Policy(
                name: "p", description: nil, rules: rules, settings: settings,
                documents: [.init(label: "p.yaml", name: "p", description: nil)])
            let judge = ConnectionJudge(policy, compiled: try CompiledPolicy(policy), resolvers: [])
            stage = JudgeStage(judge, filter: filter, gate: gate)
        }

        /// Type and verdict of each line.
        func lines() -> [String] {
            let summary = SessionSummary(time: 0, durationNanoseconds: 0, reason: .count, events: [], lost: 0)
            #expect(writer.finish(summary, timeoutMilliseconds: 5000))
            return output.text.split(separator: "\n").dropLast().map { line in
                let type = line.firstMatch(of: /"type":"([a-z]+)"/)?.output.1 ?? "?"
                let action = line.firstMatch(of: /"action":"([a-z]+)"/)?.output.1 ?? "-"
                return "\(type) \(action)"
            }
        }
    }

    private static func report(cookie: UInt64 = 1, generation: UInt32 = 1) -> ConnectionReport {
        let connection = ConnectionEvent(
            id: ConnectionID(cookie: cookie, generation: generation), direction: .outbound, transport: .tcp,
            source: Endpoint(address: IPAddress(ipv4: 0x0a00_0002), port: 40_000),
            destination: Endpoint(address: IPAddress(ipv4: 0x0a00_0001), port: 443), names: DestinationNames(),
            networkNamespace: 1)
        return ConnectionReport(connection: connection, owner: nil)
    }

    @Test func aViolationFollowsTheEventThatBroughtIt() throws {
        let bench = try Bench([])
        var report = Self.report()
        bench.stage.receive(.connect, &report, time: 1, hook: .connect)
        bench.stage.receive(.close, &report, time: 2, hook: .close)
        #expect(bench.lines() == ["connect block", "violation block", "close block"])
        #expect(bench.stage.violations == [0, 0, 1, 0])
    }

    @Test func whatIsAllowedIsNoViolation() throws {
        let bench = try Bench([Rule(id: "p.yaml#1", patterns: [.any], action: .allow)])
        var report = Self.report()
        bench.stage.receive(.connect, &report, time: 1, hook: .connect)
        #expect(bench.lines() == ["connect allow"])
        #expect(bench.stage.violations == [0, 0, 0, 0])
    }

    @Test func aServerNameMayBringAnother() throws {
        let name = try #require(NamePattern("good.example"))
        let bench = try Bench([Rule(id: "p.yaml#1", patterns: [.name(name)], action: .allow)])
        let good = HostName(try #require(DomainName("good.example")))
        let other = HostName(try #require(DomainName("other.example")))
        var report = Self.report()
        report.connection.names = DestinationNames(name: good, source: .dns)
        bench.stage.receive(.connect, &report, time: 1, hook: .connect)
        var told = ServerNameEvent(name: other, isOnWire: true, isFromLibrary: false)
        told.connection = report.connection
        told.connection?.names = DestinationNames(name: other, source: .sni)
        var event = EnrichedEvent(time: 2, process: nil, cgroup: nil, hook: .clientHello, body: .sni(told))
        bench.stage.receive(&event)
        guard case .sni(let judged) = event.body else { return #expect(Bool(false), "another event") }
        #expect(judged.connection?.verdict?.action == .block, "what follows is told with it")
        #expect(bench.lines() == ["connect allow", "sni block", "violation block"])
    }

    @Test func onlyThoseThatTheUserAskedForCount() throws {
        let bench = try Bench([], filter: EventFilter(pid: 7))
        var report = Self.report()
        bench.stage.receive(.connect, &report, time: 1, hook: .connect)
        #expect(bench.lines() == [])
        #expect(bench.stage.violations == [0, 0, 0, 0])
    }

    /// A socket that is used again is another connection, and what was said of the first one says nothing of it.
    @Test func aSocketThatIsUsedAgainIsJudgedAnew() throws {
        let bench = try Bench([])
        let enricher = Enricher(
            cgroups: CgroupTable(existing: []), bootOffset: 0, awaitsAcceptor: false, receiver: bench.stage,
            counts: Counts.none)
        let pipeline = Pipeline(enricher: enricher, gate: bench.gate)
        for cookie in [UInt64(1), 2, 1] {
            for record in [
                RecordBuilder.connect(TaskFields(10), cookie: cookie, at: 1000),
                RecordBuilder.established(cookie: cookie, at: 2000), RecordBuilder.close(cookie: cookie, at: 3000),
            ] {
                pipeline.receive(record.span.bytes)
            }
        }
        #expect(
            bench.lines()
                == Array(repeating: ["connect block", "violation block", "close block"], count: 3).flatMap(\.self))
    }

    private enum Counts {
        nonisolated(unsafe) static let none = FakeFlowCounts()
    }
}
