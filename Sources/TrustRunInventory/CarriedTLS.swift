// SPDX-License-Identifier: Apache-2.0

/// TLS that a program carries in its own code.
package struct CarriedTLS: Sendable {
    /// Whose code it is; more than one only where a program has both rustls and OpenSSL.
    package let stacks: [TLSStack]
    /// As the program tells it, such as "go1.24.1" or "OpenSSL 3.0.15".
    package let version: String?

    private static let goHandshake = "crypto/tls.(*Conn).clientHandshake"

    /// Recognises what a program carries; nil if it seems to carry none.
    package init?(_ symbols: borrowing ELFSymbols) {
        if symbols.isGo {
            guard symbols.lineTableContains(Self.goHandshake) else { return nil }
            stacks = [.go]
            version = symbols.goVersion
            return
        }
        let hasSSLCtrl = symbols.definesFunction("SSL_ctrl")
        let traces = TLSTraces(symbols)
        guard hasSSLCtrl || traces.showTLS else { return nil }
        stacks = traces.stacks(hasSSLCtrl: hasSSLCtrl)
        version = traces.version(of: stacks, in: symbols)
    }

    /// The name for people, such as "openssl (OpenSSL 3.0.15)" or "go crypto/tls (go1.24.1)".
    package var name: String {
        let names = stacks.map(\.rawValue).joined(separator: " and ")
        return version.map { "\(names) (\($0))" } ?? names
    }
}
