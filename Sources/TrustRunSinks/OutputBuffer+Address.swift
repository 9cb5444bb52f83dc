// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

extension OutputBuffer {
    /// Writes an address: dotted decimal for IPv4, the RFC 5952 text for IPv6.
    package mutating func append(_ address: IPAddress) {
        guard var cursor = cursor(atMost: LineCursor.addressMax) else { return }
        cursor.put(address)
        commit(cursor)
    }
}
