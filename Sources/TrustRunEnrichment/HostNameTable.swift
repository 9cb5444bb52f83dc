// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// One object for each host name that is in use; names that nobody holds any more are let go now and then.
struct HostNameTable {
    private struct Entry {
        weak var name: HostName?
    }

    private let hints: any DestinationHints
    private var names: [[UInt8]: Entry] = [:]
    private var sweepAt = 4096

    init(hints: any DestinationHints) {
        self.hints = hints
    }

    mutating func intern(_ name: DomainName) -> HostName {
        let bytes = unsafe name.withUnsafeBytes { bytes in unsafe Array(bytes) }
        if let known = names[bytes]?.name { return known }
        if names.count >= sweepAt {
            names = names.filter { entry in entry.value.name != nil }
            sweepAt = max(4096, names.count * 2)
        }
        let fresh = HostName(name, domainOffset: hints.registrableDomain(of: name))
        names[bytes] = Entry(name: fresh)
        return fresh
    }
}
