// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import TrustRunEvents
internal import TrustRunInventory
internal import TrustRunSensor

/// Attaches the SSL_ctrl probe to each libssl on the machine: those that are there at the start, those of containers that start later, and those
/// that a process maps later from anywhere. A probe belongs to the file, so every process that maps it has it.
final class LibraryWatch {
    /// Mount namespaces and files that are remembered, at most.
    private static let memory = 4096
    /// Processes whose namespace waits to be looked at, at most: a namespace has more than one.
    private static let waitingMax = 256

    private let logger: Logger
    private let mapped = MappingBox(prefix: "libssl")
    private var watch: MappingWatch?
    private var known: Set<FileKey> = []
    private var namespaces: Set<UInt64> = []
    private var waiting: [UInt32] = []

    init(logger: Logger) {
        self.logger = logger
    }

    /// A process began an image: if its mount namespace is new, its libraries are too.
    func noteExec(_ process: ProcessIdentity) {
        guard waiting.count < Self.waitingMax else { return }
        waiting.append(process.key.tgid)
    }

    /// Attaches to what is there; from now on `tick` looks for more.
    func begin(_ sensor: borrowing Sensor) {
        do {
            watch = try MappingWatch()
        } catch {
            logger.notice("libraries that programs load later from unusual places are not found: \(error)")
        }
        if let own = LibraryScan.mountNamespace(of: 1) { namespaces.insert(own) }
        for library in LibraryScan.libssl() { attach(library, sensor) }
        attachMapped(sensor)
    }

    /// Looks at what was started and mapped since the last call.
    func tick(_ sensor: borrowing Sensor) {
        for pid in waiting {
            guard let namespace = LibraryScan.mountNamespace(of: pid), namespaces.count < Self.memory,
                namespaces.insert(namespace).inserted
            else { continue }
            for library in LibraryScan.libssl(inRoot: "/proc/\(pid)/root") { attach(library, sensor) }
        }
        waiting.removeAll(keepingCapacity: true)
        guard watch != nil else { return }
        if watch?.drain(mapped) ?? 0 > 0 { attachMapped(sensor) }
        for file in mapped.take() {
            guard let library = TLSLibrary(path: LibraryScan.resolve(pid: file.pid, path: file.path)) else { continue }
            attach(library, sensor)
        }
    }

    private func attachMapped(_ sensor: borrowing Sensor) {
        for mapping in LibraryScan.mappedLibraries() where !known.contains(mapping.key) {
            if let library = mapping.library() { attach(library, sensor) }
        }
    }

    private func attach(_ library: TLSLibrary, _ sensor: borrowing Sensor) {
        guard library.canHookSSLCtrl, let offset = library.sslCtrlOffset, known.count < Self.memory,
            known.insert(library.key).inserted
        else { return }
        do {
            try sensor.attachLibssl(path: library.path, sslCtrlOffset: offset)
        } catch {
            logger.notice("server names are seen on the wire only: \(error)")
        }
    }
}
