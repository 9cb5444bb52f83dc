// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// A text that matches nothing, in words for its writer.
struct PatternTextError: Error {
    var message: String
}

extension Pattern {
    /// Reads what stands in `match`.
    init(text: String) throws(PatternTextError) {
        // A glob that every name fits was the way to say `any`.
        if text == "any" || text == "*" {
            self = .any
        } else if text.contains("://") {
            throw PatternTextError(message: "`\(text)` is a URL; expected the host name alone, and the port in `ports`")
        } else if text.contains("/") || IPAddress(text: text) != nil {
            self = .network(try Self.network(text))
        } else if text.contains(":") {
            throw Self.colonError(text)
        } else {
            self = .name(try Self.name(text))
        }
    }

    private static func network(_ text: String) throws(PatternTextError) -> IPNetwork {
        do throws(IPNetwork.TextError) {
            return try IPNetwork(text: text)
        } catch {
            throw PatternTextError(message: "`\(text)` \(words(for: error))")
        }
    }

    private static func words(for error: IPNetwork.TextError) -> String {
        switch error {
        case .notAnAddress:
            "is no network; expected a CIDR such as 10.0.0.0/8 or fd00::/8, or a host name without a path"
        case .badLength(let maximum): "has no good prefix length; expected 0 to \(maximum)"
        case .bitsBehindPrefix(let meant): "sets bits behind its prefix; expected \(meant) or a single address"
        }
    }

    private static func colonError(_ text: String) -> PatternTextError {
        let parts = text.split(separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
        if text.hasPrefix("["), parts.count == 2 {
            let port = parts[1].dropFirst()
            guard !port.isEmpty else {
                return PatternTextError(
                    message: "`\(text)` stands in brackets; expected `match: \(parts[0].dropFirst())`")
            }
            return portError(text, host: parts[0].dropFirst(), port: port)
        }
        let sides = text.split(separator: ":", omittingEmptySubsequences: false)
        if sides.count == 2 { return portError(text, host: sides[0], port: sides[1]) }
        return PatternTextError(
            message:
                "`\(text)` is no IPv6 address; expected one such as 2001:db8::1\(text.contains("%") ? ", without a zone" : "")"
        )
    }

    private static func portError(_ text: String, host: Substring, port: Substring) -> PatternTextError {
        PatternTextError(message: "`\(text)` names a port; expected `match: \(host)` and `ports: \(port)`")
    }

    private static func name(_ text: String) throws(PatternTextError) -> NamePattern {
        var labels: [String] = []
        for label in text.unicodeScalars.split(omittingEmptySubsequences: false, whereSeparator: isDot).map(String.init)
        {
            guard !label.utf8.allSatisfy({ byte in byte < 0x80 }) else {
                labels.append(label)
                continue
            }
            guard !label.contains("*"), let ascii = InternationalName.asciiLabel(label) else {
                throw PatternTextError(
                    message: "`\(text)` is no host name: `\(label)` has no form in ASCII; expected one (xn--...)")
            }
            labels.append(ascii)
        }
        let ascii = labels.joined(separator: ".")
        let meaningful = ascii.hasSuffix(".") ? ascii.dropLast() : ascii[...]
        guard meaningful.utf8.count <= DomainName.maximumLength else {
            throw PatternTextError(
                message: "a host name of \(meaningful.utf8.count) bytes; expected at most \(DomainName.maximumLength)")
        }
        guard !isAddressLike(meaningful) else {
            throw PatternTextError(
                message:
                    "`\(text)` is no address; expected one such as 10.1.2.3, a CIDR such as 10.1.2.0/24, or a host name"
            )
        }
        guard let pattern = NamePattern(ascii) else {
            throw PatternTextError(
                message: """
                    `\(text)` is no host name; expected labels of at most 63 letters, digits, hyphens and underscores with dots between, \
                    a leading `*.` or a `*` in a label
                    """)
        }
        return pattern
    }

    /// Whether the text ends in a number, as only addresses do (RFC 1123 2.1), or is a glob of addresses such as `10.1.*`.
    private static func isAddressLike(_ text: Substring) -> Bool {
        let last = text.split(separator: ".", omittingEmptySubsequences: false).last ?? ""
        if !last.isEmpty, last.utf8.allSatisfy(isDigit) { return true }
        if last.hasPrefix("0x"), UInt64(last.dropFirst(2), radix: 16) != nil { return true }
        return text.utf8.contains(where: isDigit)
            && text.utf8.allSatisfy { byte in isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// The dot, and what IDNA reads as one (RFC 3490 3.1).
    private static func isDot(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "." || scalar == "\u{3002}" || scalar == "\u{ff0e}" || scalar == "\u{ff61}"
    }
}
