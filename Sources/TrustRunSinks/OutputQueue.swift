// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Hands buffers to a thread that writes them to a file descriptor, so that a slow reader never stops the producer.
///
/// The thread keeps the queue alive until `finish`. The descriptors given to `init` stay the caller's.
package final class OutputQueue: Sendable {
    /// Buffers that may be in use at once, with the writer or with the producer.
    package static let bufferLimit = 32
    /// One more for the last lines of a session, which must not be dropped.
    private static let ringSize = bufferLimit + 1
    /// Empty buffers kept for the next use; the memory of the others goes back.
    private static let spareLimit = 4

    private struct State: ~Copyable {
        var waiting = InlineArray<33, OutputBuffer?> { _ in nil }
        var firstWaiting = 0
        var waitingCount = 0
        var spares = InlineArray<4, OutputBuffer?> { _ in nil }
        var spareCount = 0
        var inUse = 0
        var isFinishing = false
    }

    private let state = Mutex(State())
    private let failure = Atomic<Int32>(0)
    private let outputDescriptor: Int32
    private let goneDescriptor: Int32
    private let submitted: WakePipe
    private let finished: WakePipe

    /// Starts the writer thread; `goneDescriptor` is an eventfd that is written once when the reader is gone.
    package init(outputDescriptor: Int32, goneDescriptor: Int32) throws(OutputError) {
        self.outputDescriptor = outputDescriptor
        self.goneDescriptor = goneDescriptor
        submitted = try WakePipe()
        finished = try WakePipe()
        try startThread()
    }

    /// Whether a write failed: nobody will read what comes now, and it is thrown away.
    package var isReaderGone: Bool { failure.load(ordering: .acquiring) != 0 }

    /// Why a write failed, other than that the reader went away; nil if none did.
    package var writeError: OutputError? {
        let errorNumber = failure.load(ordering: .acquiring)
        return errorNumber == 0 || errorNumber == EPIPE ? nil : OutputError(attempt: "write", errorNumber: errorNumber)
    }

    /// Whether every submitted buffer is with the writer or written.
    package var isIdle: Bool { state.withLock { $0.waitingCount == 0 } }

    /// An empty buffer; nil while all are waiting for the reader.
    package func takeBuffer() -> OutputBuffer? {
        takeBuffer(limit: Self.bufferLimit)
    }

    /// An empty buffer for a session's last lines, even while all others are waiting; nil if it is in use as well.
    package func takeLastBuffer() -> OutputBuffer? {
        takeBuffer(limit: Self.ringSize)
    }

    private func takeBuffer(limit: Int) -> OutputBuffer? {
        state.withLock { state in
            guard state.inUse < limit else { return nil }
            state.inUse += 1
            guard state.spareCount > 0 else { return OutputBuffer() }
            state.spareCount -= 1
            return state.spares[state.spareCount].take()
        }
    }

    /// Gives a buffer that came from `takeBuffer` to the writer; never blocks.
    package func submit(_ buffer: consuming OutputBuffer) {
        var handed: OutputBuffer? = consume buffer
        state.withLock { state in
            let place = (state.firstWaiting + state.waitingCount) % Self.ringSize
            state.waiting[place] = handed.take()
            state.waitingCount += 1
        }
        submitted.raise()
    }

    /// Ends the thread when all is written; false if that took longer than the timeout, and then the thread is left.
    package func finish(timeoutMilliseconds: Int) -> Bool {
        state.withLock { $0.isFinishing = true }
        submitted.raise()
        return finished.isRaised(withinMilliseconds: timeoutMilliseconds)
    }

    private func startThread() throws(OutputError) {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self)
        let result = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<OutputQueue>.fromOpaque(context).takeRetainedValue().writeUntilFinished()
                return nil
            }, context.toOpaque())
        guard result == 0 else {
            unsafe context.release()
            throw OutputError(attempt: "pthread_create", errorNumber: result)
        }
        pthread_detach(thread)
    }

    private func writeUntilFinished() {
        // No handler runs on this thread, and a closed pipe is an error here even where SIGPIPE is not ignored.
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        while true {
            while let buffer = nextBuffer() {
                write(buffer)
                recycle(buffer)
            }
            if state.withLock({ $0.isFinishing && $0.waitingCount == 0 }) { break }
            submitted.wait()
        }
        finished.raise()
    }

    private func write(_ buffer: borrowing OutputBuffer) {
        guard !isReaderGone else { return }
        let errorNumber = DescriptorWriter.write(buffer.bytes, to: outputDescriptor)
        guard errorNumber != 0 else { return }
        failure.store(errorNumber, ordering: .releasing)
        announceGoneReader()
    }

    private func nextBuffer() -> OutputBuffer? {
        state.withLock { state in
            guard state.waitingCount > 0 else { return nil }
            let place = state.firstWaiting
            state.firstWaiting = (place + 1) % Self.ringSize
            state.waitingCount -= 1
            return state.waiting[place].take()
        }
    }

    private func recycle(_ buffer: consuming OutputBuffer) {
        var returned: OutputBuffer? = consume buffer
        returned?.removeAll()
        state.withLock { state in
            state.inUse -= 1
            guard state.spareCount < Self.spareLimit else { return }
            state.spares[state.spareCount] = returned.take()
            state.spareCount += 1
        }
    }

    private func announceGoneReader() {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(goneDescriptor, &one, MemoryLayout<UInt64>.size)
    }
}
