// SPDX-License-Identifier: Apache-2.0

/// A glob on an executable's path: `*` stands for any bytes, slashes included, `?` for one; everything else is itself.
package struct PathGlob: Sendable, Hashable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }
}
