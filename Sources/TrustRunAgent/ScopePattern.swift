// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Which control groups are to be held: a path from the root of the hierarchy, in whose parts `*`, `?` and `[...]` stand for others as in
/// fnmatch(3).
struct ScopePattern: Sendable, Equatable {
    /// As the user wrote it.
    let text: String
    private let parts: [String]
    private let isLiteral: Bool

    /// One group that is there, whatever its name.
    init(exactly path: String) {
        text = path
        parts = path.split(separator: "/").map(String.init)
        isLiteral = true
    }

    /// A path may begin with the hierarchy's mount point too. Throws what is wrong with it.
    init(_ text: String, in hierarchy: CgroupHierarchy) throws(AgentError) {
        self.text = text
        isLiteral = false
        var path = Substring(text)
        if path == hierarchy.mountPoint { path += "/" }
        if path.hasPrefix(hierarchy.mountPoint + "/") { path = path.dropFirst(hierarchy.mountPoint.count) }
        parts = path.split(separator: "/").map(String.init)
        guard path.hasPrefix("/"), !parts.contains(".."), !parts.contains(".") else {
            throw AgentError(
                .usage, "--scope \(text): expected the path of a control group, as in /system.slice/model.service")
        }
        guard !parts.isEmpty else {
            throw AgentError(.usage, "--scope \(text) is the whole machine; if that is what you mean: --host")
        }
    }

    /// Whether others may fit beside those that are there.
    var isOpen: Bool { !isLiteral && text.contains { character in "*?[".contains(character) } }

    /// The groups that are there, and every folder in which one more could appear.
    func find(in hierarchy: CgroupHierarchy) -> (paths: [String], folders: [String]) {
        var paths = [""]
        var folders: [String] = []
        for part in parts {
            folders += paths.map { path in hierarchy.mountPoint + path }
            paths = paths.flatMap { path in
                ScopeDirectory.names(in: hierarchy.mountPoint + path).sorted()
                    .filter { name in
                        isLiteral ? name == part : unsafe fnmatch(part, name, FNM_PERIOD | FNM_NOESCAPE) == 0
                    }
                    .map { name in "\(path)/\(name)" }
            }
        }
        return (paths, folders)
    }
}
