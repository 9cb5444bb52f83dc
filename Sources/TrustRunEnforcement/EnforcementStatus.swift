// SPDX-License-Identifier: Apache-2.0

/// Whether the gates hold, as the latest proof has it.
package enum EnforcementStatus: Sendable, Equatable {
    /// Everything that must be refused was, and the kernel counted it.
    case proven
    /// The proof could not be made; the gates are up. Why.
    case degraded(String)
    /// Something got through that must not. What.
    case lost(String)
}
