// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Calls what belongs to each descriptor when it can be read; sleeps in between.
final class DescriptorLoop {
    private var sources: [(descriptor: Int32, body: () -> Void)] = []
    private var isOver = false

    func add(_ descriptor: Int32, _ body: @escaping () -> Void) {
        sources.append((descriptor, body))
    }

    func remove(_ descriptor: Int32) {
        sources.removeAll { source in source.descriptor == descriptor }
    }

    /// `run` returns when what it called now is done.
    func end() { isOver = true }

    func run() {
        while !isOver {
            var waiting = sources.map { source in pollfd(fd: source.descriptor, events: Int16(POLLIN), revents: 0) }
            guard unsafe poll(&waiting, nfds_t(waiting.count), -1) >= 0 || errno == EINTR else { return }
            for (source, entry) in zip(sources, waiting) where entry.revents != 0 && !isOver {
                // What ran before may have removed it.
                if sources.contains(where: { kept in kept.descriptor == source.descriptor }) { source.body() }
            }
        }
    }
}
