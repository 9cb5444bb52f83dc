// SPDX-License-Identifier: Apache-2.0

package import TrustRunEvents

/// What reads the ClientHello of a QUIC client. It is encrypted, with keys that anybody can derive from the packet (RFC 9001 5.2). Owned by one thread.
package protocol QUICHellos: AnyObject {
    /// Takes a datagram that a client sent; the ClientHello with the one that completes it, once for each flow.
    func take(_ datagram: RawSpan, cookie: UInt64, remote: Endpoint) -> TLSClientHello?

    /// How many could not be opened, joined or parsed since the last call, or had to be forgotten.
    func takeUnread() -> UInt64
}
