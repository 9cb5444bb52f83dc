// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

/// A destination as people write it: `HOST`, `ADDRESS` or `HOST@ADDRESS`, each with `:PORT` or without.
///
/// An IPv6 address with a port stands in brackets: `[2001:db8::1]:443`.
package struct DestinationText: Sendable {
    package var name: DomainName?
    package var address: IPAddress?
    package var port: UInt16?

    package init(_ text: String) throws(ReferenceError) {
        let (host, port) = try Self.parts(text)
        self.port = port
        if let at = host.firstIndex(of: "@") {
            name = try Self.name(String(host[..<at]))
            address = try Self.address(host[host.index(after: at)...])
        } else if let address = IPAddress(text: Self.unbracketed(host)) {
            self.address = address
        } else {
            name = try Self.name(String(host))
        }
    }

    /// What is in front of `:PORT`, and the port.
    private static func parts(_ text: String) throws(ReferenceError) -> (Substring, UInt16?) {
        let start = text.firstIndex(of: "@").map { at in text.index(after: at) } ?? text.startIndex
        let last = text[start...]
        // Without brackets more than one colon is an IPv6 address, which then has no port.
        guard let colon = last.lastIndex(of: ":"), last.hasPrefix("[") || last.firstIndex(of: ":") == colon,
            !last.hasSuffix("]")
        else { return (text[...], nil) }
        let digits = last[last.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ byte in (0x30...0x39).contains(byte) }),
            let port = UInt16(digits),
            port > 0
        else { throw ReferenceError(message: "port `\(digits)` of `\(text)`; expected 1 to 65535") }
        return (text[..<colon], port)
    }

    private static func address(_ text: Substring) throws(ReferenceError) -> IPAddress {
        guard let address = IPAddress(text: unbracketed(text)) else {
            throw ReferenceError(
                message: "`\(text)` is no address; expected HOST, ADDRESS or HOST@ADDRESS, with :PORT or without")
        }
        return address
    }

    private static func unbracketed(_ text: Substring) -> String {
        text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : String(text)
    }

    private static func name(_ text: String) throws(ReferenceError) -> DomainName {
        let pattern: Pattern
        do throws(PatternTextError) {
            pattern = try Pattern(text: text)
        } catch {
            throw ReferenceError(message: error.message)
        }
        guard case .name(let name) = pattern, name.shape == .exact, let domain = DomainName(name.text) else {
            throw ReferenceError(
                message: "`\(text)` is no host; expected HOST, ADDRESS or HOST@ADDRESS, with :PORT or without")
        }
        return domain
    }
}
