// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// A host name or a glob of host names: lower case, A-labels, no trailing dot.
///
/// A leading `*.` stands for one or more labels; `*` elsewhere stays within one label.
package struct NamePattern: Sendable, Hashable {
    /// As canonical text: `api.openai.com`, `*.openai.com`, `bedrock-*.eu-west-1.amazonaws.com`.
    package let text: String
    package let shape: Shape

    package enum Shape: Sendable, Hashable {
        /// One name.
        case exact
        /// `*.` before literal labels, which are `text` without it.
        case suffix
        /// A `*` elsewhere.
        case glob
    }

    /// nil unless the text is a name or glob of letters, digits, hyphens and underscores in labels of at most 63 bytes, 253 in all.
    /// A lone `*` is none.
    package init?(_ text: String) {
        let isSuffix = text.hasPrefix("*.")
        let rest = isSuffix ? String(text.dropFirst(2)) : text
        // A star holds the place of a letter, so that the check of a name covers the rest.
        guard let name = DomainName(rest.replacing("*", with: "x")), rest != "*",
            !rest.allSatisfy({ "*.".contains($0) })
        else { return nil }
        let lowered = rest.lowercased()
        let canonical = lowered.hasSuffix(".") ? String(lowered.dropLast()) : lowered
        guard canonical.utf8.count == name.count else { return nil }
        self.text = isSuffix ? "*." + canonical : canonical
        shape = canonical.contains("*") ? .glob : isSuffix ? .suffix : .exact
    }
}
