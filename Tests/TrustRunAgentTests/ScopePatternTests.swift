// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing
import TrustRunEvents

@testable import TrustRunAgent

@Suite struct ScopePatternTests {
    /// A tree of folders in the place of a hierarchy.
    private func withTree(_ folders: [String], _ body: (CgroupHierarchy) throws -> Void) throws {
        let root = "/tmp/trustrun-pattern-\(getpid())-\(UInt32.random(in: .min ... .max))"
        #expect(mkdir(root, 0o700) == 0)
        for folder in folders { #expect(mkdir(root + folder, 0o700) == 0) }
        defer { for folder in folders.reversed() + [""] { rmdir(root + folder) } }
        try body(CgroupHierarchy(mountPoint: root))
    }

    @Test func findsGroupsAndWhereMoreCouldAppear() throws {
        let folders = ["/a", "/a/job-1", "/a/job-2", "/a/else", "/b", "/b/job-3", "/a/job-1/below", #"/a/x\x2dy"#]
        try withTree(folders) { tree in
            let rows: [(pattern: String, paths: [String], folders: [String])] = [
                ("/a", ["/a"], [""]),
                ("/a/", ["/a"], [""]),
                ("//a//job-1", ["/a/job-1"], ["", "/a"]),
                ("/a/job-*", ["/a/job-1", "/a/job-2"], ["", "/a"]),
                ("/?/job-[13]", ["/a/job-1", "/b/job-3"], ["", "/a", "/b"]),
                (
                    "/*/*/below", ["/a/job-1/below"],
                    ["", "/a", "/b", "/a/else", "/a/job-1", "/a/job-2", #"/a/x\x2dy"#, "/b/job-3"]
                ),
                (#"/a/x\x2d*"#, [#"/a/x\x2dy"#], ["", "/a"]),
                ("/none/x", [], [""]),
            ]
            for row in rows {
                let found = try ScopePattern(row.pattern, in: tree).find(in: tree)
                #expect(found.paths == row.paths, "\(row.pattern)")
                #expect(found.folders == row.folders.map { folder in tree.mountPoint + folder }, "\(row.pattern)")
            }
            #expect(try ScopePattern(tree.mountPoint + "/a", in: tree).find(in: tree).paths == ["/a"])
        }
    }

    @Test func refusesWhatIsNoGroup() {
        let tree = CgroupHierarchy(mountPoint: "/sys/fs/cgroup")
        for text in ["", "a", "a/b", "/", "//", "/a/../b", "/./a", "/sys/fs/cgroup", "/sys/fs/cgroup/"] {
            #expect(throws: AgentError.self, "\(text)") { try ScopePattern(text, in: tree) }
        }
    }

    @Test func instancesAreCalledTheSameByAllAgents() {
        #expect(EnforcedScopes.name(of: "/") == "host")
        #expect(EnforcedScopes.name(of: "/tt/a") == "scope-tt-a-1ced1726")
        #expect(EnforcedScopes.name(of: "/tt-a") != EnforcedScopes.name(of: "/tt/a"))
        let long = EnforcedScopes.name(of: "/" + String(repeating: "ä", count: 200))
        #expect(long.utf8.count < 200)
    }

    @Test func scopesJoinAndLeaveTheFilter() {
        let scopes = WatchedScopes()
        var filter = ScopeFilter(scopes)
        let group = CgroupIdentity(id: 7, path: Array("/a/b".utf8), container: nil)
        let steps: [(add: [String], remove: [String], admits: Bool)] = [
            ([], [], false), (["/a"], [], true), (["/a/b"], ["/a"], true), (["/a/bc", "/a/b/c"], ["/a/b"], false),
            (["/"], [], true),
        ]
        for step in steps {
            step.add.forEach(scopes.add)
            step.remove.forEach(scopes.remove)
            let admits = filter.admits(group)
            #expect(admits == step.admits, "\(scopes.all)")
        }
        let admitsNobody = filter.admits(nil)
        #expect(!admitsNobody)
    }
}
