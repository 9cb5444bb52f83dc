// SPDX-License-Identifier: Apache-2.0

/// Somebody who publishes which addresses are theirs. A hint for people, never what a verdict rests on: whoever rents there may be anybody.
package struct Organisation: Sendable, Hashable {
    package let name: String
    /// What the hint rests on, with its date: `published ranges 2026-11-01`.
    package let source: String

    package init(name: String, source: String) {
        self.name = name
        self.source = source
    }
}
