// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunSystem
internal import Glibc

/// A timer that can be waited for with other descriptors.
final class TimerDescriptor {
    let descriptor: Int32
    private(set) var isArmed = false

    init() throws(AgentError) {
        descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        guard descriptor >= 0 else {
            throw AgentError(.operatingSystem, "could not make a timer: \(ErrorText.of(errno))")
        }
    }

    deinit { close(descriptor) }

    /// Expires once, or again and again.
    func arm(milliseconds: UInt64, repeats: Bool = false) {
        var time = itimerspec()
        time.it_value.tv_sec = Int(milliseconds / 1000)
        time.it_value.tv_nsec = Int(milliseconds % 1000) * 1_000_000
        if repeats { time.it_interval = time.it_value }
        unsafe timerfd_settime(descriptor, 0, &time, nil)
        isArmed = true
    }

    /// Takes note that it expired; one that does not repeat is not armed then.
    func take() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, MemoryLayout<UInt64>.size)
        isArmed = false
    }
}
