// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnforcement
internal import TrustRunEvents

extension EnforcedStream.Totals {
    /// What the kernel counted, of gates that tell.
    init(_ counted: [(totals: Gate.Totals, outcomes: [GateOutcome])]) {
        violations = [UInt64](repeating: 0, count: PolicyAction.allCases.count)
        gates = SessionSummary.GateCounts()
        var destinations: Set<Destination> = []
        for (totals, outcomes) in counted {
            for (action, count) in totals.actions.enumerated() { violations[action] += count }
            violations[Int(PolicyAction.block.rawValue)] += totals.errors
            gates.letThrough += totals.letThrough
            gates.refused += totals.refused
            gates.unlisted += totals.unlisted
            for outcome in outcomes where outcome.action?.letsThrough ?? false {
                if outcome.gate == .connect || outcome.gate == .inbound { gates.connections += outcome.count }
                guard outcome.gate == .connect || outcome.gate == .datagram else { continue }
                destinations.insert(
                    Destination(
                        endpoint: Endpoint(address: outcome.address, port: outcome.port),
                        isTCP: outcome.gate == .connect))
            }
        }
        gates.destinations = UInt64(destinations.count)
    }

    private struct Destination: Hashable {
        var endpoint: Endpoint
        var isTCP: Bool
    }
}
