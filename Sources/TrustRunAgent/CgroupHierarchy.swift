// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The mounted cgroup v2 hierarchy.
package struct CgroupHierarchy: Sendable {
    /// Where it is mounted.
    package let mountPoint: String

    /// Finds the mount in /proc/self/mountinfo; nil if there is none.
    package static func find() -> CgroupHierarchy? {
        guard let text = ProcFile.read("/proc/self/mountinfo") else { return nil }
        return parse(mountinfo: text).map(CgroupHierarchy.init(mountPoint:))
    }

    /// The mount point of the whole cgroup v2 hierarchy in the text of proc_pid_mountinfo(5).
    static func parse(mountinfo text: String) -> String? {
        var partial: String?
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count, fields[dash + 1] == "cgroup2",
                fields.count > 4
            else { continue }
            let point = unescape(fields[4])
            if fields[3] == "/" { return point }
            partial = partial ?? point
        }
        return partial
    }

    /// Spaces and the like stand as three octal digits.
    private static func unescape(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(code)
            rest = rest.dropFirst(3)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Every group that is there, with its path from the root; the id is the directory's inode number.
    package func groups() -> [(id: UInt64, path: [UInt8])] {
        var found: [(id: UInt64, path: [UInt8])] = []
        var waiting = [""]
        while let path = waiting.popLast() {
            guard let directory = unsafe opendir(mountPoint + path) else { continue }
            defer { unsafe closedir(directory) }
            var status = stat()
            guard unsafe fstat(dirfd(directory), &status) == 0 else { continue }
            found.append((UInt64(status.st_ino), Array((path.isEmpty ? "/" : path).utf8)))
            while let entry = unsafe readdir(directory) {
                guard unsafe entry.pointee.d_type == UInt8(DT_DIR) else { continue }
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                    unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
                }
                if name != "." && name != ".." { waiting.append(path + "/" + name) }
            }
        }
        return found
    }
}
