// SPDX-License-Identifier: Apache-2.0

/// A TLS library that a process has mapped to run.
package struct MappedLibrary: Sendable {
    package let pid: UInt32
    /// As /proc/PID/maps tells it.
    package let path: String
    /// The path by which the agent reaches it for as long as the process lives.
    package let file: String
    package let key: FileKey
    package let stack: TLSStack

    /// Reads the library's symbols.
    package func library() -> TLSLibrary? { TLSLibrary(path: file, name: path) }
}

/// A TLS library and the processes that have it mapped.
package struct LibraryInUse: Sendable {
    package let library: TLSLibrary
    package let pids: [UInt32]
}

/// Finds the TLS libraries on this machine.
package enum LibraryScan {
    /// The libraries named libssl in the usual directories below `root`, each file once.
    ///
    /// - Parameter root: Our own "/", or another mount namespace's "/proc/PID/root".
    package static func libssl(inRoot root: String = "/") -> [TLSLibrary] {
        libraries(inRoot: root).filter { [.openSSL, .libreSSL, .boringSSL].contains($0.stack) }
    }

    /// The libraries that speak TLS in the usual directories below `root`, each file once.
    package static func libraries(inRoot root: String = "/") -> [TLSLibrary] {
        var seen: Set<FileKey> = []
        var found: [TLSLibrary] = []
        for directory in LibraryDirectories.all(inRoot: root) {
            FileSystem.forEachName(in: RootedPath.join(root, directory)) { name in
                guard TLSStack(libraryName: name[...]) != nil,
                    let path = RootedPath.resolve(directory + "/" + name, inRoot: root),
                    let status = FileSystem.status(path), seen.insert(FileKey(status)).inserted
                else { return }
                // What the link leads to tells more, if it is named for the library at all.
                if let library = TLSLibrary(path: path) ?? TLSLibrary(path: path, name: name) { found.append(library) }
            }
        }
        return found.sorted { $0.path < $1.path }
    }

    /// The TLS libraries that processes have mapped now, each once for each process.
    package static func mappedLibraries() -> [MappedLibrary] {
        var maps = MemoryMaps()
        var found: [MappedLibrary] = []
        ProcessFiles.forEachProcess { append(of: $0, by: &maps, to: &found) }
        return found
    }

    /// The TLS libraries that one process has mapped now; none if it is gone.
    package static func mappedLibraries(of pid: UInt32) -> [MappedLibrary] {
        var maps = MemoryMaps()
        var found: [MappedLibrary] = []
        append(of: pid, by: &maps, to: &found)
        return found
    }

    /// Every TLS library in our own directories or in use, each file once.
    package static func inventory() -> [LibraryInUse] {
        var libraries: [FileKey: TLSLibrary] = [:]
        var pids: [FileKey: [UInt32]] = [:]
        for library in Self.libraries() { libraries[library.key] = library }
        for mapped in mappedLibraries() {
            pids[mapped.key, default: []].append(mapped.pid)
            if libraries[mapped.key] == nil { libraries[mapped.key] = mapped.library() }
        }
        return libraries.values.sorted { $0.path < $1.path }.map {
            LibraryInUse(library: $0, pids: pids[$0.key]?.sorted() ?? [])
        }
    }

    /// The number of a process's mount namespace; nil if the process is gone.
    package static func mountNamespace(of pid: UInt32) -> UInt64? {
        ProcessFiles.mountNamespace(of: String(pid))
    }

    /// The path by which the agent reaches what a process calls `path`.
    ///
    /// That is `path` itself if the process shares our root directory. A path told by perf is meant; one in
    /// /proc/PID/maps does not begin at a chroot's root.
    package static func resolve(pid: UInt32, path: String) -> String {
        let root = "/proc/\(pid)/root"
        guard ProcessFiles.isInOwnMountNamespace(pid), FileSystem.target(ofLink: root) == "/" else {
            return root + path
        }
        return path
    }

    private static func append(of pid: UInt32, by maps: inout MemoryMaps, to found: inout [MappedLibrary]) {
        let first = found.count
        maps.forEachLibrary(of: pid) { entry in
            guard let stack = TLSStack(libraryName: TLSLibrary.baseName(entry.path)) else { return }
            let isOwn = ProcessFiles.isInOwnMountNamespace(pid)
            var file = isOwn ? entry.path : "/proc/\(pid)/root" + entry.path
            var status = FileSystem.status(file)
            if status == nil {  // deleted, replaced, or below a chroot in a container
                file = "/proc/\(pid)/map_files/" + entry.mapFile
                status = FileSystem.status(file)
            }
            guard let key = status.map({ FileKey($0) }), !found[first...].contains(where: { $0.key == key }) else {
                return
            }
            found.append(MappedLibrary(pid: pid, path: entry.path, file: file, key: key, stack: stack))
        }
    }
}
