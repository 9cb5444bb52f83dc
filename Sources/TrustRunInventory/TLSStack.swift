// SPDX-License-Identifier: Apache-2.0

/// An implementation of TLS.
package enum TLSStack: String, Sendable, CaseIterable {
    case openSSL = "openssl"
    case libreSSL = "libressl"
    case boringSSL = "boringssl"
    case gnuTLS = "gnutls"
    case nss
    case mbedTLS = "mbedtls"
    case wolfSSL = "wolfssl"
    case go = "go crypto/tls"
    case rustls
    /// It speaks TLS 1.3, but nothing tells whose code it is.
    case unknown

    /// The first major number that LibreSSL gave its libssl.so; OpenSSL's and its distributors' are lower.
    private static let firstLibreSSL = 26

    /// Recognises a library by the name of its file; nil for one that does not speak TLS.
    package init?(libraryName name: Substring) {
        guard name.hasPrefix("lib"), name.contains(".so") else { return nil }
        if name.hasPrefix("libssl3.") || name.hasPrefix("libnss3.") {
            self = .nss
        } else if name.hasPrefix("libssl.") || name.hasPrefix("libssl-") {
            let major = Self.version(ofLibrary: name)?.prefix { $0 != "." } ?? ""
            self = Int(major).map { $0 >= Self.firstLibreSSL } == true ? .libreSSL : .openSSL
        } else if Self.isGnuTLS(name) {
            self = .gnuTLS
        } else if name.hasPrefix("libmbedtls.") || name.hasPrefix("libmbedtls-") {
            self = .mbedTLS
        } else if name.hasPrefix("libwolfssl.") || name.hasPrefix("libwolfssl-") {
            self = .wolfSSL
        } else {
            return nil
        }
    }

    /// Whether the name is GnuTLS's own, not that of a layer above it.
    private static func isGnuTLS(_ name: Substring) -> Bool {
        guard name.hasPrefix("libgnutls-") else { return name.hasPrefix("libgnutls.") }
        return !name.hasPrefix("libgnutls-dane") && !name.hasPrefix("libgnutls-openssl")
    }

    /// What follows ".so." in the name of a library's file.
    static func version(ofLibrary name: Substring) -> Substring? {
        guard let start = name.firstRange(of: ".so.") else { return nil }
        let version = name[start.upperBound...].prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        return version.isEmpty ? nil : version
    }
}

/// What shows the server names that a program's TLS asks for.
///
/// On the wire that is the ClientHello of TLS over TCP, whatever the library.
package enum ServerNameEvidence: String, Sendable {
    case wire
    case wireAndSSLCtrl = "wire + ssl_ctrl"
}
