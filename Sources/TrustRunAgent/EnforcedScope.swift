// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// A scope that the kernel holds to a policy, from when the gates are proven until `end`. What it is told to pin outlives the agent. One
/// thread owns it.
final class EnforcedScope {
    /// The policies that were in force, by generation.
    private(set) var policies: [UInt32: Policy] = [:]
    private(set) var resolvers: [IPAddress] = []
    /// By the latest proof.
    private(set) var status = EnforcementStatus.degraded("not proven yet")
    /// The same, for whoever reads the gates' records.
    let generations = PolicyGenerations()
    private let references: [String]
    private let descriptor: Int32
    private var gate: Gate
    private var pins: InstancePins?
    private let folder: String
    private let cuts: ConnectionCuts

    /// Puts the gates up, with nothing pinned. `descriptor`: of the scope's directory `folder`, open for as long as this lives.
    /// `tells`: the gates write records.
    init(
        _ references: [String], onDirectory descriptor: Int32, at folder: String, tells: Bool = false
    ) throws(AgentError) {
        self.references = references
        self.descriptor = descriptor
        self.folder = folder
        let gate = try Self.unenforced { () throws(EnforcementError) in try Gate(tells: tells) }
        cuts = try Self.unenforced { () throws(EnforcementError) in try gate.cuts() }
        self.gate = gate
        do { try load() } catch { throw AgentError(.notEnforced, error.message) }
        try Self.unenforced { () throws(EnforcementError) in try self.gate.attach(toDirectory: descriptor) }
        status = self.gate.prove(inDirectory: descriptor)
        switch status {
        case .proven: break
        case .degraded(let reason), .lost(let reason): throw AgentError(.notEnforced, reason)
        }
    }

    /// That of the policy in force.
    var policy: Policy? { policies[gate.generation] }
    var generation: UInt32 { gate.generation }
    /// The gates' records, as `Gate` has them.
    var ring: (events: Int32, drops: Int32) { gate.ring }

    /// Lets the gates outlive this process.
    func pin(as name: String, scope: ScopeDirectory) throws(AgentError) {
        let facts = InstanceFacts(
            policy: policy?.name ?? "", scope: scope.path, cgroup: scope.identifier, ownsScope: true,
            began: Clock.wall, canKill: gate.canKill)
        pins = try Self.unenforced { () throws(EnforcementError) in
            let pins = try InstancePins(forNew: name)
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

    /// Loads the policy's files and puts them in force. On an error, what was in force stays so.
    func load() throws(AgentError) {
        let policy: Policy
        let compiled: CompiledPolicy
        do throws(PolicyError) {
            policy = try PolicyFiles.load(references)
            let resolvers = policy.settings.resolvers.value ?? SystemFacts.resolvers
            try Enforceability.check(policy, resolvers: resolvers, canKill: gate.canKill)
            compiled = try PolicyFiles.compile(policy)
            self.resolvers = resolvers
        } catch {
            throw AgentError(error)
        }
        generations.add(compiled, resolvers: resolvers, generation: gate.generation + 1)
        do throws(EnforcementError) {
            try gate.setPolicy(
                compiled, resolvers: resolvers, namespaces: SystemFacts.networkNamespaces)
        } catch {
            throw AgentError(.operatingSystem, error.description)
        }
        policies[gate.generation] = policy
    }

    /// Tries the gates from within the scope again, and notes for others what they counted until now.
    func prove() -> EnforcementStatus {
        // A note that fails costs only what it would tell.
        if let pins { try? gate.noteProof(in: pins) }
        status = gate.prove(inDirectory: descriptor)
        if let pins {
            try? gate.note(in: pins, proven: status == .proven ? Clock.wall : 0, time: Clock.wall)
        }
        return status
    }

    /// Makes room where names have run out.
    func forgetNames() { gate.forgetNames() }

    /// Can be read when there are connections that are refused now.
    var cutsDescriptor: Int32 { cuts.descriptor }

    /// Ends them; returns how many.
    func endCuts() throws(AgentError) -> Int {
        let namespaces = NetworkNamespaces(of: ScopeDirectory.processes(below: folder))
        return try Self.system { () throws(EnforcementError) in
            try cuts.end(inNamespaces: namespaces.descriptors)
        }
    }

    func totals() throws(AgentError) -> Gate.Totals {
        try Self.system { () throws(EnforcementError) in try gate.totals() }
    }

    func outcomes() throws(AgentError) -> [GateOutcome] {
        try Self.system { () throws(EnforcementError) in try gate.outcomes() }
    }

    private static func unenforced<Value: ~Copyable>(
        _ body: () throws(EnforcementError) -> Value
    ) throws(AgentError) -> Value {
        do { return try body() } catch { throw AgentError(.notEnforced, error.description) }
    }

    private static func system<Value>(_ body: () throws(EnforcementError) -> Value) throws(AgentError) -> Value {
        do { return try body() } catch { throw AgentError(.operatingSystem, error.description) }
    }
}
