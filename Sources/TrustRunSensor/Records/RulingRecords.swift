// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

extension RecordDecoder {
    @_lifetime(copy record)
    static func rulingEvent(_ record: borrowing RecordReader) throws(RecordError) -> SensorEvent {
        guard let gate = try GateKind(rawValue: record.load(UInt8.self, at: 108)) else { throw .badField }
        let action = try record.load(UInt8.self, at: 109)
        // One past the last: the policy could not be asked.
        guard action <= UInt8(PolicyAction.allCases.count) else { throw .badField }
        let port = try record.load(UInt16.self, at: 104)
        let ruling = try GateRuling(
            task: record.task(at: 16),
            gate: gate,
            action: PolicyAction(rawValue: action),
            basis: GateRuling.Basis(number: record.load(UInt32.self, at: 112)),
            generation: record.load(UInt32.self, at: 116),
            cookie: record.load(UInt64.self, at: 64),
            networkNamespace: record.networkNamespace(at: 44),
            peer: Endpoint(
                address: record.plainAddress(at: 72),
                port: gate == .inbound ? record.load(UInt16.self, at: 110) : port),
            own: record.plainAddress(at: 88),
            port: port,
            transport: record.load(UInt16.self, at: 106)
        )
        return try SensorEvent(
            time: record.time, flags: record.flags, body: .ruling(ruling),
            payload: record.payload(at: 128, count: Int(record.load(UInt32.self, at: 120)))
        )
    }
}
