// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// The public suffix list: under which names anybody can get one of their own (https://publicsuffix.org/list/).
///
/// Rules are read as libpsl and browsers read them: the longest rule wins, an exception beats a wildcard, a name that no rule fits has its last
/// label as suffix, and `*.ck` makes `ck` a suffix too.
package struct PublicSuffixes: Sendable {
    /// Who says that a name is a suffix.
    package enum Section: Sendable {
        /// A registry of the domain name system.
        case registry
        /// A company that gives names below its own to its customers: `github.io`, `blob.core.windows.net`.
        case company
        /// Nobody: the last label of a name that the list does not know.
        case none
    }

    /// The suffix of a name.
    package struct Suffix: Sendable, Equatable {
        /// Where in the name it begins.
        package let offset: Int
        package let section: Section
    }

    /// The list that this program carries; nothing of it is read before it is asked.
    package static let carried = PublicSuffixes(.publicSuffixes)

    private let file: CarriedFile

    private init(_ file: CarriedFile) {
        self.file = file
    }

    /// The public suffix of a canonical name (lower case, A-labels, no trailing dot); nil for an IPv4 address and for what is no name.
    package func publicSuffix(of name: Span<UInt8>) -> Suffix? {
        guard !name.isEmpty, !name.endsInNumber else { return nil }
        let list = SuffixAutomaton(file.span)
        var before: Int?
        var offset = 0
        while true {
            let next = name.labelEnd(from: offset)
            if let entry = list.entry(for: name.extracting(offset...)) {
                // Nothing follows the rule of a top-level name, so it cannot be an exception.
                if entry.isException, next < name.count { return Suffix(offset: next + 1, section: entry.section) }
                return Suffix(offset: entry.isWildcard ? before ?? offset : offset, section: entry.section)
            }
            guard next < name.count else { return Suffix(offset: offset, section: .none) }
            before = offset
            offset = next + 1
        }
    }

    /// Where in a canonical name its registrable domain begins: the suffix and one label more; nil if the name is a suffix itself.
    package func registrableDomain(of name: Span<UInt8>) -> Int? {
        guard let suffix = publicSuffix(of: name), suffix.offset > 1 else { return nil }
        var offset = suffix.offset - 1
        while offset > 0, name[offset - 1] != UInt8(ascii: ".") { offset -= 1 }
        return offset
    }

    package func registrableDomain(of name: DomainName) -> DomainName? {
        registrableDomain(of: name.span).flatMap { offset in DomainName(ascii: name.span.extracting(offset...)) }
    }

    package func publicSuffix(of name: DomainName) -> DomainName? {
        publicSuffix(of: name.span).flatMap { suffix in DomainName(ascii: name.span.extracting(suffix.offset...)) }
    }

    /// Whether the list has this very name as a suffix, of either section.
    package func isSuffix(_ name: DomainName) -> Bool {
        guard let suffix = publicSuffix(of: name.span) else { return false }
        return suffix.offset == 0 && suffix.section != .none
    }

    /// Whether this very name is one under which a company's customers have theirs.
    package func isPrivateSuffix(_ name: DomainName) -> Bool {
        publicSuffix(of: name.span) == Suffix(offset: 0, section: .company)
    }

    /// Whether there is a private suffix below this name, as `blob.core.windows.net` is below `windows.net`. Reads the whole list.
    package func hasPrivateSuffix(below name: DomainName) -> Bool {
        let ending = [UInt8(ascii: ".")] + Self.bytes(of: name)
        var isFound = false
        SuffixAutomaton(file.span).forEachEntry { suffix, entry in
            guard entry.section == .company, suffix.count > ending.count else { return }
            if suffix.suffix(ending.count).elementsEqual(ending) { isFound = true }
        }
        return isFound
    }

    /// Every name below which there is a private suffix, top-level ones included. Reads the whole list.
    package func namesAbovePrivateSuffixes() -> Set<String> {
        var names: Set<String> = []
        SuffixAutomaton(file.span).forEachEntry { suffix, entry in
            guard entry.section == .company else { return }
            var rest = suffix[...]
            while let dot = rest.firstIndex(of: UInt8(ascii: ".")) {
                rest = rest[(dot + 1)...]
                names.insert(String(decoding: rest, as: UTF8.self))
            }
        }
        return names
    }

    private static func bytes(of name: DomainName) -> [UInt8] {
        unsafe name.withUnsafeBytes { bytes in unsafe Array(bytes) }
    }
}

extension Span<UInt8> {
    /// Where the label that begins here ends: the place of a dot, or the count.
    fileprivate func labelEnd(from start: Int) -> Int {
        var end = start
        while end < count, self[end] != UInt8(ascii: ".") { end += 1 }
        return end
    }

    /// Whether the last label is a number, as in an IPv4 address.
    fileprivate var endsInNumber: Bool {
        var index = count
        while index > 0 {
            index -= 1
            if self[index] == UInt8(ascii: ".") { return true }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self[index]) else { return false }
        }
        return true
    }
}
