// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc

/// A terminal of a command's own before that of this process: what the command does to it ends with it, and nothing that it types there reaches
/// the session behind.
@safe final class CommandTerminal {
    /// What it consists of, at a place that stays.
    let ends: UnsafeMutablePointer<tr_terminal>
    private(set) var isJoined = false

    /// nil: standard input and output are not a terminal whose foreground this process is.
    static func make(for invoker: Invoker?) throws(AgentError) -> CommandTerminal? {
        tr_terminal_is_ours() == 1 ? try CommandTerminal(for: invoker) : nil
    }

    private init(for invoker: Invoker?) throws(AgentError) {
        unsafe ends = .allocate(capacity: 1)
        unsafe ends.initialize(to: tr_terminal())
        try Self.check(unsafe tr_terminal_open(ends, invoker?.user.uid ?? 0))
    }

    deinit {
        leave()
        unsafe tr_terminal_close(ends)
        unsafe ends.deallocate()
    }

    /// Lets the command have it; call it once its process is there.
    func join() throws(AgentError) {
        try Self.check(unsafe tr_terminal_join(ends))
        isJoined = true
    }

    func resize() { unsafe tr_terminal_resize(ends) }

    /// Makes this process's terminal what it was; call it when the command and all that it started have ended.
    func leave() {
        if isJoined { unsafe tr_terminal_leave(ends) }
        isJoined = false
    }

    private static func check(_ result: Int32) throws(AgentError) {
        guard result == 0 else {
            throw AgentError(.operatingSystem, "could not make a terminal for the command: \(ErrorText.of(-result))")
        }
    }
}
