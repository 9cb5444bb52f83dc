// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An open regular file that is read by position.
///
/// It is not mapped: whoever cuts a mapped file short kills its reader with SIGBUS.
struct ReadableFile: ~Copyable {
    private let descriptor: CInt
    let key: FileKey
    let byteCount: UInt64

    /// Opens what `path` leads to; nil if that is no regular file that may be read.
    init?(path: String) {
        // A FIFO under a library's name must not hold up its opener.
        unsafe self.init(owning: open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY))
    }

    /// Takes over an open descriptor; nil, and closed, if it is no regular file.
    init?(owning descriptor: CInt) {
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        key = FileKey(status)
        byteCount = UInt64(max(0, status.st_size))
    }

    deinit {
        close(descriptor)
    }

    /// Reads up to `count` bytes; fewer only at the end of the file.
    func read(at offset: UInt64, count: Int) -> [UInt8] {
        guard offset < byteCount, count > 0 else { return [] }
        let available = Int(min(UInt64(count), byteCount - offset))
        var bytes = [UInt8](repeating: 0, count: available)
        bytes.removeSubrange(read(at: offset, into: &bytes)...)
        return bytes
    }

    /// Fills `buffer` from its start; returns how many bytes there were.
    func read(at offset: UInt64, into buffer: inout [UInt8]) -> Int {
        var filled = 0
        while filled < buffer.count {
            let (position, overflow) = offset.addingReportingOverflow(UInt64(filled))
            guard !overflow, let start = off_t(exactly: position) else { break }
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe pread(descriptor, bytes.baseAddress?.advanced(by: filled), bytes.count - filled, start)
            }
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                break
            }
            filled += count
        }
        return filled
    }
}
