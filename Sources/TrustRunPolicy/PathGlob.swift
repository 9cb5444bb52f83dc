// SPDX-License-Identifier: Apache-2.0

/// A glob on an executable's path: `*` stands for any bytes, slashes included, `?` for one; everything else is itself.
package struct PathGlob: Sendable, Hashable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    /// Takes a path as raw bytes. The empty path is one that is not known, which no glob matches.
    package func matches(_ path: Span<UInt8>) -> Bool {
        !path.isEmpty && ByteGlob.matches(text.utf8.span, path)
    }
}
