// SPDX-License-Identifier: Apache-2.0

/// The stream's first line: what this session can see.
package struct SessionStart {
    package struct Capability: Sendable {
        package var name: String
        /// nil: nothing worked.
        package var hook: String?
        /// Why the hooks before it did not.
        package var tried: String

        package init(name: String, hook: String?, tried: String) {
            self.name = name
            self.hook = hook
            self.tried = tried
        }
    }

    /// Nanoseconds since 1970.
    package var time: UInt64
    package var version: String
    package var kernel: String
    package var capabilities: [Capability]
    /// Those that are trusted with names: the policy's, else those of resolv.conf.
    package var resolvers: [IPAddress] = []
    /// nil: nothing is judged.
    package var policy: PolicyFacts?

    /// What judges the session's connections.
    package struct PolicyFacts: Sendable {
        package var name: String
        /// The files and presets that it is made of.
        package var documents: [String]
        package var ruleCount: Int
        package var defaultAction: PolicyAction

        package init(name: String, documents: [String], ruleCount: Int, defaultAction: PolicyAction) {
            self.name = name
            self.documents = documents
            self.ruleCount = ruleCount
            self.defaultAction = defaultAction
        }
    }

    package init(time: UInt64, version: String, kernel: String, capabilities: [Capability]) {
        self.time = time
        self.version = version
        self.kernel = kernel
        self.capabilities = capabilities
    }
}

/// The stream's last line.
package struct SessionSummary {
    package enum Reason: String, Sendable {
        case signal, duration, count
    }

    package var time: UInt64
    package var durationNanoseconds: UInt64
    package var reason: Reason
    /// Lines written, by `EventType.allCases` order.
    package var events: [UInt64]
    package var lost: UInt64
    /// By `PolicyAction.rawValue`; nil: nothing was judged.
    package var violations: [UInt64]?

    package init(time: UInt64, durationNanoseconds: UInt64, reason: Reason, events: [UInt64], lost: UInt64) {
        self.time = time
        self.durationNanoseconds = durationNanoseconds
        self.reason = reason
        self.events = events
        self.lost = lost
    }
}

/// Events that are missing from the stream.
package struct LossEntry: Sendable {
    package enum Stage: String, Sendable {
        case kernel, decode, output
    }

    package var stage: Stage
    /// The record's or the event's kind.
    package var record: String
    package var count: UInt64

    package init(stage: Stage, record: String, count: UInt64) {
        self.stage = stage
        self.record = record
        self.count = count
    }
}
