// SPDX-License-Identifier: Apache-2.0

import TrustRunEvents

extension JSONLinesEncoder {
    /// The text of an organisation at most; one that is longer is left out.
    static let hintMax = 512

    /// What begins the hint at each organisation; the first is that of nobody.
    static func hints(at organisations: [Organisation]) -> [[UInt8]] {
        [Array(",\"organisation\":{\"hint\":true".utf8)]
            + organisations.map { organisation in
                var buffer = OutputBuffer(capacity: hintMax)
                buffer.append(",\"organisation\":{\"hint\":true,\"name\":")
                buffer.append(jsonString: organisation.name)
                buffer.append(",\"source\":")
                buffer.append(jsonString: organisation.source)
                return buffer.copy(from: 0) ?? Array(",\"organisation\":{\"hint\":true".utf8)
            }
    }

    /// Writes who published the address as theirs and the name's registrable domain, as far as they are known.
    @inline(always)
    func putHint(of connection: inout ConnectionEvent, at line: inout LineCursor) {
        if connection.organisation == 0, connection.names.name == nil, !connection.names.hasCandidates { return }
        putKnownHint(of: &connection, at: &line)
    }

    private func putKnownHint(of connection: inout ConnectionEvent, at line: inout LineCursor) {
        let name = connection.names.singleName
        let domain = name?.domainOffset ?? HostName.noDomain
        let number = Int(connection.organisation) < organisations.count ? Int(connection.organisation) : 0
        guard number != 0 || domain != HostName.noDomain else { return }
        unsafe line.put(organisations[number])
        if let name, domain < name.bytes.count {
            line.put(",\"domain\":\"")
            let bytes = name.bytes
            line.put(bytes.span.extracting(Int(domain)...))
            line.put("\"")
        }
        line.put("}")
    }
}
