// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// Gates, and the scope that they hold to a policy once they are proven. What they are told to pin outlives the agent. One thread owns it.
final class EnforcedScope {
    /// nil: they hold nothing yet.
    private(set) var group: ControlGroup?
    /// By the latest proof.
    private(set) var status = EnforcementStatus.degraded("not proven yet")
    /// When, in nanoseconds since 1970; 0: it was not.
    private var proven: UInt64 = 0
    private let namespaces: ResolverNamespaces
    private var gate: Gate
    private var pins: InstancePins?
    private let cuts: ConnectionCuts

    /// Loads the gates; they hold nothing, and refuse everything as long as there is no policy. `tells`: they write records, to `ring` or one
    /// of their own.
    init(
        tells: Bool, into ring: Gate.Ring? = nil, namespaces: ResolverNamespaces
    ) throws(AgentError) {
        let gate = try Self.unenforced { () throws(EnforcementError) in try Gate(tells: tells, into: ring) }
        cuts = try Self.unenforced { () throws(EnforcementError) in try gate.cuts() }
        self.gate = gate
        self.namespaces = namespaces
    }

    /// Takes over the gates that an agent before this one pinned, which hold `group` with the policy that they have.
    init(
        adopting pins: InstancePins, of group: ControlGroup, namespaces: ResolverNamespaces
    ) throws(EnforcementError) {
        let gate = try Gate(adopting: pins)
        cuts = try gate.cuts()
        self.gate = gate
        self.pins = pins
        self.group = group
        self.namespaces = namespaces
    }

    /// That of the policy in force.
    var generation: UInt32 { gate.generation }
    var canKill: Bool { gate.canKill }
    func canRefuseHandover() -> Bool { gate.canRefuseHandover() }
    var refusesHandover: Bool { gate.refusesHandover }
    /// The gates' records, as `Gate` has them.
    var ring: Gate.Ring { gate.ring }

    /// What is open where the kernel does not let it be refused.
    static let openHandover =
        "sockets that other processes hand in come in, and what they send is refused at its packets: a byte may leave that one takes before its peer does. This kernel has no programs that change what its functions return, or no room for more"

    var isPinned: Bool { pins != nil }

    func tells(into ring: Gate.Ring) -> Bool { gate.tells(into: ring) }

    /// Puts a policy in force. On an error, what was in force stays so.
    func enforce(_ entry: PolicyGenerations.Entry) throws(AgentError) {
        try Self.system { () throws(EnforcementError) in
            try gate.setPolicy(
                entry.compiled, generation: entry.generation, resolvers: entry.resolvers, namespaces: namespaces)
        }
    }

    /// Puts the gates up, with nothing pinned; throws unless they are proven.
    func hold(_ group: ControlGroup) throws(AgentError) {
        try Self.unenforced { () throws(EnforcementError) in try gate.attach(toDirectory: group.descriptor) }
        self.group = group
        switch prove() {
        case .proven: break
        case .degraded(let reason), .lost(let reason): throw AgentError(.notEnforced, reason)
        }
    }

    /// Lets the gates outlive this process. `ownsScope`: the scope was made for them, and goes with them.
    func pin(as name: String, policy: String, ownsScope: Bool) throws(AgentError) {
        guard let group else { throw AgentError(.software, "there is no scope to pin") }
        let facts = InstanceFacts(
            policy: policy, scope: group.path, cgroup: group.identifier, ownsScope: ownsScope, began: Clock.wall,
            canKill: gate.canKill)
        pins = try Self.unenforced { () throws(EnforcementError) in
            let pins = try InstancePins(forNew: name)
            // Gates that nobody could take over: these hold already.
            if pins.isThere { try pins.remove() }
            try gate.pin(to: pins, facts)
            return pins
        }
    }

    /// Removes what was pinned; the gates end with this.
    func unpin() throws(AgentError) {
        guard let pins else { return }
        try Self.unenforced { () throws(EnforcementError) in try pins.remove() }
        self.pins = nil
    }

    /// Tries the gates from within the scope, and notes for others what they counted until now.
    func prove() -> EnforcementStatus {
        guard let group else { return status }
        // A note that fails costs only what it would tell.
        if let pins { try? gate.noteProof(in: pins) }
        status = gate.prove(inDirectory: group.descriptor)
        proven = status == .proven ? Clock.wall : 0
        noteCounts()
        return status
    }

    /// Notes for whoever comes later what the gates counted until now.
    func noteCounts() {
        if let pins { try? gate.note(in: pins, proven: proven, time: Clock.wall) }
    }

    /// Makes room where names have run out.
    func forgetNames() { gate.forgetNames() }

    /// How often an answer tied no name to an address since there was no room, as it was last read.
    private(set) var answersWithoutRoom: UInt64 = 0

    /// Reads that; returns whether it is more than before.
    func countAnswersWithoutRoom() -> Bool {
        let count = gate.outcomes().filter { outcome in
            outcome.gate == .answer && [.full, .crowded].contains(outcome.basis)
        }
        .reduce(0) { sum, outcome in sum + outcome.count }
        defer { answersWithoutRoom = count }
        return count > answersWithoutRoom
    }

    /// Can be read when there are connections that are refused now.
    var cutsDescriptor: Int32 { cuts.descriptor }

    /// Ends them; returns how many.
    func endCuts() throws(AgentError) -> Int {
        // This one's too: processes may have ended and left sockets there.
        let namespaces = NetworkNamespaces(
            of: [getpid()] + (group.map { group in ScopeDirectory.processes(below: group.folder) } ?? []))
        return try Self.system { () throws(EnforcementError) in
            try cuts.end(inNamespaces: namespaces.descriptors)
        }
    }

    /// Leaves the gates to what sockets are left, since the scope is removed next; those that are refused already are ended.
    func leaveToSockets() throws(AgentError) {
        guard let group else { return }
        try Self.system { () throws(EnforcementError) in try SocketGuard.leave(on: group.descriptor) }
        // They are held: if this fails, they only last longer.
        _ = try? endCuts()
    }

    /// Whether the kernel took the gates off, since the scope and all of its sockets are gone.
    var isOff: Bool { (try? gate.isOff()) ?? false }

    func totals() throws(AgentError) -> Gate.Totals {
        try Self.system { () throws(EnforcementError) in try gate.totals() }
    }

    func outcomes() -> [GateOutcome] { gate.outcomes() }

    private static func unenforced<Value: ~Copyable>(
        _ body: () throws(EnforcementError) -> Value
    ) throws(AgentError) -> Value {
        do { return try body() } catch { throw AgentError(.notEnforced, error.description) }
    }

    private static func system<Value>(_ body: () throws(EnforcementError) -> Value) throws(AgentError) -> Value {
        do { return try body() } catch { throw AgentError(.operatingSystem, error.description) }
    }
}
