// SPDX-License-Identifier: Apache-2.0

/// A host name that somebody looked up or sent; one object a name, shared by whatever rests on it.
package final class HostName {
    /// Lower case, no trailing dot: safe to write without escapes.
    package let bytes: [UInt8]
    /// Where in it the registrable domain begins, by the public suffix list; `noDomain` if there is none or nobody asked.
    package let domainOffset: UInt8

    /// No name is so long.
    package static let noDomain = UInt8.max

    package init(_ name: DomainName, domainOffset: Int? = nil) {
        bytes = unsafe name.withUnsafeBytes { bytes in unsafe Array(bytes) }
        self.domainOffset = domainOffset.map { offset in UInt8(clamping: offset) } ?? Self.noDomain
    }
}

/// What a connection's name rests on.
package enum NameSource: Sendable {
    /// The client's server name, and an answer that gave this address for it.
    case dnsAndSNI
    /// An answer to this process or an ancestor.
    case dns
    /// The client's claim alone.
    case sni
    case none
}

/// The names that a destination may have, with what they rest on.
package struct DestinationNames {
    /// The name, if the evidence leaves only one.
    package var name: HostName?
    /// Every name that could be meant, newest first, if there are several.
    package var candidates: [HostName] {
        get { several?.names ?? [] }
        set { several = newValue.isEmpty ? nil : Several(newValue) }
    }
    package var source: NameSource
    /// Whether the ClientHello has another name that is encrypted, or something that looks like one.
    package var hasECH = false
    /// Nil for most, so that a copy costs little.
    package private(set) var several: Several?

    package final class Several {
        let names: [HostName]

        init(_ names: [HostName]) {
            self.names = names
        }
    }

    /// Whether the client has sent one.
    package var hasServerName: Bool {
        switch source {
        case .sni, .dnsAndSNI: true
        case .dns, .none: false
        }
    }

    package mutating func clear() {
        name = nil
        several = nil
        source = .none
        hasECH = false
    }

    package init(name: HostName? = nil, candidates: [HostName] = [], source: NameSource = .none) {
        self.name = name
        self.source = source
        several = candidates.isEmpty ? nil : Several(candidates)
    }
}
