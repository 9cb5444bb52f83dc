// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// The processes of the machine, by what the kernel told of them.
struct ProcessTable: ~Copyable {
    /// How many ancestors a process keeps alive.
    private static let ancestorsMax = 32
    /// How long a process that ended can still be named, for records that were on their way.
    private static let lingerNanoseconds: UInt64 = 2_000_000_000

    private var processes = OpenTable<ProcessIdentity>(minimumCapacity: 1024)
    private var ended: [(key: ProcessKey, time: UInt64)] = []
    private var cgroups: CgroupTable

    init(cgroups: consuming CgroupTable) {
        self.cgroups = cgroups
    }

    /// The process with this key, if it is known.
    func find(_ key: ProcessKey) -> ProcessIdentity? {
        guard let found = processes[UInt64(key.tgid)], found.key.startTime == key.startTime else { return nil }
        return found
    }

    /// The process that a record speaks of, brought up to date with it; one whose beginning was lost is made from the record alone.
    mutating func resolve(_ facts: TaskFacts, flags: SensorEvent.Flags) -> ProcessIdentity {
        guard let found = find(facts.key) else {
            return add(facts, flags: flags, parent: ProcessKey(tgid: 0, startTime: 0), executable: [])
        }
        if found.agrees(user: facts.user, group: facts.group, cgroupID: facts.cgroupID) { return found }
        if found.user != facts.user || found.group != facts.group {
            found.user = facts.user
            found.group = facts.group
            found.encoded = []
        }
        if found.cgroup?.id != facts.cgroupID { found.cgroup = cgroups.resolve(facts.cgroupID) }
        return found
    }

    /// A process that was forked: the image of its parent, or of itself before.
    mutating func fork(_ facts: TaskFacts, flags: SensorEvent.Flags, parent key: ProcessKey) {
        add(facts, flags: flags, parent: key, executable: find(key)?.executable ?? [])
    }

    /// A process with a new image.
    @discardableResult
    mutating func exec(
        _ facts: TaskFacts, flags: SensorEvent.Flags, parent: ProcessKey, executable: [UInt8]
    ) -> ProcessIdentity {
        add(facts, flags: flags, parent: parent, executable: executable)
    }

    @discardableResult
    private mutating func add(
        _ facts: TaskFacts, flags: SensorEvent.Flags, parent key: ProcessKey, executable: [UInt8]
    ) -> ProcessIdentity {
        let before = find(facts.key)
        let process = ProcessIdentity(
            key: facts.key,
            parent: before?.parent ?? find(key),
            parentTgid: key.tgid == 0 ? before?.parentTgid ?? 0 : key.tgid,
            user: facts.user,
            group: facts.group,
            name: Self.text(facts.comm),
            executable: executable,
            cgroup: cgroups.resolve(facts.cgroupID),
            isExisting: flags.contains(.existing),
            isKernelThread: flags.contains(.kernelThread)
        )
        process.bindings = before?.bindings
        cutAncestors(of: process)
        processes[UInt64(facts.key.tgid)] = process
        return process
    }

    /// Links the processes that ran before to their parents, which may have been listed after them.
    mutating func linkParents(_ parents: [(child: ProcessKey, parent: ProcessKey)]) {
        for (child, parent) in parents {
            guard let process = find(child), process.parent == nil, child != parent else { continue }
            process.parent = find(parent)
        }
    }

    /// A chain of processes that each fork the next and end would else never be let go; those that live are kept anyway.
    private func cutAncestors(of process: ProcessIdentity) {
        var last = process
        var depth = 0
        while let parent = last.parent {
            depth += 1
            if depth > Self.ancestorsMax, find(parent.key) == nil {
                last.parent = nil
                return
            }
            last = parent
        }
    }

    mutating func end(_ key: ProcessKey, at time: UInt64) {
        ended.append((key, time))
    }

    /// Lets go of what ended a while ago.
    mutating func sweep(at time: UInt64) {
        var gone = 0
        while gone < ended.count, ended[gone].time < time, time - ended[gone].time > Self.lingerNanoseconds {
            if find(ended[gone].key) != nil { processes[UInt64(ended[gone].key.tgid)] = nil }
            gone += 1
        }
        ended.removeFirst(gone)
    }

    mutating func cgroupMade(_ id: UInt64, path: [UInt8]) {
        cgroups.add(id, path: path)
    }

    mutating func cgroupRemoved(_ id: UInt64) {
        cgroups.remove(id)
    }

    mutating func cgroup(_ id: UInt64) -> CgroupIdentity? {
        id == 0 ? nil : cgroups.resolve(id)
    }

    private static func text(_ comm: InlineArray<16, UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        for index in 0..<16 {
            guard comm[index] != 0 else { break }
            bytes.append(comm[index])
        }
        return bytes
    }
}
