// SPDX-License-Identifier: Apache-2.0

/// What a recorded line says in words, for people who ask what happened.
package struct RecordedDetails: Sendable {
    /// A process as the recording names it.
    package struct Process: Sendable, Hashable {
        package var pid: UInt32
        package var startTime: String
        package var name: String
    }

    /// A verdict with all that was told of it; docs/events.md says what the words mean.
    package struct Verdict: Sendable {
        package var isEnforced: Bool
        package var basis: String
        package var name: String?
        package var reason: String
        package var gate: String?
        package var generation: UInt32?
        package var isDivergent: Bool
        package var policy: String
    }

    /// A DNS query or answer.
    package struct Lookup: Sendable {
        package var isAnswer: Bool
        package var id: UInt16
        package var name: String
        package var type: String
        package var resolver: String
        package var answers: [(address: String, timeToLiveSeconds: UInt64)]
    }

    package var process: Process?
    package var verdict: Verdict?
    /// nil: it tells of none, or of one that names nothing.
    package var lookup: Lookup?
    /// The name in the client's ClientHello.
    package var serverName: String?
    /// The symbolic name of an error.
    package var errorName: String?

    init(_ line: RecordedLine) {
        process = line.process.flatMap { process in
            process.pid.map { pid in
                Process(pid: pid, startTime: process.start_time ?? "", name: process.name ?? "")
            }
        }
        verdict = line.verdict.map { verdict in
            Verdict(
                isEnforced: verdict.enforced ?? false, basis: verdict.basis ?? "", name: verdict.name,
                reason: verdict.reason ?? "", gate: verdict.gate, generation: verdict.generation,
                isDivergent: verdict.divergent ?? false, policy: verdict.policy ?? "")
        }
        serverName = line.type == "sni" ? line.sni?.name : nil
        errorName = line.errno
        lookup = line.dns.flatMap(Self.lookup)
    }

    private static func lookup(_ dns: RecordedLine.DNS) -> Lookup? {
        guard let name = dns.name, let resolver = dns.resolver, dns.unsolicited != true else { return nil }
        return Lookup(
            isAnswer: dns.phase == "answer", id: dns.id ?? 0, name: name, type: dns.query_type ?? "",
            resolver: resolver.port.map { port in "\(resolver.address) port \(port)" } ?? resolver.address,
            answers: (dns.answers ?? []).map { answer in (answer.address, answer.ttl ?? 0) })
    }
}
