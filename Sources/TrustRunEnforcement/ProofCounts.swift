// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import Glibc
internal import TrustRunEvents

/// What the proofs made the gates count, which no report speaks of.
package struct ProofCounts: Sendable, Equatable {
    private(set) var refusals: UInt64 = 0
    /// How many proofs there were.
    private(set) var count: UInt64 = 0
    /// In how many what stands at the root of the hierarchy refused a socket that was made outside.
    private(set) var brought: UInt64 = 0

    /// The gates that count an attempt of each proof without its nonce.
    private static let attempts: [(gate: GateOutcome.Gate, transport: UInt16, port: UInt16)] = [
        (.socket, UInt16(IPPROTO_ICMP), UInt16(SOCK_RAW.rawValue)), (.option, UInt16(IPPROTO_IP), UInt16(IP_OPTIONS)),
        (.bind, UInt16(IPPROTO_TCP), 53),
    ]

    init(refusals: UInt64 = 0, count: UInt64 = 0, brought: UInt64 = 0) {
        self.refusals = refusals
        self.count = count
        self.brought = brought
    }

    /// One more proof, by the errno of each attempt.
    mutating func add(_ errors: [Int32], wasRefusedAtTheRoot: Bool) {
        refusals += UInt64(errors.count { error in error == EPERM })
        count += 1
        if wasRefusedAtTheRoot { brought += 1 }
    }

    /// Whether what was counted is a TCP socket that was made outside of the scope, the proofs' or another.
    static func isBroughtSocket(_ outcome: GateOutcome) -> Bool {
        (outcome.gate, outcome.transport, outcome.port) == (
            .handover, UInt16(IPPROTO_TCP), UInt16(SOCK_STREAM.rawValue)
        )
    }

    /// What was counted of others than the proofs.
    func removed(from outcomes: [GateOutcome]) -> [GateOutcome] {
        outcomes.compactMap { outcome in
            var outcome = outcome
            let isOurs = Self.attempts.contains { attempt in
                attempt == (outcome.gate, outcome.transport, outcome.port)
            }
            if isOurs { outcome.count -= min(count, outcome.count) }
            if Self.isBroughtSocket(outcome) { outcome.count -= min(brought, outcome.count) }
            return outcome.count > 0 ? outcome : nil
        }
    }
}
