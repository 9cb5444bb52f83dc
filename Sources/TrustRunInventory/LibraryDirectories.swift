// SPDX-License-Identifier: Apache-2.0

/// The directories in which distributions and installers put libraries.
enum LibraryDirectories {
    private static let usual = [
        "/lib", "/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
        "/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
        "/usr/local/lib", "/usr/local/lib64", "/usr/local/ssl/lib", "/usr/local/ssl/lib64",
    ]
    private static let maximumPackages = 256

    /// Their paths from `root` on, without links, each once; of /opt, each package's own.
    static func all(inRoot root: String) -> [String] {
        var paths = usual
        if let packages = RootedPath.resolve("/opt", inRoot: root) {
            FileSystem.forEachName(in: packages, limit: maximumPackages) { name in
                paths += ["/opt/\(name)/lib", "/opt/\(name)/lib64"]
            }
        }
        var seen: Set<String> = []
        return paths.compactMap { path in
            guard let path = RootedPath.canonical(path, inRoot: root), seen.insert(path).inserted else { return nil }
            return path
        }
    }
}
