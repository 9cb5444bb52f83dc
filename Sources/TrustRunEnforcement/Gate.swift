// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
package import TrustRunEvents
package import TrustRunPolicy

/// The gates in the kernel: loaded with a policy, attached to a scope, and gone with this. One thread owns it.
@safe package struct Gate: ~Copyable {
    private let handle: OpaquePointer
    private let probe: ProbeDestination
    /// What the proof did, which no report speaks of.
    private var before = Counts()

    private struct Counts {
        var totals = [UInt64](repeating: 0, count: TR_TOTALS)
        var outcomes: [GateOutcome] = []
    }

    /// How often each action was taken, exact whatever else was lost.
    package struct Totals: Sendable, Equatable {
        /// By `PolicyAction.rawValue`.
        package let actions: [UInt64]
        /// Refused because the policy could not be asked.
        package let errors: UInt64
        /// Of those above, in `outcomes` of no entry, since there was no room.
        package let unlisted: UInt64
    }

    /// Loads the programs.
    package init(probe: ProbeDestination) throws(EnforcementError) {
        var out: OpaquePointer?
        let result = unsafe tr_gate_open(&out)
        guard result == 0, let opened = unsafe out else {
            throw EnforcementError("load the gates into the kernel", result: result)
        }
        unsafe handle = opened
        self.probe = probe
    }

    deinit {
        unsafe tr_gate_close(handle)
    }

    /// Whether this kernel lets the gates kill.
    package var canKill: Bool { unsafe tr_gate_can_kill(handle) != 0 }

    /// Puts a policy in force that passed `Enforceability.check`.
    ///
    /// - Parameters:
    ///   - resolvers: Whose answers tie names to addresses.
    ///   - namespaces: In which network namespaces: inode numbers of nsfs.
    package func setPolicy(
        _ compiled: CompiledPolicy, resolvers: [IPAddress], namespaces: [UInt32]
    ) throws(EnforcementError) {
        let tables = KernelTables(compiled, resolvers: resolvers, namespaces: namespaces, probe: probe)
        let result = unsafe tables.withRaw { raw in unsafe tr_gate_set_policy(handle, &raw) }
        guard result == 0 else { throw EnforcementError("give the policy to the kernel", result: result) }
    }

    /// Attaches the gates to an open directory of the cgroup v2 hierarchy, for all below it too.
    package func attach(toDirectory descriptor: Int32) throws(EnforcementError) {
        let result = unsafe tr_gate_attach(handle, descriptor)
        guard result == 0 else { throw EnforcementError("attach the gates to the scope", result: result) }
    }

    /// Sends a child into the scope that tries what must be refused; throws unless all of it was, and the kernel counted it.
    package mutating func prove(inDirectory descriptor: Int32) throws(EnforcementError) {
        let earlier = try read()
        let errors = try GateProof.attempt(at: probe, inDirectory: descriptor)
        before = try read()
        try GateProof.check(errors, probe, Self.difference(before.outcomes, earlier.outcomes))
    }

    /// Since the last proof.
    package func totals() throws(EnforcementError) -> Totals {
        let now = try read().totals
        let counts = zip(now, before.totals).map { now, before in now &- before }
        let errors = Int(TR_ACTION_ERROR.rawValue)
        return Totals(
            actions: Array(counts[..<errors]), errors: counts[errors],
            unlisted: counts[TR_TOTAL_OUTCOMES_LOST])
    }

    /// What was refused or recorded since the last proof, the most frequent first.
    package func outcomes() throws(EnforcementError) -> [GateOutcome] {
        Self.difference(try read().outcomes, before.outcomes).sorted { left, right in left.count > right.count }
    }

    private static func difference(_ now: [GateOutcome], _ before: [GateOutcome]) -> [GateOutcome] {
        now.compactMap { outcome in
            var outcome = outcome
            outcome.count -= before.first { earlier in earlier.isSame(as: outcome) }?.count ?? 0
            return outcome.count > 0 ? outcome : nil
        }
    }

    private func read() throws(EnforcementError) -> Counts {
        var counts = Counts()
        let result = unsafe counts.totals.withUnsafeMutableBufferPointer { totals in
            guard let first = totals.baseAddress else { return Int32(-1) }
            return unsafe tr_gate_totals(handle, first)
        }
        guard result == 0 else { throw EnforcementError("read what the gates counted", result: result) }
        var keys = [tr_outcome_key](repeating: tr_outcome_key(), count: TR_MAX_OUTCOMES)
        var values = [tr_outcome](repeating: tr_outcome(), count: keys.count)
        let found = unsafe tr_gate_outcomes(handle, &keys, &values, keys.count)
        counts.outcomes = zip(keys, values).prefix(Int(found)).compactMap { key, value in
            GateOutcome(key, count: value.count)
        }
        return counts
    }
}
