// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

extension ConnectionOutcome {
    /// The raw value, ready to write.
    var text: StaticString {
        switch self {
        case .established: "established"
        case .refused: "refused"
        case .timedOut: "timed_out"
        case .unreachable: "unreachable"
        case .reset: "reset"
        case .aborted: "aborted"
        case .failed: "failed"
        case .pending: "pending"
        }
    }

    /// Whether the error number says more than the outcome.
    var hasErrorNumber: Bool {
        switch self {
        case .unreachable, .reset, .failed: true
        case .established, .refused, .timedOut, .aborted, .pending: false
        }
    }
}

extension ConnectionPhase {
    /// `type.position`, without calls into another module.
    package var position: Int {
        switch self {
        case .connect: 1
        case .accept: 2
        case .close: 3
        case .violation: 8
        }
    }
}

extension DestinationNames {
    var hasCandidates: Bool { several != nil }

    /// The one name that can be meant; nil if there is none or several.
    var singleName: HostName? {
        name ?? (candidates.count == 1 ? candidates.first : nil)
    }
}
