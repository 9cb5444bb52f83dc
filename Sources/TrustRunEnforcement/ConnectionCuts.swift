// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement

/// The connections that a policy refuses which came into force after they were made. One thread owns it.
@safe package final class ConnectionCuts {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe tr_cuts_close(handle) }

    /// Can be read when there is something to end.
    package var descriptor: Int32 { unsafe tr_cuts_descriptor(handle) }

    /// Ends their sockets, in whichever of these network namespaces they are (open files of /proc/PID/ns/net); returns how many.
    package func end(inNamespaces namespaces: [Int32]) throws(EnforcementError) -> Int {
        let result = unsafe tr_cuts_end(handle, namespaces, namespaces.count)
        guard result >= 0 else { throw EnforcementError("end connections that are refused now", result: result) }
        return Int(result)
    }
}
