// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// What one document says, before it is joined with what it inherits.
struct PolicyDocument {
    var name: String?
    var description: String?
    var inherit: [Inheritance] = []
    /// Their ids are the numbers alone: `#3`.
    var rules: [Rule] = []
    /// What it does not state has no origin.
    var settings = PolicySettings()

    /// An entry of `inherit`.
    struct Inheritance {
        var reference: PolicyReference
        var origin: Origin
    }
}
