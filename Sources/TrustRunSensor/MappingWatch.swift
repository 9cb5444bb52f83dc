// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSensor

/// Tells of each file that any process maps executable from now on.
@safe package struct MappingWatch: ~Copyable {
    private let handle: OpaquePointer

    package init() throws(SensorError) {
        var out: OpaquePointer?
        let result = unsafe tr_mappings_open(&out)
        guard result == 0, let opened = unsafe out else { throw SensorError("watch mappings", result: result) }
        unsafe handle = opened
    }

    deinit {
        unsafe tr_mappings_close(handle)
    }

    /// Hands over (pid, path) of what was mapped since the last call; returns how many the kernel had to drop.
    package borrowing func drain(_ receiver: MappingBox) -> Int {
        withExtendedLifetime(receiver) {
            unsafe Int(tr_mappings_drain(handle, deliverMapping, receiver.context))
        }
    }
}

/// Collects the files whose base name begins with a prefix; everything else is dropped at once.
@safe package final class MappingBox {
    private let prefix: [UInt8]
    package private(set) var found: [(pid: UInt32, path: String)] = []

    package init(prefix: String) {
        self.prefix = Array(prefix.utf8)
    }

    /// What was found since the last call.
    package func take() -> [(pid: UInt32, path: String)] {
        defer { found.removeAll() }
        return found
    }

    var context: UnsafeMutableRawPointer {
        unsafe Unmanaged.passUnretained(self).toOpaque()
    }

    fileprivate func receive(_ pid: UInt32, _ path: UnsafePointer<CChar>) {
        var base = 0
        var length = 0
        while unsafe path[length] != 0 {
            if unsafe path[length] == CChar(bitPattern: UInt8(ascii: "/")) { base = length + 1 }
            length += 1
        }
        guard length - base >= prefix.count else { return }
        for (index, byte) in prefix.enumerated() where unsafe UInt8(bitPattern: path[base + index]) != byte { return }
        unsafe found.append((pid, String(cString: path)))
    }
}

@c private func deliverMapping(_ context: UnsafeMutableRawPointer?, _ pid: UInt32, _ path: UnsafePointer<CChar>) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<MappingBox>.fromOpaque(context).takeUnretainedValue().receive(pid, path)
}
