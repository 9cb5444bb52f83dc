// SPDX-License-Identifier: Apache-2.0

/// Texts among a program's constants that tell of a TLS implementation in its code.
struct TLSTraces {
    private enum Text: String, CaseIterable {
        // The label of a key log (RFC 9850) and of the key schedule (RFC 8446 7.1): one of the two is in every
        // implementation of TLS 1.3. A program whose TLS is in a shared library has neither, though it may well tell
        // an OpenSSL's version.
        case keyLog = "CLIENT_HANDSHAKE|_TRAFFIC_SECRET"
        case keySchedule = "c hs| traffic"
        case openSSL10 = " part of| OpenSSL 1."
        case openSSL = "OpenSSL |"
        case libreSSL = "LibreSSL |"
        case boringSSL = "Boring|SSL"
        case boringSSLPath = "boring|ssl/"
        case rustls = "rust|ls"
        case mbedTLS = "Mbed| TLS "
        case mbedTLSFunction = "mbedtls|_ssl_"
        case wolfSSL = "wolf|SSL"
        case gnuTLS = "Gnu|TLS"

        /// The text. The bar, which it is written with, keeps this program from being found itself.
        var text: String { rawValue.filter { $0 != "|" } }

        /// What follows must be a version.
        var hasVersion: Bool { self == .openSSL || self == .libreSSL || self == .mbedTLS }
    }

    private var places: [Text: UInt64] = [:]

    init(_ symbols: borrowing ELFSymbols) {
        let texts = Text.allCases
        let found = symbols.firstPlaces(of: texts.map(\.text)) { index, place in
            !texts[index].hasVersion
                || Self.version(at: place + UInt64(texts[index].text.utf8.count), in: symbols) != nil
        }
        for (text, place) in zip(texts, found) { places[text] = place }
    }

    /// Whether the program can do a handshake.
    var showTLS: Bool { has(.keyLog) || has(.keySchedule) || has(.openSSL10) }

    /// Whose code it is. The most telling first: rustls may stand on BoringSSL's cryptography, which says its name too.
    func stacks(hasSSLCtrl: Bool) -> [TLSStack] {
        let openSSL: TLSStack = has(.libreSSL) ? .libreSSL : .openSSL
        if hasSSLCtrl { return has(.rustls) && has(.keyLog) ? [.rustls, openSSL] : [openSSL] }
        if has(.rustls) { return [.rustls] }
        if has(.boringSSL) || has(.boringSSLPath) { return [.boringSSL] }
        if has(.libreSSL) || has(.openSSL) || has(.openSSL10) { return [openSSL] }
        if has(.mbedTLS) || has(.mbedTLSFunction) { return [.mbedTLS] }
        if has(.wolfSSL) { return [.wolfSSL] }
        return [has(.gnuTLS) ? .gnuTLS : .unknown]
    }

    /// The version of the first of `stacks` that tells one.
    func version(of stacks: [TLSStack], in symbols: borrowing ELFSymbols) -> String? {
        for stack in stacks {
            let text: Text? =
                switch stack {
                case .openSSL: .openSSL
                case .libreSSL: .libreSSL
                case .mbedTLS: .mbedTLS
                default: nil
                }
            guard let text, let place = places[text] else { continue }
            return Self.version(at: place + UInt64(text.text.utf8.count), in: symbols).map { text.text + $0 }
        }
        return nil
    }

    /// A version of three numbers, such as "1.1.1w"; nil if anything else is at that place.
    private static func version(at place: UInt64, in symbols: borrowing ELFSymbols) -> String? {
        let word = symbols.text(at: place, limit: 16).prefix { $0 == "." || $0.isLetter || $0.isNumber }
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, Int(parts[0]) != nil, Int(parts[1]) != nil, parts[2].first?.isNumber == true else {
            return nil
        }
        return String(word)
    }

    private func has(_ text: Text) -> Bool { places[text] != nil }
}
