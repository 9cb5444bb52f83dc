// SPDX-License-Identifier: Apache-2.0

/// Where in the kernel something was judged, as `tr_judged_at` numbers it.
package enum GateKind: UInt8, CaseIterable, Sendable {
    /// TCP, Fast Open too.
    case connect = 1
    /// UDP: by its destination, or the first one after connect().
    case datagram
    /// Who connects in, at its SYN.
    case inbound
    /// A kind of socket.
    case socket
    /// A socket option.
    case option
    /// A port of its own that it may not have.
    case bind
    /// A packet that is not plain.
    case packet
    /// DNS on its way to a resolver.
    case query
    /// A DNS answer that ties no name to an address.
    case answer
    /// TCP, by the server name of its ClientHello.
    case name
    /// A socket that another process made.
    case handover
    /// A socket made by a process that has left the scope.
    case leaving
    /// A process outside of the scope, reached for.
    case process

    /// The word in the stream.
    package var text: StaticString {
        switch self {
        case .connect: "connect"
        case .datagram: "datagram"
        case .inbound: "inbound"
        case .socket: "socket"
        case .option: "option"
        case .bind: "bind"
        case .packet: "packet"
        case .query: "query"
        case .answer: "answer"
        case .name: "name"
        case .handover: "handover"
        case .leaving: "leaving"
        case .process: "process"
        }
    }
}
