// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// What this machine lets the agent see: the capture matrix, made by trying.
package struct DoctorReport {
    package enum Status: Int32, Sendable {
        case complete = 0
        case degraded = 1
        case cannotRun = 2

        var word: String {
            switch self {
            case .complete: "complete"
            case .degraded: "degraded"
            case .cannotRun: "cannot run"
            }
        }
    }

    /// A TLS library on this machine, or a program that carries its own.
    struct TLSUser {
        var path: String
        var stack: String
        var version: String?
        var pids: [UInt32]
        /// What tells the names of its connections: "wire + ssl_ctrl" or "wire".
        var serverName: String
        /// Why it is not more.
        var reason: String?
    }

    /// Something that enforcing rests on.
    struct Means {
        var name: String
        /// What it is here; nil: it is not.
        var source: String?
        /// What that leaves open.
        var missing: String?

        init(_ name: String, by source: String) {
            self.name = name
            self.source = source
        }

        init(_ name: String, missing: String) {
            self.name = name
            self.missing = missing
        }
    }

    var kernel = SystemFacts.kernelRelease
    var hasBTF = false
    var cgroupMount: String?
    /// Why nothing works at all.
    var failure: String?
    var capabilities: [SessionStart.Capability] = []
    var means: [Means] = []
    var libraries: [TLSUser] = []
    var programs: [TLSUser] = []
    var notes: [String] = []

    package var status: Status {
        if failure != nil { return .cannotRun }
        let isLacking =
            capabilities.contains { capability in capability.hook == nil }
            || means.contains { part in part.source == nil }
        return isLacking ? .degraded : .complete
    }
}
