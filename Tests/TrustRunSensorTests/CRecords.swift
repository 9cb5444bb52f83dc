// SPDX-License-Identifier: Apache-2.0

import CTrustRunSensor
import TrustRunEvents
import TrustRunTestSupport

/// The same records as `RecordBuilder`, written by way of the C structs.
enum CRecords {
    static func bytes<Record>(of record: Record, then payload: [UInt8] = []) -> [UInt8] {
        var bytes = Swift.withUnsafeBytes(of: record) { Array($0) } + payload
        bytes.fixRecordSize()
        return bytes
    }

    static func header(_ kind: tr_record_kind, _ flags: SensorEvent.Flags, at time: UInt64) -> tr_record_header {
        tr_record_header(kind: UInt16(kind.rawValue), flags: flags.rawValue, size: 0, time: time)
    }

    static func task(_ fields: TaskFields) -> tr_task {
        var task = tr_task()
        task.start_time = fields.startTime
        task.cgroup = fields.cgroup
        task.tgid = fields.tgid
        task.uid = fields.user
        task.gid = fields.group
        task.netns = fields.networkNamespace
        copy(Array(fields.comm.utf8), into: &task.comm)
        return task
    }

    static func endpoints(_ fields: EndpointFields) -> tr_endpoints {
        var ends = tr_endpoints()
        copy(fields.localAddress, into: &ends.local)
        copy(fields.remoteAddress, into: &ends.remote)
        ends.local_port = fields.localPort.bigEndian
        ends.remote_port = fields.remotePort.bigEndian
        ends.family = fields.family
        ends.protocol = fields.transport
        ends.error = fields.error
        return ends
    }

    static func copy<Field>(_ bytes: [UInt8], into field: inout Field) {
        Swift.withUnsafeMutableBytes(of: &field) { $0.copyBytes(from: bytes) }
    }
}
