// SPDX-License-Identifier: Apache-2.0

/// The network namespaces in which the resolvers of a policy are what they are: answers that come to sockets elsewhere tie no names.
package struct ResolverNamespaces: Sendable {
    /// Inode numbers of nsfs.
    package var inodes: [UInt32]
    /// Also every one that belongs to the machine's first user namespace: only its root makes those, as container runtimes do.
    package var includesRootOwned: Bool

    package init(inodes: [UInt32], includesRootOwned: Bool = false) {
        self.inodes = inodes
        self.includesRootOwned = includesRootOwned
    }
}
