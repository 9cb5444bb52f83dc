// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents

extension JSONLinesEncoder {
    private static let maximumAncestors = 16

    /// Where a text that is kept is made.
    private static let preparationMax = 128 << 10

    /// Makes the text that is kept in the process; false if it is too long.
    @inline(always)
    func prepare(_ process: ProcessIdentity?) -> Bool {
        guard let process, unsafe process.encodedBytes.isEmpty else { return true }
        return fill(process)
    }

    private func fill(_ process: ProcessIdentity) -> Bool {
        var buffer = OutputBuffer(capacity: Self.preparationMax)
        append(process, withArguments: false, to: &buffer)
        process.encoded = buffer.copy(from: 0) ?? []
        return unsafe !process.encodedBytes.isEmpty
    }

    /// Makes the text that is kept in the group; false if it is too long.
    @inline(always)
    func prepare(_ cgroup: CgroupIdentity?) -> Bool {
        guard let cgroup, unsafe cgroup.encodedBytes.isEmpty else { return true }
        return Self.fill(cgroup)
    }

    private static func fill(_ cgroup: CgroupIdentity) -> Bool {
        var buffer = OutputBuffer(capacity: preparationMax)
        append(cgroup, to: &buffer)
        cgroup.encoded = buffer.copy(from: 0) ?? []
        return unsafe !cgroup.encodedBytes.isEmpty
    }

    /// Writes `,"process":{...}` from the form kept in the process.
    func appendCached(_ process: ProcessIdentity, to buffer: inout OutputBuffer) {
        guard unsafe process.encodedBytes.isEmpty else { return unsafe buffer.append(process.encodedBytes) }
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
        guard unsafe cgroup.encodedBytes.isEmpty else { return unsafe buffer.append(cgroup.encodedBytes) }
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
