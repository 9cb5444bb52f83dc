// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import TrustRunEvents

/// The control groups whose processes are held to a policy: one thread changes them, and another asks whose an event is.
final class WatchedScopes: Sendable {
    private let paths = Mutex<[String]>([])
    private let changes = Atomic<Int>(0)

    /// From the root of the hierarchy.
    var all: [String] { paths.withLock { paths in paths } }

    /// How often they were changed.
    var version: Int { changes.load(ordering: .acquiring) }

    func add(_ path: String) {
        paths.withLock { paths in paths.append(path) }
        changes.add(1, ordering: .releasing)
    }

    func remove(_ path: String) {
        paths.withLock { paths in paths.removeAll { known in known == path } }
        changes.add(1, ordering: .releasing)
    }
}

/// Whose events are those of some scopes: their groups' and those of groups below. One thread owns it.
struct ScopeFilter {
    private let scopes: WatchedScopes
    private var version: Int
    /// Without a slash at their ends.
    private var prefixes: [[UInt8]]

    init(_ scopes: WatchedScopes) {
        self.scopes = scopes
        version = scopes.version
        prefixes = Self.prefixes(of: scopes)
    }

    mutating func admits(_ group: CgroupIdentity?) -> Bool {
        if scopes.version != version {
            version = scopes.version
            prefixes = Self.prefixes(of: scopes)
        }
        guard let group else { return false }
        return prefixes.contains { prefix in
            group.path.starts(with: prefix)
                && (group.path.count == prefix.count || group.path[prefix.count] == UInt8(ascii: "/"))
        }
    }

    private static func prefixes(of scopes: WatchedScopes) -> [[UInt8]] {
        scopes.all.map { path in Array((path == "/" ? "" : path).utf8) }
    }
}
