// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Spaces of 32-bit numbers cut into ranges, each with a value; made by `RangeTableMaker`.
///
/// To find a range, a node cuts what it covers into cells of equal size. A cell is a leaf, one line of the processor's cache: up to seven
/// places where a range begins, and the values around them. A cell in which more ranges begin is another node. The way to a value takes
/// no branch that depends on the number but that one, since what is looked up cannot be foreseen; and few instructions, so that the
/// processor has several look-ups under way at once.
@safe final class RangeTable: Sendable {
    struct Node {
        /// Where the first cell begins: a number of the first range, as is all below it.
        let first: UInt32
        /// Where the last range begins, counted from there.
        let last: UInt32
        /// The size of a cell, as a power of two: at most `shiftMax`.
        let shift: UInt32
        let firstCell: UInt32
    }

    /// A node that is found by a number of 32 bits.
    struct Bucket {
        /// Above 32 bits of zeros nobody; above the number, one.
        var key: UInt64
        var node: Node
        /// So that none lies in two lines of the cache.
        private let padding: UInt64 = 0

        init(key: UInt64, node: Node) {
            self.key = key
            self.node = node
        }

        static let used: UInt64 = 1 << 32
    }

    /// In a cell: another node. In a value, for `AddressIndex`: another space.
    static let marker: UInt32 = 1 << 31
    /// How many ranges may begin within a leaf.
    static let leafSize = 7
    /// 64 bytes.
    struct Leaf {
        /// For each range that begins in it, but not where it begins itself, the last number before, counted from where the leaf begins;
        /// in order; the others are `boundMax`.
        var bounds: SIMD8<UInt32>
        var values: SIMD8<UInt32>
    }

    /// With which the difference of a bound and of a number in the cell has 31 bits and a sign.
    static let shiftMax: UInt32 = 30
    static let boundMax = UInt32(Int32.max)

    // Never written again. Without bounds checks, for speed: whatever number is looked up, a node leads to one of its own cells, and a cell
    // to one of the nodes or leaves, as the maker put them there; and a space is a number that the maker gave or that stands in a leaf.
    private nonisolated(unsafe) let nodes: UnsafeMutableBufferPointer<Node>
    private nonisolated(unsafe) let cells: UnsafeMutableBufferPointer<UInt32>
    private nonisolated(unsafe) let leaves: UnsafeMutableBufferPointer<Leaf>
    private nonisolated(unsafe) let buckets: UnsafeMutableBufferPointer<Bucket>

    /// `buckets` are as many as a power of two, each at the place of its key or, one behind the other, after it; one at least has no key.
    init(nodes: [Node], cells: [UInt32], leaves: [Leaf], buckets: [Bucket]) {
        unsafe self.nodes = Self.copy(nodes)
        unsafe self.cells = Self.copy(cells)
        unsafe self.leaves = Self.copy(leaves)
        unsafe self.buckets = Self.copy(buckets)
    }

    deinit {
        unsafe nodes.deallocate()
        unsafe cells.deallocate()
        unsafe leaves.deallocate()
        unsafe buckets.deallocate()
    }

    /// The value of a number in a space, with or without the marker.
    @inline(__always) func value(of number: UInt32, in space: UInt32) -> UInt32 {
        value(of: number, in: unsafe nodes.baseAddress.unsafelyUnwrapped[Int(space & ~Self.marker)])
    }

    /// The value of a number in the space of another number; nil if that has none.
    @inline(__always) func value(of number: UInt32, inSpaceOf key: UInt32) -> UInt32? {
        let wanted = Self.Bucket.used | UInt64(key)
        var place = Self.place(of: key, among: unsafe buckets.count)
        while true {
            let bucket = unsafe buckets.baseAddress.unsafelyUnwrapped + place
            if unsafe bucket.pointee.key == wanted { return value(of: number, in: unsafe bucket.pointee.node) }
            if unsafe bucket.pointee.key == 0 { return nil }
            place = (place &+ 1) & (unsafe buckets.count &- 1)
        }
    }

    /// Where the bucket of a key is looked for first.
    @inline(__always) static func place(of key: UInt32, among count: Int) -> Int {
        Int(truncatingIfNeeded: (UInt64(key) &* 0x9e37_79b9_7f4a_7c15) &>> 32) & (count &- 1)
    }

    @inline(__always) private func value(of number: UInt32, in start: Node) -> UInt32 {
        var node = start
        while true {
            let distance = min(max(number, node.first) &- node.first, node.last)
            let place = distance &>> node.shift
            let cell = unsafe cells.baseAddress.unsafelyUnwrapped[Int(node.firstCell) &+ Int(place)]
            if cell & Self.marker != 0 {
                node = unsafe nodes.baseAddress.unsafelyUnwrapped[Int(cell & ~Self.marker)]
                continue
            }
            let leaf = unsafe leaves.baseAddress.unsafelyUnwrapped + Int(cell)
            // The highest bit of a difference is set if the number is beyond. Comparisons of vectors would become a loop.
            let within = distance &- place &<< node.shift
            let beyond = unsafe (leaf.pointee.bounds &- SIMD8(repeating: within)) &>> SIMD8(repeating: 31)
            return unsafe UnsafeRawPointer(leaf).load(
                fromByteOffset: 32 &+ 4 &* Int(beyond.wrappedSum()), as: UInt32.self)
        }
    }

    /// A processor knows where few pages lie, and asking costs as much as a look-up: so large tables lie in huge pages, where the system
    /// has them (2 MB, or whatever it makes of the advice).
    private static let hugePage = 1 << 21

    /// At the beginning of a cache line.
    private static func copy<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let size = max(1, elements.count) * MemoryLayout<Element>.stride
        let isLarge = size >= hugePage / 2
        let whole = isLarge ? (size + hugePage - 1) & ~(hugePage - 1) : size
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: whole, alignment: isLarge ? hugePage : 64)
        if isLarge { _ = unsafe madvise(bytes, whole, MADV_HUGEPAGE) }
        let start = unsafe bytes.bindMemory(to: Element.self, capacity: elements.count)
        let copy = unsafe UnsafeMutableBufferPointer(start: start, count: elements.count)
        _ = unsafe copy.initialize(from: elements)
        return unsafe copy
    }
}
