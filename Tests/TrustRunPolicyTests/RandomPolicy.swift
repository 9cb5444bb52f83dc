// SPDX-License-Identifier: Apache-2.0
import TrustRunTestSupport

/// Policies made by chance, as text that loads.
enum RandomPolicy {
    private static let labels = ["a", "b-1", "api", "*", "x*", "*_y", "bücher", "xn--fa-hia", "any", "0x1g", "1"]
    private static let networks = [
        "10.0.0.0/8", "1.2.3.4", "\"::1\"", "0.0.0.0/0", "\"::/0\"", "fd00::/8", "\"::ffff:10.0.0.0/104\"", "any",
        "\"*\"", "any.",
        "64:ff9b::a00:0/104",
    ]
    private static let texts = [
        "plain", "\"q\\\"\\\\ # : - \"", "'it''s'", "\"\\t\\n x\"",
        "\"\\u00e9\\u202e\\ufeff\\U0001f600\\u2028\\u00a0\"", "\"null\"", "yes", "1.50", "|\n      a\n\n\n      b\n",
        ">-\n      folded\n      text\n",
    ]

    static func text(_ random: inout SeededGenerator) -> String {
        var text = "name: \(texts[Int.random(in: 0..<3, using: &random)])\n"
        if random.isOne(in: 2) { text += "description: \(pick(texts, &random))\n" }
        if random.isOne(in: 2) { text += "dns: \(pick(["strict", "open"], &random))\n" }
        if random.isOne(in: 2) {
            text += "binding_grace: \(Int.random(in: 0...9999, using: &random))\(pick(["s", "m", "h"], &random))\n"
        }
        if random.isOne(in: 2) { text += "resolvers: [10.0.0.53, \"fd00::53\"]\n" }
        if random.isOne(in: 3) {
            text += "unix_sockets: [\(pick(["", "/a b", "/x/", "/x/, '/\u{fc}#'"], &random))]\n"
        }
        if random.isOne(in: 2) { text += "inbound: \(pick(["block", "allow"], &random))\n" }
        if random.isOne(in: 2) { text += "defaults: { action: \(action(&random)) }\n" }
        if random.isOne(in: 2) {
            text +=
                "capture_level: full\ncontent:\n  - when: { finding: [pii, phi] }\n    action: kill\n    reason: \(pick(texts, &random))\n"
        }
        text += "rules:\n"
        for _ in 0...Int.random(in: 0...4, using: &random) { text += rule(&random) }
        return text
    }

    private static func rule(_ random: inout SeededGenerator) -> String {
        var text = "  - action: \(action(&random))\n    match:\n"
        for _ in 0...Int.random(in: 0...2, using: &random) {
            text += "      - \(random.isOne(in: 2) ? pick(networks, &random) : name(&random))\n"
        }
        if random.isOne(in: 2) {
            let low = Int.random(in: 1...65535, using: &random)
            text += "    ports: [\(low), \(low)-\(Int.random(in: low...65535, using: &random))]\n"
        }
        if random.isOne(in: 3) { text += "    protocol: \(pick(["tcp", "udp"], &random))\n" }
        if random.isOne(in: 3) {
            text += "    process: \(pick(["/usr/bin/*", "\"*/py?\"", "\"/a\\\"\\\\\\te\""], &random))\n"
        }
        if random.isOne(in: 3) { text += "    verify: \(pick(["name", "address"], &random))\n" }
        if random.isOne(in: 3) { text += "    reason: \(pick(texts, &random))\n" }
        if random.isOne(in: 3) { text += "    source: https://example.com/#x\n    checked: 2024-02-29\n" }
        return text
    }

    private static func name(_ random: inout SeededGenerator) -> String {
        let labels = (0...Int.random(in: 0...3, using: &random)).map { _ in pick(Self.labels, &random) }
        return "\"" + labels.joined(separator: ".") + ".example\""
    }

    private static func action(_ random: inout SeededGenerator) -> String {
        pick(["allow", "alert", "block", "kill"], &random)
    }

    private static func pick(_ texts: [String], _ random: inout SeededGenerator) -> String {
        texts[Int.random(in: 0..<texts.count, using: &random)]
    }
}
