// SPDX-License-Identifier: Apache-2.0
import Foundation
import TrustRunOrganisations

/// The algorithm of publicsuffix.org over the list as text, but for `*.name`, which makes `name` a suffix too; slow.
struct SuffixReference {
    enum Kind {
        case plain, wildcard, exception
    }

    private(set) var rules: [String: (kind: Kind, section: PublicSuffixes.Section)] = [:]

    /// Those of the rules that are in ASCII, without what marks wildcards and exceptions.
    var names: [String] { rules.keys.sorted() }

    init(path: String) throws {
        var section = PublicSuffixes.Section.registry
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            if line.contains("===BEGIN PRIVATE DOMAINS===") { section = .company }
            guard !line.hasPrefix("//"), let rule = line.split(separator: " ").first,
                rule.utf8.allSatisfy({ byte in byte < 0x80 })
            else { continue }
            if rule.hasPrefix("!") {
                rules[String(rule.dropFirst())] = (.exception, section)
            } else if rule.hasPrefix("*.") {
                rules[String(rule.dropFirst(2))] = (.wildcard, section)
            } else {
                rules[String(rule)] = (.plain, section)
            }
        }
    }

    func suffix(of name: String) -> (name: String, section: PublicSuffixes.Section) {
        let labels = name.split(separator: ".").map(String.init)
        for start in labels.indices {
            let whole = labels[start...].joined(separator: ".")
            let rest = labels[(start + 1)...].joined(separator: ".")
            if let rule = rules[whole], rule.kind == .exception { return (rest, rule.section) }
            if let rule = rules[rest], rule.kind == .wildcard { return (whole, rule.section) }
            if let rule = rules[whole] { return (whole, rule.section) }
        }
        return (labels.last ?? "", .none)
    }
}
