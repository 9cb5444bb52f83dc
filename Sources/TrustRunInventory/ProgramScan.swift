// SPDX-License-Identifier: Apache-2.0

/// A running program that carries TLS in its own code.
package struct TLSProgram: Sendable {
    /// As the process's own mount namespace names it, with " (deleted)" if it does no more.
    package let path: String
    /// The path by which the agent reaches it for as long as the first of `pids` lives.
    package let file: String
    package let key: FileKey
    /// The first few processes that run it.
    package fileprivate(set) var pids: [UInt32]
    package fileprivate(set) var processCount: Int
    package let tls: CarriedTLS
    /// Its symbol table was cut off.
    package let isStripped: Bool
    /// It runs without a dynamic linker, so no library's probe sees into it.
    package let isStatic: Bool
}

/// Finds running programs that carry TLS in their own code.
package enum ProgramScan {
    private static let maximumPids = 4

    /// Looks into each running executable once.
    package static func run() -> [TLSProgram] {
        var found: [FileKey: TLSProgram] = [:]
        var without: Set<FileKey> = []
        ProcessFiles.forEachProcess { pid in
            let file = "/proc/\(pid)/exe"
            guard let key = FileSystem.status(file).map({ FileKey($0) }), !without.contains(key) else { return }
            if var program = found.removeValue(forKey: key) {
                program.processCount += 1
                if program.pids.count < maximumPids { program.pids.append(pid) }
                found[key] = program
            } else if let program = program(pid: pid, file: file) {
                found[key] = program
            } else {
                without.insert(key)
            }
        }
        return found.values.sorted { ($0.path, $0.key.inode) < ($1.path, $1.key.inode) }
    }

    /// The TLS program that a process runs; nil if it carries none or is gone.
    package static func program(pid: UInt32) -> TLSProgram? {
        program(pid: pid, file: "/proc/\(pid)/exe")
    }

    private static func program(pid: UInt32, file: String) -> TLSProgram? {
        guard let path = FileSystem.target(ofLink: file), let symbols = ELFSymbols(path: file),
            let tls = CarriedTLS(symbols)
        else { return nil }
        return TLSProgram(
            path: path,
            file: file,
            key: symbols.key,
            pids: [pid],
            processCount: 1,
            tls: tls,
            isStripped: symbols.isStripped,
            isStatic: symbols.isStatic
        )
    }
}
