// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// Keeps an enforced scope while it is used: puts changed policies in force, and repeats the proof. One thread owns it.
final class ScopeKeeper {
    /// The gates do not hold any more, and the scope should not go on.
    private(set) var isLost = false
    /// Connections that were ended since a later policy refuses them.
    private(set) var cuts = 0
    private var hasFailedToCut = false
    /// Where the command's events go, with what becomes of enforcement; nil: nobody asked for them.
    var stream: RunStream?
    private let enforced: EnforcedScope
    private let references: [String]
    private let watch: PolicyWatch
    private let timer: TimerDescriptor
    private let tell: (String) -> Void
    private let lost: () -> Void

    /// `tell` gets lines for the user; `lost` is called when the gates do not hold any more.
    init(
        _ enforced: EnforcedScope, _ references: [String], proofMilliseconds: UInt64, tell: @escaping (String) -> Void,
        lost: @escaping () -> Void
    ) throws(AgentError) {
        self.enforced = enforced
        self.references = references
        self.tell = tell
        self.lost = lost
        watch = try PolicyWatch()
        timer = try TimerDescriptor()
        timer.arm(milliseconds: proofMilliseconds, repeats: true)
        watch.watch(names)
    }

    /// Waits in the loop for what is to be done.
    func join(_ loop: DescriptorLoop) {
        loop.add(timer.descriptor) {
            self.timer.take()
            self.enforced.forgetNames()
            self.prove()
        }
        loop.add(enforced.cutsDescriptor) { self.cut() }
        loop.add(watch.descriptor) { self.watch.take() }
        loop.add(watch.timer.descriptor) { if self.watch.isChanged() { self.reload() } }
    }

    /// Puts the policy in force as its files have it now; one that does not load changes nothing.
    func reload() {
        let begin = Clock.boot
        watch.watch(names)
        do {
            try enforced.load()
        } catch {
            report(.refusedPolicy, error.message)
            return tell(
                "the policy is not reloaded, generation \(enforced.generation) stays in force: \(error.message)")
        }
        // What it inherits may be elsewhere now.
        watch.watch(names)
        report(.reloaded)
        let milliseconds = (Clock.boot &- begin) / 1_000_000
        tell("reloaded \(enforced.policy?.name ?? ""): generation \(enforced.generation), in \(milliseconds) ms")
        prove()
    }

    /// The gates refuse their packets already: if this fails, their programs only wait longer for their error.
    private func cut() {
        do {
            cuts += try enforced.endCuts()
        } catch {
            if !hasFailedToCut { tell(error.message) }
            hasFailedToCut = true
        }
    }

    private func prove() {
        let before = enforced.status
        let now = enforced.prove()
        switch now {
        case .proven:
            if before != .proven {
                tell("enforcement: proven again")
                report(.proven)
            }
        case .degraded(let reason):
            if now != before {
                tell("enforcement: degraded: the proof could not be made: \(reason)")
                report(.degraded, "the proof could not be made: \(reason)")
            }
        case .lost(let reason):
            if now != before {
                tell("enforcement: lost: \(reason)")
                report(.lost, reason)
            }
            isLost = true
            lost()
        }
    }

    private func report(_ state: EnforcementEvent.State, _ reason: String? = nil) {
        stream?.tell(state, policy: enforced.policy?.name ?? "", generation: enforced.generation, reason: reason)
    }

    /// Every file of the policy that is known, and those that were asked for.
    private var names: [String] {
        let documents = enforced.policy?.documents.map(\.label) ?? []
        return Array(Set(references + documents)).sorted()
    }
}
