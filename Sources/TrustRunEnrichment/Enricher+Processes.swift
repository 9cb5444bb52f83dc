// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension Enricher {
    func exec(_ event: borrowing SensorEvent, _ task: TaskFacts, parent: ProcessKey, pathByteCount: Int) {
        let path = event.payload.extracting(0..<min(pathByteCount, event.payload.byteCount))
        let process = processes.exec(task, flags: event.flags, parent: parent, executable: Self.path(path))
        if event.flags.contains(.existing) { return }
        process.arguments = Self.bytes(event.payload.extracting(path.byteCount..<event.payload.byteCount))
        process.areArgumentsTruncated = event.flags.contains(.truncated)
        emit(.exec, at: event.time, process: process, cgroup: process.cgroup, hook: .exec)
        process.arguments = []
    }

    func exit(_ event: borrowing SensorEvent, _ task: TaskFacts, waitStatus: UInt32) {
        let process = processes.resolve(task, flags: event.flags)
        processes.end(task.key, at: event.time)
        let duration = event.time > task.key.startTime ? event.time - task.key.startTime : 0
        emit(
            .exit(ExitEvent(waitStatus: waitStatus, durationNanoseconds: duration)),
            at: event.time, process: process, cgroup: process.cgroup, hook: .exit
        )
    }

    func cgroup(_ event: borrowing SensorEvent, _ id: UInt64) {
        if event.flags.contains(.removed) {
            processes.cgroupRemoved(id)
        } else {
            processes.cgroupMade(id, path: Self.bytes(event.payload))
        }
    }

    static func bytes(_ span: RawSpan) -> [UInt8] {
        unsafe span.withUnsafeBytes { bytes in unsafe Array(bytes) }
    }

    /// A path from its components, leaf first, each ended by NUL.
    static func path(_ components: RawSpan) -> [UInt8] {
        let bytes = Self.bytes(components)
        var path: [UInt8] = []
        path.reserveCapacity(bytes.count)
        for component in bytes.split(separator: 0).reversed() {
            path.append(UInt8(ascii: "/"))
            path.append(contentsOf: component)
        }
        return path
    }
}
