// SPDX-License-Identifier: Apache-2.0

/// Follows links as a process does whose root directory is not ours.
///
/// Through /proc/PID/root the kernel would take a link to "/usr/lib" for our own /usr/lib.
enum RootedPath {
    private static let maximumLinks = 40  // MAXSYMLINKS of linux/namei.h

    /// The path, without any link left in it, that leads to `path` below `root`; nil if links go round in circles.
    static func resolve(_ path: String, inRoot root: String) -> String? {
        canonical(path, inRoot: root).map { join(root, $0) }
    }

    /// The same path from `root` on.
    static func canonical(_ path: String, inRoot root: String) -> String? {
        var waiting = Array(components(of: path).reversed())
        var walked: [Substring] = []
        var links = 0
        while let component = waiting.popLast() {
            if component == ".." {
                _ = walked.popLast()
                continue
            }
            walked.append(component)
            guard let target = FileSystem.target(ofLink: join(root, text(walked))) else { continue }
            links += 1
            guard links <= maximumLinks else { return nil }
            if target.utf8.first == UInt8(ascii: "/") { walked = [] } else { walked.removeLast() }
            waiting += components(of: target).reversed()
        }
        return text(walked)
    }

    /// The path by which we reach `path`, which begins at `root`; links in it are left.
    static func join(_ root: String, _ path: String) -> String {
        (root == "/" ? "" : root) + path
    }

    private static func text(_ components: [Substring]) -> String {
        "/" + components.joined(separator: "/")
    }

    private static func components(of path: String) -> [Substring] {
        path.split(separator: "/").filter { $0 != "." }
    }
}
