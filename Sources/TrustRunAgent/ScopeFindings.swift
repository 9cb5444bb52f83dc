// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// What the processes of a group have that gates over it do not hold: capabilities, and sockets that were made in other groups.
struct ScopeFindings {
    struct Weakness {
        /// What it is, whoever has it.
        let key: String
        /// The same in words, with the ids of those who have it.
        let text: String
        /// Whether it may as well be something that every process has for a moment.
        var isVague = false
    }

    /// What they could do all the same: the gates hold, and are degraded.
    private(set) var weaknesses: [Weakness] = []
    /// Sockets through which data could leave unjudged.
    private(set) var escapes: [Weakness] = []
    /// TCP connections made elsewhere, that are to be ended or left by what the policy says of their peers.
    private(set) var connections: [(pid: UInt32, socket: HeldSocket)] = []

    /// Looks at a group and all below it. Throws if that cannot be known.
    init(of group: ControlGroup, in namespaces: NetworkNamespaces) throws(EnforcementError) {
        let inspection = ScopeInspection(folder: group.folder)
        for (capability, pids) in inspection.empowered {
            weaknesses.append(Weakness(key: capability, text: "\(capability) in \(Self.list(pids))"))
        }
        if !inspection.unreadable.isEmpty {
            weaknesses.append(
                Weakness(key: "unreadable", text: "nothing is known of \(Self.list(inspection.unreadable))"))
        }
        let births = try SocketBirths(inNamespaces: namespaces.descriptors)
        let own = Set(CgroupHierarchy(mountPoint: group.folder).groups().map(\.id))
        for process in inspection.processes {
            for socket in process.sockets { sort(socket, of: process.pid, births.groups[socket.inode], own) }
        }
    }

    private mutating func sort(_ socket: HeldSocket, of pid: UInt32, _ birth: UInt64?, _ own: Set<UInt64>) {
        if let birth, own.contains(birth) { return }
        let words = "\(socket.text) of process \(pid)"
        switch (socket.kind, socket.state) {
        case (.tcp, .connected): connections.append((pid, socket))
        case (.unknown, _), (.tcp, .unconnected):
            weaknesses.append(
                Weakness(key: words, text: "\(words), which may have been made elsewhere", isVague: true))
        case (.tcp, .listening), (.udp, _), (.raw, _), (.packet, _):
            escapes.append(Weakness(key: words, text: "\(words), made outside of the scope"))
        }
    }

    private static func list(_ pids: [UInt32]) -> String {
        let shown = pids.prefix(8).map { pid in "\(pid)" }.joined(separator: ", ")
        return (pids.count == 1 ? "process " : "processes ") + shown
            + (pids.count > 8 ? " and \(pids.count - 8) more" : "")
    }

    /// Ends the connections that the policy does not allow; returns them in words, and what could not be ended.
    func end(
        by compiled: CompiledPolicy, in namespaces: NetworkNamespaces
    ) -> (ended: [String], escapes: [Weakness]) {
        var ended: [String] = []
        var left: [Weakness] = []
        for (pid, socket) in connections {
            guard let local = socket.local, let peer = socket.peer else { continue }
            let question = PolicyQuestion(
                address: peer.address.canonical, port: peer.port, executable: ProcFile.link("/proc/\(pid)/exe"))
            guard !compiled.decide(question).action.letsThrough else { continue }
            let words = "\(socket.text) of process \(pid), made outside of the scope"
            do throws(EnforcementError) {
                try HeldConnection(local: local, peer: peer).end(inNamespaces: namespaces.descriptors)
                ended.append(words)
            } catch {
                left.append(Weakness(key: words, text: "\(words): \(error.description)"))
            }
        }
        return (ended, left)
    }
}
