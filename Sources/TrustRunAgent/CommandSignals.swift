// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Hands on to a command the signals that this process gets, until the command ends.
struct CommandSignals {
    private static let passed = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]
    private var mask = sigset_t()

    /// Holds signals back from here on; make it before the command.
    init() {
        unsafe sigemptyset(&mask)
        for signal in Self.passed + [SIGCHLD] { unsafe sigaddset(&mask, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &mask, nil)
    }

    /// Waits until the command has ended.
    mutating func wait(for command: CommandProcess) {
        while !command.isOver(), command.status == nil {
            var info = unsafe siginfo_t()
            let signal = unsafe sigwaitinfo(&mask, &info)
            // What the terminal sends, the command has got itself: SI_KERNEL (include/uapi/asm-generic/siginfo.h).
            guard signal > 0, signal != SIGCHLD, unsafe info.si_code != 0x80 else { continue }
            command.send(signal: signal)
        }
    }
}
