// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnforcement
internal import TrustRunEvents

extension RunStream.Totals {
    /// What the kernel counted, of a gate that tells.
    init(_ totals: Gate.Totals, _ outcomes: [GateOutcome]) {
        let counts = totals.actions
        violations = counts
        violations[Int(PolicyAction.block.rawValue)] += totals.errors
        gates = SessionSummary.GateCounts()
        gates.letThrough = counts[0] + counts[1]
        gates.refused = counts[2] + counts[3] + totals.errors
        gates.unlisted = totals.unlisted
        var destinations: Set<Destination> = []
        for outcome in outcomes where outcome.action?.letsThrough ?? false {
            if outcome.gate == .connect || outcome.gate == .inbound { gates.connections += outcome.count }
            guard outcome.gate == .connect || outcome.gate == .datagram else { continue }
            destinations.insert(
                Destination(
                    endpoint: Endpoint(address: outcome.address, port: outcome.port), isTCP: outcome.gate == .connect))
        }
        gates.destinations = UInt64(destinations.count)
    }

    private struct Destination: Hashable {
        var endpoint: Endpoint
        var isTCP: Bool
    }
}
