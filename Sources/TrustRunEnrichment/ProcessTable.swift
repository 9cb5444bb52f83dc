// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// The processes of the machine, by what the kernel told of them.
struct ProcessTable: ~Copyable {
    /// How many ancestors a process keeps alive.
    private static let ancestorsMax = 32
    /// How long a process that ended can still be named, for records that were on their way.
    private static let lingerNanoseconds: UInt64 = 2_000_000_000

    /// By pid, each with the group it is in.
    private var owners = OpenTable<Owner>(minimumCapacity: 1024)
    private var ended: [(key: ProcessKey, time: UInt64)] = []
    private var cgroups: CgroupTable

    init(cgroups: consuming CgroupTable) {
        self.cgroups = cgroups
    }

    /// The process with this key, if it is known.
    func find(_ key: ProcessKey) -> ProcessIdentity? {
        guard let found = owners[UInt64(key.tgid)]?.process, found.key.startTime == key.startTime else { return nil }
        return found
    }

    /// The process with the group it is in.
    func owner(of process: ProcessIdentity) -> Owner {
        if let owner = owners[UInt64(process.key.tgid)], owner.process === process { return owner }
        return Owner(process: process, cgroup: process.cgroup)
    }

    /// The process that a record speaks of, brought up to date with it; one whose beginning was lost is made from the record alone.
    mutating func resolve(_ facts: TaskFacts, flags: SensorEvent.Flags) -> ProcessIdentity {
        var facts = facts
        if let place = upToDate(&facts), let process = owners[place: place].process { return process }
        return update(facts, flags: flags)
    }

    /// The same with the group that the process is in.
    @inline(always)
    mutating func resolveOwner(_ facts: inout TaskFacts, flags: SensorEvent.Flags) -> Owner {
        if let place = upToDate(&facts) { return owners[place: place] }
        return owner(of: update(facts, flags: flags))
    }

    /// Where the process of a record is if what the record says of it is known already.
    @inline(always)
    private func upToDate(_ facts: inout TaskFacts) -> Int? {
        guard let place = owners.place(of: UInt64(facts.key.tgid)) else { return nil }
        let isKnown =
            owners[place: place].startTime == facts.key.startTime && owners[place: place].user == facts.user
            && owners[place: place].group == facts.group && owners[place: place].cgroupID == facts.cgroupID
        return isKnown ? place : nil
    }

    private mutating func update(_ facts: TaskFacts, flags: SensorEvent.Flags) -> ProcessIdentity {
        guard let found = find(facts.key) else {
            return add(facts, flags: flags, parent: ProcessKey(tgid: 0, startTime: 0), executable: [])
        }
        if found.user != facts.user || found.group != facts.group {
            found.user = facts.user
            found.group = facts.group
            found.encoded = []
        }
        if found.cgroup?.id != facts.cgroupID { found.cgroup = cgroups.resolve(facts.cgroupID) }
        owners[UInt64(facts.key.tgid)] = Owner(process: found, cgroup: found.cgroup)
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
        owners[UInt64(facts.key.tgid)] = Owner(process: process, cgroup: process.cgroup)
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
            if find(ended[gone].key) != nil { owners[UInt64(ended[gone].key.tgid)] = nil }
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
