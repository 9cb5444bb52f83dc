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
    /// nil: nothing is enforced.
    package var enforcement: EnforcementFacts?

    /// What the kernel holds the session's processes to.
    package struct EnforcementFacts: Sendable {
        /// The control groups, from the root of the hierarchy; others may join later.
        package var scopes: [String]
        /// Of the policy.
        package var generation: UInt32
        package var containment: Containment
        /// Data can leave in names that are looked up.
        package var canLeakByDNS: Bool

        /// Processes of the scopes get no sockets that others made.
        package var refusesHandover: Bool

        package init(
            scopes: [String], generation: UInt32, containment: Containment, canLeakByDNS: Bool, refusesHandover: Bool
        ) {
            self.scopes = scopes
            self.generation = generation
            self.containment = containment
            self.canLeakByDNS = canLeakByDNS
            self.refusesHandover = refusesHandover
        }
    }

    /// What the session's processes are kept from beside what the gates see.
    package struct Containment: Sendable {
        package enum Level: String, Sendable {
            /// Processes that something else started: nothing.
            case none
            case partial, full
            /// Uid 0 without capabilities: files of its own lead out.
            case bestEffort = "best-effort"
        }

        package var level: Level
        /// What this kernel lacks for it.
        package var missing: [String]

        package init(level: Level, missing: [String]) {
            self.level = level
            self.missing = missing
        }
    }

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
        /// The command that was run has ended.
        case command
        /// The process that was watched and all that descended from it have ended.
        case process
    }

    /// What the gates counted, exact whatever was lost of the stream.
    package struct GateCounts: Sendable, Equatable {
        /// TCP connections that were let through, either way.
        package var connections: UInt64 = 0
        /// Addresses with ports, by protocol, that something was let through to.
        package var destinations: UInt64 = 0
        package var letThrough: UInt64 = 0
        package var refused: UInt64 = 0
        /// Decisions that found no room in the list of destinations; `connections` and `destinations` lack them.
        package var unlisted: UInt64 = 0

        package init() {}
    }

    package var time: UInt64
    package var durationNanoseconds: UInt64
    package var reason: Reason
    /// Lines written, by `EventType.allCases` order.
    package var events: [UInt64]
    package var lost: UInt64
    /// By `PolicyAction.rawValue`; nil: nothing was judged.
    package var violations: [UInt64]?
    /// nil: nothing was enforced.
    package var gates: GateCounts?
    /// Decisions of the kernel that the agent reads otherwise.
    package var divergences: UInt64 = 0

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

/// What became of enforcement itself.
package struct EnforcementEvent: Sendable {
    package enum State: String, Sendable, CaseIterable {
        /// A process of the scope tried what must be refused, and it was.
        case proven
        /// It holds, but for what the reason says.
        case degraded
        /// It does not hold any more.
        case lost
        /// Another policy is in force.
        case reloaded
        /// A policy that was to be put in force was not; the one before is.
        case refusedPolicy = "refused_policy"
    }

    /// Nanoseconds since 1970.
    package var time: UInt64
    package var state: State
    package var scope: String
    package var policy: String
    package var generation: UInt32
    /// In words.
    package var reason: String?

    package init(
        time: UInt64, state: State, scope: String, policy: String, generation: UInt32, reason: String? = nil
    ) {
        self.time = time
        self.state = state
        self.scope = scope
        self.policy = policy
        self.generation = generation
        self.reason = reason
    }
}
