// SPDX-License-Identifier: Apache-2.0
import CRing
import Glibc
import TrustRunEnrichment
import TrustRunEvents
import TrustRunPolicy
import TrustRunOrganisations
import TrustRunSensor
import TrustRunSinks

private let hooks: [StaticHook: String] = [.connect: "fentry/tcp_connect", .close: "tp_btf/inet_sock_set_state"]

private final class NoFlows: FlowCounts {
    func takeUDPFlow(cookie: UInt64, remote: Endpoint) -> (sent: UInt64, received: UInt64)? { nil }
}

/// Carries the receiver through C as the sensor does.
final class Box {
    let receiver: any RecordReceiver

    init(_ receiver: any RecordReceiver) {
        self.receiver = receiver
    }
}

/// What the ring calls, with a `Box` as the context.
func deliver(_ context: UnsafeMutableRawPointer?, _ bytes: UnsafeMutableRawPointer, _ size: Int) -> Int32 {
    guard let context else { return 0 }
    Unmanaged<Box>.fromOpaque(context)._withUnsafeGuaranteedRef { box in
        box.receiver.receive(UnsafeRawBufferPointer(start: bytes, count: size).bytes)
    }
    return 0
}

/// The agent's stages, put together as `monitor` does.
final class Agent {
    let pipeline: Pipeline
    let enricher: Enricher
    let writer: EventWriter
    let queue: OutputQueue
    private let counts = NoFlows()

    /// `policy`: what judges each connection; nil: nothing does.
    init(output: Int32, policy: Policy? = nil) throws {
        queue = try OutputQueue(outputDescriptor: output, goneDescriptor: STDERR_FILENO)
        let encoder = JSONLinesEncoder(
            host: "bench", hooks: hooks, bootOffset: 0, organisations: OrganisationTable.carried.organisations
        )
        writer = EventWriter(encoder: encoder, queue: queue)
        let gate = EventGate(filter: EventFilter(), writer: writer, limit: nil) { _ in }
        let cgroups = (7000..<7004).map { id in
            (id: UInt64(id), path: Array("/system.slice/service-\(id).service".utf8))
        }
        enricher = Enricher(
            cgroups: CgroupTable(existing: cgroups), bootOffset: 0, awaitsAcceptor: false, receiver: try policy.map { policy in try Self.stage(policy, gate) } ?? gate,
            counts: counts, hints: CarriedHints()
        )
        pipeline = Pipeline(enricher: enricher, gate: gate)
    }

    private static func stage(_ policy: Policy, _ gate: EventGate) throws -> JudgeStage {
        let judge = ConnectionJudge(policy, compiled: try CompiledPolicy(policy), resolvers: [])
        return JudgeStage(judge, filter: EventFilter(), gate: gate)
    }

    /// A thousand rules, one of which allows each connection of the ring: prefixes of their destinations, and names.
    static func thousandRules() throws -> Policy {
        var rules: [Rule] = []
        for number in UInt32(0)..<256 {
            guard let network = IPNetwork(IPAddress(ipv4: 0x5db8_0000 | number << 8), length: 24) else { continue }
            rules.append(Rule(id: "bench#\(rules.count)", patterns: [.network(network)], ports: [443...443], action: .allow))
        }
        while rules.count < 1000 {
            guard let name = NamePattern("service-\(rules.count).example.org") else { continue }
            rules.append(Rule(id: "bench#\(rules.count)", patterns: [.name(name)], action: .allow))
        }
        return Policy(
            name: "bench", description: nil, rules: rules, settings: PolicySettings(),
            documents: [Policy.Document(label: "bench", name: "bench", description: nil)])
    }

    var lines: UInt64 { writer.linesWritten.reduce(0, +) }
}
