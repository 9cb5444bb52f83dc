// SPDX-License-Identifier: Apache-2.0

/// A unix socket in the file system, by the path that it is bound to, or all of them below a folder.
package struct UnixPath: Sendable, Hashable {
    /// Absolute; that of a folder has a slash at its end. `/var/run` is `/run`, as on the machines that have both.
    package let text: String

    /// unix(7): `sun_path` has 108 bytes, and a zero ends it.
    package static let maximumByteCount = 107
    /// How many a policy may list.
    package static let maximumCount = 64

    /// nil: not absolute, longer than a socket's path can be, with `//`, `.` or `..`, or with `*` or `?`, which mean nothing here.
    package init?(text: String) {
        guard text.hasPrefix("/"), !text.contains("*"), !text.contains("?") else { return nil }
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.dropLast().contains(""), !parts.contains("."), !parts.contains("..") else { return nil }
        let plain = text.hasPrefix("/var/run/") ? String(text.dropFirst("/var".count)) : text
        guard plain.utf8.count <= Self.maximumByteCount else { return nil }
        self.text = plain
    }

    package var isFolder: Bool { text.hasSuffix("/") }
}
