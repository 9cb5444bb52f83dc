// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunInventory

@Suite struct TLSStackTests {
    @Test(arguments: [
        ("libssl.so.3", TLSStack.openSSL), ("libssl.so.1.1", .openSSL), ("libssl.so.10", .openSSL),
        ("libssl.so", .openSSL),
        ("libssl.so.3 (deleted)", .openSSL), ("libssl-8d2e4b1f.so.1.1", .openSSL), ("libssl.so.53", .libreSSL),
        ("libssl3.so", .nss), ("libnss3.so", .nss), ("libgnutls.so.30.34.3", .gnuTLS),
        ("libgnutls-deb0.so.28", .gnuTLS),
        ("libmbedtls.so.14", .mbedTLS), ("libwolfssl.so.35", .wolfSSL),
    ])
    func knowsTheLibrary(name: String, stack: TLSStack) {
        #expect(TLSStack(libraryName: name[...]) == stack)
    }

    @Test(arguments: [
        "libc.so.6", "libssl", "libssl.a", "libsslcommon.so", "libssl3", "libnss_files.so.2", "libnssutil3.so",
        "libgnutls-dane.so.0", "libgnutls-openssl.so.27", "libgnutlsxx.so.30", "libcrypto.so.3", "xlibssl.so.3", "",
    ])
    func knowsNoOther(name: String) {
        #expect(TLSStack(libraryName: name[...]) == nil)
    }
}
