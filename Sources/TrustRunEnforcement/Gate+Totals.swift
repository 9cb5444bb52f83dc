// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement

extension Gate {
    /// How often each action was taken, exact whatever else was lost.
    package struct Totals: Sendable, Equatable {
        /// By `PolicyAction.rawValue`.
        package let actions: [UInt64]
        /// Refused because the policy could not be asked.
        package let errors: UInt64
        /// Of those above, in `outcomes` of no entry, since there was no room.
        package let unlisted: UInt64
        /// How often a rule with `process` took no part since it was not known what the process executes.
        package let unknownProcesses: UInt64

        package init(actions: [UInt64], errors: UInt64, unlisted: UInt64, unknownProcesses: UInt64 = 0) {
            self.actions = actions
            self.errors = errors
            self.unlisted = unlisted
            self.unknownProcesses = unknownProcesses
        }

        /// By their places in the kernel's map.
        init(_ counts: [UInt64]) {
            let errors = Int(TR_ACTION_ERROR.rawValue)
            self.init(
                actions: Array(counts[..<errors]), errors: counts[errors], unlisted: counts[TR_TOTAL_OUTCOMES_LOST],
                unknownProcesses: counts[Int(TR_TOTAL_PROCESSES_UNKNOWN)])
        }

        /// The same, as `init(_:)` takes it.
        var counts: [UInt64] { actions + [errors, unlisted, unknownProcesses] }

        /// What was let through: allowed, and against the policy.
        package var letThrough: UInt64 { actions[0] + actions[1] }
        package var refused: UInt64 { actions[2] + actions[3] + errors }
        /// Let through although a rule does not allow it.
        package var alerts: UInt64 { actions[1] }

        /// What was counted since `earlier`.
        package func since(_ earlier: Totals) -> Totals {
            Totals(zip(counts, earlier.counts).map { now, before in now - min(now, before) })
        }

        package static var none: Totals { Totals([UInt64](repeating: 0, count: TR_TOTALS)) }
    }
}
