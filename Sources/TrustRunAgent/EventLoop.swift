// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc

/// Waits for whatever comes first: the tick, a signal, or the end of the reader.
final class EventLoop {
    enum Wake {
        case tick
        /// See `takeSignal`.
        case signal
        case readerGone
    }

    static let tickMilliseconds = 10

    /// poll(2) passes over it.
    private static let noDescriptor: Int32 = -1

    private let timer: Int32
    private let signals: Int32
    /// Written by whoever finds that nobody reads the output any more.
    let goneDescriptor: Int32

    /// SIGINT and SIGTERM end the session, unless signals are another's; SIGPIPE is an error of write(2).
    init(takesSignals: Bool = true) throws(AgentError) {
        Glibc.signal(SIGPIPE, SIG_IGN)
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        unsafe sigaddset(&mask, SIGINT)
        unsafe sigaddset(&mask, SIGTERM)
        if takesSignals { unsafe pthread_sigmask(SIG_BLOCK, &mask, nil) }
        signals = takesSignals ? unsafe signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK)) : Self.noDescriptor
        timer = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        goneDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard signals >= 0 || !takesSignals, timer >= 0, goneDescriptor >= 0 else {
            throw AgentError(.operatingSystem, "could not make the descriptors of the event loop (errno \(errno))")
        }
        var period = itimerspec()
        period.it_interval.tv_nsec = Self.tickMilliseconds * 1_000_000
        period.it_value.tv_nsec = Self.tickMilliseconds * 1_000_000
        unsafe timerfd_settime(timer, 0, &period, nil)
    }

    deinit {
        close(timer)
        close(signals)
        close(goneDescriptor)
    }

    /// The signal that woke the loop, and whether the terminal sent it: then every process of the foreground has got it.
    func takeSignal() -> (number: Int32, isFromTerminal: Bool)? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard unsafe read(signals, &info, size) == size else { return nil }
        // SI_KERNEL (include/uapi/asm-generic/siginfo.h)
        return (Int32(bitPattern: info.ssi_signo), info.ssi_code == 0x80)
    }

    func wait() -> Wake {
        var waiting = [signals, goneDescriptor, timer].map { descriptor in
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        }
        while unsafe poll(&waiting, nfds_t(waiting.count), -1) < 0 {
            guard errno == EINTR else { return .signal }
        }
        if waiting[0].revents != 0 { return .signal }
        if waiting[1].revents != 0 { return .readerGone }
        var count: UInt64 = 0
        _ = unsafe read(timer, &count, MemoryLayout<UInt64>.size)
        return .tick
    }
}
