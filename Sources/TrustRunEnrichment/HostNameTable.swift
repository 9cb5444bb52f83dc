// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// One object for each host name that is in use; names that nobody holds any more are let go now and then.
struct HostNameTable {
    private struct Entry {
        weak var name: HostName?
    }

    private var names: [[UInt8]: Entry] = [:]
    private var sweepAt = 4096

    mutating func intern(_ name: DomainName) -> HostName {
        let fresh = HostName(name)
        if let known = names[fresh.bytes]?.name { return known }
        if names.count >= sweepAt {
            names = names.filter { entry in entry.value.name != nil }
            sweepAt = max(4096, names.count * 2)
        }
        names[fresh.bytes] = Entry(name: fresh)
        return fresh
    }
}
