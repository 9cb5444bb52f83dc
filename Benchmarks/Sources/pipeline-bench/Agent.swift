// SPDX-License-Identifier: Apache-2.0
import CRing
import Glibc
import TrustRunEnrichment
import TrustRunEvents
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

    init(output: Int32) throws {
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
            cgroups: CgroupTable(existing: cgroups), bootOffset: 0, awaitsAcceptor: false, receiver: gate,
            counts: counts, hints: CarriedHints()
        )
        pipeline = Pipeline(enricher: enricher, gate: gate)
    }

    var lines: UInt64 { writer.linesWritten.reduce(0, +) }
}
