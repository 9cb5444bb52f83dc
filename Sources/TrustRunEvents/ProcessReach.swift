// SPDX-License-Identifier: Apache-2.0

/// How a process outside of the scope was reached for, as `tr_reach` numbers it.
package enum ProcessReach: UInt16, Sendable {
    /// Its memory, registers or descriptors.
    case access = 0
    case abstractSocket = 1
    /// The unix socket of a service that looks up names or starts programs.
    case service = 2
    /// Bytes typed into a terminal (TIOCSTI, TIOCLINUX).
    case terminal = 3
    /// A unix socket that the policy does not list.
    case unixSocket = 4

    /// What has another number is told as `access`.
    package init(number: UInt16) {
        self = ProcessReach(rawValue: number) ?? .access
    }

    /// The word in the stream.
    package var text: StaticString {
        switch self {
        case .access: "access"
        case .abstractSocket: "abstract_socket"
        case .service: "service"
        case .terminal: "terminal"
        case .unixSocket: "unix_socket"
        }
    }

    /// For whoever reads the text form or the summary.
    package var words: StaticString {
        switch self {
        case .access: "its memory or registers"
        case .abstractSocket: "an abstract unix socket"
        case .service: "the socket of a service that looks up names or starts programs"
        case .terminal: "bytes typed into a terminal"
        case .unixSocket: "a unix socket that `unix_sockets` does not list"
        }
    }
}
