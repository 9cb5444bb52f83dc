// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// The control groups of the v2 hierarchy, by id.
package struct CgroupTable: ~Copyable {
    private var groups = OpenTable<CgroupIdentity>(minimumCapacity: 256)

    /// Begins with the groups that are there: (id, path from the root).
    package init(existing: [(id: UInt64, path: [UInt8])]) {
        for group in existing { add(group.id, path: group.path) }
    }

    mutating func add(_ id: UInt64, path: [UInt8]) {
        if let known = groups[id] {
            if known.path == path { return }
            // A record spoke of it before its own came: those who are in it learn its path.
            if known.path.isEmpty {
                known.path = path
                known.container = ContainerIdentity(cgroupPath: path)
                known.encoded = []
                return
            }
        }
        groups[id] = CgroupIdentity(id: id, path: path, container: ContainerIdentity(cgroupPath: path))
    }

    /// What still refers to the group keeps it; ids are not reused soon.
    mutating func remove(_ id: UInt64) {
        groups[id] = nil
    }

    /// The group with this id; one that is not known has no path.
    mutating func resolve(_ id: UInt64) -> CgroupIdentity? {
        if let known = groups[id] { return known }
        guard id != 0 else { return nil }
        let unknown = CgroupIdentity(id: id, path: [], container: nil)
        groups[id] = unknown
        return unknown
    }
}
