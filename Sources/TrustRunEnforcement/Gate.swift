// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import Glibc
package import TrustRunEvents
package import TrustRunPolicy

/// The gates in the kernel: loaded with a policy, attached to a scope. They are gone with this unless they are pinned. One thread owns it.
@safe package struct Gate: ~Copyable {
    private let handle: OpaquePointer
    /// Where the proofs go; nil: there was no policy yet.
    private var probe: ProbeRange?
    private var isAttached = false
    /// What the policy in force says, that was set here.
    private var listsUnixSockets = false
    /// What the proofs did, which no report speaks of.
    package private(set) var proofs: ProofCounts

    /// The ring of the records, and the counts of those that found no room: open descriptors of both maps.
    package struct Ring: Sendable {
        package let events: Int32
        package let drops: Int32

        package init(events: Int32, drops: Int32) {
            self.events = events
            self.drops = drops
        }
    }

    /// Loads the programs. `tells`: they write a record of each decision to a ring, that of another gate or their own, and count what they let
    /// through by destination too.
    package init(tells: Bool = false, into ring: Ring? = nil) throws(EnforcementError) {
        var out: OpaquePointer?
        let result: Int32
        if let ring {
            var shared = tr_gate_ring(events: ring.events, drops: ring.drops)
            result = unsafe tr_gate_open(tells ? 1 : 0, &shared, &out)
        } else {
            result = unsafe tr_gate_open(tells ? 1 : 0, nil, &out)
        }
        guard result == 0, let opened = unsafe out else {
            throw EnforcementError("load the gates into the kernel", result: result)
        }
        unsafe handle = opened
        proofs = ProofCounts()
    }

    /// Opens gates that another agent pinned, with the policy that is in force; they stay when this goes. Take the instance's lock before,
    /// and set a policy before a proof.
    package init(adopting pins: InstancePins) throws(EnforcementError) {
        let facts = try pins.facts()
        var out: OpaquePointer?
        let result = unsafe tr_gate_adopt(pins.folder, &out)
        guard result != -EPROTO else { throw InstancePins.foreign(pins.name) }
        guard result == 0, let opened = unsafe out else {
            throw EnforcementError("open the pinned instance \(pins.name)", result: result)
        }
        unsafe handle = opened
        proofs = facts.proofs
        isAttached = true
    }

    deinit {
        unsafe tr_gate_close(handle)
    }

    /// Whether this kernel lets the gates kill.
    package var canKill: Bool { unsafe tr_gate_can_kill(handle) != 0 }

    /// Whether this kernel lets it refuse sockets that others made; before it is attached.
    package func canRefuseHandover() -> Bool { unsafe tr_gate_can_refuse_handover(handle) != 0 }

    /// Whether processes of the scope get no sockets that others made; known once it is attached.
    package var refusesHandover: Bool { unsafe tr_gate_refuses_handover(handle) != 0 }

    /// Where its records are; the descriptors are the gate's.
    package var ring: Ring {
        let ring = unsafe tr_gate_ring(handle)
        return Ring(events: ring.events, drops: ring.drops)
    }

    /// Whether its records are in that ring too, by whichever descriptors.
    package func tells(into ring: Ring) -> Bool {
        var shared = tr_gate_ring(events: ring.events, drops: ring.drops)
        return unsafe tr_gate_has_ring(handle, &shared) != 0
    }

    /// That of the policy in force; 0: there is none, and everything is refused.
    package var generation: UInt32 { unsafe tr_gate_generation(handle) }

    /// Puts a policy in force that passed `Enforceability.check`, for all programs at once; on an error, what was in force stays so.
    ///
    /// - Parameters:
    ///   - generation: Its number from now on, above that of the one before.
    ///   - resolvers: Whose answers tie names to addresses.
    ///   - namespaces: In which network namespaces.
    package mutating func setPolicy(
        _ compiled: CompiledPolicy, generation: UInt32, resolvers: [IPAddress], namespaces: ResolverNamespaces
    ) throws(EnforcementError) {
        let listsUnixSockets = compiled.policy.settings.unixSockets.value != nil
        guard !listsUnixSockets || !isAttached || refusesHandover else { throw Self.cannotRefuseUnixSockets }
        var random = SystemRandomNumberGenerator()
        let probe = ProbeRange(avoiding: compiled, using: &random)
        let tables = KernelTables(compiled, resolvers: resolvers, namespaces: namespaces, probe: probe)
        let result = unsafe tables.withRaw { raw in
            unsafe raw.policy.generation = generation
            return unsafe tr_gate_set_policy(handle, &raw)
        }
        guard result == 0 else { throw EnforcementError("give the policy to the kernel", result: result) }
        self.probe = probe
        self.listsUnixSockets = listsUnixSockets
    }

    private static var cannotRefuseUnixSockets: EnforcementError {
        EnforcementError(
            "the policy has `unix_sockets`, and this kernel has no programs that change what its functions return, or no room for more: "
                + "leave it out, and what other processes send when they are asked is theirs (`doctor`: handover)")
    }

    /// What the gates cut; it must not outlive this.
    package func cuts() throws(EnforcementError) -> ConnectionCuts {
        var out: OpaquePointer?
        let result = unsafe tr_cuts_open(handle, &out)
        guard result == 0, let opened = unsafe out else {
            throw EnforcementError("read which connections are refused now", result: result)
        }
        return unsafe ConnectionCuts(opened)
    }

    /// Attaches the gates to an open directory of the cgroup v2 hierarchy, for all below it too.
    package mutating func attach(toDirectory descriptor: Int32) throws(EnforcementError) {
        let result = unsafe tr_gate_attach(handle, descriptor)
        guard result == 0 else { throw EnforcementError("attach the gates to the scope", result: result) }
        isAttached = true
        guard refusesHandover || !listsUnixSockets else { throw Self.cannotRefuseUnixSockets }
    }

    /// Makes room where names have run out. What fails is tried again the next time.
    package func forgetNames() {
        _ = unsafe tr_gate_forget_names(handle)
    }

    /// Whether the scope is gone, and nothing is held by these gates any more.
    package func isOff() throws(EnforcementError) -> Bool {
        let result = unsafe tr_gate_is_off(handle)
        guard result >= 0 else { throw EnforcementError("read where the gates are attached", result: result) }
        return result > 0
    }

    /// Pins the attached gates: they hold then until the pins are removed.
    package func pin(to pins: InstancePins, _ facts: InstanceFacts) throws(EnforcementError) {
        var raw = facts.raw
        (raw.proofs, raw.proof_count) = (proofs.refusals, UInt32(clamping: proofs.count))
        let result = unsafe tr_gate_pin(handle, pins.folder, &raw)
        guard result == 0 else { throw EnforcementError("pin the gates at \(pins.folder)", result: result) }
    }

    /// Notes for whoever looks meanwhile that a proof is under way.
    package func noteProof(in pins: InstancePins) throws(EnforcementError) {
        var facts = try pins.facts()
        facts.isProving = true
        try pins.write(facts)
    }

    /// Notes for whoever comes later when the gates were proven last (0: not now) and what they counted.
    package func note(in pins: InstancePins, proven: UInt64, time: UInt64) throws(EnforcementError) {
        var facts = try pins.facts()
        facts.proofs = proofs
        facts.isProving = false
        facts.proven = proven
        facts.note(try totals(), at: time)
        try pins.write(facts)
    }

    /// Sends a child into the scope that tries what must be refused, each time elsewhere, and holds what it gets against what the kernel
    /// counted.
    package mutating func prove(inDirectory descriptor: Int32) -> EnforcementStatus {
        guard let probe else { return .degraded("there is no policy yet") }
        var random = SystemRandomNumberGenerator()
        let nonce = probe.destination(using: &random)
        let errors: [Int32]
        let outcomes: [GateOutcome]
        do {
            unsafe tr_gate_forget_probed(handle)
            errors = try GateProof.attempt(at: nonce, inDirectory: descriptor)
            outcomes = readOutcomes() + readProbed()
        } catch {
            return .degraded(error.description)
        }
        unsafe tr_gate_forget_probed(handle)
        let brought = proofs.brought
        proofs.add(errors, wasRefusedAtTheRoot: GateProof.wasRefusedAtTheRoot(errors, nonce, outcomes))
        if let missing = errors.first(where: GateProof.isShortage) {
            return .degraded(unsafe String(cString: strerror(missing)))
        }
        do {
            try GateProof.check(errors, nonce, outcomes, brought: brought)
        } catch {
            return .lost(error.description)
        }
        return .proven
    }

    /// What was counted of others than the proofs.
    package func totals() throws(EnforcementError) -> Totals {
        var counts = [UInt64](repeating: 0, count: TR_TOTALS)
        let result = unsafe counts.withUnsafeMutableBufferPointer { totals in
            guard let first = totals.baseAddress else { return Int32(-1) }
            return unsafe tr_gate_totals(handle, first)
        }
        guard result == 0 else { throw EnforcementError("read what the gates counted", result: result) }
        let block = Int(TR_ACTION_BLOCK.rawValue)
        counts[block] -= min(proofs.refusals, counts[block])
        return Totals(counts)
    }

    /// What was refused or recorded of others than the proofs, the most frequent first.
    package func outcomes() -> [GateOutcome] {
        proofs.removed(from: readOutcomes()).sorted { left, right in left.count > right.count }
    }

    private func readOutcomes() -> [GateOutcome] {
        var keys = [tr_outcome_key](repeating: tr_outcome_key(), count: TR_MAX_OUTCOMES)
        var values = [tr_outcome](repeating: tr_outcome(), count: keys.count)
        let found = unsafe tr_gate_outcomes(handle, &keys, &values, keys.count)
        return zip(keys, values).prefix(Int(found)).compactMap { key, value in GateOutcome(key, value) }
    }

    private func readProbed() -> [GateOutcome] {
        var keys = [tr_outcome_key](repeating: tr_outcome_key(), count: TR_MAX_PROBED)
        var values = [tr_outcome](repeating: tr_outcome(), count: keys.count)
        let found = unsafe tr_gate_probed(handle, &keys, &values, keys.count)
        return zip(keys, values).prefix(Int(found)).compactMap { key, value in GateOutcome(key, value) }
    }
}
