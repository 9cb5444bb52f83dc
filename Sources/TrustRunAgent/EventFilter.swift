// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import TrustRunEvents

/// Which events the user asked for; the parts that are absent admit everything.
package struct EventFilter: Sendable {
    /// A bit for each type that is admitted, by its position.
    private let types: UInt16
    private let phases: (connect: Bool, accept: Bool, close: Bool, violation: Bool)
    private let cgroup: String?
    private let pid: UInt32?
    /// There is a group or a process to look at.
    private let isPartial: Bool

    /// `cgroup` is a glob as in fnmatch(3), where `*` crosses slashes; `pid` stands for the process and what descends from it.
    package init(types: Set<EventType>? = nil, cgroup: String? = nil, pid: UInt32? = nil) {
        self.types = EventType.allCases.reduce(0) { bits, type in
            types?.contains(type) ?? true ? bits | 1 << type.position : bits
        }
        phases = (
            types?.contains(.connect) ?? true, types?.contains(.accept) ?? true, types?.contains(.close) ?? true,
            types?.contains(.violation) ?? true
        )
        isPartial = cgroup != nil || pid != nil
        self.cgroup = cgroup
        self.pid = pid
    }

    func admits(_ event: borrowing EnrichedEvent) -> Bool {
        admits(event.type, event.process, event.cgroup)
    }

    /// The same for a connection's event.
    @inline(always)
    func admits(_ phase: ConnectionPhase, _ report: inout ConnectionReport) -> Bool {
        let isWanted =
            switch phase {
            case .connect: phases.connect
            case .accept: phases.accept
            case .close: phases.close
            case .violation: phases.violation
            }
        return isWanted && (!isPartial || admits(report.owner?.process, report.owner?.cgroup))
    }

    private func admits(_ type: EventType, _ process: ProcessIdentity?, _ group: CgroupIdentity?) -> Bool {
        types >> type.position & 1 != 0 && concerns(process, group)
    }

    /// Whether the user asked for this process, whatever the types.
    func concerns(_ process: ProcessIdentity?, _ group: CgroupIdentity?) -> Bool {
        !isPartial || admits(process, group)
    }

    private func admits(_ process: ProcessIdentity?, _ group: CgroupIdentity?) -> Bool {
        if let pid, !Self.descends(process, from: pid) { return false }
        if let cgroup, !Self.matches(group, cgroup) { return false }
        return true
    }

    private static func descends(_ process: ProcessIdentity?, from pid: UInt32) -> Bool {
        var next = process
        while let current = next {
            if current.key.tgid == pid || current.parentTgid == pid { return true }
            next = current.parent
        }
        return false
    }

    private static func matches(_ group: CgroupIdentity?, _ glob: String) -> Bool {
        guard let group, !group.path.isEmpty else { return false }
        let path = String(decoding: group.path, as: UTF8.self)
        return unsafe fnmatch(glob, path, 0) == 0
    }
}
