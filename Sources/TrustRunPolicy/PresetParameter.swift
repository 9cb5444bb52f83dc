// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// A parameter that a preset declares.
package struct PresetParameter: Sendable, Hashable {
    package var name: String
    package var description: String
    package var isRequired: Bool
    package var kind: Kind
    /// A value that is as it should be.
    package var example: String

    /// What a value looks like. None but `name` can hold a dot, and none a star, so that no value makes a rule wider than its preset says.
    package enum Kind: String, Sendable, CaseIterable {
        /// One label of a host name: a resource, an account, a bucket.
        case label
        /// The same, such as `eu-west-1`.
        case region
        /// A host name.
        case name
        /// Digits alone, such as an account's number.
        case digits

        /// In words that follow "expected".
        var text: String {
            switch self {
            case .label: "one label of a host name: letters, digits and inner hyphens"
            case .region: "a region such as eu-west-1: letters, digits and inner hyphens"
            case .name: "a host name"
            case .digits: "digits"
            }
        }
    }

    /// The values in a text such as `contoso` or `one|two`, in lower case; nil if one of them is not of this kind.
    func values(in text: String) -> [String]? {
        var values: [String] = []
        for part in text.split(separator: "|", omittingEmptySubsequences: false) {
            let value = part.lowercased()
            guard isValid(value) else { return nil }
            if !values.contains(value) { values.append(value) }
        }
        return values
    }

    private func isValid(_ value: String) -> Bool {
        switch kind {
        case .label, .region:
            return (1...63).contains(value.utf8.count) && value.utf8.allSatisfy(Self.isLabelByte)
                && !value.hasPrefix("-") && !value.hasSuffix("-")
        case .name:
            guard let name = DomainName(value) else { return false }
            return name.count == value.utf8.count && !name.endsInNumber && value.contains(".")
        case .digits:
            return (1...32).contains(value.utf8.count) && value.utf8.allSatisfy { byte in (0x30...0x39).contains(byte) }
        }
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}

/// What a preset's parameters are set to.
struct PresetArguments {
    /// How many texts one text with placeholders may stand for.
    static let maximumExpansion = 256

    let declared: [PresetParameter]
    /// At least one value for each that is set.
    let values: [String: [String]]

    func declaration(_ name: String) -> PresetParameter? {
        declared.first { parameter in parameter.name == name }
    }
}
