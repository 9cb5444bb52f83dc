// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSensor
package import TrustRunEvents

/// Gets the kernel's records, each during the call only.
package protocol RecordReceiver: AnyObject {
    func receive(_ record: RawSpan)
}

/// The kernel side: loaded, attached, and detached when it goes. One thread owns it.
@safe package struct Sensor: ~Copyable {
    private let handle: OpaquePointer

    /// Something that the sensor can see, and on what.
    package struct Capability: Sendable {
        package let name: String
        package let family: String
        /// nil: nothing worked.
        package let hook: String?
        /// Why the better hooks did not, in words; empty if the best one did.
        package let tried: String
    }

    /// The rung at which each ladder of hooks begins.
    package enum Ladder: String, Sendable, CaseIterable {
        case fentry, kprobe, state
    }

    /// A ring that exists already, and the counts of what found no room in it: open descriptors of both maps.
    package struct Ring: Sendable {
        package let events: Int32
        package let drops: Int32

        package init(events: Int32, drops: Int32) {
            self.events = events
            self.drops = drops
        }
    }

    /// Loads and attaches what this kernel allows. `cgroupRoot` is the mount point of the cgroup v2 hierarchy; what is written to `ring` by
    /// others is read here in one order with the sensor's own.
    package init(cgroupRoot: String?, ladder: Ladder? = nil, ring: Ring? = nil) throws(SensorError) {
        var out: OpaquePointer?
        let result = unsafe Self.open(cgroupRoot, ladder?.constant, ring, &out)
        guard result == 0, let opened = unsafe out else { throw SensorError("load the kernel side", result: result) }
        unsafe handle = opened
    }

    deinit {
        unsafe tr_sensor_close(handle)
    }

    private static func open(
        _ cgroupRoot: String?, _ ladder: UnsafePointer<CChar>?, _ ring: Ring?, _ out: inout OpaquePointer?
    ) -> Int32 {
        guard let ring else { return unsafe open(cgroupRoot, ladder, ring: nil, &out) }
        var descriptors = tr_ring(events_fd: ring.events, drops_fd: ring.drops)
        return unsafe open(cgroupRoot, ladder, ring: &descriptors, &out)
    }

    private static func open(
        _ cgroupRoot: String?, _ ladder: UnsafePointer<CChar>?, ring: UnsafePointer<tr_ring>?,
        _ out: inout OpaquePointer?
    ) -> Int32 {
        guard let cgroupRoot else { return unsafe tr_sensor_open(nil, ladder, ring, &out) }
        return unsafe cgroupRoot.withCString { path in unsafe tr_sensor_open(path, ladder, ring, &out) }
    }

    /// What the sensor sees, in the order of the ladders.
    package var capabilities: [Capability] {
        var found: [Capability] = []
        var capability = unsafe tr_capability()
        while unsafe tr_sensor_capability(handle, found.count, &capability) == 1 {
            unsafe found.append(
                Capability(
                    name: Self.text(capability.name) ?? "",
                    family: Self.text(capability.family) ?? "",
                    hook: Self.text(capability.hook),
                    tried: Self.text(capability.tried) ?? ""
                )
            )
        }
        return found
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        unsafe pointer.map { characters in unsafe String(cString: characters) }
    }

    /// Sends every record from now on to the receiver, which must outlive the sensor.
    package borrowing func subscribe(_ receiver: RecordBox) throws(SensorError) {
        let result = unsafe tr_sensor_subscribe(handle, deliver, receiver.context)
        guard result == 0 else { throw SensorError("read the ring buffer", result: result) }
    }

    /// Hands over what waits; returns the number of records.
    @discardableResult
    package borrowing func consume() -> Int {
        unsafe Int(max(0, tr_sensor_consume(handle)))
    }

    /// Fills `counts` with the records that found no room since the start, indexed by kind; false if they cannot be read.
    package borrowing func readDrops(into counts: inout [UInt64]) -> Bool {
        precondition(counts.count >= Int(TR_RECORD_KINDS.rawValue))
        return unsafe counts.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return false }
            return unsafe tr_sensor_drops(handle, base) == 0
        }
    }

    /// How often the kernel passed over a capability's programs since the start, by the capabilities' order.
    package func misses(of capability: Int) -> UInt64 {
        unsafe tr_sensor_misses(handle, capability)
    }

    /// The number of record kinds, one past the last.
    package static var recordKindCount: Int { Int(TR_RECORD_KINDS.rawValue) }

    /// Hands over a record for each process that runs.
    package borrowing func snapshotProcesses(_ receiver: RecordBox) throws(SensorError) {
        try snapshot(TR_RECORD_EXEC, receiver)
    }

    /// Hands over a record for each open internet socket, once for each process that holds it.
    package borrowing func snapshotSockets(_ receiver: RecordBox) throws(SensorError) {
        try snapshot(TR_RECORD_SOCKET, receiver)
    }

    private borrowing func snapshot(_ kind: tr_record_kind, _ receiver: RecordBox) throws(SensorError) {
        let result = withExtendedLifetime(receiver) {
            unsafe tr_sensor_snapshot(handle, kind, deliver, receiver.context)
        }
        guard result == 0 else { throw SensorError("list what runs already", result: result) }
    }

    /// Takes the byte counts of a UDP flow out of the kernel; nil if it has forgotten them.
    package borrowing func takeUDPFlow(cookie: UInt64, remote: Endpoint) -> (sent: UInt64, received: UInt64)? {
        var key = tr_udp_key()
        key.cookie = cookie
        key.remote_port = remote.port.bigEndian
        key.family = remote.address.isIPv4 ? 4 : 6
        unsafe withUnsafeMutableBytes(of: &key.remote) { bytes in
            if let ipv4 = remote.address.ipv4 {
                unsafe bytes.storeBytes(of: ipv4.bigEndian, as: UInt32.self)
            } else {
                unsafe bytes.storeBytes(of: remote.address.high.bigEndian, as: UInt64.self)
                unsafe bytes.storeBytes(of: remote.address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
        }
        var flow = tr_udp_flow()
        guard unsafe tr_sensor_take_udp_flow(handle, &key, &flow) == 0 else { return nil }
        return (flow.sent, flow.received)
    }

    /// Attaches the SSL_ctrl probe to a library file, at the function's offset in it.
    package borrowing func attachLibssl(path: String, sslCtrlOffset offset: UInt64) throws(SensorError) {
        let result = unsafe path.withCString { text in unsafe tr_sensor_attach_libssl(handle, text, offset) }
        guard result == 0 else { throw SensorError("attach SSL_ctrl in \(path)", result: result) }
    }
}

/// Carries a receiver through C; keep it for as long as the sensor.
@safe package final class RecordBox {
    fileprivate let receiver: any RecordReceiver

    package init(_ receiver: any RecordReceiver) {
        self.receiver = receiver
    }

    var context: UnsafeMutableRawPointer {
        unsafe Unmanaged.passUnretained(self).toOpaque()
    }
}

@c private func deliver(_ context: UnsafeMutableRawPointer?, _ bytes: UnsafeRawPointer, _ size: Int) {
    guard let context = unsafe context else { return }
    // Whoever subscribes keeps the box, so it is not retained for each record.
    unsafe Unmanaged<RecordBox>.fromOpaque(context)._withUnsafeGuaranteedRef { box in
        unsafe box.receiver.receive(UnsafeRawBufferPointer(start: bytes, count: size).bytes)
    }
}

extension Sensor.Ladder {
    /// The word as a C string that lives for ever: the sensor keeps it.
    fileprivate var constant: UnsafePointer<CChar> {
        let text: StaticString =
            switch self {
            case .fentry: "fentry"
            case .kprobe: "kprobe"
            case .state: "state"
            }
        return unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
