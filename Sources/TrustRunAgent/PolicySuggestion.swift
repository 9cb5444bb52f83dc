// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunReplay

/// The smallest change of a policy that would let a connection through.
struct PolicySuggestion {
    /// YAML to paste; nil: no policy lets it through.
    let text: String?
    /// Where it goes, or why there is none.
    let advice: String

    /// - Parameter name: What the address is known as, if it is.
    init(_ connection: ConnectionEvent, _ verdict: RecordedDetails.Verdict, rule: String?, name: String?) {
        let isOutbound = connection.direction == .outbound
        let peer = isOutbound ? connection.destination : connection.source
        if verdict.basis == "scope" || (verdict.basis == "resolver" && peer.port == 53) {
            guard isOutbound, peer.port == 53, verdict.gate != "query" else {
                text = nil
                advice = "an enforced scope refuses this under any policy"
                return
            }
            text = "resolvers: [\"\(peer.address)\"]"
            advice = "`dns: strict` lets DNS go to the policy's `resolvers` only; add it to them"
            return
        }
        var members: [String] = []
        if isOutbound, let name, Self.mayDecide(verdict) {
            members.append("match: \"\(name)\"")
            if connection.transport == .udp || Self.lacksServerName(verdict) { members.append("verify: address") }
        } else {
            members.append("match: \"\(peer.address)\"")
        }
        // Who connects in is judged without ports.
        if isOutbound {
            members.append("ports: [\(peer.port)]")
            members.append(connection.transport == .udp ? "protocol: udp" : "protocol: tcp")
        }
        text = "  - { \(members.joined(separator: ", ")), action: allow }"
        advice = rule.map { rule in "under `rules:`, above \(rule), which is the one that decided" } ?? "under `rules:`"
    }

    /// An address rule that refuses comes before any rule for a name.
    private static func mayDecide(_ verdict: RecordedDetails.Verdict) -> Bool {
        verdict.basis != "address" && !(isOfServerName(verdict) && verdict.name != nil)
    }

    /// The name gate refused what the address was let through for: no server name was sent, or one that no answer ties to the address.
    private static func isOfServerName(_ verdict: RecordedDetails.Verdict) -> Bool {
        verdict.basis == "server_name" && verdict.gate == "name"
    }

    private static func lacksServerName(_ verdict: RecordedDetails.Verdict) -> Bool {
        isOfServerName(verdict) && verdict.name == nil
    }
}
