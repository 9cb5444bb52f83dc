// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TrustRunEvents
import TrustRunSinks

/// A pipe with a writer at one end, and a pipe in place of the eventfd that tells of a gone reader.
final class TestPipe {
    private let output = Pipe()
    private let gone = Pipe()

    init() throws {}

    func makeWriter() throws -> EventWriter {
        let queue = try OutputQueue(
            outputDescriptor: output.fileHandleForWriting.fileDescriptor,
            goneDescriptor: gone.fileHandleForWriting.fileDescriptor)
        return EventWriter(encoder: Samples.encoder(), queue: queue)
    }

    func closeReadEnd() {
        try? output.fileHandleForReading.close()
    }

    func closeWriteEnd() {
        try? output.fileHandleForWriting.close()
    }

    func waitUntilGone(milliseconds: Int32) -> Bool {
        var request = pollfd(fd: gone.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, milliseconds) == 1
    }

    /// The lines up to the end of the stream.
    func readLines() -> [String] {
        Reader.lines(in: output.fileHandleForReading.readDataToEndOfFile())
    }

    func startReader() -> Reader {
        Reader(output.fileHandleForReading)
    }

    /// Reads to the end on a thread of its own.
    final class Reader {
        private let queue = DispatchQueue(label: "reader")
        private let content = Content()

        final class Content: Sendable {
            let data = Mutex(Data())
        }

        init(_ handle: FileHandle) {
            queue.async { [content] in content.data.withLock { $0 = handle.readDataToEndOfFile() } }
        }

        func lines() -> [String] {
            Self.lines(in: queue.sync { content.data.withLock { $0 } })
        }

        static func lines(in data: Data) -> [String] {
            let text = String(decoding: data, as: UTF8.self)
            return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        }
    }
}
