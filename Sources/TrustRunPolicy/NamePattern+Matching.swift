// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension NamePattern {
    /// Whether the pattern matches a canonical name: lower case, no trailing dot.
    package func matches(_ name: Span<UInt8>) -> Bool {
        Self.matches(text.utf8.span, name)
    }

    func matches(_ name: borrowing DomainName) -> Bool {
        Self.matches(text.utf8.span, name.span)
    }

    /// Compares label by label from the right. A first label of `*` before others takes all that is left, one label at least; a `*`
    /// elsewhere stands for any bytes of its label, or none.
    static func matches(_ pattern: Span<UInt8>, _ name: Span<UInt8>) -> Bool {
        let isSuffix = pattern.count > 2 && pattern[0] == UInt8(ascii: "*") && pattern[1] == UInt8(ascii: ".")
        var (patternEnd, nameEnd) = (pattern.count, name.count)
        while true {
            let patternStart = labelStart(in: pattern, endingAt: patternEnd)
            if isSuffix && patternStart == 0 { return nameEnd > 0 }
            let nameStart = labelStart(in: name, endingAt: nameEnd)
            let label = name.extracting(nameStart..<nameEnd)
            guard ByteGlob.matches(pattern.extracting(patternStart..<patternEnd), label) else { return false }
            // Past the dots; below zero when nothing is left.
            (patternEnd, nameEnd) = (patternStart - 1, nameStart - 1)
            if patternEnd < 0 || nameEnd < 0 { return patternEnd < 0 && nameEnd < 0 }
        }
    }

    private static func labelStart(in name: Span<UInt8>, endingAt end: Int) -> Int {
        var start = end
        while start > 0, name[start - 1] != UInt8(ascii: ".") { start -= 1 }
        return start
    }

    /// Which of two patterns that match the same name is preferred: the greater.
    package var specificity: Specificity {
        let labels = text.utf8.split(separator: UInt8(ascii: "."))
        let literal = labels.reversed().prefix { label in !label.contains(UInt8(ascii: "*")) }
        return Specificity(isExact: shape == .exact, literalLabels: literal.count, literalBytes: literalBytes)
    }

    /// Bytes that are no `*`, dots included, in the whole pattern.
    var literalBytes: Int {
        let bytes = text.utf8.span
        return bytes.indices.count { index in bytes[index] != UInt8(ascii: "*") }
    }

    package struct Specificity: Sendable, Hashable, Comparable {
        /// The pattern is a name.
        package let isExact: Bool
        /// Labels without `*`, counted from the right up to the first one that has one.
        package let literalLabels: Int
        /// Bytes that are no `*`, dots included, in the whole pattern.
        package let literalBytes: Int

        package static func < (left: Self, right: Self) -> Bool {
            (left.isExact ? 1 : 0, left.literalLabels, left.literalBytes)
                < (right.isExact ? 1 : 0, right.literalLabels, right.literalBytes)
        }
    }
}
