// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Reads which libraries processes have mapped to run, by /proc/PID/maps (proc_pid_maps(5)).
struct MemoryMaps {
    /// A line that names a library.
    struct Entry {
        /// As the line tells it, with " (deleted)" where its file has no name any more.
        var path: String
        /// The name of the mapping's link in /proc/PID/map_files.
        var mapFile: String
    }

    /// Lines are carried over from one read to the next, so this bounds a line, not a file.
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// Calls `body` with each executable mapping of a file whose name begins with "lib".
    mutating func forEachLibrary(of pid: UInt32, _ body: (Entry) -> Void) {
        let descriptor = unsafe open("/proc/\(pid)/maps", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var filled = 0
        while filled < buffer.count {
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe read(descriptor, bytes.baseAddress?.advanced(by: filled), bytes.count - filled)
            }
            guard count > 0 else { return }  // its end, or the process is gone
            filled += count
            let parsed = Self.forEachLine(of: buffer.span.extracting(..<filled), body)
            buffer.replaceSubrange(..<(filled - parsed), with: buffer[parsed..<filled])
            filled -= parsed
        }
    }

    /// Takes the whole lines; returns how many bytes they are.
    private static func forEachLine(of bytes: borrowing Span<UInt8>, _ body: (Entry) -> Void) -> Int {
        var start = 0
        var position = 0
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "\n") {
                if let entry = entry(bytes.extracting(start..<position)) { body(entry) }
                start = position + 1
                position = start
            } else {
                position += 1
            }
        }
        return start
    }

    /// Parses "55d0c000-55d0d000 r-xp 00001000 fe:01 4711    /usr/lib/libssl.so.3".
    private static func entry(_ line: borrowing Span<UInt8>) -> Entry? {
        var space = 0
        while space < line.count, line[space] != UInt8(ascii: " ") { space += 1 }
        guard space + 4 < line.count, line[space + 3] == UInt8(ascii: "x") else { return nil }
        var slash = line.count - 1
        while slash > space, line[slash] != UInt8(ascii: "/") { slash -= 1 }
        guard slash > space, line.count - slash > 3, line[slash + 1] == UInt8(ascii: "l"),
            line[slash + 2] == UInt8(ascii: "i"), line[slash + 3] == UInt8(ascii: "b")
        else { return nil }
        var first = space
        while line[first] != UInt8(ascii: "/") { first += 1 }
        return Entry(path: text(line.extracting(first...)), mapFile: mapFile(line.extracting(..<space)))
    }

    /// Writes a range as map_files does, which leaves out the leading zeros.
    private static func mapFile(_ range: borrowing Span<UInt8>) -> String {
        text(range).split(separator: "-").map { bound in
            let digits = bound.drop { $0 == "0" }
            return digits.isEmpty ? "0" : String(digits)
        }.joined(separator: "-")
    }

    private static func text(_ bytes: borrowing Span<UInt8>) -> String {
        unsafe String(unsafeUninitializedCapacity: bytes.count) { target in
            for index in bytes.indices { unsafe target[index] = bytes[index] }
            return bytes.count
        }
    }
}
