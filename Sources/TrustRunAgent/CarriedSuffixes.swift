// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunOrganisations
internal import TrustRunPolicy

/// The public suffix list that the agent carries, as lints ask it: what is above private suffixes is read out once, since each such question
/// would read the whole list.
struct CarriedSuffixes: SuffixList {
    static let shared = CarriedSuffixes()

    private let above = PublicSuffixes.carried.namesAbovePrivateSuffixes()

    func isSuffix(_ name: DomainName) -> Bool { PublicSuffixes.carried.isSuffix(name) }

    func hasPrivateSuffix(below name: DomainName) -> Bool { above.contains("\(name)") }
}
