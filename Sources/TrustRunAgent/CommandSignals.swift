// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc

/// The signals that this process gets while a command runs: most are the command's.
final class CommandSignals {
    private static let held = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD, SIGWINCH]
    /// Can be read when a signal waits.
    let descriptor: Int32

    /// Holds signals back from here on; make it before the command.
    init() throws(AgentError) {
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        for signal in Self.held { unsafe sigaddset(&mask, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &mask, nil)
        descriptor = unsafe signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard descriptor >= 0 else {
            throw AgentError(.operatingSystem, "could not make a descriptor for signals: \(ErrorText.of(errno))")
        }
    }

    deinit { close(descriptor) }

    /// The next signal, nil if none waits; whether the terminal sent it: then every process of the foreground has got it.
    func take() -> (number: Int32, isFromTerminal: Bool)? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard unsafe read(descriptor, &info, size) == size else { return nil }
        // SI_KERNEL (include/uapi/asm-generic/siginfo.h)
        return (Int32(bitPattern: info.ssi_signo), info.ssi_code == 0x80)
    }
}
