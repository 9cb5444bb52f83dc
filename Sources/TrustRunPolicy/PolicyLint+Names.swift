// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

// Wildcards over suffixes where anybody can get a name.
extension PolicyLint {
    func rentableWildcards() -> [PolicyFinding] {
        policy.rules.filter(\.isPermitting).flatMap { rule in
            rule.names.compactMap { name -> PolicyFinding? in
                guard let suffix = rentableSuffix(reachedBy: name) else { return nil }
                return finding(
                    .rentableWildcard, rule,
                    """
                    `\(name.text)` matches names that anybody can get \
                    \(suffix == Self.anyTopLevel ? "in a top-level domain" : "under \(suffix)"); name exactly those that are yours
                    """)
            }
        }
    }

    /// A suffix under which others can get a name that the pattern matches; nil: none is known.
    func rentableSuffix(reachedBy name: NamePattern) -> String? {
        guard name.shape != .exact else { return nil }
        let isSuffix = name.text.hasPrefix("*.")
        let labels = name.text.split(separator: ".").dropFirst(isSuffix ? 1 : 0)
        guard let last = labels.last, !Self.undelegated.contains(last) else { return nil }
        if last.contains("*") || Self.reaches([Self.anyTopLevel[...]], labels: labels, isSuffix: isSuffix) {
            return Self.anyTopLevel
        }
        if let suffix = RentableSuffixes.all.first(where: { suffix in
            Self.reaches(suffix, labels: labels, isSuffix: isSuffix)
        }) {
            return suffix.joined(separator: ".")
        }
        return listedSuffix(reachedBy: labels, isSuffix: isSuffix)
    }

    /// Whether the label in front of the suffix, which is the tenant's, is left open by the pattern.
    private static func reaches(_ suffix: [Substring], labels: ArraySlice<Substring>, isSuffix: Bool) -> Bool {
        let common = zip(suffix.reversed(), labels.reversed()).allSatisfy { pair in LabelGlob.overlap(pair.0, pair.1) }
        guard common else { return false }
        guard labels.count > suffix.count else { return isSuffix }
        return labels[labels.endIndex - suffix.count - 1].contains("*")
    }

    /// The same by the public suffix list.
    private func listedSuffix(reachedBy labels: ArraySlice<Substring>, isSuffix: Bool) -> String? {
        guard let suffixes else { return nil }
        let literal = labels.reversed().prefix { label in !label.contains("*") }.reversed()
        let text = literal.joined(separator: ".")
        guard let name = DomainName(text), !Self.sharedWithoutTenants.contains(text) else { return nil }
        if suffixes.isSuffix(name) { return text }
        guard isSuffix, literal.count == labels.count, suffixes.hasPrivateSuffix(below: name) else { return nil }
        return "a suffix below \(text)"
    }

    private static let anyTopLevel = "*"

    /// Top-level labels that no registry hands out names in (RFC 6761, RFC 8375, RFC 9476, ICANN's resolution on .internal) or that private
    /// networks use and the root does not have.
    private static let undelegated: Set<Substring> = [
        "internal", "local", "localhost", "test", "example", "invalid", "onion", "alt", "arpa", "lan", "corp", "home",
        "intranet", "private",
    ]

    /// In the public suffix list, so that cookies do not cross, though customers choose no names directly below.
    private static let sharedWithoutTenants: Set<String> = [
        "googleapis.com", "githubusercontent.com", "us-east-1.amazonaws.com",
    ]
}
