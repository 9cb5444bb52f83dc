// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TrustRunAgent

@Suite struct CgroupHierarchyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let label: String
        let lines: [String]
        let mountPoint: String?
        var testDescription: String { label }
    }

    private static let root = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw"
    private static let unified =
        "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate"
    private static let v1 = "31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:6 - cgroup cgroup rw,cpu"

    static let cases = [
        Case(label: "v2", lines: [root, unified], mountPoint: "/sys/fs/cgroup"),
        Case(
            label: "hybrid",
            lines: [
                root, "30 23 0:27 / /sys/fs/cgroup ro,nosuid shared:5 - tmpfs tmpfs ro,mode=755",
                "32 30 0:29 / /sys/fs/cgroup/unified rw,relatime shared:7 - cgroup2 cgroup2 rw", v1,
            ], mountPoint: "/sys/fs/cgroup/unified"),
        Case(label: "no optional fields", lines: ["29 23 0:26 / /cg rw - cgroup2 none rw"], mountPoint: "/cg"),
        Case(
            label: "several optional fields",
            lines: ["29 23 0:26 / /cg rw shared:4 master:2 propagate_from:1 - cgroup2 none rw"], mountPoint: "/cg"),
        Case(
            label: "a part mounted elsewhere first",
            lines: ["40 23 0:26 /docker/x /mnt/part rw - cgroup2 cgroup2 rw", unified], mountPoint: "/sys/fs/cgroup"),
        Case(
            label: "a part only", lines: ["40 23 0:26 /docker/x /mnt/part rw - cgroup2 cgroup2 rw"],
            mountPoint: "/mnt/part"),
        Case(
            label: "the whole twice", lines: [unified, "41 23 0:26 / /mnt/again rw - cgroup2 cgroup2 rw"],
            mountPoint: "/sys/fs/cgroup"),
        Case(
            label: "octal escapes", lines: ["29 23 0:26 / /a\\040b\\011c\\134d rw - cgroup2 none rw"],
            mountPoint: "/a b\tc\\d"),
        Case(
            label: "escapes that are none", lines: ["29 23 0:26 / /a\\9b\\777\\04 rw - cgroup2 none rw"],
            mountPoint: "/a\\9b\\777\\04"),
        Case(label: "not ASCII", lines: ["29 23 0:26 / /sys/grüße rw - cgroup2 none rw"], mountPoint: "/sys/grüße"),
        Case(label: "none", lines: [root, v1], mountPoint: nil),
        Case(label: "the word elsewhere", lines: ["1 2 3:4 / /cgroup2 rw - ext4 cgroup2 cgroup2"], mountPoint: nil),
        Case(label: "empty", lines: [], mountPoint: nil),
        Case(label: "cut", lines: ["29 23 0:26 / /sys -", "- cgroup2", "29 -", " "], mountPoint: nil),
    ]

    @Test(arguments: cases) func parses(_ row: Case) {
        #expect(CgroupHierarchy.parse(mountinfo: row.lines.joined(separator: "\n")) == row.mountPoint)
        #expect(CgroupHierarchy.parse(mountinfo: row.lines.map { $0 + "\n" }.joined()) == row.mountPoint)
    }
}
