// SPDX-License-Identifier: Apache-2.0
import TrustRunEvents
import TrustRunPolicy
import TrustRunTestSupport

/// Connections as the learner and the judge see them.
struct LearnedWorld {
    struct Seen {
        var connection: ConnectionEvent
        var executable: String?
    }

    private(set) var seen: [Seen] = []
    private(set) var learner: PolicyLearner
    private var clock = 0

    init(resolvers: [String] = []) {
        learner = PolicyLearner(resolvers: resolvers.compactMap { text in IPAddress(text: text) })
    }

    static func address(_ text: String) -> IPAddress { IPAddress(text: text) ?? IPAddress(ipv4: 0xffff_ffff) }

    static func names(_ names: [String], _ source: NameSource) -> DestinationNames {
        let hosts = names.compactMap { name in DomainName(name).map { name in HostName(name) } }
        return hosts.count > 1
            ? DestinationNames(candidates: hosts, source: source) : DestinationNames(name: hosts.first, source: source)
    }

    /// A TCP or UDP connection that was made, sent `payload` bytes and ended.
    mutating func connect(
        _ address: String, _ port: UInt16, names: [String] = [], source: NameSource = .none,
        transport: TransportProtocol = .tcp, from executable: String? = "/usr/bin/curl", payload: UInt64 = 100
    ) {
        var connection = ConnectionEvent(
            id: ConnectionID(cookie: UInt64(seen.count) + 1, generation: 1), direction: .outbound, transport: transport,
            source: Endpoint(address: Self.address("10.0.0.2"), port: 40000),
            destination: Endpoint(address: Self.address(address), port: port),
            names: Self.names(names, source), networkNamespace: 1
        )
        connection.outcome = transport == .tcp ? .established : nil
        observe(&connection, executable, payload)
    }

    mutating func accept(from address: String, transport: TransportProtocol = .tcp, by executable: String? = "/srv/d") {
        var connection = ConnectionEvent(
            id: ConnectionID(cookie: UInt64(seen.count) + 1, generation: 1), direction: .inbound, transport: transport,
            source: Endpoint(address: Self.address(address), port: 50000),
            destination: Endpoint(address: Self.address("10.0.0.2"), port: 8080), names: DestinationNames(),
            networkNamespace: 1
        )
        observe(&connection, executable, 10)
    }

    private mutating func observe(_ connection: inout ConnectionEvent, _ executable: String?, _ payload: UInt64) {
        seen.append(Seen(connection: connection, executable: executable))
        let id = "\(seen.count)"
        learner.observe(connection, id: id, executable: executable, time: time(), isLast: false)
        connection.outcome = nil
        connection.bytes =
            connection.transport == .tcp
            ? .tcp(acknowledged: payload, unacknowledged: 0, received: 0) : .udp(sent: payload, received: 0)
        learner.observe(connection, id: id, executable: executable, time: time(), isLast: true)
    }

    private mutating func time() -> String {
        clock += 1
        return "2026-11-21T19:\(clock / 60 % 60 + 10):\(clock % 60 + 10).000000000Z"
    }

    mutating func answer(from resolver: String) {
        learner.observeAnswer(from: Self.address(resolver))
    }

    mutating func learned(_ action: PolicyAction = .block) -> LearnedPolicy {
        learner.finish()
        return learner.policy(named: "learned", defaultAction: action)
    }
}

extension LearnedPolicy {
    /// The document, as `policy check` would load it.
    func loaded(lost: UInt64 = 0) throws -> (text: String, policy: Policy) {
        let text = text(Context(subject: "a test", host: "box", lost: lost))
        return (text, try Documents(["learned.yaml": text]).load("learned.yaml"))
    }
}

extension Policy {
    /// What the policy says of a connection that was seen, judged as in `monitor`.
    func verdict(of seen: LearnedWorld.Seen) throws -> Verdict? {
        let judge = ConnectionJudge(
            self, compiled: try CompiledPolicy(self), resolvers: settings.resolvers.value ?? []
        )
        let process = ProcessIdentity(
            key: ProcessKey(tgid: 7, startTime: 1), parent: nil, parentTgid: 1, user: 0, group: 0, name: [],
            executable: Array((seen.executable ?? "").utf8), cgroup: nil
        )
        var connection = seen.connection
        _ = judge.judge(&connection, of: Owner(process: process, cgroup: nil))
        return connection.verdict
    }

    func without(rule index: Int) -> Policy {
        var other = self
        other.rules.remove(at: index)
        return other
    }
}
