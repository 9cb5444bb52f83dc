// SPDX-License-Identifier: Apache-2.0

/// A shared library that speaks TLS.
package struct TLSLibrary: Sendable {
    /// The path by which the agent reaches it, such as "/proc/4711/root/usr/lib/libssl.so.3".
    package let path: String
    package let key: FileKey
    package let stack: TLSStack
    /// As far as its file's name tells, such as "3".
    package let version: String?
    /// Where in the file SSL_ctrl is, the function to which OpenSSL's SSL_set_tlsext_host_name comes down; nil if it is not there.
    package let sslCtrlOffset: UInt64?
    /// Its code is for this machine's native instructions.
    package let isNative: Bool

    /// Reads the file; nil if it is no ELF library or, by its `name`, none that speaks TLS.
    ///
    /// - Parameter name: The name it is known by, where `path` is not it.
    package init?(path: String, name: String? = nil) {
        let name = name ?? path
        let base = Self.baseName(name)
        guard let stack = TLSStack(libraryName: base), let symbols = ELFSymbols(path: path) else { return nil }
        self.path = path
        key = symbols.key
        version = TLSStack.version(ofLibrary: base).map(String.init)
        isNative = symbols.isNative
        let mayHaveSSLCtrl = stack == .openSSL || stack == .libreSSL
        sslCtrlOffset = mayHaveSSLCtrl ? symbols.codeOffset(ofFunction: "SSL_ctrl") : nil
        // A function in BoringSSL, a macro elsewhere.
        let isBoringSSL = mayHaveSSLCtrl && sslCtrlOffset == nil && symbols.definesFunction("SSL_set_tlsext_host_name")
        self.stack = isBoringSSL ? .boringSSL : stack
    }

    /// Whether a probe on SSL_ctrl can be set and can read its arguments.
    package var canHookSSLCtrl: Bool { sslCtrlOffset != nil && isNative }

    /// What can show the server names that its users ask for.
    package var serverNameEvidence: ServerNameEvidence { canHookSSLCtrl ? .wireAndSSLCtrl : .wire }

    static func baseName(_ path: String) -> Substring {
        path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
    }
}
