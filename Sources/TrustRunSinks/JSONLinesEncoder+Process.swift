// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents

extension JSONLinesEncoder {
    private static let maximumAncestors = 16

    /// Where a text that is kept is made.
    private static let preparationMax = 128 << 10

    /// Whether the texts that are kept in the process and the group are there, or there is nobody to keep them.
    @inline(always)
    static func isPrepared(_ owner: borrowing Owner?) -> Bool {
        guard let owner = copy owner else { return true }
        return unsafe (owner.process == nil || !text(of: owner.process).isEmpty)
            && (owner.cgroup == nil || !text(of: owner.cgroup).isEmpty)
    }

    /// Makes these texts; false if one is too long.
    @inline(never)
    func prepare(_ owner: Owner?) -> Bool {
        if let process = owner?.process, process.text.isEmpty {
            var buffer = OutputBuffer(capacity: Self.preparationMax)
            append(process, withArguments: false, to: &buffer)
            process.encoded = buffer.copy(from: 0) ?? []
        }
        if let cgroup = owner?.cgroup, cgroup.text.isEmpty {
            var buffer = OutputBuffer(capacity: Self.preparationMax)
            Self.append(cgroup, to: &buffer)
            cgroup.encoded = buffer.copy(from: 0) ?? []
        }
        return Self.isPrepared(owner)
    }

    /// The text that is kept in a process: it holds until the process changes.
    @inline(always)
    static func text(of process: borrowing ProcessIdentity?) -> UnsafeBufferPointer<UInt8> {
        switch process {
        case .some(let process): unsafe Self.bytes(at: process.text.place)
        case .none: unsafe UnsafeBufferPointer(start: nil, count: 0)
        }
    }

    /// `KeptText.bytes`, without a call into another module.
    @inline(always)
    static func bytes(at place: UnsafePointer<KeptText.Place>) -> UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: place.pointee.start, count: place.pointee.count)
    }

    /// The text that is kept in a group: it holds until the group changes.
    @inline(always)
    static func text(of cgroup: borrowing CgroupIdentity?) -> UnsafeBufferPointer<UInt8> {
        switch cgroup {
        case .some(let cgroup): unsafe Self.bytes(at: cgroup.text.place)
        case .none: unsafe UnsafeBufferPointer(start: nil, count: 0)
        }
    }

    /// Writes `,"process":{...}` from the form kept in the process.
    func appendCached(_ process: ProcessIdentity, to buffer: inout OutputBuffer) {
        guard process.text.isEmpty else { return unsafe buffer.append(process.text.bytes) }
        let start = buffer.count
        append(process, withArguments: false, to: &buffer)
        process.encoded = buffer.copy(from: start) ?? []
    }

    func append(_ process: ProcessIdentity, withArguments: Bool, to buffer: inout OutputBuffer) {
        buffer.append(",\"process\":{\"pid\":")
        buffer.append(decimal: UInt64(process.key.tgid))
        buffer.append(",\"start_time\":\"")
        startTimes.append(bootOffset &+ process.key.startTime, to: &buffer)
        buffer.append("\",\"ppid\":")
        buffer.append(decimal: UInt64(process.parentTgid))
        buffer.append(",\"name\":")
        buffer.append(jsonString: process.name)
        if !process.executable.isEmpty {
            buffer.append(",\"executable\":")
            buffer.append(jsonString: process.executable)
        }
        buffer.append(",\"uid\":")
        buffer.append(decimal: UInt64(process.user))
        buffer.append(",\"gid\":")
        buffer.append(decimal: UInt64(process.group))
        Self.appendAncestors(of: process, to: &buffer)
        if withArguments { Self.appendArguments(of: process, to: &buffer) }
        if process.isExisting { buffer.append(",\"existing\":true") }
        if process.isKernelThread { buffer.append(",\"kernel\":true") }
        buffer.append("}")
    }

    private static func appendAncestors(of process: ProcessIdentity, to buffer: inout OutputBuffer) {
        guard var ancestor = process.parent else { return }
        buffer.append(",\"ancestors\":[")
        buffer.append(jsonString: ancestor.name)
        var count = 1
        while count < maximumAncestors, let next = ancestor.parent {
            buffer.append(",")
            buffer.append(jsonString: next.name)
            ancestor = next
            count += 1
        }
        buffer.append("]")
    }

    private static func appendArguments(of process: ProcessIdentity, to buffer: inout OutputBuffer) {
        buffer.append(",\"arguments\":[")
        var arguments = ArgumentSequence(process.arguments)
        var isFirst = true
        while let range = arguments.next() {
            if !isFirst { buffer.append(",") }
            isFirst = false
            buffer.append(jsonString: process.arguments.span.extracting(range))
        }
        buffer.append("]")
        if process.areArgumentsTruncated { buffer.append(",\"arguments_truncated\":true") }
    }

    /// Writes `,"cgroup":{...}` and `,"container":{...}` from the form kept in the group.
    func appendCached(_ cgroup: CgroupIdentity, to buffer: inout OutputBuffer) {
        guard cgroup.text.isEmpty else { return unsafe buffer.append(cgroup.text.bytes) }
        let start = buffer.count
        Self.append(cgroup, to: &buffer)
        cgroup.encoded = buffer.copy(from: start) ?? []
    }

    private static func append(_ cgroup: CgroupIdentity, to buffer: inout OutputBuffer) {
        buffer.append(",\"cgroup\":{\"id\":")
        buffer.append(decimal: cgroup.id)
        if !cgroup.path.isEmpty {
            buffer.append(",\"path\":")
            buffer.append(jsonString: cgroup.path)
        }
        buffer.append("}")
        guard let container = cgroup.container else { return }
        buffer.append(",\"container\":{\"id\":")
        buffer.append(jsonString: container.id)
        buffer.append(",\"runtime\":")
        buffer.append(jsonString: container.runtime.rawValue)
        if let podUID = container.podUID {
            buffer.append(",\"pod_uid\":")
            buffer.append(jsonString: podUID)
        }
        buffer.append("}")
    }
}
