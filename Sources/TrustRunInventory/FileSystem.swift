// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The few questions that are put to directories and links.
enum FileSystem {
    /// Whom `path` leads to, through links; nil if there is nothing.
    static func status(_ path: String) -> stat? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status : nil
    }

    /// Where a symbolic link points; nil if it is none, or its text is not UTF-8.
    static func target(ofLink path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            return unsafe readlink(path, start.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard count > 0 else { return nil }
        return String(validating: buffer[..<count], as: UTF8.self)
    }

    /// Calls `body` with each name in a directory but "." and "..", up to `limit` of them.
    static func forEachName(in path: String, limit: Int = 65_536, _ body: (String) -> Void) {
        guard let directory = unsafe opendir(path) else { return }
        defer { unsafe closedir(directory) }
        var remaining = limit
        while remaining > 0, let entry = unsafe readdir(directory) {
            remaining -= 1
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) {
                    unsafe String(validatingCString: $0)
                }
            }
            if let name, name != ".", name != ".." { body(name) }
        }
    }
}
