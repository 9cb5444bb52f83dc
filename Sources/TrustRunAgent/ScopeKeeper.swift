// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// Keeps enforced scopes while they are used: puts changed policies in force, repeats the proofs, and ends what is refused now. One thread
/// owns it.
final class ScopeKeeper {
    private(set) var scopes: [EnforcedScope] = []
    /// Where events go, with what becomes of enforcement; nil: nobody asked for them.
    var stream: EnforcedStream?
    /// Connections that were ended since a later policy refuses them.
    private(set) var cuts = 0
    private var hasFailedToCut = false
    /// Called when another policy is in force.
    var reloaded: () -> Void = {}
    private let policies: EnforcedPolicies
    private let canKill: Bool
    private let watch: PolicyWatch
    private let timer: TimerDescriptor
    private let loop: DescriptorLoop
    private let tell: (String) -> Void
    private let lost: (EnforcedScope) -> Void

    /// Waits in `loop` for what is to be done. `tell` gets lines for the user; `lost` is called when a scope's gates do not hold any more.
    init(
        _ policies: EnforcedPolicies, canKill: Bool, in loop: DescriptorLoop, proofMilliseconds: UInt64,
        tell: @escaping (String) -> Void, lost: @escaping (EnforcedScope) -> Void
    ) throws(AgentError) {
        self.policies = policies
        self.canKill = canKill
        self.loop = loop
        self.tell = tell
        self.lost = lost
        watch = try PolicyWatch()
        timer = try TimerDescriptor()
        timer.arm(milliseconds: proofMilliseconds, repeats: true)
        watch.watch(policies.names)
        loop.add(timer.descriptor) {
            self.timer.take()
            for scope in self.scopes { self.makeRoom(scope) }
            self.prove()
        }
        loop.add(watch.descriptor) { self.watch.take() }
        loop.add(watch.timer.descriptor) { if self.watch.isChanged() { self.reload() } }
    }

    func add(_ scope: EnforcedScope) {
        scopes.append(scope)
        loop.add(scope.cutsDescriptor) { self.cut(scope) }
    }

    func remove(_ scope: EnforcedScope) {
        scopes.removeAll { kept in kept === scope }
        loop.remove(scope.cutsDescriptor)
    }

    /// Puts the policy in force as its files have it now; one that does not load changes nothing.
    func reload() {
        let begin = Clock.boot
        watch.watch(policies.names)
        let entry: PolicyGenerations.Entry
        do {
            entry = try policies.load(canKill: canKill)
        } catch {
            return refuse(scopes, error)
        }
        // What it inherits may be elsewhere now.
        watch.watch(policies.names)
        var hasFailed = false
        for scope in scopes {
            do {
                try scope.enforce(entry)
                report(scope, .reloaded)
            } catch {
                hasFailed = true
                refuse([scope], error)
            }
        }
        reloaded()
        if !hasFailed {
            let milliseconds = (Clock.boot &- begin) / 1_000_000
            tell(
                "reloaded \(entry.compiled.policy.name): generation \(entry.generation), in \(milliseconds) ms")
        }
        prove()
    }

    private func refuse(_ refused: [EnforcedScope], _ error: AgentError) {
        for scope in refused { report(scope, .refusedPolicy, error.message) }
        let generation = refused.first?.generation ?? policies.newest?.generation ?? 0
        tell("the policy is not reloaded, generation \(generation) stays in force: \(error.message)")
    }

    /// The gates refuse their packets already: if this fails, their programs only wait longer for their error.
    private func cut(_ scope: EnforcedScope) {
        do {
            cuts += try scope.endCuts()
        } catch {
            if !hasFailedToCut { tell(error.message) }
            hasFailedToCut = true
        }
    }

    private func makeRoom(_ scope: EnforcedScope) {
        scope.forgetNames()
        guard scope.countAnswersWithoutRoom() else { return }
        let reason =
            "there is no room for more names: \(scope.answersWithoutRoom) addresses in answers were not tied to one"
        tell("enforcement: degraded\(place(of: scope)): \(reason)")
        report(scope, .degraded, reason)
    }

    /// Which of several scopes.
    private func place(of scope: EnforcedScope) -> String {
        scopes.count > 1 ? " in \(scope.group?.path ?? "")" : ""
    }

    private func prove() {
        for scope in scopes { prove(scope) }
    }

    private func prove(_ scope: EnforcedScope) {
        // Nothing is left to hold.
        guard scope.group?.isThere ?? false else { return }
        let before = scope.status
        let now = scope.prove()
        let place = place(of: scope)
        switch now {
        case .proven:
            guard before != .proven else { return }
            tell("enforcement: proven again\(place)")
            report(scope, .proven)
        case .degraded(let reason):
            guard now != before else { return }
            tell("enforcement: degraded\(place): the proof could not be made: \(reason)")
            report(scope, .degraded, "the proof could not be made: \(reason)")
        case .lost(let reason):
            if now != before {
                tell("enforcement: lost\(place): \(reason)")
                report(scope, .lost, reason)
            }
            lost(scope)
        }
    }

    /// Tells whoever reads the events.
    func report(_ scope: EnforcedScope, _ state: EnforcementEvent.State, _ reason: String? = nil) {
        stream?.tell(
            state, scope: scope.group?.path ?? "", policy: policies.all[scope.generation]?.name ?? "",
            generation: scope.generation, reason: reason)
    }
}
